// Unary and binary operators on numbers, arrays, tuples and strings.
#include <algorithm>
#include <array>

#include "hasten/compiler/infer/rules.h"

namespace hasten::infer {

using array::DType;
using array::DTypeKind;
using ir::Kind;
using ir::Op;
using ir::TypeRef;

namespace {

const char* symbol_of(Operator op) {
  static constexpr std::array kSymbols{"+", "-", "*", "@", "/", "%", "**", "<<", ">>", "|", "^", "&", "//"};
  return kSymbols[static_cast<size_t>(op)];
}

[[noreturn]] void no_operator(Emitter& e, Operator op, const Value& a, const Value& b) {
  e.fail(std::string("unsupported operand types for ") + symbol_of(op) + ": " + ir::display(a.type) + " and " + ir::display(b.type));
}

bool fits(int64_t value, TypeRef type) {
  if (type->bits == 64) {
    return type->is_signed || value >= 0;
  }
  const int64_t top = int64_t{1} << (type->bits - (type->is_signed ? 1 : 0));
  return value < top && value >= (type->is_signed ? -top : 0);
}

// A Python int meets a NumPy integer of its own width: it must fit, as NEP 50 says.
Value narrow(Emitter& e, const Value& weak, TypeRef to) {
  if (const auto known = e.known_int(weak)) {
    if (!fits(*known, to)) {
      e.fail("Python integer " + std::to_string(*known) + " out of bounds for " + ir::display(to));
    }
  } else if (to->bits < 64 || !to->is_signed) {
    const Value narrowed = e.cast(weak, to);
    const Value back = e.cast(narrowed, weak.type);
    Value bad = e.op(Op::kNe, ir::bool_type(), {back, weak});
    if (to->bits == 64) {
      bad = e.op(Op::kLt, ir::bool_type(), {weak, e.integer(0, weak.type)});
    }
    e.raise_if(bad, "builtins:OverflowError", "Python integer out of bounds for " + ir::display(to));
    return narrowed;
  }
  return e.cast(weak, to);
}

Value to_common(Emitter& e, const Value& v, TypeRef common) {
  if (v.type->weak && !common->weak && v.type->kind == Kind::kInt && common->kind == Kind::kInt) {
    return narrow(e, v, common);
  }
  return e.cast(v, common);
}

// numba's integers are at least 64 bits wide; any signed operand makes the result signed.
TypeRef numba_integer(TypeRef a, TypeRef b) {
  const bool is_signed = a->is_signed || b->is_signed || a->kind == Kind::kBool || b->kind == Kind::kBool;
  return ir::scalar_type(is_signed ? DType::kInt64 : DType::kUInt64);
}

TypeRef at_least_int(Emitter& e, TypeRef type) {
  if (type->kind != Kind::kBool) {
    return type;
  }
  return type->weak || e.numba() ? (e.numba() ? ir::intp_type() : ir::int_type()) : ir::scalar_type(DType::kInt8);
}

bool checks_overflow(Emitter& e, TypeRef type) { return type->weak && e.options().overflow == ir::Overflow::kRaise; }

Value plain(Emitter& e, Operator op, const Value& a, const Value& b, TypeRef type) {
  const bool checked = type->kind == Kind::kInt && checks_overflow(e, type);
  switch (op) {
  case Operator::kAdd:
    return e.op(checked ? Op::kAddChecked : Op::kAdd, type, {a, b});
  case Operator::kSub:
    return e.op(checked ? Op::kSubChecked : Op::kSub, type, {a, b});
  default:
    return e.op(checked ? Op::kMulChecked : Op::kMul, type, {a, b});
  }
}

Value equals_zero(Emitter& e, const Value& v) { return e.op(Op::kEq, ir::bool_type(), {v, e.cast(e.integer(0), v.type)}); }

bool raises_on_zero(Emitter& e, TypeRef type) {
  if (e.options().error_model == ErrorModel::kNumpy) {
    return false;
  }
  return e.numba() || type->weak;
}

const char* zero_message(Emitter& e, bool is_mod, bool is_integer) {
  if (e.numba()) {
    return is_integer ? (is_mod ? "integer modulo by zero" : "integer division by zero") : is_mod ? "modulo by zero" : "division by zero";
  }
  return is_integer ? (is_mod ? "integer modulo by zero" : "integer division or modulo by zero")
                    : (is_mod ? "float modulo by zero" : "float floor division by zero");
}

Value floor_divide(Emitter& e, Operator op, const Value& a, const Value& b, TypeRef type) {
  const bool is_mod = op == Operator::kMod;
  const Value zero = equals_zero(e, b);
  Value divisor = b;
  if (raises_on_zero(e, type)) {
    e.raise_if(zero, "builtins:ZeroDivisionError", zero_message(e, is_mod, ir::is_integer(type)));
  } else if (ir::is_integer(type)) {
    divisor = e.select(zero, e.integer(1, type), b);
  }
  const Value result = e.op(is_mod ? Op::kFloorMod : Op::kFloorDiv, type, {a, divisor});
  return ir::is_integer(type) && !raises_on_zero(e, type) ? e.select(zero, e.integer(0, type), result) : result;
}

Value shift(Emitter& e, Operator op, const Value& a, const Value& b, TypeRef type) {
  if (type->weak || e.numba()) {
    const Value negative = e.op(Op::kLt, ir::bool_type(), {b, e.integer(0, b.type)});
    if (type->weak) {
      e.raise_if(negative, "builtins:ValueError", "negative shift count");
    }
  }
  const Value result = e.op(op == Operator::kLShift ? Op::kShl : Op::kShr, type, {a, b});
  if (op == Operator::kLShift && checks_overflow(e, type)) {
    const Value back = e.op(Op::kShr, type, {result, b});
    e.raise_if(e.op(Op::kNe, ir::bool_type(), {back, a}), "builtins:OverflowError", "integer left shift leaves 64 bits");
  }
  return result;
}

Value bitwise(Emitter& e, Operator op, const Value& a, const Value& b, TypeRef type) {
  const Op code = op == Operator::kBitAnd ? Op::kAnd : op == Operator::kBitOr ? Op::kOr : Op::kXor;
  return e.op(code, type, {a, b});
}

Value plain_unary(Emitter& e, Operator op, const Value& x) {
  if (op == Operator::kUAdd) {
    return x;
  }
  if (op == Operator::kInvert) {
    return e.op(Op::kNot, x.type, {x});
  }
  if (ir::is_integer(x.type) && checks_overflow(e, x.type)) {
    return e.op(Op::kSubChecked, x.type, {e.integer(0, x.type), x});
  }
  return e.op(Op::kNeg, x.type, {x});
}

bool is_item(TypeRef type) { return ir::is_number(type) || is_date(type); }

Value tuple_binary(Emitter& e, Operator op, const Value& a, const Value& b) {
  std::vector<Value> items;
  if (op == Operator::kAdd && ir::is_tuple(a.type) && ir::is_tuple(b.type)) {
    items = items_of(e, a);
    const std::vector<Value> more = items_of(e, b);
    items.insert(items.end(), more.begin(), more.end());
    return e.tuple(std::move(items));
  }
  const Value& tuple = ir::is_tuple(a.type) ? a : b;
  const auto count = e.known_int(ir::is_tuple(a.type) ? b : a);
  if (op != Operator::kMul || !count || *count > 1000) {
    no_operator(e, op, a, b);
  }
  const std::vector<Value> once = items_of(e, tuple);
  for (int64_t i = 0; i < *count; ++i) {
    items.insert(items.end(), once.begin(), once.end());
  }
  return e.tuple(std::move(items));
}

Value string_binary(Emitter& e, Operator op, const Value& a, const Value& b) {
  const auto left = e.known_string(a);
  if (op == Operator::kMod && left) {
    const std::vector<Value> args = ir::is_tuple(b.type) ? items_of(e, b) : std::vector<Value>{b};
    std::vector<TypeRef> types;
    for (const Value& arg : args) {
      types.push_back(arg.type);
    }
    return e.aggregate(ir::format_type("percent:" + *left, std::move(types)), args);
  }
  const auto right = e.known_string(b);
  if (op == Operator::kAdd && left && right) {
    return e.string(*left + *right);
  }
  no_operator(e, op, a, b);
}

// Python's division of complex numbers; NumPy's, the op Div, multiplies by a reciprocal and rounds otherwise.
Value python_complex_divide(Emitter& e, const Value& a, const Value& b) {
  const Value ar = real_part(e, a);
  const Value ai = imaginary_part(e, a);
  const Value br = real_part(e, b);
  const Value bi = imaginary_part(e, b);
  TypeRef t = ar.type;
  const Value by_real = e.op(Op::kGe, ir::bool_type(), {e.op(Op::kAbs, t, {br}), e.op(Op::kAbs, t, {bi})});
  const auto either = [&](const Value& x, const Value& y) { return e.op(Op::kSelect, t, {by_real, x, y}); };
  const auto times = [&](const Value& x, const Value& y) { return e.op(Op::kMul, t, {x, y}); };
  const Value small = either(bi, br);
  const Value large = either(br, bi);
  const Value ratio = e.op(Op::kDiv, t, {small, large});
  const Value scale = e.op(Op::kAdd, t, {large, times(small, ratio)});
  const Value re = e.op(Op::kAdd, t, {either(ar, ai), times(either(ai, ar), ratio)});
  const Value im = either(e.op(Op::kSub, t, {ai, times(ar, ratio)}), e.op(Op::kSub, t, {times(ai, ratio), ar}));
  return e.op(Op::kComplex, a.type, {e.op(Op::kDiv, t, {re, scale}), e.op(Op::kDiv, t, {im, scale})});
}

} // namespace

TypeRef common_type(Emitter& e, const Value& a, const Value& b) {
  TypeRef x = a.type;
  TypeRef y = b.type;
  if (e.numba() || x->weak == y->weak) {
    return ir::scalar_type(array::promote(x->dtype, y->dtype), x->weak && y->weak && !e.numba());
  }
  TypeRef strong = x->weak ? y : x;
  TypeRef weak = x->weak ? x : y;
  return ir::scalar_type(array::promote_weak(strong->dtype, array::kind_of(weak->dtype)));
}

Value true_divide(Emitter& e, const Value& a, const Value& b) {
  TypeRef type = common_type(e, a, b);
  if (ir::is_integral(type)) {
    type = ir::scalar_type(DType::kFloat64, type->weak);
  }
  const Value x = e.cast(a, type);
  const Value y = e.cast(b, type);
  if (raises_on_zero(e, type)) {
    const char* message = e.numba()                                            ? "division by zero"
                          : ir::is_integral(a.type) && ir::is_integral(b.type) ? "division by zero"
                                                                               : "float division by zero";
    e.raise_if(equals_zero(e, y), "builtins:ZeroDivisionError", ir::is_complex(type) ? "complex division by zero" : message);
  }
  if (ir::is_complex(type) && (type->weak || e.numba())) {
    return python_complex_divide(e, x, y);
  }
  return e.op(Op::kDiv, type, {x, y});
}

Value numeric_binary(Emitter& e, Operator op, const Value& a, const Value& b) {
  if (is_date(a.type) || is_date(b.type)) {
    if (const auto result = date_binary(e, op, a, b)) {
      return *result;
    }
    no_operator(e, op, a, b);
  }
  if (op == Operator::kDiv) {
    return true_divide(e, a, b);
  }
  if (op == Operator::kPow) {
    return power(e, a, b, false);
  }
  TypeRef type = common_type(e, a, b);
  const bool is_bitwise = op == Operator::kBitAnd || op == Operator::kBitOr || op == Operator::kBitXor;
  const bool are_integral = ir::is_integral(a.type) && ir::is_integral(b.type);
  if (e.numba() && are_integral && !(is_bitwise && type->kind == Kind::kBool)) {
    const bool is_shift = op == Operator::kLShift || op == Operator::kRShift; // only what is shifted decides
    type = numba_integer(a.type, is_shift ? a.type : b.type);
  }
  switch (op) {
  case Operator::kAdd:
  case Operator::kSub:
  case Operator::kMul: {
    const bool strong_bool = type->kind == Kind::kBool && !type->weak && !e.numba();
    if (strong_bool && op != Operator::kSub) {
      return bitwise(e, op == Operator::kAdd ? Operator::kBitOr : Operator::kBitAnd, e.cast(a, type), e.cast(b, type), type);
    }
    if (strong_bool) {
      e.fail("numpy boolean subtract, the `-` operator, is not supported", "Use the `^` operator instead.");
    }
    type = at_least_int(e, type);
    return plain(e, op, to_common(e, a, type), to_common(e, b, type), type);
  }
  case Operator::kFloorDiv:
  case Operator::kMod:
    if (ir::is_complex(type)) {
      break;
    }
    type = at_least_int(e, type);
    return floor_divide(e, op, to_common(e, a, type), to_common(e, b, type), type);
  case Operator::kLShift:
  case Operator::kRShift:
    if (!ir::is_integral(type)) {
      break;
    }
    type = at_least_int(e, type);
    return shift(e, op, to_common(e, a, type), to_common(e, b, type), type);
  case Operator::kBitAnd:
  case Operator::kBitOr:
  case Operator::kBitXor:
    if (!ir::is_integral(type)) {
      break;
    }
    return bitwise(e, op, to_common(e, a, type), to_common(e, b, type), type);
  default:
    break;
  }
  no_operator(e, op, a, b);
}

Value unary(Emitter& e, Operator op, const Value& given) {
  if (ir::is_union(given.type)) {
    return over_members(e, std::array{given}, MemberRule::kPlain,
                        [op](Emitter& k, std::span<const Value> x) { return unary(k, op, x[0]); });
  }
  const Value v = e.unwrap(given);
  if (ir::is_array(v.type)) {
    return e.elementwise(std::array{v}, [op](Emitter& k, std::span<const Value> x) { return unary(k, op, x[0]); });
  }
  if (is_date(v.type)) {
    if (const auto result = date_unary(e, op, v)) {
      return *result;
    }
  }
  if (!ir::is_number(v.type) || (op == Operator::kInvert && !ir::is_integral(v.type))) {
    e.fail(std::string("bad operand type for unary ") +
           (op == Operator::kUSub   ? "-"
            : op == Operator::kUAdd ? "+"
                                    : "~") +
           ": " + ir::display(v.type));
  }
  const bool strong_bool = v.type->kind == Kind::kBool && !v.type->weak;
  if (op == Operator::kInvert && strong_bool) {
    return e.logical_not(v);
  }
  TypeRef type = at_least_int(e, v.type);
  const Value x = e.cast(v, type);
  const Value result = plain_unary(e, op, x);
  // numba widens what was computed in the operand's own width.
  return e.numba() && ir::is_integer(type) ? e.cast(result, numba_integer(type, type)) : result;
}

// Whether it is the same code for Python's numbers and NumPy's.
MemberRule operator_rule(Operator op) {
  return op == Operator::kAdd || op == Operator::kSub || op == Operator::kMul ? MemberRule::kAlike : MemberRule::kPlain;
}

bool is_unsigned(TypeRef type) {
  TypeRef item = ir::is_array(type) ? type->elem : type;
  return item->kind == Kind::kInt && item->dtype == DType::kUInt64;
}

Value binary(Emitter& e, Operator op, const Value& left, const Value& right) {
  const auto large_left = as_unsigned(e, left);
  const auto large_right = as_unsigned(e, right);
  if ((large_left && is_unsigned(right.type)) || (large_right && is_unsigned(left.type))) {
    return binary(e, op, large_left ? *large_left : left, large_right ? *large_right : right);
  }
  if (ir::is_union(left.type) || ir::is_union(right.type)) {
    return over_members(e, std::array{left, right}, operator_rule(op),
                        [op](Emitter& k, std::span<const Value> x) { return binary(k, op, x[0], x[1]); });
  }
  const Value a = e.unwrap(left);
  const Value b = e.unwrap(right);
  if (op == Operator::kMatMul) {
    return matrix_multiply(e, a, b);
  }
  if (op == Operator::kPow && ir::is_number(a.type) && ir::is_number(b.type)) {
    return power(e, a, b, true);
  }
  if (is_item(a.type) && is_item(b.type)) {
    return numeric_binary(e, op, a, b);
  }
  if ((ir::is_array(a.type) || is_item(a.type)) && (ir::is_array(b.type) || is_item(b.type))) {
    return e.elementwise(std::array{a, b}, [op](Emitter& k, std::span<const Value> x) { return numeric_binary(k, op, x[0], x[1]); });
  }
  if (ir::is_named(a.type, "literal:")) {
    return string_binary(e, op, a, b);
  }
  if (ir::is_tuple(a.type) || ir::is_tuple(b.type)) {
    return tuple_binary(e, op, a, b);
  }
  no_operator(e, op, a, b);
}

namespace {

// The product is complete before the first item is written.
Value matrix_multiply_into(Emitter& e, const Value& a, const Value& b) {
  if (e.numba()) {
    e.fail("`@=` can't be compiled by numba's rules", "Write a[:] = a @ b.");
  }
  if (!ir::is_array(b.type) || b.type->ndim < 2) {
    e.fail("inplace matrix multiplication requires the first operand to have at least one and the second at least two dimensions.");
  }
  const Value product = matrix_multiply(e, a, b);
  if (!array::can_cast_same_kind(product.type->elem->dtype, a.type->elem->dtype)) {
    e.fail("Cannot cast the result of `@=` from " + ir::display(product.type->elem) + " to " + ir::display(a.type->elem) +
           " with casting rule 'same_kind'");
  }
  const int last = a.type->ndim - 1;
  e.raise_if(e.op(Op::kNe, ir::bool_type(), {e.dim(product, last), e.dim(a, last)}), "builtins:ValueError",
             "`@=` gives another number of columns than the array has");
  TypeRef elem = a.type->elem;
  e.elementwise_into(a, std::array{product}, [elem](Emitter& k, std::span<const Value> x) { return k.cast(x[0], elem); });
  return a;
}

} // namespace

Value inplace(Emitter& e, Operator op, const Value& left, const Value& right) {
  if (ir::is_union(left.type) || ir::is_union(right.type)) {
    return over_members(e, std::array{left, right}, operator_rule(op),
                        [op](Emitter& k, std::span<const Value> x) { return inplace(k, op, x[0], x[1]); });
  }
  const Value a = e.unwrap(left);
  const Value b = e.unwrap(right);
  if (!ir::is_array(a.type) || (!ir::is_array(b.type) && !ir::is_number(b.type))) {
    return binary(e, op, a, b);
  }
  if (a.type->readonly) {
    e.fail("output array is read-only");
  }
  if (op == Operator::kMatMul) {
    return matrix_multiply_into(e, a, b);
  }
  TypeRef elem = a.type->elem;
  e.elementwise_into(a, std::array{a, b}, [op, elem](Emitter& k, std::span<const Value> x) {
    const Value result = numeric_binary(k, op, x[0], x[1]);
    if (!array::can_cast_same_kind(result.type->dtype, elem->dtype)) {
      k.fail("Cannot cast the result of `" + std::string(symbol_of(op)) + "=` from " + ir::display(ir::strong(result.type)) + " to " +
                 ir::display(elem) + " with casting rule 'same_kind'",
             "Make the array " + ir::display(ir::strong(result.type)) + ".");
    }
    return k.cast(result, elem);
  });
  return a;
}

} // namespace hasten::infer
