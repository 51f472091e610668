#include "hasten/compiler/ir/fold.h"

#include <bit>
#include <cmath>

namespace hasten::ir {
namespace {

using Folded = std::optional<Constant>;

// The value that the integer type holds of these low bits.
Folded integer(TypeRef type, uint64_t bits) {
  Constant constant{type};
  if (type->kind == Kind::kInt && type->bits < 64) {
    const uint64_t mask = (uint64_t{1} << type->bits) - 1;
    const bool negative = type->is_signed && (bits >> (type->bits - 1) & 1) != 0;
    bits = negative ? bits | ~mask : bits & mask;
  }
  constant.i = static_cast<int64_t>(bits);
  return constant;
}

// Rounding a double result to float is what the operation in float gives, for + - * / and conversions.
Folded real(TypeRef type, double value) {
  if (type->bits < 32) {
    return std::nullopt;
  }
  Constant constant{type};
  constant.re = type->bits == 32 ? static_cast<double>(static_cast<float>(value)) : value;
  return constant;
}

bool overflows(TypeRef type, int64_t value, bool overflowed) {
  return overflowed || !type->is_signed || integer(type, static_cast<uint64_t>(value))->i != value;
}

Folded checked(Op op, TypeRef type, int64_t a, int64_t b) {
  int64_t result = 0;
  const bool lost = op == Op::kAddChecked   ? __builtin_add_overflow(a, b, &result)
                    : op == Op::kSubChecked ? __builtin_sub_overflow(a, b, &result)
                                            : __builtin_mul_overflow(a, b, &result);
  return overflows(type, result, lost) ? std::nullopt : integer(type, static_cast<uint64_t>(result));
}

// a / b rounded down, and its remainder; the quotient of the least number by -1 wraps.
Folded floor_division(Op op, TypeRef type, int64_t a, int64_t b) {
  if (b == 0 || !type->is_signed) {
    return std::nullopt;
  }
  if (b == -1) {
    return integer(type, op == Op::kFloorDiv ? 0 - static_cast<uint64_t>(a) : 0);
  }
  const bool down = a % b != 0 && (a < 0) != (b < 0);
  return integer(type, static_cast<uint64_t>(op == Op::kFloorDiv ? a / b - (down ? 1 : 0) : a % b + (down ? b : 0)));
}

Folded integers(Op op, TypeRef type, int64_t a, int64_t b) {
  const auto x = static_cast<uint64_t>(a);
  const auto y = static_cast<uint64_t>(b);
  const bool less = type->is_signed || type->kind == Kind::kBool ? a < b : x < y;
  switch (op) {
  case Op::kAdd:
    return integer(type, x + y);
  case Op::kSub:
    return integer(type, x - y);
  case Op::kMul:
    return integer(type, x * y);
  case Op::kAddChecked:
  case Op::kSubChecked:
  case Op::kMulChecked:
    return checked(op, type, a, b);
  case Op::kFloorDiv:
  case Op::kFloorMod:
    return floor_division(op, type, a, b);
  case Op::kAnd:
    return integer(type, x & y);
  case Op::kOr:
    return integer(type, x | y);
  case Op::kXor:
    return integer(type, x ^ y);
  case Op::kMin:
    return integer(type, less ? x : y);
  case Op::kMax:
    return integer(type, less ? y : x);
  default:
    return std::nullopt;
  }
}

Folded reals(Op op, TypeRef type, double a, double b) {
  switch (op) {
  case Op::kAdd:
    return real(type, a + b);
  case Op::kSub:
    return real(type, a - b);
  case Op::kMul:
    return real(type, a * b);
  case Op::kDiv:
    return b != 0 ? real(type, a / b) : std::nullopt;
  default:
    return std::nullopt;
  }
}

template <class Number> std::optional<bool> ordered(Op op, Number a, Number b) {
  switch (op) {
  case Op::kEq:
    return a == b;
  case Op::kNe:
    return a != b;
  case Op::kLt:
    return a < b;
  case Op::kLe:
    return a <= b;
  case Op::kGt:
    return a > b;
  case Op::kGe:
    return a >= b;
  default:
    return std::nullopt;
  }
}

std::optional<bool> compared(Op op, const Constant& a, const Constant& b) {
  if (is_float(a.type)) {
    return ordered(op, a.re, b.re);
  }
  if (is_complex(a.type)) {
    const bool same = a.re == b.re && a.im == b.im;
    return op == Op::kEq ? std::optional(same) : op == Op::kNe ? std::optional(!same) : std::nullopt;
  }
  const bool is_unsigned = a.type->kind == Kind::kInt && !a.type->is_signed;
  return is_unsigned ? ordered(op, static_cast<uint64_t>(a.i), static_cast<uint64_t>(b.i)) : ordered(op, a.i, b.i);
}

Folded unary(Op op, TypeRef type, const Constant& a) {
  const auto x = static_cast<uint64_t>(a.i);
  if (op == Op::kNot) {
    return integer(type, type->kind == Kind::kBool ? (a.i == 0 ? 1 : 0) : ~x);
  }
  if (op == Op::kNeg && is_integer(type)) {
    return integer(type, 0 - x);
  }
  if (op == Op::kNeg && is_float(type)) {
    return real(type, -a.re);
  }
  if (op == Op::kAbs && is_integer(type) && type->is_signed) {
    return integer(type, a.i < 0 ? 0 - x : x);
  }
  return op == Op::kAbs && is_float(type) ? real(type, std::fabs(a.re)) : std::nullopt;
}

Folded cast(TypeRef to, const Constant& from) {
  if (is_integral(from.type)) {
    const bool is_unsigned = from.type->kind == Kind::kInt && !from.type->is_signed;
    switch (to->kind) {
    case Kind::kBool:
      return integer(to, from.i != 0 ? 1 : 0);
    case Kind::kInt:
      return integer(to, static_cast<uint64_t>(from.i));
    case Kind::kFloat: // to float at once: by way of double it would be rounded twice
      return to->bits == 32 ? real(to, is_unsigned ? static_cast<float>(static_cast<uint64_t>(from.i)) : static_cast<float>(from.i))
                            : real(to, is_unsigned ? static_cast<double>(static_cast<uint64_t>(from.i)) : static_cast<double>(from.i));
    default:
      return std::nullopt;
    }
  }
  if (is_float(from.type)) {
    constexpr double kSafe = 9e15; // well inside int64, and every such value is an integer or has a fraction to cut off
    const bool fits = std::fabs(from.re) < kSafe && (to->is_signed || from.re >= 0);
    switch (to->kind) {
    case Kind::kBool:
      return integer(to, from.re != 0 ? 1 : 0);
    case Kind::kInt:
      return to->bits == 64 && fits ? integer(to, static_cast<uint64_t>(static_cast<int64_t>(from.re))) : std::nullopt;
    case Kind::kFloat:
      return real(to, from.re);
    default:
      return std::nullopt;
    }
  }
  return std::nullopt;
}

} // namespace

Folded fold(Op op, TypeRef type, std::span<const Constant> args) {
  if (args.size() == 1) {
    return op == Op::kCast ? cast(type, args[0]) : unary(op, type, args[0]);
  }
  if (args.size() != 2) {
    return std::nullopt;
  }
  if (op >= Op::kEq && op <= Op::kGe) {
    const std::optional<bool> truth = compared(op, args[0], args[1]);
    return truth ? integer(type, *truth ? 1 : 0) : std::nullopt;
  }
  if (is_integral(args[0].type) && is_integral(args[1].type) && is_integral(type)) {
    return integers(op, type, args[0].i, args[1].i);
  }
  return is_float(args[0].type) && is_float(type) ? reals(op, type, args[0].re, args[1].re) : std::nullopt;
}

bool identical(const Constant& a, const Constant& b) {
  return a.type == b.type && a.i == b.i && std::bit_cast<uint64_t>(a.re) == std::bit_cast<uint64_t>(b.re) &&
         std::bit_cast<uint64_t>(a.im) == std::bit_cast<uint64_t>(b.im);
}

} // namespace hasten::ir
