// math, cmath and what operator offers of the operators.
#include <array>
#include <cmath>
#include <limits>

#include "hasten/compiler/infer/rule_table.h"

namespace hasten::infer {

using array::DType;
using ir::Intrinsic;
using ir::Op;
using ir::TypeRef;

namespace {

// What Python's math module makes of a C function's answer.
enum class Check { kNone, kDomain, kRange };

struct MathFunction {
  const char* libm;
  Check check;
};

// The type that a math function computes in: float64, but numba keeps float32.
TypeRef math_type(Emitter& e, const Value& v) {
  const bool single = e.numba() && ir::is_float(v.type) && v.type->bits == 32;
  return e.numba() ? ir::scalar_type(single ? DType::kFloat32 : DType::kFloat64) : ir::float_type();
}

Value real_argument(Emitter& e, const Value& given_value, TypeRef* type) {
  const Value v = e.unwrap(given_value);
  if (!ir::is_real(v.type)) {
    e.fail("must be a real number, not " + ir::display(v.type));
  }
  *type = math_type(e, v);
  return e.cast(v, *type);
}

std::string symbol_for(const char* libm, TypeRef type) { return type->bits == 32 ? std::string(libm) + "f" : libm; }

Value is_nan(Emitter& e, const Value& v) { return e.intrinsic(Intrinsic::kIsNan, ir::bool_type(), {v}); }
Value is_inf(Emitter& e, const Value& v) { return e.intrinsic(Intrinsic::kIsInf, ir::bool_type(), {v}); }
Value is_finite(Emitter& e, const Value& v) { return e.intrinsic(Intrinsic::kIsFinite, ir::bool_type(), {v}); }
Value both(Emitter& e, const Value& a, const Value& b) { return e.op(Op::kAnd, ir::bool_type(), {a, b}); }

// CPython's math_1: a NaN from a number is a domain error, an infinity from a finite number a range or a domain error.
void check_result(Emitter& e, Check check, const Value& finite_argument, const Value& number_argument, const Value& result) {
  if (e.numba() || check == Check::kNone) {
    return;
  }
  e.raise_if(both(e, is_nan(e, result), number_argument), "builtins:ValueError", "math domain error");
  const bool range = check == Check::kRange;
  e.raise_if(both(e, is_inf(e, result), finite_argument), range ? "builtins:OverflowError" : "builtins:ValueError",
             range ? "math range error" : "math domain error");
}

Value one_argument(Emitter& e, const CallArgs& args, const MathFunction& function) {
  TypeRef type = nullptr;
  const Value x = real_argument(e, bind(e, function.libm, args, {"x"})[0], &type);
  const std::string_view name = function.libm;
  const Value result = name == "sqrt" ? e.intrinsic(Intrinsic::kSqrt, type, {x}) : e.external(symbol_for(function.libm, type), type, {x});
  if (!e.numba() && (name == "tgamma" || name == "lgamma")) { // the poles at zero and below
    const Value below = e.op(Op::kLe, ir::bool_type(), {x, e.floating(0, type)});
    e.raise_if(both(e, both(e, is_inf(e, result), is_finite(e, x)), below), "builtins:ValueError", "math domain error");
  }
  check_result(e, function.check, is_finite(e, x), e.logical_not(is_nan(e, x)), result);
  return result;
}

Value two_arguments(Emitter& e, const CallArgs& args, const MathFunction& function) {
  const std::vector<Value> bound = bind(e, function.libm, args, {"x", "y"});
  TypeRef a = nullptr;
  TypeRef b = nullptr;
  const Value first = real_argument(e, bound[0], &a);
  const Value second = real_argument(e, bound[1], &b);
  TypeRef type = ir::scalar_type(array::promote(a->dtype, b->dtype), a->weak);
  const Value x = e.cast(first, type);
  const Value y = e.cast(second, type);
  const Value result = e.external(symbol_for(function.libm, type), type, {x, y});
  const Value numbers = both(e, e.logical_not(is_nan(e, x)), e.logical_not(is_nan(e, y)));
  if (!e.numba() && std::string_view(function.libm) == "pow") { // a pole
    const Value zero = e.op(Op::kEq, ir::bool_type(), {x, e.floating(0, type)});
    e.raise_if(both(e, both(e, zero, is_inf(e, result)), is_finite(e, y)), "builtins:ValueError", "math domain error");
  }
  check_result(e, function.check, both(e, is_finite(e, x), is_finite(e, y)), numbers, result);
  return result;
}

#define HASTEN_MATH_1(name, check)                                                                                                         \
  Value math_##name(Emitter& e, const CallArgs& args) { return one_argument(e, args, {#name, check}); }
#define HASTEN_MATH_2(name, check)                                                                                                         \
  Value math_##name(Emitter& e, const CallArgs& args) { return two_arguments(e, args, {#name, check}); }

HASTEN_MATH_1(sin, Check::kDomain)
HASTEN_MATH_1(cos, Check::kDomain)
HASTEN_MATH_1(tan, Check::kDomain)
HASTEN_MATH_1(asin, Check::kDomain)
HASTEN_MATH_1(acos, Check::kDomain)
HASTEN_MATH_1(atan, Check::kNone)
HASTEN_MATH_1(sinh, Check::kRange)
HASTEN_MATH_1(cosh, Check::kRange)
HASTEN_MATH_1(tanh, Check::kNone)
HASTEN_MATH_1(asinh, Check::kNone)
HASTEN_MATH_1(acosh, Check::kDomain)
HASTEN_MATH_1(atanh, Check::kDomain)
HASTEN_MATH_1(exp, Check::kRange)
HASTEN_MATH_1(exp2, Check::kRange)
HASTEN_MATH_1(expm1, Check::kRange)
HASTEN_MATH_1(log2, Check::kDomain)
HASTEN_MATH_1(log10, Check::kDomain)
HASTEN_MATH_1(log1p, Check::kDomain)
HASTEN_MATH_1(sqrt, Check::kDomain)
HASTEN_MATH_1(cbrt, Check::kNone)
HASTEN_MATH_1(erf, Check::kNone)
HASTEN_MATH_1(erfc, Check::kNone)
HASTEN_MATH_1(tgamma, Check::kRange)
HASTEN_MATH_1(lgamma, Check::kRange)
HASTEN_MATH_2(atan2, Check::kNone)
HASTEN_MATH_2(hypot, Check::kRange)
HASTEN_MATH_2(fmod, Check::kDomain)
HASTEN_MATH_2(pow, Check::kRange)
HASTEN_MATH_2(copysign, Check::kNone)
HASTEN_MATH_2(remainder, Check::kDomain)
HASTEN_MATH_2(nextafter, Check::kNone)
#undef HASTEN_MATH_1
#undef HASTEN_MATH_2

Value math_log(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "log", args, {"x", "base?"});
  const Value natural = one_argument(e, {{bound[0]}, {}}, {"log", Check::kDomain});
  if (!given(bound[1])) {
    return natural;
  }
  return true_divide(e, natural, one_argument(e, {{bound[1]}, {}}, {"log", Check::kDomain}));
}

// floor, ceil, trunc give ints.
Value to_integer(Emitter& e, const CallArgs& args, Intrinsic how) {
  const Value v = e.unwrap(bind(e, "floor", args, {"x"})[0]);
  TypeRef type = e.numba() ? ir::intp_type() : ir::int_type();
  if (ir::is_integral(v.type)) {
    return e.numba() && ir::is_integer(v.type) ? v : e.cast(v, type);
  }
  if (!ir::is_float(v.type)) {
    e.fail("must be a real number, not " + ir::display(v.type));
  }
  return float_to_int(e, e.intrinsic(how, v.type, {v}), type);
}

Value math_floor(Emitter& e, const CallArgs& args) { return to_integer(e, args, Intrinsic::kFloor); }
Value math_ceil(Emitter& e, const CallArgs& args) { return to_integer(e, args, Intrinsic::kCeil); }
Value math_trunc(Emitter& e, const CallArgs& args) { return to_integer(e, args, Intrinsic::kTrunc); }

Value math_fabs(Emitter& e, const CallArgs& args) {
  TypeRef type = nullptr;
  const Value x = real_argument(e, bind(e, "fabs", args, {"x"})[0], &type);
  return e.op(Op::kAbs, type, {x});
}

Value classify(Emitter& e, const CallArgs& args, Intrinsic which) {
  const Value v = e.unwrap(bind(e, "isnan", args, {"x"})[0]);
  if (ir::is_integral(v.type)) {
    return e.boolean(which == Intrinsic::kIsFinite);
  }
  if (!ir::is_float(v.type)) {
    e.fail("must be a real number, not " + ir::display(v.type));
  }
  return e.intrinsic(which, ir::bool_type(!e.numba()), {v});
}

Value math_isnan(Emitter& e, const CallArgs& args) { return classify(e, args, Intrinsic::kIsNan); }
Value math_isinf(Emitter& e, const CallArgs& args) { return classify(e, args, Intrinsic::kIsInf); }
Value math_isfinite(Emitter& e, const CallArgs& args) { return classify(e, args, Intrinsic::kIsFinite); }

// CPython multiplies by the constant, so the bits agree.
Value scaled(Emitter& e, const CallArgs& args, double factor) {
  TypeRef type = nullptr;
  const Value x = real_argument(e, bind(e, "radians", args, {"x"})[0], &type);
  return e.op(Op::kMul, type, {x, e.floating(factor, type)});
}

Value math_radians(Emitter& e, const CallArgs& args) { return scaled(e, args, M_PI / 180.0); }
Value math_degrees(Emitter& e, const CallArgs& args) { return scaled(e, args, 180.0 / M_PI); }

Value math_ldexp(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "ldexp", args, {"x", "i"});
  TypeRef type = nullptr;
  const Value x = real_argument(e, bound[0], &type);
  const Value i = e.intp(bound[1], "the exponent");
  TypeRef wide = ir::scalar_type(DType::kFloat64, type->weak);
  const Value result = e.cast(e.external("hst_ldexp", wide, {e.cast(x, wide), i}), type);
  check_result(e, Check::kRange, is_finite(e, x), e.logical_not(is_nan(e, x)), result);
  return result;
}

