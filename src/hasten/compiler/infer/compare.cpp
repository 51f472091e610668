// Comparisons, identity, membership and truth.
#include <array>

#include "hasten/compiler/infer/rules.h"

namespace hasten::infer {

using ir::Kind;
using ir::Op;
using ir::TypeRef;

namespace {

Op op_of(Operator op) {
  static constexpr std::array kOps{Op::kEq, Op::kNe, Op::kLt, Op::kLe, Op::kGt, Op::kGe};
  return kOps[static_cast<size_t>(op) - static_cast<size_t>(Operator::kEq)];
}

const char* symbol_of(Operator op) {
  static constexpr std::array kSymbols{"==", "!=", "<", "<=", ">", ">=", "is", "is not", "in", "not in"};
  return kSymbols[static_cast<size_t>(op) - static_cast<size_t>(Operator::kEq)];
}

TypeRef result_type(Emitter& e, const Value& a, const Value& b) {
  return ir::bool_type(!e.numba() && (a.type->weak || b.type->weak) && a.type->weak == b.type->weak);
}

[[noreturn]] void not_supported(Emitter& e, Operator op, const Value& a, const Value& b) {
  e.fail(std::string("'") + symbol_of(op) + "' not supported between " + ir::display(a.type) + " and " + ir::display(b.type));
}

// int64 against uint64: as mathematics has it, not after a conversion.
Value mixed_sign(Emitter& e, Operator op, const Value& a, const Value& b, TypeRef result) {
  const bool a_signed = a.type->is_signed;
  const Value& s = a_signed ? a : b;
  TypeRef wide = ir::scalar_type(array::DType::kUInt64);
  const Value negative = e.op(Op::kLt, result, {s, e.integer(0, s.type)});
  const Value plain = e.op(op_of(op), result, {e.cast(a, wide), e.cast(b, wide)});
  bool when_negative = op == Operator::kNotEq;
  if (op == Operator::kLt || op == Operator::kLtE) {
    when_negative = a_signed;
  } else if (op == Operator::kGt || op == Operator::kGtE) {
    when_negative = !a_signed;
  }
  return e.select(negative, e.integer(when_negative ? 1 : 0, result), plain);
}

bool is_equality(Operator op) { return op == Operator::kEq || op == Operator::kNotEq; }

// Lexicographic, as Python compares tuples.
Value compare_tuples(Emitter& e, Operator op, const Value& a, const Value& b) {
  const std::vector<Value> x = items_of(e, a);
  const std::vector<Value> y = items_of(e, b);
  const size_t shared = std::min(x.size(), y.size());
  if (is_equality(op) && x.size() != y.size()) {
    return e.boolean(op == Operator::kNotEq);
  }
  const bool by_length = op == Operator::kLtE || op == Operator::kLt ? (op == Operator::kLt ? x.size() < y.size() : x.size() <= y.size())
                         : op == Operator::kGt                       ? x.size() > y.size()
                         : op == Operator::kGtE                      ? x.size() >= y.size()
                                                                     : op == Operator::kEq;
  Value result = e.boolean(by_length);
  for (size_t i = shared; i-- > 0;) {
    const Value equal = e.cast(truth(e, compare(e, Operator::kEq, x[i], y[i])), result.type);
    const Value decided = is_equality(op) ? e.boolean(op == Operator::kNotEq) : e.cast(truth(e, compare(e, op, x[i], y[i])), result.type);
    result = e.select(equal, result, decided);
  }
  return result;
}

// Of numpy.dtype's instances and of NumPy's scalar classes; null of anything else. NumPy takes either for the other in a comparison.
TypeRef dtype_meant(const Value& v) {
  array::DType dtype{};
  const bool is_dtype = ir::is_named(v.type, "descriptor:") || ir::is_named(v.type, "dtype:");
  const bool known = is_dtype && array::dtype_from_name(v.type->name.substr(v.type->name.find(':') + 1), &dtype);
  return known ? ir::scalar_type(dtype) : nullptr;
}

// `is`: None, booleans and functions by their types; anything else that has one type is the same only if Python says so.
Value identity(Emitter& e, bool negated, const Value& a, const Value& b) {
  const auto answer = [&](bool same) { return e.boolean(same != negated); };
  if (a.type->kind == Kind::kOptional && b.type->kind == Kind::kNone) {
    const Value has = e.item(a, 0);
    return negated ? has : e.logical_not(has);
  }
  if (b.type->kind == Kind::kOptional && a.type->kind == Kind::kNone) {
    return identity(e, negated, b, a);
  }
  if (a.type->kind != b.type->kind) {
    return answer(false);
  }
  if (a.type->kind == Kind::kNone || a.type->kind == Kind::kNamed || a.type->kind == Kind::kEllipsis) {
    return answer(a.type == b.type);
  }
  if (a.type->kind == Kind::kBool || (e.numba() && ir::is_number(a.type))) {
    return numeric_compare(e, negated ? Operator::kNotEq : Operator::kEq, a, b);
  }
  if (ir::is_array(a.type)) {
    if (a.type->elem != b.type->elem || a.type->ndim != b.type->ndim) {
      return answer(false);
    }
    const Value same = e.runtime("hst_same_array", ir::bool_type(), {a, b});
    return negated ? e.logical_not(same) : same;
  }
  e.fail("`is` on " + ir::display(a.type) + " means nothing in compiled code", "Use ==.");
}

Value contains(Emitter& e, const Value& item, const Value& container) {
  if (ir::is_tuple(container.type) || container.type->kind == Kind::kSequence) {
    Value found = e.boolean(false);
    for (const Value& candidate : items_of(e, container)) {
      const Value equal = e.cast(truth(e, compare(e, Operator::kEq, item, candidate)), found.type);
      found = e.op(Op::kOr, found.type, {found, equal});
    }
    return found;
  }
  if (container.type->kind == Kind::kRange) {
    const Value count = length(e, container);
    const Value start = e.cast(e.item(container, 0), ir::intp_type());
    const Value step = e.cast(e.item(container, 2), ir::intp_type());
    const Value x = e.intp(item, "an item of a range");
    const Value offset = e.op(Op::kSub, ir::intp_type(), {x, start});
    const Value index = e.op(Op::kFloorDiv, ir::intp_type(), {offset, step});
    const Value exact = e.op(Op::kEq, ir::bool_type(), {e.op(Op::kMul, ir::intp_type(), {index, step}), offset});
    const Value low = e.op(Op::kGe, ir::bool_type(), {index, e.integer(0)});
    const Value high = e.op(Op::kLt, ir::bool_type(), {index, count});
    return e.op(Op::kAnd, ir::bool_type(), {exact, e.op(Op::kAnd, ir::bool_type(), {low, high})});
  }
  const auto needle = e.known_string(item);
  const auto text = e.known_string(container);
  if (needle && text) {
    return e.boolean(text->find(*needle) != std::string::npos);
  }
  if (ir::is_array(container.type) && ir::is_number(item.type)) {
    const Value equal = compare(e, Operator::kEq, container, item);
    return e.cast(e.reduce(ir::ReduceKind::kAny, equal, [](Emitter&, std::span<const Value> x) { return x[0]; }), ir::bool_type());
  }
  e.fail("`in` doesn't work on " + ir::display(container.type) + " in compiled code");
}

} // namespace

Value numeric_compare(Emitter& e, Operator op, const Value& a, const Value& b) {
  if (is_date(a.type) || is_date(b.type)) {
    if (const auto result = date_compare(e, op_of(op), a, b)) {
      return *result;
    }
    not_supported(e, op, a, b);
  }
  TypeRef result = result_type(e, a, b);
  if (ir::is_integer(a.type) && ir::is_integer(b.type) && a.type->is_signed != b.type->is_signed &&
      std::max(a.type->bits, b.type->bits) == 64) {
    return mixed_sign(e, op, a, b, result);
  }
  TypeRef type = common_type(e, a, b);
  if (ir::is_integer(a.type) && ir::is_integer(b.type)) {
    type = ir::scalar_type(array::promote(a.type->dtype, b.type->dtype), type->weak);
  }
  if (ir::is_complex(type) && !is_equality(op)) {
    e.fail(std::string("complex numbers have no order: ") + symbol_of(op));
  }
  return e.op(op_of(op), result, {e.cast(a, type), e.cast(b, type)});
}

Value compare(Emitter& e, Operator op, const Value& left, const Value& right) {
  if (ir::is_union(left.type) || ir::is_union(right.type)) {
    return over_members(e, std::array{left, right}, MemberRule::kAlike,
                        [op](Emitter& k, std::span<const Value> x) { return compare(k, op, x[0], x[1]); });
  }
  if (op == Operator::kIs || op == Operator::kIsNot) {
    return identity(e, op == Operator::kIsNot, left, right);
  }
  if (op == Operator::kIn || op == Operator::kNotIn) {
    const Value found = contains(e, left, e.unwrap(right));
    return op == Operator::kIn ? found : e.logical_not(found);
  }
  if (is_equality(op) && (left.type->kind == Kind::kNone || right.type->kind == Kind::kNone)) {
    return identity(e, op == Operator::kNotEq, left, right);
  }
  const Value a = e.unwrap(left);
  const Value b = e.unwrap(right);
  const auto is_item = [](TypeRef type) { return ir::is_number(type) || is_date(type); };
  if (is_item(a.type) && is_item(b.type)) {
    return numeric_compare(e, op, a, b);
  }
  if ((ir::is_array(a.type) || is_item(a.type)) && (ir::is_array(b.type) || is_item(b.type))) {
    return e.elementwise(std::array{a, b}, [op](Emitter& k, std::span<const Value> x) { return numeric_compare(k, op, x[0], x[1]); });
  }
  if (ir::is_tuple(a.type) && ir::is_tuple(b.type)) {
    return compare_tuples(e, op, a, b);
  }
  const auto x = e.known_string(a);
  const auto y = e.known_string(b);
  if (x && y) {
    const int order = x->compare(*y);
    const bool truths[] = {order == 0, order != 0, order < 0, order <= 0, order > 0, order >= 0};
    return e.boolean(truths[static_cast<size_t>(op) - static_cast<size_t>(Operator::kEq)]);
  }
  if (a.type->kind == Kind::kRange && b.type->kind == Kind::kRange && is_equality(op)) {
    const auto parts = [&](const Value& r) { return e.tuple({e.item(r, 0), e.item(r, 1), e.item(r, 2)}); };
    return compare_tuples(e, op, parts(a), parts(b));
  }
  if (is_equality(op)) {
    TypeRef x_dtype = dtype_meant(a);
    TypeRef y_dtype = dtype_meant(b);
    if (x_dtype != nullptr && y_dtype != nullptr) {
      return e.boolean((x_dtype == y_dtype) == (op == Operator::kEq));
    }
    const bool named = a.type->kind == Kind::kNamed || b.type->kind == Kind::kNamed || a.type->kind != b.type->kind;
    if (named) {
      return e.boolean((a.type == b.type) == (op == Operator::kEq));
    }
  }
  not_supported(e, op, a, b);
}

Value truth(Emitter& e, const Value& v) {
  if (ir::is_union(v.type)) {
    const auto rule = [](Emitter& k, std::span<const Value> x) { return k.cast(truth(k, x[0]), ir::bool_type()); };
    return over_members(e, std::array{v}, MemberRule::kPlain, rule);
  }
  switch (v.type->kind) {
  case Kind::kBool:
    return v;
  case Kind::kInt:
  case Kind::kFloat:
  case Kind::kComplex:
    return e.op(Op::kNe, ir::bool_type(), {v, e.cast(e.integer(0), v.type)});
  case Kind::kNone:
    return e.boolean(false);
  case Kind::kTuple:
    return e.boolean(!v.type->items.empty());
  case Kind::kOptional: {
    const Value has = e.item(v, 0);
    const Value inner = truth(e, e.item(v, 1));
    return e.op(Op::kAnd, ir::bool_type(), {has, e.cast(inner, ir::bool_type())});
  }
  case Kind::kRange:
    return e.op(Op::kNe, ir::bool_type(), {length(e, v), e.integer(0)});
  case Kind::kArray: {
    const Value one = e.op(Op::kEq, ir::bool_type(), {e.size(v), e.integer(1)});
    e.raise_if(e.logical_not(one), "builtins:ValueError",
               "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()");
    return e.reduce(ir::ReduceKind::kAny, v,
                    [](Emitter& k, std::span<const Value> x) { return k.cast(truth(k, x[0]), ir::bool_type(false)); });
  }
  case Kind::kSequence:
    if (v.type->name == "list") {
      return e.boolean(!v.type->items.empty());
    }
    return e.boolean(true);
  case Kind::kNamed:
    if (const auto text = e.known_string(v)) {
      return e.boolean(!text->empty());
    }
    return e.boolean(true);
  default:
    e.fail("the truth of " + ir::display(v.type) + " can't be taken in compiled code");
  }
}

} // namespace hasten::infer
