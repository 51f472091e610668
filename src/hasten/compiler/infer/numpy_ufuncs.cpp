// NumPy's element-wise functions, on scalars and arrays.
#include <algorithm>
#include <array>

#include "hasten/compiler/infer/rule_table.h"

namespace hasten::infer {

using array::DType;
using ir::Intrinsic;
using ir::Kind;
using ir::Op;
using ir::TypeRef;

namespace {

using UnaryScalar = Value (*)(Emitter& e, const Value& x);
using BinaryScalar = Value (*)(Emitter& e, const Value& a, const Value& b);

bool is_operand(const Value& v) { return ir::is_array(v.type) || ir::is_number(v.type) || is_date(v.type); }

Value operand(Emitter& e, const Value& given_value) {
  const Value v = e.unwrap(given_value);
  return is_operand(v) ? v : as_array(e, v);
}

// NumPy functions give NumPy scalars, whatever they got.
Value as_strong(Emitter& e, const Value& v) { return ir::is_number(v.type) && v.type->weak ? e.cast(v, ir::strong(v.type)) : v; }

Value apply(Emitter& e, const std::vector<Value>& operands, const Value& out, const ScalarRule& rule) {
  if (given(out)) {
    const Value target = ir::is_tuple(out.type) ? e.item(out, 0) : out;
    if (!ir::is_array(target.type)) {
      e.fail("out must be an array");
    }
    TypeRef elem = target.type->elem;
    e.elementwise_into(target, operands, [&rule, elem](Emitter& k, std::span<const Value> x) {
      const Value result = rule(k, x);
      if (!array::can_cast_same_kind(result.type->dtype, elem->dtype)) {
        k.fail("Cannot cast the result from " + ir::display(ir::strong(result.type)) + " to " + ir::display(elem) +
               " with casting rule 'same_kind'");
      }
      return is_date(result.type) && is_date(elem) ? date_in_unit(k, result, elem) : k.cast(result, elem);
    });
    return target;
  }
  if (std::any_of(operands.begin(), operands.end(), [](const Value& v) { return ir::is_array(v.type); })) {
    return e.elementwise(operands, rule);
  }
  return as_strong(e, rule(e, operands));
}

Value apply_unary(Emitter& e, const CallArgs& args, UnaryScalar scalar) {
  const std::vector<Value> b = bind(e, "a ufunc", args, {"x", "out?"});
  return apply(e, {operand(e, b[0])}, b[1], [scalar](Emitter& k, std::span<const Value> x) { return scalar(k, x[0]); });
}

Value apply_binary(Emitter& e, const CallArgs& args, BinaryScalar scalar) {
  const std::vector<Value> b = bind(e, "a ufunc", args, {"x1", "x2", "out?"});
  return apply(e, {operand(e, b[0]), operand(e, b[1])}, b[2],
               [scalar](Emitter& k, std::span<const Value> x) { return scalar(k, x[0], x[1]); });
}

// The float type that a float ufunc computes an operand in.
TypeRef float_loop(Emitter& e, TypeRef type) {
  if (ir::is_float(type) || ir::is_complex(type)) {
    return ir::strong(type);
  }
  if (e.numba() || type->weak || type->bits > 16) {
    return ir::scalar_type(DType::kFloat64);
  }
  return ir::scalar_type(type->bits <= 8 ? DType::kFloat16 : DType::kFloat32);
}

char loop_char(TypeRef type) {
  if (ir::is_complex(type)) {
    return type->bits == 64 ? 'F' : 'D';
  }
  return type->bits == 16 ? 'e' : type->bits == 32 ? 'f' : 'd';
}

// NumPy's own loop: its bits, at its speed. With fastmath and in scalar code of the numba dialect: the C library's function, which LLVM
// knows.
Value float_function(Emitter& e, const char* ufunc, const char* libm, std::initializer_list<Value> given_args) {
  std::vector<Value> args(given_args);
  TypeRef type = float_loop(e, args[0].type);
  for (const Value& v : args) {
    type = ir::scalar_type(array::promote(type->dtype, float_loop(e, v.type)->dtype));
  }
  for (Value& v : args) {
    v = e.cast(v, type);
  }
  if (libm != nullptr && !ir::is_complex(type) && type->bits >= 32 &&
      (e.numba() || (e.options().fastmath & ir::kApproximateFunctions) != 0)) {
    const std::string symbol = type->bits == 32 ? std::string(libm) + "f" : libm;
    return args.size() == 1 ? e.external(symbol, type, {args[0]}) : e.external(symbol, type, {args[0], args[1]});
  }
  std::string symbol = std::string("npy_loop.") + ufunc + ".";
  symbol.append(args.size() + 1, loop_char(type));
  return e.ufunc(symbol, type, args);
}

#define HASTEN_FLOAT_UFUNC(name, ufunc, libm)                                                                                              \
  Value name##_scalar(Emitter& e, const Value& x) { return float_function(e, ufunc, libm, {x}); }                                          \
  Value np_##name(Emitter& e, const CallArgs& args) { return apply_unary(e, args, name##_scalar); }
HASTEN_FLOAT_UFUNC(sin, "sin", "sin")
HASTEN_FLOAT_UFUNC(cos, "cos", "cos")
HASTEN_FLOAT_UFUNC(tan, "tan", "tan")
HASTEN_FLOAT_UFUNC(arcsin, "arcsin", "asin")
HASTEN_FLOAT_UFUNC(arccos, "arccos", "acos")
HASTEN_FLOAT_UFUNC(arctan, "arctan", "atan")
HASTEN_FLOAT_UFUNC(sinh, "sinh", "sinh")
HASTEN_FLOAT_UFUNC(cosh, "cosh", "cosh")
HASTEN_FLOAT_UFUNC(tanh, "tanh", "tanh")
HASTEN_FLOAT_UFUNC(arcsinh, "arcsinh", "asinh")
HASTEN_FLOAT_UFUNC(arccosh, "arccosh", "acosh")
HASTEN_FLOAT_UFUNC(arctanh, "arctanh", "atanh")
HASTEN_FLOAT_UFUNC(exp, "exp", "exp")
HASTEN_FLOAT_UFUNC(exp2, "exp2", "exp2")
HASTEN_FLOAT_UFUNC(expm1, "expm1", "expm1")
HASTEN_FLOAT_UFUNC(log, "log", "log")
HASTEN_FLOAT_UFUNC(log2, "log2", "log2")
HASTEN_FLOAT_UFUNC(log10, "log10", "log10")
HASTEN_FLOAT_UFUNC(log1p, "log1p", "log1p")
HASTEN_FLOAT_UFUNC(cbrt, "cbrt", "cbrt")
HASTEN_FLOAT_UFUNC(spacing, "spacing", nullptr)
#undef HASTEN_FLOAT_UFUNC

#define HASTEN_FLOAT_UFUNC_2(name, ufunc, libm)                                                                                            \
  Value name##_scalar(Emitter& e, const Value& a, const Value& b) { return float_function(e, ufunc, libm, {a, b}); }                       \
  Value np_##name(Emitter& e, const CallArgs& args) { return apply_binary(e, args, name##_scalar); }
HASTEN_FLOAT_UFUNC_2(arctan2, "arctan2", "atan2")
HASTEN_FLOAT_UFUNC_2(hypot, "hypot", "hypot")
HASTEN_FLOAT_UFUNC_2(logaddexp, "logaddexp", nullptr)
HASTEN_FLOAT_UFUNC_2(logaddexp2, "logaddexp2", nullptr)
HASTEN_FLOAT_UFUNC_2(copysign, "copysign", "copysign")
HASTEN_FLOAT_UFUNC_2(nextafter, "nextafter", "nextafter")
HASTEN_FLOAT_UFUNC_2(heaviside, "heaviside", nullptr)
#undef HASTEN_FLOAT_UFUNC_2

Value sqrt_scalar(Emitter& e, const Value& x) {
  TypeRef type = float_loop(e, x.type);
  if (ir::is_complex(type) || type->bits == 16) {
    return float_function(e, "sqrt", nullptr, {x});
  }
  return e.intrinsic(Intrinsic::kSqrt, type, {e.cast(x, type)});
}

Value rounded(Emitter& e, const Value& x, Intrinsic how) {
  if (ir::is_integral(x.type) && !e.numba()) {
    return x;
  }
  TypeRef type = float_loop(e, x.type);
  return e.intrinsic(how, type, {e.cast(x, type)});
}
Value floor_scalar(Emitter& e, const Value& x) { return rounded(e, x, Intrinsic::kFloor); }
Value ceil_scalar(Emitter& e, const Value& x) { return rounded(e, x, Intrinsic::kCeil); }
Value trunc_scalar(Emitter& e, const Value& x) { return rounded(e, x, Intrinsic::kTrunc); }

Value rint_scalar(Emitter& e, const Value& x) {
  TypeRef type = float_loop(e, x.type);
  if (ir::is_complex(type)) {
    return float_function(e, "rint", nullptr, {x});
  }
  return e.intrinsic(Intrinsic::kRint, type, {e.cast(x, type)});
}

Value fabs_scalar(Emitter& e, const Value& x) {
  TypeRef type = float_loop(e, x.type);
  return e.op(Op::kAbs, type, {e.cast(x, type)});
}

Value sign_scalar(Emitter& e, const Value& x) {
  if (ir::is_complex(x.type)) {
    return float_function(e, "sign", nullptr, {x});
  }
  const Value zero = e.cast(e.integer(0), x.type);
  const Value one = e.cast(e.integer(1), x.type);
  TypeRef b = ir::bool_type(false);
  const Value positive = e.op(Op::kSelect, x.type, {e.op(Op::kGt, b, {x, zero}), one, zero});
  if (ir::is_integer(x.type) && !x.type->is_signed) {
    return positive;
  }
  const Value minus = e.cast(e.integer(-1), x.type);
  const Value result = e.op(Op::kSelect, x.type, {e.op(Op::kLt, b, {x, zero}), minus, positive});
  return ir::is_float(x.type) ? e.op(Op::kSelect, x.type, {e.intrinsic(Intrinsic::kIsNan, b, {x}), x, result}) : result;
}

Value square_scalar(Emitter& e, const Value& x) { return numeric_binary(e, Operator::kMul, x, x); }
Value negative_scalar(Emitter& e, const Value& x) { return unary(e, Operator::kUSub, x); }
Value positive_scalar(Emitter& e, const Value& x) { return unary(e, Operator::kUAdd, x); }
Value invert_scalar(Emitter& e, const Value& x) { return unary(e, Operator::kInvert, as_strong(e, x)); }
Value absolute_scalar(Emitter& e, const Value& x) { return absolute(e, x); }

Value reciprocal_scalar(Emitter& e, const Value& x) {
  if (ir::is_integral(x.type)) {
    TypeRef real = ir::scalar_type(DType::kFloat64);
    return e.cast(e.op(Op::kDiv, real, {e.floating(1, real), e.cast(x, real)}), x.type);
  }
  return e.op(Op::kDiv, x.type, {e.cast(e.integer(1), x.type), x});
}

Value conjugate_scalar(Emitter& e, const Value& x) {
  if (!ir::is_complex(x.type)) {
    return x;
  }
  const Value im = imaginary_part(e, x);
  return e.op(Op::kComplex, x.type, {real_part(e, x), e.op(Op::kNeg, im.type, {im})});
}

Value scale_scalar(Emitter& e, const Value& x, double factor) {
  TypeRef type = float_loop(e, x.type);
  return e.op(Op::kMul, type, {e.cast(x, type), e.floating(factor, type)});
}
Value radians_scalar(Emitter& e, const Value& x) { return scale_scalar(e, x, 3.14159265358979323846 / 180.0); }
Value degrees_scalar(Emitter& e, const Value& x) { return scale_scalar(e, x, 180.0 / 3.14159265358979323846); }

Value classify(Emitter& e, const Value& x, Intrinsic which) {
  TypeRef b = ir::bool_type(false);
  if (is_date(x.type)) {
    const Value is_missing = is_nat(e, x);
    return which == Intrinsic::kIsNan ? is_missing : which == Intrinsic::kIsFinite ? e.logical_not(is_missing) : e.integer(0, b);
  }
  if (ir::is_integral(x.type)) {
    return e.integer(which == Intrinsic::kIsFinite ? 1 : 0, b);
  }
  if (ir::is_complex(x.type)) {
    const Value re = e.intrinsic(which, b, {real_part(e, x)});
    const Value im = e.intrinsic(which, b, {imaginary_part(e, x)});
    return e.op(which == Intrinsic::kIsFinite ? Op::kAnd : Op::kOr, b, {re, im});
  }
  return e.intrinsic(which, b, {x});
}
Value isnan_scalar(Emitter& e, const Value& x) { return classify(e, x, Intrinsic::kIsNan); }
Value isnat_scalar(Emitter& e, const Value& x) {
  if (!is_date(x.type)) {
    e.fail("isnat() is only defined for dates and durations, not for " + ir::display(x.type));
  }
  return is_nat(e, x);
}
Value isinf_scalar(Emitter& e, const Value& x) { return classify(e, x, Intrinsic::kIsInf); }
Value isfinite_scalar(Emitter& e, const Value& x) { return classify(e, x, Intrinsic::kIsFinite); }

Value signbit_scalar(Emitter& e, const Value& x) {
  TypeRef type = float_loop(e, x.type);
  const Value one = e.intrinsic(Intrinsic::kCopysign, type, {e.cast(e.integer(1), type), e.cast(x, type)});
  return e.op(Op::kLt, ir::bool_type(false), {one, e.cast(e.integer(0), type)});
}

Value logical_not_scalar(Emitter& e, const Value& x) { return e.cast(e.logical_not(truth(e, x)), ir::bool_type(false)); }
Value real_scalar(Emitter& e, const Value& x) { return ir::is_complex(x.type) ? real_part(e, x) : x; }
Value imag_scalar(Emitter& e, const Value& x) { return ir::is_complex(x.type) ? imaginary_part(e, x) : e.cast(e.integer(0), x.type); }

Value angle_scalar(Emitter& e, const Value& x) {
  if (ir::is_complex(x.type)) {
    return float_function(e, "arctan2", "atan2", {imaginary_part(e, x), real_part(e, x)});
  }
  return float_function(e, "arctan2", "atan2", {e.cast(e.integer(0), float_loop(e, x.type)), x});
}

template <Operator op> Value operator_scalar(Emitter& e, const Value& a, const Value& b) {
  return numeric_binary(e, op, as_strong(e, a), as_strong(e, b));
}

// NumPy orders complex numbers by their real parts, and equal ones by the imaginary parts.
Value complex_order(Emitter& e, Op op, const Value& a, const Value& b) {
  TypeRef type = ir::bool_type(false);
  const Op strict = op == Op::kLt || op == Op::kLe ? Op::kLt : Op::kGt;
  const Value by_real = e.op(strict, type, {real_part(e, a), real_part(e, b)});
  const Value same_real = e.op(Op::kEq, type, {real_part(e, a), real_part(e, b)});
  const Value by_imaginary = e.op(op, type, {imaginary_part(e, a), imaginary_part(e, b)});
  const auto is_number = [&](const Value& v) { return e.logical_not(e.intrinsic(Intrinsic::kIsNan, type, {v})); };
  const Value are_numbers = e.op(Op::kAnd, type, {is_number(imaginary_part(e, a)), is_number(imaginary_part(e, b))});
  return e.op(Op::kOr, type, {e.op(Op::kAnd, type, {by_real, are_numbers}), e.op(Op::kAnd, type, {same_real, by_imaginary})});
}

Value complex_extreme(Emitter& e, const Value& x, const Value& y, bool want_max, bool keep_nan) {
  const Value first = e.op(Op::kSelect, x.type, {complex_order(e, want_max ? Op::kGe : Op::kLe, x, y), x, y});
  const Value x_nan = isnan_scalar(e, x);
  const Value y_nan = isnan_scalar(e, y);
  if (keep_nan) {
    return e.op(Op::kSelect, x.type, {x_nan, x, e.op(Op::kSelect, x.type, {y_nan, y, first})});
  }
  return e.op(Op::kSelect, x.type, {y_nan, x, e.op(Op::kSelect, x.type, {x_nan, y, first})});
}

template <Operator op> Value compare_scalar(Emitter& e, const Value& a, const Value& b) {
  static constexpr std::array kOrders{Op::kLt, Op::kLe, Op::kGt, Op::kGe};
  if constexpr (op != Operator::kEq && op != Operator::kNotEq) {
    if (ir::is_complex(a.type) || ir::is_complex(b.type)) {
      TypeRef type = common_type(e, a, b);
      const Op order = kOrders[static_cast<size_t>(op) - static_cast<size_t>(Operator::kLt)];
      return complex_order(e, order, e.cast(a, type), e.cast(b, type));
    }
  }
  return e.cast(numeric_compare(e, op, a, b), ir::bool_type(false));
}

// maximum and minimum give NaN where either is NaN; fmax and fmin the other number.
Value extreme_scalar(Emitter& e, const Value& a, const Value& b, bool want_max, bool keep_nan) {
  if (is_date(a.type) && is_date(b.type) && a.type->dtype == b.type->dtype) {
    return date_extreme(e, a, b, want_max, keep_nan);
  }
  TypeRef type = common_type(e, a, b);
  const Value x = e.cast(a, type);
  const Value y = e.cast(b, type);
  TypeRef truth_type = ir::bool_type(false);
  if (ir::is_complex(type)) {
    return complex_extreme(e, x, y, want_max, keep_nan);
  }
  const Value first = e.op(Op::kSelect, type, {e.op(want_max ? Op::kGe : Op::kLe, truth_type, {x, y}), x, y});
  if (!ir::is_float(type)) {
    return first;
  }
  const Value x_nan = e.intrinsic(Intrinsic::kIsNan, truth_type, {x});
  const Value y_nan = e.intrinsic(Intrinsic::kIsNan, truth_type, {y});
  if (keep_nan) {
    return e.op(Op::kSelect, type, {x_nan, x, first});
  }
  return e.op(Op::kSelect, type, {y_nan, x, first});
}
Value maximum_scalar(Emitter& e, const Value& a, const Value& b) { return extreme_scalar(e, a, b, true, true); }
Value minimum_scalar(Emitter& e, const Value& a, const Value& b) { return extreme_scalar(e, a, b, false, true); }
Value fmax_scalar(Emitter& e, const Value& a, const Value& b) { return extreme_scalar(e, a, b, true, false); }
Value fmin_scalar(Emitter& e, const Value& a, const Value& b) { return extreme_scalar(e, a, b, false, false); }

Value ldexp_scalar(Emitter& e, const Value& a, const Value& b) {
  TypeRef type = float_loop(e, a.type);
  if (!ir::is_float(type) || type->bits < 32 || !ir::is_integral(b.type)) {
    e.fail("ldexp() takes a float and an integer, not " + ir::display(a.type) + " and " + ir::display(b.type));
  }
  TypeRef wide = ir::scalar_type(DType::kFloat64);
  return e.cast(e.external("hst_ldexp", wide, {e.cast(a, wide), e.cast(b, ir::intp_type())}), type);
}

Value fmod_scalar(Emitter& e, const Value& a, const Value& b) {
  TypeRef type = common_type(e, a, b);
  if (ir::is_float(type)) {
    return float_function(e, "fmod", "fmod", {e.cast(a, type), e.cast(b, type)});
  }
  const Value y = e.cast(b, type);
  const Value zero = e.integer(0, type);
  const Value is_zero = e.op(Op::kEq, ir::bool_type(false), {y, zero});
  const Value safe = e.op(Op::kSelect, type, {is_zero, e.integer(1, type), y});
  const Value rest = e.op(Op::kTruncMod, type, {e.cast(a, type), safe});
  return e.op(Op::kSelect, type, {is_zero, zero, rest});
}

Value float_power_scalar(Emitter& e, const Value& a, const Value& b) {
  TypeRef type = ir::scalar_type(ir::is_complex(common_type(e, a, b)) ? DType::kComplex128 : DType::kFloat64);
  return numeric_binary(e, Operator::kPow, e.cast(a, type), e.cast(b, type));
}

template <Op op> Value logical_scalar(Emitter& e, const Value& a, const Value& b) {
  TypeRef type = ir::bool_type(false);
  return e.op(op, type, {e.cast(truth(e, a), type), e.cast(truth(e, b), type)});
}

Value number_theory(Emitter& e, const Value& a, const Value& b, const char* symbol) {
  TypeRef type = common_type(e, a, b);
  if (!ir::is_integer(type)) {
    e.fail("gcd() and lcm() take integers");
  }
  return e.cast(e.external(symbol, ir::intp_type(), {e.cast(a, ir::intp_type()), e.cast(b, ir::intp_type())}), type);
}
Value gcd_scalar(Emitter& e, const Value& a, const Value& b) { return number_theory(e, a, b, "hst_gcd"); }
Value lcm_scalar(Emitter& e, const Value& a, const Value& b) { return number_theory(e, a, b, "hst_lcm"); }

template <UnaryScalar scalar> Value unary_rule(Emitter& e, const CallArgs& args) { return apply_unary(e, args, scalar); }
template <BinaryScalar scalar> Value binary_rule(Emitter& e, const CallArgs& args) { return apply_binary(e, args, scalar); }

Value where_rule(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "where", args, {"condition", "x", "y"});
  return apply(e, {operand(e, b[0]), operand(e, b[1]), operand(e, b[2])}, {}, [](Emitter& k, std::span<const Value> x) {
    TypeRef type = ir::strong(common_type(k, x[1], x[2]));
    return k.op(Op::kSelect, type, {k.cast(truth(k, x[0]), ir::bool_type(false)), k.cast(x[1], type), k.cast(x[2], type)});
  });
}

Value clip_rule(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "clip", args, {"a", "a_min?", "a_max?", "out?"});
  std::vector<Value> operands{operand(e, b[0])};
  const bool low = given(b[1]);
  const bool high = given(b[2]);
  if (!low && !high) {
    e.fail("clip() needs a_min or a_max");
  }
  if (low) {
    operands.push_back(operand(e, b[1]));
  }
  if (high) {
    operands.push_back(operand(e, b[2]));
  }
  return apply(e, operands, b[3], [low, high](Emitter& k, std::span<const Value> x) {
    Value v = x[0];
    v = low ? maximum_scalar(k, v, x[1]) : v;
    return high ? minimum_scalar(k, v, x[low ? 2 : 1]) : v;
  });
}