Value math_frexp(Emitter& e, const CallArgs& args) {
  TypeRef type = nullptr;
  const Value x = real_argument(e, bind(e, "frexp", args, {"x"})[0], &type);
  TypeRef wide = ir::scalar_type(DType::kFloat64, type->weak);
  TypeRef exponent = e.numba() ? ir::intp_type() : ir::int_type();
  const Value parts = e.runtime("hst_frexp", ir::tuple_type({wide, exponent}), {e.cast(x, wide)});
  return e.tuple({e.cast(e.item(parts, 0), type), e.item(parts, 1)});
}

Value math_modf(Emitter& e, const CallArgs& args) {
  TypeRef type = nullptr;
  const Value x = real_argument(e, bind(e, "modf", args, {"x"})[0], &type);
  const Value whole = e.intrinsic(Intrinsic::kTrunc, type, {x});
  const Value rest = e.select(is_inf(e, x), e.floating(0, type), e.op(Op::kSub, type, {x, whole}));
  return e.tuple({e.intrinsic(Intrinsic::kCopysign, type, {rest, x}), whole});
}

Value integers(Emitter& e, const CallArgs& args, const char* symbol) {
  TypeRef own = e.numba() ? ir::intp_type() : ir::int_type();
  std::vector<Value> numbers;
  TypeRef type = own;
  for (const Value& v : args.positional) {
    numbers.push_back(e.intp(v, "an argument of gcd or lcm"));
  }
  if (numbers.empty()) {
    return e.integer(0, own);
  }
  Value result = e.op(Op::kAbs, ir::intp_type(), {numbers[0]});
  for (size_t i = 1; i < numbers.size(); ++i) {
    result = e.external(symbol, ir::intp_type(), {result, numbers[i]});
  }
  return e.cast(result, type);
}

