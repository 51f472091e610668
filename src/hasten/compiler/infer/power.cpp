// The operator ** and pow().
#include <array>

#include "hasten/compiler/infer/rules.h"

namespace hasten::infer {

using ir::Op;
using ir::TypeRef;

namespace {

constexpr int64_t kLargestChain = 16; // exponents up to this are multiplied out

// x ** n for a known small n, by squaring.
Value chain(Emitter& e, const Value& base, int64_t exponent) {
  if (exponent == 0) {
    return e.cast(e.integer(1), base.type);
  }
  Value square = base;
  Value result{};
  for (int64_t n = exponent; n > 0; n >>= 1) {
    if ((n & 1) != 0) {
      result = result.type == nullptr ? square : numeric_binary(e, Operator::kMul, result, square);
    }
    if (n > 1) {
      square = numeric_binary(e, Operator::kMul, square, square);
    }
  }
  return result;
}

Value integer_power(Emitter& e, const Value& a, const Value& b, TypeRef type) {
  const bool is_signed = type->is_signed;
  const Value base = e.cast(a, is_signed ? ir::intp_type() : ir::scalar_type(array::DType::kUInt64));
  const Value exponent = e.cast(b, ir::intp_type());
  if (type->weak && e.options().overflow == ir::Overflow::kRaise) {
    return e.cast(e.runtime("hst_ipow_checked", ir::intp_type(), {base, exponent}), type);
  }
  if (e.numba()) {
    if (e.options().error_model == ErrorModel::kPython) {
      const Value is_zero = e.op(Op::kEq, ir::bool_type(), {base, e.integer(0, base.type)});
      const Value is_negative = e.op(Op::kLt, ir::bool_type(), {exponent, e.integer(0)});
      e.raise_if(e.op(Op::kAnd, ir::bool_type(), {is_zero, is_negative}), "builtins:ZeroDivisionError",
                 "0 cannot be raised to a negative power");
    }
    return e.cast(e.external("hst_ipow_numba", ir::intp_type(), {base, exponent}), type);
  }
  return e.cast(e.runtime("hst_ipow", ir::intp_type(), {e.cast(base, ir::intp_type()), exponent}), type);
}

Value float_power(Emitter& e, const Value& a, const Value& b, TypeRef type, bool operators) {
  const Value x = e.cast(a, type);
  const Value y = e.cast(b, type);
  if (type->bits == 16) {
    TypeRef wide = ir::scalar_type(array::DType::kFloat32);
    return e.cast(e.external("powf", wide, {e.cast(x, wide), e.cast(y, wide)}), type);
  }
  if (type->weak && !e.numba()) { // CPython's checks
    return e.runtime("hst_float_pow_checked", type, {x, y});
  }
  if (!e.numba() && !operators && (e.options().fastmath & ir::kApproximateFunctions) == 0) {
    return e.ufunc(type->bits == 32 ? "npy_loop.power.fff" : "npy_loop.power.ddd", type, std::array{x, y});
  }
  return e.external(type->bits == 32 ? "powf" : "pow", type, {x, y});
}

Value complex_power(Emitter& e, const Value& a, const Value& b, TypeRef type) {
  if (!type->weak && !e.numba()) {
    return e.ufunc(type->bits == 64 ? "npy_loop.power.FFF" : "npy_loop.power.DDD", type, std::array{e.cast(a, type), e.cast(b, type)});
  }
  TypeRef wide = ir::scalar_type(array::DType::kComplex128, type->weak);
  return e.cast(e.runtime("hst_complex_pow", wide, {e.cast(a, wide), e.cast(b, wide)}), type);
}

} // namespace

Value power(Emitter& e, const Value& a, const Value& b, bool operators) {
  TypeRef type = common_type(e, a, b);
  const auto exponent = e.known_int(b);
  if (ir::is_complex(type)) {
    return complex_power(e, a, b, type);
  }
  const bool are_numba_integers = e.numba() && ir::is_integral(a.type) && ir::is_integral(b.type);
  if (ir::is_float(type) && !are_numba_integers) { // NumPy has no integer type for int64 and uint64
    const bool square = exponent == 2 || (e.scalar(b) != nullptr && ir::is_float(b.type) && e.scalar(b)->re == 2);
    if (square) { // exact both ways: pow(x, 2) is correctly rounded in every libm that matters, as x * x is
      const Value x = e.cast(a, type);
      if (!type->weak || e.numba()) {
        return e.op(Op::kMul, type, {x, x});
      }
    }
    if (e.numba() && exponent && *exponent > 0 && *exponent <= kLargestChain) {
      return chain(e, e.cast(a, type), *exponent);
    }
    return float_power(e, a, b, type, operators);
  }
  if (type->kind == ir::Kind::kBool) {
    type = type->weak ? ir::int_type() : ir::scalar_type(array::DType::kInt8);
  }
  if (e.numba()) {
    type = a.type->is_signed || b.type->is_signed || a.type->kind == ir::Kind::kBool ? ir::intp_type()
                                                                                     : ir::scalar_type(array::DType::kUInt64);
  }
  if (exponent && *exponent < 0) {
    TypeRef real = ir::scalar_type(array::DType::kFloat64, type->weak);
    if (type->weak) {
      return float_power(e, a, b, real, operators);
    }
    if (!e.numba()) {
      e.raise_if(e.boolean(true), "builtins:ValueError", "Integers to negative integer powers are not allowed.");
    }
  }
  if (exponent && *exponent >= 0 && *exponent <= kLargestChain) {
    return chain(e, e.cast(a, type), *exponent);
  }
  return integer_power(e, a, b, type);
}

} // namespace hasten::infer