Value round_array(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "round", args, {"a", "decimals?", "out?"});
  const int64_t decimals = given(b[1]) ? e.known_int(b[1]).value_or(-1000) : 0;
  if (decimals < -300 || decimals > 300) {
    e.fail("the decimals of np.round must be a constant in compiled code");
  }
  return apply(e, {operand(e, b[0])}, b[2], [decimals](Emitter& k, std::span<const Value> x) {
    if (decimals == 0 || !ir::is_float(x[0].type)) {
      return ir::is_integral(x[0].type) ? x[0] : rint_scalar(k, x[0]);
    }
    double power = 1;
    for (int64_t i = 0; i < std::abs(decimals); ++i) {
      power *= 10;
    }
    const Value scale = k.floating(power, x[0].type);
    const Op up = decimals > 0 ? Op::kMul : Op::kDiv;
    const Op down = decimals > 0 ? Op::kDiv : Op::kMul;
    return k.op(down, x[0].type, {rint_scalar(k, k.op(up, x[0].type, {x[0], scale})), scale});
  });
}

Value divmod_array(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "divmod", args, {"x1", "x2", "out1?", "out2?"});
  // The remainder first: the quotient may be written over an operand.
  const Value remainder = binary_rule<operator_scalar<Operator::kMod>>(e, {{b[0], b[1]}, {}});
  std::vector<Value> operands{b[0], b[1]};
  if (given(b[2])) {
    operands.push_back(b[2]);
  }
  const Value quotient = binary_rule<operator_scalar<Operator::kFloorDiv>>(e, {operands, {}});
  return e.tuple({quotient, given(b[3]) ? unary_rule<positive_scalar>(e, {{remainder, b[3]}, {}}) : remainder});
}