Value math_gcd(Emitter& e, const CallArgs& args) { return integers(e, args, "hst_gcd"); }
Value math_lcm(Emitter& e, const CallArgs& args) { return integers(e, args, "hst_lcm"); }

Value count_ways(Emitter& e, const CallArgs& args, const char* symbol) {
  std::vector<Value> numbers;
  for (const Value& v : args.positional) {
    numbers.push_back(e.intp(v, "an argument"));
  }
  return e.cast(e.runtime(symbol, ir::intp_type(), numbers), e.numba() ? ir::intp_type() : ir::int_type());
}

Value math_factorial(Emitter& e, const CallArgs& args) { return count_ways(e, args, "hst_factorial"); }
Value math_isqrt(Emitter& e, const CallArgs& args) { return count_ways(e, args, "hst_isqrt"); }
Value math_comb(Emitter& e, const CallArgs& args) { return count_ways(e, args, "hst_comb"); }
Value math_perm(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "perm", args, {"n", "k?"});
  return given(bound[1]) ? count_ways(e, {{bound[0], bound[1]}, {}}, "hst_perm") : math_factorial(e, {{bound[0]}, {}});
}

// Numbers as a one-dimensional array of float64.
Value as_floats(Emitter& e, const Value& items) {
  const Value array = as_array(e, items);
  TypeRef elem = ir::scalar_type(DType::kFloat64);
  if (array.type->ndim != 1 || !ir::is_real(array.type->elem)) {
    e.fail("real numbers are needed here, not " + ir::display(items.type));
  }
  return array.type->elem == elem
             ? array
             : e.elementwise(std::array{array}, [elem](Emitter& k, std::span<const Value> x) { return k.cast(x[0], elem); });
}

