#include "hasten/compiler/passes/simplify/simplify.h"

#include "hasten/compiler/ir/dominators.h"
#include "hasten/compiler/passes/edit.h"
#include "hasten/compiler/passes/simplify/dead.h"
#include "hasten/compiler/passes/simplify/flow.h"
#include "hasten/compiler/passes/simplify/forward.h"
#include "hasten/compiler/passes/simplify/merge.h"

namespace hasten::passes {
namespace {

using namespace ir;

constexpr int kRounds = 4; // each round may bare what the next one sees; more than two that change anything are rare

// A raise whose condition is known never to hold.
bool never_raises(const Function& function, const Instr& instr) {
  const Constant* condition = instr.op == Op::kRaiseIf ? constant_of(function, instr.args[0]) : nullptr;
  return condition != nullptr && condition->i == 0;
}

bool reduce_values(Module& module, Function& function) {
  const Dominators tree = dominators(function);
  Shapes shapes(module, function);
  EqualValues equal(function, tree);
  Replacements replacements(function);
  std::vector<ValueId> dropped;
  for (BlockId block : tree.order) {
    for (ValueId value : function.blocks[block].instrs) {
      replacements.rewrite(function.values[value]);
      if (never_raises(function, function.values[value])) {
        dropped.push_back(value);
        continue;
      }
      const ValueId same = forward(function, shapes, value);
      const ValueId first = same == value ? equal.find_or_add(value) : same;
      if (first != value) {
        replacements.replace(value, first);
      }
    }
  }
  replacements.apply(function);
  for (ValueId value : dropped) {
    std::erase(function.blocks[function.values[value].block].instrs, value);
    function.values[value].block = kNone;
  }
  return replacements.any() || !dropped.empty();
}

} // namespace

void simplify(Module& module, Function& function) {
  for (int round = 0; round < kRounds; ++round) {
    bool changed = tidy_flow(function);
    changed |= reduce_values(module, function);
    changed |= remove_dead(module, function);
    if (!changed) {
      return;
    }
  }
}

} // namespace hasten::passes
