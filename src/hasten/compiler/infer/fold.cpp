#include "hasten/compiler/infer/fold.h"

#include <cmath>

namespace hasten::infer {

using ir::Constant;
using ir::Kind;
using ir::Op;
using ir::TypeRef;

namespace {

// Wraps a value to the integer type's width.
int64_t wrap(uint64_t value, TypeRef type) {
  if (type->bits >= 64) {
    return static_cast<int64_t>(value);
  }
  const uint64_t mask = (uint64_t{1} << type->bits) - 1;
  value &= mask;
  const bool negative = type->is_signed && ((value >> (type->bits - 1)) & 1) != 0;
  return static_cast<int64_t>(negative ? value | ~mask : value);
}

std::optional<Constant> integer(TypeRef type, uint64_t value) {
  Constant c{type};
  c.i = wrap(value, type);
  return c;
}

std::optional<Constant> real(TypeRef type, double value) {
  Constant c{type};
  c.re = type->bits == 32 ? static_cast<double>(static_cast<float>(value)) : value;
  return c;
}

std::optional<Constant> fold_integers(Op op, TypeRef type, int64_t a, int64_t b) {
  const auto x = static_cast<uint64_t>(a);
  const auto y = static_cast<uint64_t>(b);
  int64_t checked = 0;
  switch (op) {
  case Op::kAdd:
    return integer(type, x + y);
  case Op::kSub:
    return integer(type, x - y);
  case Op::kMul:
    return integer(type, x * y);
  case Op::kAddChecked:
    return __builtin_add_overflow(a, b, &checked) ? std::nullopt : integer(type, x + y);
  case Op::kSubChecked:
    return __builtin_sub_overflow(a, b, &checked) ? std::nullopt : integer(type, x - y);
  case Op::kMulChecked:
    return __builtin_mul_overflow(a, b, &checked) ? std::nullopt : integer(type, x * y);
  case Op::kAnd:
    return integer(type, x & y);
  case Op::kOr:
    return integer(type, x | y);
  case Op::kXor:
    return integer(type, x ^ y);
  case Op::kMin:
    return type->is_signed ? integer(type, static_cast<uint64_t>(a < b ? a : b)) : std::nullopt;
  case Op::kMax:
    return type->is_signed ? integer(type, static_cast<uint64_t>(a > b ? a : b)) : std::nullopt;
  default:
    return std::nullopt;
  }
}

std::optional<Constant> fold_reals(Op op, TypeRef type, double a, double b) {
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

template <typename T> std::optional<bool> ordered(Op op, T a, T b) {
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

std::optional<Constant> fold_comparison(Op op, TypeRef type, const Constant& a, const Constant& b) {
  std::optional<bool> truth;
  if (ir::is_integral(a.type)) {
    truth = a.type->is_signed || a.type->kind == Kind::kBool ? ordered(op, a.i, b.i)
                                                             : ordered(op, static_cast<uint64_t>(a.i), static_cast<uint64_t>(b.i));
  } else if (ir::is_float(a.type)) {
    truth = ordered(op, a.re, b.re);
  }
  return truth ? integer(type, *truth ? 1 : 0) : std::nullopt;
}

std::optional<Constant> fold_unary(Op op, TypeRef type, const Constant& a) {
  if (op == Op::kNeg && ir::is_integer(a.type)) {
    return integer(type, 0 - static_cast<uint64_t>(a.i));
  }
  if (op == Op::kNeg && ir::is_float(a.type)) {
    return real(type, -a.re);
  }
  if (op == Op::kNot) {
    return a.type->kind == Kind::kBool ? integer(type, a.i == 0 ? 1 : 0) : integer(type, ~static_cast<uint64_t>(a.i));
  }
  return std::nullopt;
}

} // namespace

std::optional<Constant> fold(Op op, TypeRef type, std::span<const Value> args) {
  for (const Value& arg : args) {
    if (arg.known == nullptr || !arg.known->scalar) {
      return std::nullopt;
    }
  }
  if (args.size() == 1) {
    return fold_unary(op, type, *args[0].known->scalar);
  }
  if (args.size() != 2) {
    return std::nullopt;
  }
  const Constant& a = *args[0].known->scalar;
  const Constant& b = *args[1].known->scalar;
  if (op >= Op::kEq && op <= Op::kGe) {
    return fold_comparison(op, type, a, b);
  }
  if (ir::is_integral(a.type) && ir::is_integral(b.type)) {
    return fold_integers(op, type, a.i, b.i);
  }
  return ir::is_float(a.type) && ir::is_float(b.type) ? fold_reals(op, type, a.re, b.re) : std::nullopt;
}

std::optional<Constant> fold_cast(const Constant& value, TypeRef to) {
  const TypeRef from = value.type;
  if (ir::is_integral(from)) {
    const bool negative_free = !from->is_signed && from->bits == 64 && value.i < 0;
    const double as_double = negative_free ? static_cast<double>(static_cast<uint64_t>(value.i)) : static_cast<double>(value.i);
    switch (to->kind) {
    case Kind::kBool:
      return integer(to, value.i != 0 ? 1 : 0);
    case Kind::kInt:
      return integer(to, static_cast<uint64_t>(value.i));
    case Kind::kFloat:
      return to->bits >= 32 ? real(to, as_double) : std::nullopt;
    case Kind::kComplex:
      return to->bits == 128 ? real(to, as_double) : std::nullopt;
    default:
      return std::nullopt;
    }
  }
  if (ir::is_float(from)) {
    switch (to->kind) {
    case Kind::kBool:
      return integer(to, value.re != 0 ? 1 : 0);
    case Kind::kInt:
      return std::fabs(value.re) < 9e15 && to->bits == 64 && (to->is_signed || value.re >= 0)
                 ? integer(to, static_cast<uint64_t>(static_cast<int64_t>(value.re)))
                 : std::nullopt;
    case Kind::kFloat:
      return to->bits >= 32 ? real(to, value.re) : std::nullopt;
    case Kind::kComplex:
      return to->bits == 128 ? real(to, value.re) : std::nullopt;
    default:
      return std::nullopt;
    }
  }
  if (ir::is_complex(from) && to->kind == Kind::kComplex && (to->bits == 128 || from->bits == to->bits)) {
    Constant c = value;
    c.type = to;
    return c;
  }
  return std::nullopt;
}

} // namespace hasten::infer