Value of_floats(Emitter& e, const char* symbol, const Value& items) {
  return e.runtime(symbol, e.numba() ? ir::scalar_type(DType::kFloat64) : ir::float_type(), {as_floats(e, items)});
}

Value math_hypot_of_any(Emitter& e, const CallArgs& args) {
  if (args.positional.size() == 2) {
    return math_hypot(e, args);
  }
  return args.positional.empty() ? e.floating(0, e.numba() ? ir::scalar_type(DType::kFloat64) : ir::float_type())
                                 : of_floats(e, "hst_vector_length", e.tuple(args.positional));
}

Value math_dist(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "dist", args, {"p", "q"});
  const Value p = as_floats(e, bound[0]);
  const Value q = as_floats(e, bound[1]);
  const Value differ = e.op(Op::kNe, ir::bool_type(), {e.dim(p, 0), e.dim(q, 0)});
  e.raise_if(differ, "builtins:ValueError", "both points must have the same number of dimensions");
  return of_floats(e, "hst_vector_length", binary(e, Operator::kSub, p, q));
}

Value math_fsum(Emitter& e, const CallArgs& args) { return of_floats(e, "hst_exact_sum", bind(e, "fsum", args, {"seq"})[0]); }

Value math_prod(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "prod", args, {"iterable", "start?"});
  const Value start = given(bound[1]) ? bound[1] : e.integer(1, e.numba() ? ir::intp_type() : ir::int_type());
  return combined(e, Operator::kMul, bound[0], start);
}

Value math_ulp(Emitter& e, const CallArgs& args) {
  TypeRef type = nullptr;
  const Value given_number = real_argument(e, bind(e, "ulp", args, {"x"})[0], &type);
  TypeRef wide = ir::scalar_type(DType::kFloat64, type->weak);
  const Value x = e.op(Op::kAbs, wide, {e.cast(given_number, wide)});
  const Value next = e.external("nextafter", wide, {x, e.floating(std::numeric_limits<double>::infinity(), wide)});
  const Value before = e.external("nextafter", wide, {x, e.floating(0, wide)});
  const Value above = e.op(Op::kSub, wide, {next, x});
  const Value below = e.op(Op::kSub, wide, {x, before});
  return e.select(is_finite(e, x), e.select(is_inf(e, next), below, above), x);
}

// ---------------------------------------------------------------- cmath

