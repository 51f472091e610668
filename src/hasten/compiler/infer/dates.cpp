// datetime64 and timedelta64: counts of a unit, where the smallest integer is NaT, which spoils what it meets.
#include <array>
#include <cstdint>
#include <limits>

#include "hasten/compiler/infer/rules.h"

namespace hasten::infer {

using array::DType;
using ir::Op;
using ir::TypeRef;

namespace {

bool is_span(TypeRef type) { return is_date(type) && type->dtype == DType::kTimedelta64; }
bool is_point(TypeRef type) { return is_date(type) && type->dtype == DType::kDatetime64; }

Value nat(Emitter& e) { return e.integer(std::numeric_limits<int64_t>::min()); }
Value ticks(Emitter& e, const Value& v) { return e.cast(v, ir::intp_type()); }
Value both(Emitter& e, const Value& a, const Value& b) { return e.op(Op::kAnd, ir::bool_type(), {a, b}); }
Value either(Emitter& e, const Value& a, const Value& b) { return e.op(Op::kOr, ir::bool_type(), {a, b}); }
Value equal(Emitter& e, const Value& a, const Value& b) { return e.op(Op::kEq, ir::bool_type(), {a, b}); }

// From the coarse to the fine; how many of each are in one of the one before. Years and months have no fixed length.
struct Unit {
  std::string_view name;
  int64_t in_coarser;
};
constexpr std::array kUnits{Unit{"W", 1},     Unit{"D", 7},     Unit{"h", 24},    Unit{"m", 60},    Unit{"s", 60},   Unit{"ms", 1000},
                            Unit{"us", 1000}, Unit{"ns", 1000}, Unit{"ps", 1000}, Unit{"fs", 1000}, Unit{"as", 1000}};

int position_of(std::string_view unit) {
  for (size_t i = 0; i < kUnits.size(); ++i) {
    if (kUnits[i].name == unit) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

bool is_generic(TypeRef type) { return type->name.empty() || type->name == "generic"; }

[[noreturn]] void no_common_unit(Emitter& e, TypeRef a, TypeRef b) {
  e.fail(ir::display(a) + " and " + ir::display(b) + " have no common unit in compiled code",
         "Convert one of them before: a.astype('M8[s]').");
}

// The finer of two units; a plain number has that of the date that it meets.
TypeRef unit_of_both(Emitter& e, TypeRef a, TypeRef b) {
  if (!is_date(a) || (is_date(b) && is_generic(a))) {
    return b;
  }
  if (!is_date(b) || is_generic(b) || a->name == b->name) {
    return a;
  }
  const int x = position_of(a->name);
  const int y = position_of(b->name);
  if (x < 0 || y < 0) {
    no_common_unit(e, a, b);
  }
  return x > y ? a : b;
}

Value in_unit(Emitter& e, const Value& v, TypeRef wanted) {
  const Value count = ticks(e, v);
  if (!is_date(v.type) || is_generic(v.type) || is_generic(wanted) || v.type->name == wanted->name) {
    return count;
  }
  const int from = position_of(v.type->name);
  const int to = position_of(wanted->name);
  if (from < 0 || to < 0) {
    no_common_unit(e, v.type, wanted);
  }
  int64_t factor = 1;
  for (int i = std::min(from, to) + 1; i <= std::max(from, to); ++i) {
    if (__builtin_mul_overflow(factor, kUnits[static_cast<size_t>(i)].in_coarser, &factor)) {
      no_common_unit(e, v.type, wanted);
    }
  }
  const Value scaled = e.op(to > from ? Op::kMul : Op::kFloorDiv, ir::intp_type(), {count, e.integer(factor)});
  return e.select(equal(e, count, nat(e)), nat(e), scaled);
}

struct Pair {
  Value a;
  Value b;
  Value spoilt; // either is NaT
  TypeRef unit;
};

Pair common(Emitter& e, const Value& a, const Value& b) {
  TypeRef unit = unit_of_both(e, a.type, b.type);
  Pair pair{in_unit(e, a, unit), in_unit(e, b, unit), e.boolean(false), unit};
  const Value a_bad = is_date(a.type) ? equal(e, pair.a, nat(e)) : e.boolean(false);
  const Value b_bad = is_date(b.type) ? equal(e, pair.b, nat(e)) : e.boolean(false);
  pair.spoilt = either(e, a_bad, b_bad);
  return pair;
}

Value labelled(Emitter& e, const Value& count, DType dtype, TypeRef unit) {
  return e.cast(count, ir::datetime_type(dtype, unit->name.empty() ? "generic" : unit->name));
}

Value add_or_subtract(Emitter& e, Operator op, const Value& a, const Value& b) {
  const Pair pair = common(e, a, b);
  const Value sum = e.op(op == Operator::kAdd ? Op::kAdd : Op::kSub, ir::intp_type(), {pair.a, pair.b});
  const bool is_result_point = is_point(a.type) != is_point(b.type);
  return labelled(e, e.select(pair.spoilt, nat(e), sum), is_result_point ? DType::kDatetime64 : DType::kTimedelta64, pair.unit);
}

// A duration by a float: NaN and what doesn't fit become NaT, which is what the conversion gives.
Value by_float(Emitter& e, Op op, const Value& span, const Value& number) {
  TypeRef real = ir::scalar_type(DType::kFloat64);
  const Value count = ticks(e, span);
  const Value result = e.cast(e.op(op, real, {e.cast(count, real), e.cast(number, real)}), ir::intp_type());
  return labelled(e, e.select(equal(e, count, nat(e)), nat(e), result), DType::kTimedelta64, span.type);
}

Value multiply(Emitter& e, const Value& span, const Value& number) {
  if (ir::is_float(number.type)) {
    return by_float(e, Op::kMul, span, number);
  }
  const Value count = ticks(e, span);
  const Value product = e.op(Op::kMul, ir::intp_type(), {count, ticks(e, number)});
  return labelled(e, e.select(equal(e, count, nat(e)), nat(e), product), DType::kTimedelta64, span.type);
}

// Integer division that can't trap: where there is no quotient, of 0 by 1.
Value divide_counts(Emitter& e, Op op, const Pair& pair, const Value& when_bad) {
  const Value bad = either(e, pair.spoilt, equal(e, pair.b, e.integer(0)));
  const Value a = e.select(bad, e.integer(0), pair.a);
  const Value b = e.select(bad, e.integer(1), pair.b);
  return e.select(bad, when_bad, e.op(op, ir::intp_type(), {a, b}));
}

Value divide(Emitter& e, Operator op, const Value& a, const Value& b) {
  if (ir::is_float(b.type)) {
    return by_float(e, Op::kDiv, a, b);
  }
  const Pair pair = common(e, a, b);
  if (!is_date(b.type)) { // towards zero, also for //, as NumPy has it
    return labelled(e, divide_counts(e, Op::kTruncDiv, pair, nat(e)), DType::kTimedelta64, a.type);
  }
  if (op == Operator::kFloorDiv) {
    return divide_counts(e, Op::kFloorDiv, pair, e.integer(0));
  }
  TypeRef real = ir::scalar_type(DType::kFloat64);
  const Value quotient = e.op(Op::kDiv, real, {e.cast(pair.a, real), e.cast(pair.b, real)});
  return e.select(pair.spoilt, e.floating(std::numeric_limits<double>::quiet_NaN(), real), quotient);
}

bool adds(Operator op, TypeRef a, TypeRef b) {
  const auto is_count = [](TypeRef t) { return is_span(t) || ir::is_integral(t); };
  if (op == Operator::kAdd) {
    return (is_date(a) || is_count(a)) && (is_date(b) || is_count(b)) && !(is_point(a) && is_point(b));
  }
  return op == Operator::kSub && (is_point(a) ? is_date(b) || is_count(b) : is_count(a) && is_count(b));
}

} // namespace

bool is_date(TypeRef type) { return type->kind == ir::Kind::kDatetime; }

Value is_nat(Emitter& e, const Value& v) { return e.cast(equal(e, ticks(e, v), nat(e)), ir::bool_type(false)); }

Value date_in_unit(Emitter& e, const Value& v, TypeRef wanted) { return e.cast(in_unit(e, v, wanted), wanted); }

std::optional<Value> date_binary(Emitter& e, Operator op, const Value& a, const Value& b) {
  if (adds(op, a.type, b.type)) {
    return add_or_subtract(e, op, a, b);
  }
  const bool is_b_number = ir::is_integral(b.type) || ir::is_float(b.type);
  if (op == Operator::kMul && is_span(a.type) && is_b_number) {
    return multiply(e, a, b);
  }
  if (op == Operator::kMul && is_span(b.type) && (ir::is_integral(a.type) || ir::is_float(a.type))) {
    return multiply(e, b, a);
  }
  if ((op == Operator::kDiv || op == Operator::kFloorDiv) && is_span(a.type) && (is_span(b.type) || is_b_number)) {
    return divide(e, op, a, b);
  }
  if (op == Operator::kMod && is_span(a.type) && is_span(b.type)) {
    const Pair pair = common(e, a, b);
    return labelled(e, divide_counts(e, Op::kFloorMod, pair, nat(e)), DType::kTimedelta64, pair.unit);
  }
  return std::nullopt;
}

std::optional<Value> date_unary(Emitter& e, Operator op, const Value& v) {
  if (!is_span(v.type) || op == Operator::kInvert) {
    return std::nullopt;
  }
  return op == Operator::kUAdd ? v : e.cast(e.op(Op::kNeg, ir::intp_type(), {ticks(e, v)}), v.type); // -NaT is NaT
}

Value date_magnitude(Emitter& e, const Value& v) {
  const Value count = ticks(e, v);
  const Value negative = e.op(Op::kLt, ir::bool_type(), {count, e.integer(0)});
  return e.cast(e.select(negative, e.op(Op::kNeg, ir::intp_type(), {count}), count), v.type);
}

std::optional<Value> date_compare(Emitter& e, ir::Op op, const Value& a, const Value& b) {
  const auto is_comparable = [](TypeRef x, TypeRef y) {
    return is_point(x) ? is_point(y) : is_span(x) && (is_span(y) || ir::is_integral(y));
  };
  if (!is_comparable(a.type, b.type) && !is_comparable(b.type, a.type)) {
    return std::nullopt;
  }
  const Pair pair = common(e, a, b);
  const Value plain = e.op(op, ir::bool_type(), {pair.a, pair.b});
  const Value result = op == Op::kNe ? either(e, plain, pair.spoilt) : both(e, plain, e.logical_not(pair.spoilt));
  return e.cast(result, ir::bool_type(false));
}

Value date_extreme(Emitter& e, const Value& a, const Value& b, bool want_max, bool keep_nat) {
  const Pair pair = common(e, a, b);
  const Value a_first = e.op(want_max ? Op::kGe : Op::kLe, ir::bool_type(), {pair.a, pair.b});
  const Value best = e.select(a_first, pair.a, pair.b);
  const Value a_is_nat = equal(e, pair.a, nat(e));
  const Value other = keep_nat ? nat(e) : e.select(a_is_nat, pair.b, pair.a);
  return labelled(e, e.select(pair.spoilt, other, best), pair.unit->dtype, pair.unit);
}

} // namespace hasten::infer
