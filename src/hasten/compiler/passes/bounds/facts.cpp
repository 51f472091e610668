#include "hasten/compiler/passes/bounds/facts.h"

#include "hasten/compiler/ir/rules.h"
#include "hasten/compiler/passes/edit.h"

namespace hasten::passes {

using namespace ir;

namespace {

constexpr int kDepth = 4; // of and, or, not in one condition

bool is_int64(TypeRef type) { return same_representation(type, intp_type()); }

} // namespace

Facts::Facts(const Function& function, const Dominators& tree)
    : function_(function), tree_(tree), above_(function.values.size() + 1), below_(function.values.size() + 1) {
  for (BlockId block : tree.order) {
    const auto& preds = function.blocks[block].preds;
    if (preds.size() == 1) {
      const Block& from = function.blocks[preds[0]];
      const Instr& end = function.values[from.instrs.back()];
      if (end.op == Op::kCondBr && from.succs[0] != from.succs[1]) {
        learn(end.args[0], from.succs[0] == block, {block, 0}, kDepth);
      }
    }
    const auto& instrs = function.blocks[block].instrs;
    for (uint32_t i = 0; i < instrs.size(); ++i) {
      const Instr& instr = function.values[instrs[i]];
      if (instr.op == Op::kRaiseIf) {
        learn(instr.args[0], false, {block, i + 1}, kDepth);
      }
    }
  }
}

const std::vector<Fact>& Facts::of(const std::vector<std::vector<Fact>>& lists, ValueId value) const {
  return value == kNone ? lists.back() : lists[value];
}

void Facts::add(Fact fact) {
  (fact.low == kNone ? above_.back() : above_[fact.low]).push_back(fact);
  (fact.high == kNone ? below_.back() : below_[fact.high]).push_back(fact);
}

bool Facts::hold(const Fact& fact, Point at) const {
  return fact.block == at.block ? fact.position <= at.position : tree_.dominates(fact.block, at.block);
}

void Facts::learn(ValueId condition, bool truth, Point from, int depth) {
  const Instr& instr = function_.values[condition];
  switch (depth > 0 ? instr.op : Op::kUndef) {
  case Op::kNot:
    return learn(instr.args[0], !truth, from, depth - 1);
  case Op::kAnd:
  case Op::kOr:
    if (truth == (instr.op == Op::kAnd)) {
      learn(instr.args[0], truth, from, depth - 1);
      learn(instr.args[1], truth, from, depth - 1);
    }
    return;
  default:
    if (instr.op >= Op::kEq && instr.op <= Op::kGe && is_int64(function_.values[instr.args[0]].type)) {
      compare(instr, truth, from);
    }
  }
}

void Facts::compare(const Instr& comparison, bool truth, Point from) {
  const ValueId a = comparison.args[0];
  const ValueId b = comparison.args[1];
  switch (comparison.op) {
  case Op::kLt:
    return truth ? less_or_equal(a, b, -1, from) : less_or_equal(b, a, 0, from);
  case Op::kLe:
    return truth ? less_or_equal(a, b, 0, from) : less_or_equal(b, a, -1, from);
  case Op::kGt:
    return truth ? less_or_equal(b, a, -1, from) : less_or_equal(a, b, 0, from);
  case Op::kGe:
    return truth ? less_or_equal(b, a, 0, from) : less_or_equal(a, b, -1, from);
  default:
    if (truth == (comparison.op == Op::kEq)) {
      less_or_equal(a, b, 0, from);
      less_or_equal(b, a, 0, from);
    }
  }
}

void Facts::less_or_equal(ValueId low, ValueId high, int64_t offset, Point from) {
  int64_t number = 0;
  Fact fact{low, high, offset, false, from.block, from.position};
  if (is_int(function_, low, &number)) {
    if (number <= -kGreatest || number >= kGreatest) {
      return;
    }
    fact.low = kNone;
    fact.offset -= number;
  }
  if (is_int(function_, high, &number)) {
    if (number <= -kGreatest || number >= kGreatest) {
      return;
    }
    fact.high = kNone;
    fact.offset += number;
  }
  add(fact);
}

} // namespace hasten::passes