Value complex_argument(Emitter& e, const Value& given_value, TypeRef* type) {
  const Value v = e.unwrap(given_value);
  if (!ir::is_number(v.type)) {
    e.fail("must be a number, not " + ir::display(v.type));
  }
  const bool single = e.numba() && ((ir::is_complex(v.type) && v.type->bits == 64) || (ir::is_float(v.type) && v.type->bits == 32));
  *type = e.numba() ? ir::scalar_type(single ? DType::kComplex64 : DType::kComplex128) : ir::complex_type();
  return e.cast(v, *type);
}

// `hst_c*` raise what cmath raises where `checked` is nonzero.
Value complex_function(Emitter& e, const CallArgs& args, const char* symbol) {
  TypeRef type = nullptr;
  const Value z = complex_argument(e, bind(e, symbol, args, {"z"})[0], &type);
  TypeRef wide = ir::scalar_type(DType::kComplex128, type->weak);
  return e.cast(e.runtime(symbol, wide, {e.cast(z, wide), e.integer(e.numba() ? 0 : 1)}), type);
}

#define HASTEN_CMATH(name)                                                                                                                 \
  Value cmath_##name(Emitter& e, const CallArgs& args) { return complex_function(e, args, "hst_c" #name); }
HASTEN_CMATH(sin)
HASTEN_CMATH(cos)
HASTEN_CMATH(tan)
HASTEN_CMATH(asin)
HASTEN_CMATH(acos)
HASTEN_CMATH(atan)
HASTEN_CMATH(sinh)
HASTEN_CMATH(cosh)
HASTEN_CMATH(tanh)
HASTEN_CMATH(asinh)
HASTEN_CMATH(acosh)
HASTEN_CMATH(atanh)
HASTEN_CMATH(exp)
HASTEN_CMATH(log10)
HASTEN_CMATH(sqrt)
#undef HASTEN_CMATH

Value cmath_log(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "log", args, {"z", "base?"});
  const Value natural = complex_function(e, {{bound[0]}, {}}, "hst_clog");
  return given(bound[1]) ? true_divide(e, natural, complex_function(e, {{bound[1]}, {}}, "hst_clog")) : natural;
}

Value parts_test(Emitter& e, const CallArgs& args, Intrinsic which, Op combine) {
  TypeRef type = nullptr;
  const Value z = complex_argument(e, bind(e, "isnan", args, {"z"})[0], &type);
  TypeRef truth_type = ir::bool_type(!e.numba());
  const Value re = e.intrinsic(which, truth_type, {real_part(e, z)});
  const Value im = e.intrinsic(which, truth_type, {imaginary_part(e, z)});
  return e.op(combine, truth_type, {re, im});
}

Value cmath_isnan(Emitter& e, const CallArgs& args) { return parts_test(e, args, Intrinsic::kIsNan, Op::kOr); }
Value cmath_isinf(Emitter& e, const CallArgs& args) { return parts_test(e, args, Intrinsic::kIsInf, Op::kOr); }
Value cmath_isfinite(Emitter& e, const CallArgs& args) { return parts_test(e, args, Intrinsic::kIsFinite, Op::kAnd); }

