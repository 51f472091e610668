// The arithmetic of the interpreter.
#include <algorithm>
#include <cmath>

#include "interpreter.h"

namespace hasten::passes::testing {

using namespace ir;

Value Interpreter::integer_arithmetic(const Instr& instr, int64_t a, int64_t b) const {
  const auto wrap = [](uint64_t bits) { return static_cast<int64_t>(bits); };
  const auto ua = static_cast<uint64_t>(a);
  const auto ub = static_cast<uint64_t>(b);
  Value v{.type = instr.type};
  switch (instr.op) {
  case Op::kAdd:
    v.i = wrap(ua + ub);
    break;
  case Op::kSub:
    v.i = wrap(ua - ub);
    break;
  case Op::kMul:
    v.i = wrap(ua * ub);
    break;
  case Op::kAddChecked:
    if (__builtin_add_overflow(a, b, &v.i)) {
      throw Failure{"OverflowError"};
    }
    break;
  case Op::kSubChecked:
    if (__builtin_sub_overflow(a, b, &v.i)) {
      throw Failure{"OverflowError"};
    }
    break;
  case Op::kMulChecked:
    if (__builtin_mul_overflow(a, b, &v.i)) {
      throw Failure{"OverflowError"};
    }
    break;
  case Op::kFloorDiv:
    v.i = b == 0 ? 0 : b == -1 ? wrap(0 - ua) : a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
    break;
  case Op::kFloorMod:
    v.i = b == 0 || b == -1 ? 0 : a % b + (a % b != 0 && (a < 0) != (b < 0) ? b : 0);
    break;
  case Op::kAnd:
    v.i = a & b;
    break;
  case Op::kOr:
    v.i = a | b;
    break;
  case Op::kXor:
    v.i = a ^ b;
    break;
  case Op::kMin:
    v.i = std::min(a, b);
    break;
  case Op::kMax:
    v.i = std::max(a, b);
    break;
  case Op::kNeg:
    v.i = wrap(0 - ua);
    break;
  case Op::kNot:
    v.i = instr.type->kind == Kind::kBool ? !a : ~a;
    break;
  case Op::kCheckIndex:
    v.i = a < 0 ? a + b : a;
    if (v.i < 0 || v.i >= b) {
      throw Failure{"IndexError"};
    }
    break;
  case Op::kWrapIndex:
    v.i = a < 0 ? a + b : a;
    break;
  default:
    std::abort();
  }
  return v;
}

Value Interpreter::arithmetic(const Instr& instr, const std::vector<Value>& x) const {
  const bool floats = is_float(x[0].type);
  const double a = x[0].f;
  const double b = x.size() > 1 ? x[1].f : 0;
  const int64_t j = x.size() > 1 ? x[1].i : 0;
  Value v{.type = instr.type};
  switch (instr.op) {
  case Op::kEq:
    v.i = floats ? a == b : x[0].i == j;
    return v;
  case Op::kNe:
    v.i = floats ? a != b : x[0].i != j;
    return v;
  case Op::kLt:
    v.i = floats ? a < b : x[0].i < j;
    return v;
  case Op::kLe:
    v.i = floats ? a <= b : x[0].i <= j;
    return v;
  case Op::kGt:
    v.i = floats ? a > b : x[0].i > j;
    return v;
  case Op::kGe:
    v.i = floats ? a >= b : x[0].i >= j;
    return v;
  case Op::kCast:
    v.f = is_float(instr.type) ? (floats ? a : static_cast<double>(x[0].i)) : 0;
    v.f = instr.type->bits == 32 ? static_cast<float>(v.f) : v.f;
    v.i = is_float(instr.type) ? 0 : floats ? static_cast<int64_t>(a) : x[0].i;
    return v;
  case Op::kIntrinsic:
  case Op::kUfunc:
    v.f = std::sqrt(std::fabs(a)); // one function stands for all
    return v;
  default:
    break;
  }
  if (!floats) {
    return integer_arithmetic(instr, x[0].i, j);
  }
  switch (instr.op) {
  case Op::kAdd:
    v.f = a + b;
    break;
  case Op::kSub:
    v.f = a - b;
    break;
  case Op::kMul:
    v.f = a * b;
    break;
  case Op::kDiv:
    v.f = a / b;
    break;
  case Op::kNeg:
    v.f = -a;
    break;
  case Op::kMin:
    v.f = a < b ? a : b;
    break;
  case Op::kMax:
    v.f = a > b ? a : b;
    break;
  default:
    std::abort();
  }
  v.f = instr.type->bits == 32 ? static_cast<float>(v.f) : v.f;
  return v;
}

} // namespace hasten::passes::testing
