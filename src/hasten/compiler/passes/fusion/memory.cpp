#include "hasten/compiler/passes/fusion/memory.h"

namespace hasten::passes {

using namespace ir;

namespace {

bool is_new(Op op) { return op == Op::kAlloc || op == Op::kEwise || op == Op::kEwiseShaped; }

// Whether the op keeps no way to its array operands beyond itself, other than as a view.
bool only_looks(Op op) {
  switch (op) {
  case Op::kView:
  case Op::kRelabel:
  case Op::kDim:
  case Op::kStride:
  case Op::kLoad:
  case Op::kStore:
  case Op::kEwise:
  case Op::kEwiseShaped:
  case Op::kEwiseInto:
  case Op::kEwiseReduce:
  case Op::kRet:
  case Op::kRaise:
  case Op::kRaiseIf:
    return true;
  default:
    return false;
  }
}

} // namespace

Memory::Memory(const Function& function) : function_(function), private_(function.values.size()) {
  for (const Block& block : function.blocks) {
    for (ValueId value : block.instrs) {
      private_[value] = is_new(function.values[value].op);
    }
  }
  std::vector<bool> only_returned(function.values.size(), true); // tuples that are made to be returned
  for (const Block& block : function.blocks) {
    for (ValueId value : block.instrs) {
      for (ValueId arg : function.values[value].args) {
        only_returned[arg] = only_returned[arg] && function.values[value].op == Op::kRet;
      }
    }
  }
  for (const Block& block : function.blocks) {
    for (ValueId value : block.instrs) {
      const Op op = function.values[value].op;
      if (only_looks(op) || (op == Op::kTuple && only_returned[value])) {
        continue;
      }
      for (ValueId arg : function.values[value].args) {
        if (is_array(function.values[arg].type)) {
          private_[base(arg)] = false;
        }
      }
    }
  }
}

ValueId Memory::base(ValueId array) const {
  while (function_.values[array].op == Op::kView || function_.values[array].op == Op::kRelabel) {
    array = function_.values[array].args[0];
  }
  return array;
}

bool Memory::may_overlap(ValueId a, ValueId b) const {
  const ValueId x = base(a);
  const ValueId y = base(b);
  return x == y || !(private_[x] || private_[y]);
}

} // namespace hasten::passes