// CPython's isclose of `a` and `b`, whose magnitudes and whose distance these are.
Value is_close(Emitter& e, const CallArgs& args, bool complex) {
  const std::vector<Value> bound = bind(e, "isclose", args, {"a", "b", "rel_tol?", "abs_tol?"});
  TypeRef type = nullptr;
  const auto number = [&](const Value& v) { return complex ? complex_argument(e, v, &type) : real_argument(e, v, &type); };
  const Value a = number(bound[0]);
  const Value b = number(bound[1]);
  TypeRef real = e.numba() ? ir::scalar_type(DType::kFloat64) : ir::float_type();
  const auto tolerance = [&](const Value& v, double otherwise) {
    return given(v) ? e.cast(e.unwrap(v), real) : e.floating(otherwise, real);
  };
  const Value relative = tolerance(bound[2], 1e-9);
  const Value least = tolerance(bound[3], 0);
  const Value zero = e.floating(0, real);
  TypeRef flag = ir::bool_type(!e.numba());
  const Value negative = e.op(Op::kOr, flag, {e.op(Op::kLt, flag, {relative, zero}), e.op(Op::kLt, flag, {least, zero})});
  e.raise_if(negative, "builtins:ValueError", "tolerances must be non-negative");
  const Value same = e.op(Op::kEq, flag, {a, b});
  const auto size = [&](const Value& v) { return e.cast(absolute(e, v), real); };
  const Value distance = size(e.op(Op::kSub, a.type, {a, b}));
  const auto within = [&](const Value& limit) { return e.op(Op::kLe, flag, {distance, limit}); };
  const auto of_relative = [&](const Value& v) { return within(e.op(Op::kMul, real, {relative, size(v)})); };
  const Value near = e.op(Op::kOr, flag, {e.op(Op::kOr, flag, {of_relative(a), of_relative(b)}), within(least)});
  const Value finite = both(e, is_finite(e, size(a)), is_finite(e, size(b)));
  return e.op(Op::kOr, flag, {same, e.op(Op::kAnd, flag, {e.cast(finite, flag), near})});
}

Value cmath_isclose(Emitter& e, const CallArgs& args) { return is_close(e, args, true); }
Value math_isclose(Emitter& e, const CallArgs& args) { return is_close(e, args, false); }

Value cmath_phase(Emitter& e, const CallArgs& args) {
  TypeRef type = nullptr;
  const Value z = complex_argument(e, bind(e, "phase", args, {"z"})[0], &type);
  const Value re = real_part(e, z);
  return e.external(symbol_for("atan2", re.type), re.type, {imaginary_part(e, z), re});
}

Value cmath_polar(Emitter& e, const CallArgs& args) {
  TypeRef type = nullptr;
  const Value z = complex_argument(e, bind(e, "polar", args, {"z"})[0], &type);
  return e.tuple({absolute(e, z), cmath_phase(e, args)});
}

Value cmath_rect(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "rect", args, {"r", "phi"});
  TypeRef type = nullptr;
  const Value r = real_argument(e, bound[0], &type);
  const Value phi = e.cast(real_argument(e, bound[1], &type), r.type);
  TypeRef wide = ir::scalar_type(DType::kFloat64, r.type->weak);
  TypeRef result = ir::scalar_type(DType::kComplex128, r.type->weak);
  const Value z = e.runtime("hst_crect", result, {e.cast(r, wide), e.cast(phi, wide), e.integer(e.numba() ? 0 : 1)});
  return r.type->bits == 32 ? e.cast(z, ir::scalar_type(DType::kComplex64)) : z;
}

// ---------------------------------------------------------------- operator

template <Operator op> Value operator_binary(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "operator", args, {"a", "b"});
  return binary(e, op, bound[0], bound[1]);
}
template <Operator op> Value operator_inplace(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "operator", args, {"a", "b"});
  return inplace(e, op, bound[0], bound[1]);
}
template <Operator op> Value operator_compare(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "operator", args, {"a", "b"});
  return compare(e, op, bound[0], bound[1]);
}
template <Operator op> Value operator_unary(Emitter& e, const CallArgs& args) { return unary(e, op, bind(e, "operator", args, {"a"})[0]); }
Value operator_not(Emitter& e, const CallArgs& args) { return e.logical_not(truth(e, bind(e, "not_", args, {"a"})[0])); }
Value operator_truth(Emitter& e, const CallArgs& args) { return truth(e, bind(e, "truth", args, {"a"})[0]); }
Value operator_contains(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "contains", args, {"a", "b"});
  return compare(e, Operator::kIn, bound[1], bound[0]);
}
Value operator_getitem(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "getitem", args, {"a", "b"});
  return subscript(e, bound[0], bound[1]);
}
Value operator_setitem(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "setitem", args, {"a", "b", "c"});
  set_subscript(e, bound[0], bound[1], bound[2]);
  return e.none();
}
Value operator_index(Emitter& e, const CallArgs& args) {
  return e.cast(e.intp(bind(e, "index", args, {"a"})[0], "an index"), e.numba() ? ir::intp_type() : ir::int_type());
}

