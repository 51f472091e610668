#include "hasten/compiler/passes/simplify/dead.h"

#include "hasten/compiler/passes/edit.h"
#include "hasten/compiler/passes/shapes.h"

namespace hasten::passes {
namespace {

using namespace ir;

bool is_needed(Shapes& shapes, const Instr& instr) {
  switch (instr.op) {
  case Op::kAlloc:
  case Op::kEwise:
  case Op::kEwiseShaped:
  case Op::kEwiseReduce:
    return shapes.may_fail(instr);
  default:
    return (info(instr.op).effects & ~kReads) != 0;
  }
}

} // namespace

bool remove_dead(const Module& module, Function& function) {
  Shapes shapes(module, function);
  std::vector<bool> live(function.values.size());
  std::vector<ValueId> work;
  const auto need = [&](ValueId value) {
    if (!live[value]) {
      live[value] = true;
      work.push_back(value);
    }
  };
  size_t count = 0;
  for (const Block& block : function.blocks) {
    count += block.instrs.size();
    for (ValueId value : block.instrs) {
      // What is used needs no question whether it may fail, so uses are followed before the next op is looked at.
      if (!live[value] && is_needed(shapes, function.values[value])) {
        need(value);
      }
    }
  }
  size_t kept = 0;
  while (!work.empty()) {
    const ValueId value = work.back();
    work.pop_back();
    ++kept;
    for (ValueId arg : function.values[value].args) {
      need(arg);
    }
  }
  if (kept == count) {
    return false;
  }
  erase_instrs(function, [&](ValueId value) { return !live[value]; });
  return true;
}

} // namespace hasten::passes
