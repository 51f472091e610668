#include "hasten/compiler/ir/function.h"

#include <array>

namespace hasten::ir {
namespace {

constexpr auto kOps = std::to_array<OpInfo>({
#define HASTEN_OP(name, text, operands, effects) {text, operands, effects},
#include "hasten/compiler/ir/ops.def"
#undef HASTEN_OP
});

} // namespace

const OpInfo& info(Op op) { return kOps[static_cast<size_t>(op)]; }

bool may_raise(Op op) {
  switch (op) {
  case Op::kCall:
  case Op::kRuntime:
  case Op::kParallelFor:
  case Op::kAlloc:
  case Op::kEwise:
  case Op::kEwiseShaped:
  case Op::kEwiseInto:
  case Op::kEwiseReduce:
  case Op::kRaise:
    return true;
  default:
    return (info(op).effects & kRaises) != 0;
  }
}

} // namespace hasten::ir