constexpr std::array kRules{
    RuleEntry{"math.sin", math_sin},
    RuleEntry{"math.cos", math_cos},
    RuleEntry{"math.tan", math_tan},
    RuleEntry{"math.asin", math_asin},
    RuleEntry{"math.acos", math_acos},
    RuleEntry{"math.atan", math_atan},
    RuleEntry{"math.sinh", math_sinh},
    RuleEntry{"math.cosh", math_cosh},
    RuleEntry{"math.tanh", math_tanh},
    RuleEntry{"math.asinh", math_asinh},
    RuleEntry{"math.acosh", math_acosh},
    RuleEntry{"math.atanh", math_atanh},
    RuleEntry{"math.exp", math_exp},
    RuleEntry{"math.exp2", math_exp2},
    RuleEntry{"math.expm1", math_expm1},
    RuleEntry{"math.log", math_log},
    RuleEntry{"math.log2", math_log2},
    RuleEntry{"math.log10", math_log10},
    RuleEntry{"math.log1p", math_log1p},
    RuleEntry{"math.sqrt", math_sqrt},
    RuleEntry{"math.cbrt", math_cbrt},
    RuleEntry{"math.erf", math_erf},
    RuleEntry{"math.erfc", math_erfc},
    RuleEntry{"math.gamma", math_tgamma},
    RuleEntry{"math.lgamma", math_lgamma},
    RuleEntry{"math.atan2", math_atan2},
    RuleEntry{"math.hypot", math_hypot_of_any},
    RuleEntry{"math.dist", math_dist},
    RuleEntry{"math.fsum", math_fsum},
    RuleEntry{"math.prod", math_prod},
    RuleEntry{"math.ulp", math_ulp},
    RuleEntry{"math.perm", math_perm},
    RuleEntry{"cmath.isclose", cmath_isclose},
    RuleEntry{"math.isclose", math_isclose},
    RuleEntry{"math.fmod", math_fmod},
    RuleEntry{"math.pow", math_pow},
    RuleEntry{"math.copysign", math_copysign},
    RuleEntry{"math.remainder", math_remainder},
    RuleEntry{"math.nextafter", math_nextafter},
    RuleEntry{"math.floor", math_floor},
    RuleEntry{"math.ceil", math_ceil},
    RuleEntry{"math.trunc", math_trunc},
    RuleEntry{"math.fabs", math_fabs},
    RuleEntry{"math.isnan", math_isnan},
    RuleEntry{"math.isinf", math_isinf},
    RuleEntry{"math.isfinite", math_isfinite},
    RuleEntry{"math.radians", math_radians},
    RuleEntry{"math.degrees", math_degrees},
    RuleEntry{"math.ldexp", math_ldexp},
    RuleEntry{"math.frexp", math_frexp},
    RuleEntry{"math.modf", math_modf},
    RuleEntry{"math.gcd", math_gcd},
    RuleEntry{"math.lcm", math_lcm},
    RuleEntry{"math.factorial", math_factorial},
    RuleEntry{"math.isqrt", math_isqrt},
    RuleEntry{"math.comb", math_comb},
    RuleEntry{"cmath.sin", cmath_sin},
    RuleEntry{"cmath.cos", cmath_cos},
    RuleEntry{"cmath.tan", cmath_tan},
    RuleEntry{"cmath.asin", cmath_asin},
    RuleEntry{"cmath.acos", cmath_acos},
    RuleEntry{"cmath.atan", cmath_atan},
    RuleEntry{"cmath.sinh", cmath_sinh},
    RuleEntry{"cmath.cosh", cmath_cosh},
    RuleEntry{"cmath.tanh", cmath_tanh},
    RuleEntry{"cmath.asinh", cmath_asinh},
    RuleEntry{"cmath.acosh", cmath_acosh},
    RuleEntry{"cmath.atanh", cmath_atanh},
    RuleEntry{"cmath.exp", cmath_exp},
    RuleEntry{"cmath.log10", cmath_log10},
    RuleEntry{"cmath.sqrt", cmath_sqrt},
    RuleEntry{"cmath.log", cmath_log},
    RuleEntry{"cmath.isnan", cmath_isnan},
    RuleEntry{"cmath.isinf", cmath_isinf},
    RuleEntry{"cmath.isfinite", cmath_isfinite},
    RuleEntry{"cmath.phase", cmath_phase},
    RuleEntry{"cmath.polar", cmath_polar},
    RuleEntry{"cmath.rect", cmath_rect},
    RuleEntry{"operator.add", operator_binary<Operator::kAdd>},
    RuleEntry{"operator.sub", operator_binary<Operator::kSub>},
    RuleEntry{"operator.mul", operator_binary<Operator::kMul>},
    RuleEntry{"operator.truediv", operator_binary<Operator::kDiv>},
    RuleEntry{"operator.floordiv", operator_binary<Operator::kFloorDiv>},
    RuleEntry{"operator.mod", operator_binary<Operator::kMod>},
    RuleEntry{"operator.pow", operator_binary<Operator::kPow>},
    RuleEntry{"operator.matmul", operator_binary<Operator::kMatMul>},
    RuleEntry{"operator.lshift", operator_binary<Operator::kLShift>},
    RuleEntry{"operator.rshift", operator_binary<Operator::kRShift>},
    RuleEntry{"operator.and_", operator_binary<Operator::kBitAnd>},
    RuleEntry{"operator.or_", operator_binary<Operator::kBitOr>},
    RuleEntry{"operator.xor", operator_binary<Operator::kBitXor>},
    RuleEntry{"operator.iadd", operator_inplace<Operator::kAdd>},
    RuleEntry{"operator.isub", operator_inplace<Operator::kSub>},
    RuleEntry{"operator.imul", operator_inplace<Operator::kMul>},
    RuleEntry{"operator.itruediv", operator_inplace<Operator::kDiv>},
    RuleEntry{"operator.ifloordiv", operator_inplace<Operator::kFloorDiv>},
    RuleEntry{"operator.imod", operator_inplace<Operator::kMod>},
    RuleEntry{"operator.ipow", operator_inplace<Operator::kPow>},
    RuleEntry{"operator.imatmul", operator_inplace<Operator::kMatMul>},
    RuleEntry{"operator.ilshift", operator_inplace<Operator::kLShift>},
    RuleEntry{"operator.irshift", operator_inplace<Operator::kRShift>},
    RuleEntry{"operator.iand", operator_inplace<Operator::kBitAnd>},
    RuleEntry{"operator.ior", operator_inplace<Operator::kBitOr>},
    RuleEntry{"operator.ixor", operator_inplace<Operator::kBitXor>},
    RuleEntry{"operator.eq", operator_compare<Operator::kEq>},
    RuleEntry{"operator.ne", operator_compare<Operator::kNotEq>},
    RuleEntry{"operator.lt", operator_compare<Operator::kLt>},
    RuleEntry{"operator.le", operator_compare<Operator::kLtE>},
    RuleEntry{"operator.gt", operator_compare<Operator::kGt>},
    RuleEntry{"operator.ge", operator_compare<Operator::kGtE>},
    RuleEntry{"operator.is_", operator_compare<Operator::kIs>},
    RuleEntry{"operator.is_not", operator_compare<Operator::kIsNot>},
    RuleEntry{"operator.neg", operator_unary<Operator::kUSub>},
    RuleEntry{"operator.pos", operator_unary<Operator::kUAdd>},
    RuleEntry{"operator.invert", operator_unary<Operator::kInvert>},
    RuleEntry{"operator.not_", operator_not},
    RuleEntry{"operator.truth", operator_truth},
    RuleEntry{"operator.contains", operator_contains},
    RuleEntry{"operator.getitem", operator_getitem},
    RuleEntry{"operator.setitem", operator_setitem},
    RuleEntry{"operator.index", operator_index},
};

} // namespace

std::span<const RuleEntry> math_rules() { return kRules; }

} // namespace hasten::infer