constexpr std::array kRules{
    RuleEntry{"numpy.sin", np_sin},
    RuleEntry{"numpy.cos", np_cos},
    RuleEntry{"numpy.tan", np_tan},
    RuleEntry{"numpy.arcsin", np_arcsin},
    RuleEntry{"numpy.arccos", np_arccos},
    RuleEntry{"numpy.arctan", np_arctan},
    RuleEntry{"numpy.sinh", np_sinh},
    RuleEntry{"numpy.cosh", np_cosh},
    RuleEntry{"numpy.tanh", np_tanh},
    RuleEntry{"numpy.arcsinh", np_arcsinh},
    RuleEntry{"numpy.arccosh", np_arccosh},
    RuleEntry{"numpy.arctanh", np_arctanh},
    RuleEntry{"numpy.exp", np_exp},
    RuleEntry{"numpy.exp2", np_exp2},
    RuleEntry{"numpy.expm1", np_expm1},
    RuleEntry{"numpy.log", np_log},
    RuleEntry{"numpy.log2", np_log2},
    RuleEntry{"numpy.log10", np_log10},
    RuleEntry{"numpy.log1p", np_log1p},
    RuleEntry{"numpy.cbrt", np_cbrt},
    RuleEntry{"numpy.spacing", np_spacing},
    RuleEntry{"numpy.arctan2", np_arctan2},
    RuleEntry{"numpy.hypot", np_hypot},
    RuleEntry{"numpy.logaddexp", np_logaddexp},
    RuleEntry{"numpy.logaddexp2", np_logaddexp2},
    RuleEntry{"numpy.copysign", np_copysign},
    RuleEntry{"numpy.nextafter", np_nextafter},
    RuleEntry{"numpy.heaviside", np_heaviside},
    RuleEntry{"numpy.sqrt", unary_rule<sqrt_scalar>},
    RuleEntry{"numpy.floor", unary_rule<floor_scalar>},
    RuleEntry{"numpy.ceil", unary_rule<ceil_scalar>},
    RuleEntry{"numpy.trunc", unary_rule<trunc_scalar>},
    RuleEntry{"numpy.rint", unary_rule<rint_scalar>},
    RuleEntry{"numpy.fabs", unary_rule<fabs_scalar>},
    RuleEntry{"numpy.absolute", unary_rule<absolute_scalar>},
    RuleEntry{"numpy.sign", unary_rule<sign_scalar>},
    RuleEntry{"numpy.square", unary_rule<square_scalar>},
    RuleEntry{"numpy.negative", unary_rule<negative_scalar>},
    RuleEntry{"numpy.positive", unary_rule<positive_scalar>},
    RuleEntry{"numpy.invert", unary_rule<invert_scalar>},
    RuleEntry{"numpy.reciprocal", unary_rule<reciprocal_scalar>},
    RuleEntry{"numpy.conjugate", unary_rule<conjugate_scalar>},
    RuleEntry{"numpy.deg2rad", unary_rule<radians_scalar>},
    RuleEntry{"numpy.radians", unary_rule<radians_scalar>},
    RuleEntry{"numpy.rad2deg", unary_rule<degrees_scalar>},
    RuleEntry{"numpy.degrees", unary_rule<degrees_scalar>},
    RuleEntry{"numpy.isnan", unary_rule<isnan_scalar>},
    RuleEntry{"numpy.isinf", unary_rule<isinf_scalar>},
    RuleEntry{"numpy.isnat", unary_rule<isnat_scalar>},
    RuleEntry{"numpy.ldexp", binary_rule<ldexp_scalar>},
    RuleEntry{"numpy.isfinite", unary_rule<isfinite_scalar>},
    RuleEntry{"numpy.signbit", unary_rule<signbit_scalar>},
    RuleEntry{"numpy.logical_not", unary_rule<logical_not_scalar>},
    RuleEntry{"numpy.real", unary_rule<real_scalar>},
    RuleEntry{"numpy.imag", unary_rule<imag_scalar>},
    RuleEntry{"numpy.angle", unary_rule<angle_scalar>},
    RuleEntry{"numpy.add", binary_rule<operator_scalar<Operator::kAdd>>},
    RuleEntry{"numpy.subtract", binary_rule<operator_scalar<Operator::kSub>>},
    RuleEntry{"numpy.multiply", binary_rule<operator_scalar<Operator::kMul>>},
    RuleEntry{"numpy.divide", binary_rule<operator_scalar<Operator::kDiv>>},
    RuleEntry{"numpy.floor_divide", binary_rule<operator_scalar<Operator::kFloorDiv>>},
    RuleEntry{"numpy.remainder", binary_rule<operator_scalar<Operator::kMod>>},
    RuleEntry{"numpy.power", binary_rule<operator_scalar<Operator::kPow>>},
    RuleEntry{"numpy.float_power", binary_rule<float_power_scalar>},
    RuleEntry{"numpy.fmod", binary_rule<fmod_scalar>},
    RuleEntry{"numpy.bitwise_and", binary_rule<operator_scalar<Operator::kBitAnd>>},
    RuleEntry{"numpy.bitwise_or", binary_rule<operator_scalar<Operator::kBitOr>>},
    RuleEntry{"numpy.bitwise_xor", binary_rule<operator_scalar<Operator::kBitXor>>},
    RuleEntry{"numpy.left_shift", binary_rule<operator_scalar<Operator::kLShift>>},
    RuleEntry{"numpy.right_shift", binary_rule<operator_scalar<Operator::kRShift>>},
    RuleEntry{"numpy.equal", binary_rule<compare_scalar<Operator::kEq>>},
    RuleEntry{"numpy.not_equal", binary_rule<compare_scalar<Operator::kNotEq>>},
    RuleEntry{"numpy.less", binary_rule<compare_scalar<Operator::kLt>>},
    RuleEntry{"numpy.less_equal", binary_rule<compare_scalar<Operator::kLtE>>},
    RuleEntry{"numpy.greater", binary_rule<compare_scalar<Operator::kGt>>},
    RuleEntry{"numpy.greater_equal", binary_rule<compare_scalar<Operator::kGtE>>},
    RuleEntry{"numpy.maximum", binary_rule<maximum_scalar>},
    RuleEntry{"numpy.minimum", binary_rule<minimum_scalar>},
    RuleEntry{"numpy.fmax", binary_rule<fmax_scalar>},
    RuleEntry{"numpy.fmin", binary_rule<fmin_scalar>},
    RuleEntry{"numpy.logical_and", binary_rule<logical_scalar<Op::kAnd>>},
    RuleEntry{"numpy.logical_or", binary_rule<logical_scalar<Op::kOr>>},
    RuleEntry{"numpy.logical_xor", binary_rule<logical_scalar<Op::kXor>>},
    RuleEntry{"numpy.gcd", binary_rule<gcd_scalar>},
    RuleEntry{"numpy.lcm", binary_rule<lcm_scalar>},
    RuleEntry{"numpy.where", where_rule},
    RuleEntry{"numpy.clip", clip_rule},
    RuleEntry{"numpy.round", round_array},
    RuleEntry{"numpy.divmod", divmod_array},
    RuleEntry{"array.clip", clip_rule},
    RuleEntry{"array.round", round_array},
    RuleEntry{"array.conjugate", unary_rule<conjugate_scalar>},
    RuleEntry{"array.conj", unary_rule<conjugate_scalar>},
};

} // namespace

std::span<const RuleEntry> numpy_ufunc_rules() { return kRules; }

} // namespace hasten::infer
