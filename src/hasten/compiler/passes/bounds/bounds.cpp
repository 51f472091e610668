#include "hasten/compiler/passes/bounds/bounds.h"

#include <algorithm>

#include "hasten/compiler/ir/rules.h"
#include "hasten/compiler/passes/bounds/parallel_facts.h"
#include "hasten/compiler/passes/bounds/prover.h"
#include "hasten/compiler/passes/edit.h"

namespace hasten::passes {
namespace {

using namespace ir;

bool is_check(const Instr& instr) {
  switch (instr.op) {
  case Op::kCheckIndex:
  case Op::kWrapIndex:
  case Op::kAddChecked:
  case Op::kSubChecked:
    return instr.block != kNone && same_representation(instr.type, intp_type());
  default:
    return false;
  }
}

// A constant index into a constant size, counted from the end.
bool wrap_constant(Function& function, ValueId value) {
  const Instr& check = function.values[value];
  int64_t index = 0;
  int64_t size = 0;
  if (!is_int(function, check.args[0], &index) || !is_int(function, check.args[1], &size) || index >= 0 || index < -size) {
    return false;
  }
  Constant wrapped{check.type};
  wrapped.i = index + size;
  become_constant(function, value, wrapped);
  return true;
}

void remove_checks_of(Function& function, const Facts& facts, const Dominators& tree) {
  Prover prover(function, tree, facts);
  Replacements replacements(function);
  for (BlockId block : tree.order) {
    const auto& instrs = function.blocks[block].instrs;
    for (uint32_t i = 0; i < instrs.size(); ++i) {
      Instr& instr = function.values[instrs[i]];
      const Point at{block, i};
      if (!is_check(instr)) {
        continue;
      }
      if (instr.op == Op::kAddChecked || instr.op == Op::kSubChecked) {
        if (prover.cannot_wrap(instr, at)) {
          instr.op = instr.op == Op::kAddChecked ? Op::kAdd : Op::kSub;
        }
      } else if (instr.op == Op::kWrapIndex ? prover.not_negative(instr.args[0], at) : prover.in_range(instr.args[0], instr.args[1], at)) {
        replacements.replace(instrs[i], instr.args[0]);
      } else {
        wrap_constant(function, instrs[i]);
      }
    }
  }
  replacements.apply(function);
}

} // namespace

void remove_checks(Module& module) {
  const ParallelLoops loops(module);
  for (size_t i = 0; i < module.functions.size(); ++i) {
    Function& function = module.functions[i];
    if (function.kernel || std::none_of(function.values.begin(), function.values.end(), is_check)) {
      continue;
    }
    const Dominators tree = dominators(function);
    Facts facts(function, tree);
    loops.add_facts(i, &facts);
    remove_checks_of(function, facts, tree);
  }
}

} // namespace hasten::passes
