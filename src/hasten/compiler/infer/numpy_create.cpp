// Arrays made from nothing: zeros, ones, full, arange, linspace, eye, array …
#include <algorithm>
#include <array>

#include "hasten/compiler/infer/rule_table.h"

namespace hasten::infer {

using array::DType;
using ir::Kind;
using ir::Layout;
using ir::Op;
using ir::TypeRef;

namespace {

TypeRef float64() { return ir::scalar_type(DType::kFloat64); }

Layout order_argument(Emitter& e, const Value& v, Layout otherwise) {
  if (!given(v)) {
    return otherwise;
  }
  const auto text = e.known_string(v);
  if (!text || (*text != "C" && *text != "F" && *text != "K" && *text != "A")) {
    e.fail("order must be one of 'C', 'F', 'A' and 'K'");
  }
  return *text == "F" ? Layout::kF : *text == "C" ? Layout::kC : otherwise;
}

TypeRef dtype_or(Emitter& e, const Value& v, TypeRef otherwise) { return given(v) ? dtype_argument(e, v) : otherwise; }

Value blank(Emitter& e, const CallArgs& args, const char* name, bool zero) {
  const std::vector<Value> bound = bind(e, name, args, {"shape", "dtype?", "order?"});
  return e.allocate(shape_argument(e, bound[0]), dtype_or(e, bound[1], float64()), zero, order_argument(e, bound[2], Layout::kC));
}

Value zeros(Emitter& e, const CallArgs& args) { return blank(e, args, "zeros", true); }
Value empty(Emitter& e, const CallArgs& args) { return blank(e, args, "empty", false); }

// An array of the shape whose items are all one value. Orders other than C are filled in place.
Value filled_with(Emitter& e, const std::vector<Value>& shape, const Value& value, TypeRef elem, Layout layout) {
  const auto rule = [elem](Emitter& k, std::span<const Value> x) { return k.cast(x[0], elem); };
  if (layout == Layout::kC || shape.size() < 2) {
    return e.filled(shape, elem, std::array{value}, rule, false);
  }
  const Value made = e.allocate(shape, elem, false, layout);
  e.elementwise_into(made, std::array{value}, rule);
  return made;
}

Value ones(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "ones", args, {"shape", "dtype?", "order?"});
  TypeRef elem = dtype_or(e, bound[1], float64());
  return filled_with(e, shape_argument(e, bound[0]), e.cast(e.integer(1), elem), elem, order_argument(e, bound[2], Layout::kC));
}

Value full(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "full", args, {"shape", "fill_value", "dtype?", "order?"});
  const Value value = e.unwrap(bound[1]);
  if (!ir::is_number(value.type)) {
    e.fail("full() takes a number to fill with, not " + ir::display(value.type));
  }
  TypeRef elem = dtype_or(e, bound[2], ir::strong(value.type));
  return filled_with(e, shape_argument(e, bound[0]), value, elem, order_argument(e, bound[3], Layout::kC));
}

std::vector<Value> shape_of(Emitter& e, const Value& array) {
  std::vector<Value> shape;
  for (int axis = 0; axis < array.type->ndim; ++axis) {
    shape.push_back(e.dim(array, axis));
  }
  return shape;
}

struct Like {
  std::vector<Value> shape;
  TypeRef elem;
  Layout layout;
};

// The shape, dtype and order that `*_like` functions take from their first argument.
Like like(Emitter& e, const Value& prototype, const Value& dtype, const Value& order, const Value& shape) {
  const Value p = e.unwrap(prototype);
  if (ir::is_number(p.type)) {
    return {given(shape) ? shape_argument(e, shape) : std::vector<Value>{}, dtype_or(e, dtype, ir::strong(p.type)), Layout::kC};
  }
  const Value a = as_array(e, p);
  const Layout natural = a.type->layout == Layout::kF ? Layout::kF : Layout::kC;
  return {given(shape) ? shape_argument(e, shape) : shape_of(e, a), dtype_or(e, dtype, a.type->elem), order_argument(e, order, natural)};
}

Value zeros_like(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "zeros_like", args, {"a", "dtype?", "order?", "subok?", "shape?"});
  const Like l = like(e, b[0], b[1], b[2], b[4]);
  return e.allocate(l.shape, l.elem, true, l.layout);
}

Value empty_like(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "empty_like", args, {"prototype", "dtype?", "order?", "subok?", "shape?"});
  const Like l = like(e, b[0], b[1], b[2], b[4]);
  return e.allocate(l.shape, l.elem, false, l.layout);
}

Value ones_like(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "ones_like", args, {"a", "dtype?", "order?", "subok?", "shape?"});
  const Like l = like(e, b[0], b[1], b[2], b[4]);
  return filled_with(e, l.shape, e.cast(e.integer(1), l.elem), l.elem, l.layout);
}

Value full_like(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "full_like", args, {"a", "fill_value", "dtype?", "order?", "subok?", "shape?"});
  const Like l = like(e, b[0], b[2], b[3], b[5]);
  return filled_with(e, l.shape, e.unwrap(b[1]), l.elem, l.layout);
}

// NumPy: the length is ceil((stop - start) / step); items are start + i * delta, where delta is (start + step) - start in the result's
// type.
Value arange(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "arange", args, {"start", "stop?", "step?", "dtype?"});
  const bool one = !given(b[1]);
  const Value first = one ? e.integer(0, e.numba() ? ir::intp_type() : ir::int_type()) : e.unwrap(b[0]);
  const Value last = one ? e.unwrap(b[0]) : e.unwrap(b[1]);
  const Value step = given(b[2]) ? e.unwrap(b[2]) : e.integer(1, e.numba() ? ir::intp_type() : ir::int_type());
  if (!ir::is_real(first.type) || !ir::is_real(last.type) || !ir::is_real(step.type)) {
    e.fail("arange() takes numbers");
  }
  TypeRef natural = ir::strong(common_type(e, e.cast(first, common_type(e, first, last)), step));
  natural = natural->kind == Kind::kBool ? ir::intp_type() : natural;
  TypeRef elem = dtype_or(e, b[3], natural);
  const bool integer = ir::is_integral(first.type) && ir::is_integral(last.type) && ir::is_integral(step.type);
  Value count;
  if (integer) {
    const Value bounds = e.aggregate(
        ir::range_type(false), std::array{e.cast(first, ir::intp_type()), e.cast(last, ir::intp_type()), e.cast(step, ir::intp_type())});
    e.raise_if(e.op(Op::kEq, ir::bool_type(), {e.item(bounds, 2), e.integer(0)}), "builtins:ZeroDivisionError", "division by zero");
    count = length(e, bounds);
  } else {
    TypeRef f = float64();
    const Value distance = e.op(Op::kSub, f, {e.cast(last, f), e.cast(first, f)});
    const Value steps = e.op(Op::kDiv, f, {distance, e.cast(step, f)});
    e.raise_if(e.logical_not(e.intrinsic(ir::Intrinsic::kIsFinite, ir::bool_type(), {steps})), "builtins:ValueError",
               "Maximum allowed size exceeded");
    count = e.op(Op::kMax, ir::intp_type(), {e.cast(e.intrinsic(ir::Intrinsic::kCeil, f, {steps}), ir::intp_type()), e.integer(0)});
  }
  const Value start = e.cast(first, elem);
  const Value second = e.op(Op::kAdd, elem, {start, e.cast(step, elem)});
  const Value delta = e.op(Op::kSub, elem, {second, start});
  const auto rule = [elem](Emitter& k, std::span<const Value> x) {
    return k.op(Op::kAdd, elem, {x[0], k.op(Op::kMul, elem, {k.cast(x[2], elem), x[1]})});
  };
  return e.filled({count}, elem, std::array{start, delta}, rule, true);
}

// NumPy: arange(num) * (delta / div) + start, the last item set to stop.
Value linspace(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "linspace", args, {"start", "stop", "num?", "endpoint?", "retstep?", "dtype?"});
  TypeRef f = float64();
  const Value start = e.cast(e.unwrap(b[0]), f);
  const Value stop = e.cast(e.unwrap(b[1]), f);
  const Value num = given(b[2]) ? e.intp(b[2], "the number of samples") : e.integer(50);
  const bool endpoint = !given(b[3]) || e.known_bool(b[3]).value_or(true);
  e.raise_if(e.op(Op::kLt, ir::bool_type(), {num, e.integer(0)}), "builtins:ValueError", "Number of samples must be non-negative.");
  const Value div = endpoint ? e.op(Op::kSub, ir::intp_type(), {num, e.integer(1)}) : num;
  const Value delta = e.op(Op::kSub, f, {stop, start});
  const Value positive = e.op(Op::kGt, ir::bool_type(), {div, e.integer(0)});
  const Value divisor = e.cast(e.select(positive, div, e.integer(1)), f);
  const Value step = e.op(Op::kDiv, f, {delta, divisor});
  const Value no_step = e.op(Op::kEq, ir::bool_type(), {step, e.floating(0, f)});
  const Value last =
      e.select(e.op(Op::kGt, ir::bool_type(), {num, e.integer(1)}), e.op(Op::kSub, ir::intp_type(), {num, e.integer(1)}), e.integer(-1));
  const Value last_or_none = endpoint ? last : e.integer(-1);
  TypeRef elem = dtype_or(e, b[5], f);
  const auto rule = [f, elem](Emitter& k, std::span<const Value> x) {
    const Value i = k.cast(x[7], f);
    const Value scaled = k.op(Op::kMul, f, {i, x[1]});
    const Value tiny = k.op(Op::kMul, f, {k.op(Op::kDiv, f, {i, x[2]}), x[3]});
    const Value item = k.op(Op::kAdd, f, {k.op(Op::kSelect, f, {x[4], tiny, scaled}), x[0]});
    const Value is_last = k.op(Op::kEq, ir::bool_type(false), {x[7], x[5]});
    return k.cast(k.op(Op::kSelect, f, {is_last, x[6], item}), elem);
  };
  const Value made = e.filled({num}, elem, std::array{start, step, divisor, delta, no_step, last_or_none, stop}, rule, true);
  return given(b[4]) && e.known_bool(b[4]) == true ? e.tuple({made, step}) : made;
}

Value eye(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "eye", args, {"N", "M?", "k?", "dtype?"});
  const Value rows = e.intp(b[0], "N");
  const Value columns = given(b[1]) ? e.intp(b[1], "M") : rows;
  const Value shift = given(b[2]) ? e.intp(b[2], "k") : e.integer(0);
  TypeRef elem = dtype_or(e, b[3], float64());
  const auto rule = [elem](Emitter& k, std::span<const Value> x) {
    TypeRef type = ir::intp_type();
    const Value row = k.op(Op::kTruncDiv, type, {x[2], x[0]});
    const Value column = k.op(Op::kTruncMod, type, {x[2], x[0]});
    const Value on = k.op(Op::kEq, ir::bool_type(false), {column, k.op(Op::kAdd, type, {row, x[1]})});
    return k.cast(on, elem);
  };
  return e.filled({rows, columns}, elem, std::array{columns, shift}, rule, true);
}

Value identity(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "identity", args, {"n", "dtype?"});
  CallArgs inner{{b[0]}, {}};
  if (given(b[1])) {
    inner.keywords.emplace_back("dtype", b[1]);
  }
  return eye(e, inner);
}

Value array_rule(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "array", args, {"object", "dtype?", "copy?", "order?", "ndmin?"});
  const Value v = e.unwrap(b[0]);
  const Value a = ir::is_number(v.type) ? e.filled(
                                              {}, v.type, std::array{v}, [](Emitter&, std::span<const Value> x) { return x[0]; }, false)
                                        : as_array(e, v);
  TypeRef elem = dtype_or(e, b[1], a.type->elem);
  if (!ir::is_array(v.type) && elem == a.type->elem) {
    return a;
  }
  return e.elementwise(std::array{a}, [elem](Emitter& k, std::span<const Value> x) { return k.cast(x[0], elem); });
}

Value asarray(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "asarray", args, {"a", "dtype?", "order?"});
  const Value v = e.unwrap(b[0]);
  if (ir::is_array(v.type) && (!given(b[1]) || dtype_argument(e, b[1]) == v.type->elem)) {
    return v;
  }
  CallArgs inner{{b[0]}, {}};
  if (given(b[1])) {
    inner.keywords.emplace_back("dtype", b[1]);
  }
  return array_rule(e, inner);
}

Value dtype_rule(Emitter& e, const CallArgs& args) {
  return e.named("descriptor:" + dtype_argument(e, bind(e, "dtype", args, {"dtype"})[0])->text);
}

constexpr std::array kRules{
    RuleEntry{"numpy.zeros", zeros},
    RuleEntry{"numpy.empty", empty},
    RuleEntry{"numpy.ones", ones},
    RuleEntry{"numpy.full", full},
    RuleEntry{"numpy.zeros_like", zeros_like},
    RuleEntry{"numpy.empty_like", empty_like},
    RuleEntry{"numpy.ones_like", ones_like},
    RuleEntry{"numpy.full_like", full_like},
    RuleEntry{"numpy.arange", arange},
    RuleEntry{"numpy.linspace", linspace},
    RuleEntry{"numpy.eye", eye},
    RuleEntry{"numpy.identity", identity},
    RuleEntry{"numpy.array", array_rule},
    RuleEntry{"numpy.asarray", asarray},
    RuleEntry{"numpy.dtype", dtype_rule},
};

} // namespace

TypeRef dtype_argument(Emitter& e, const Value& v) {
  array::DType dtype{};
  const bool is_dtype = ir::is_named(v.type, "dtype:") || ir::is_named(v.type, "descriptor:");
  if (is_dtype && array::dtype_from_name(std::string_view(v.type->name).substr(v.type->name.find(':') + 1), &dtype)) {
    return ir::scalar_type(dtype);
  }
  if (const auto text = e.known_string(v)) {
    static constexpr std::array<std::pair<std::string_view, DType>, 22> kShort{{
        {"f4", DType::kFloat32},
        {"f8", DType::kFloat64},
        {"f", DType::kFloat32},
        {"d", DType::kFloat64},
        {"i1", DType::kInt8},
        {"i2", DType::kInt16},
        {"i4", DType::kInt32},
        {"i8", DType::kInt64},
        {"u1", DType::kUInt8},
        {"u2", DType::kUInt16},
        {"u4", DType::kUInt32},
        {"u8", DType::kUInt64},
        {"c8", DType::kComplex64},
        {"c16", DType::kComplex128},
        {"b1", DType::kBool},
        {"?", DType::kBool},
        {"int", DType::kInt64},
        {"float", DType::kFloat64},
        {"complex", DType::kComplex128},
        {"intp", DType::kInt64},
        {"b", DType::kInt8},
        {"f2", DType::kFloat16},
    }};
    for (const auto& [name, found] : kShort) {
      if (name == *text) {
        return ir::scalar_type(found);
      }
    }
    if (array::dtype_from_name(*text, &dtype)) {
      return ir::scalar_type(dtype);
    }
  }
  static constexpr std::array<std::pair<std::string_view, DType>, 4> kPython{{
      {"function:builtins.int", DType::kInt64},
      {"function:builtins.float", DType::kFloat64},
      {"function:builtins.bool", DType::kBool},
      {"function:builtins.complex", DType::kComplex128},
  }};
  for (const auto& [name, found] : kPython) {
    if (v.type->kind == Kind::kNamed && v.type->name == name) {
      return ir::scalar_type(found);
    }
  }
  e.fail(ir::display(v.type) + " is no dtype that compiled code knows", "Use np.float64, np.int32 and the like.");
}

std::vector<Value> shape_argument(Emitter& e, const Value& given_value) {
  const Value v = e.unwrap(given_value);
  if (ir::is_integral(v.type)) {
    return {e.cast(v, ir::intp_type())};
  }
  if (!ir::is_tuple(v.type) && !(v.type->kind == Kind::kSequence && v.type->name == "list")) {
    e.fail("a shape is an integer or a tuple of integers, not " + ir::display(v.type));
  }
  std::vector<Value> shape;
  for (const Value& item : items_of(e, v)) {
    shape.push_back(e.intp(item, "a dimension"));
  }
  return shape;
}

namespace {

// The shape of nested tuples and list literals, and their numbers in C order.
void flatten(Emitter& e, const Value& v, size_t depth, std::vector<int64_t>* shape, std::vector<Value>* numbers) {
  if (ir::is_number(v.type)) {
    numbers->push_back(v);
    return;
  }
  const std::vector<Value> items = items_of(e, v);
  if (shape->size() == depth) {
    shape->push_back(static_cast<int64_t>(items.size()));
  }
  if ((*shape)[depth] != static_cast<int64_t>(items.size())) {
    e.fail("the rows of this array have different lengths");
  }
  for (const Value& item : items) {
    flatten(e, e.unwrap(item), depth + 1, shape, numbers);
  }
}

} // namespace

Value as_array(Emitter& e, const Value& v) {
  if (ir::is_array(v.type)) {
    return v;
  }
  std::vector<int64_t> shape;
  std::vector<Value> numbers;
  flatten(e, v, 0, &shape, &numbers);
  TypeRef elem = numbers.empty() ? float64() : numbers[0].type;
  for (const Value& number : numbers) {
    elem = common_type(e, {elem}, number);
  }
  std::vector<Value> dims;
  for (const int64_t size : shape) {
    dims.push_back(e.integer(size));
  }
  const Value made = e.allocate(dims, ir::strong(elem), false);
  for (size_t i = 0; i < numbers.size(); ++i) {
    std::vector<Value> store{made};
    auto rest = static_cast<int64_t>(i);
    std::vector<Value> index(shape.size());
    for (size_t axis = shape.size(); axis-- > 0;) {
      index[axis] = e.integer(rest % shape[axis]);
      rest /= shape[axis];
    }
    store.insert(store.end(), index.begin(), index.end());
    store.push_back(e.cast(numbers[i], ir::strong(elem)));
    e.op(Op::kStore, ir::none_type(), store);
  }
  return made;
}

std::span<const RuleEntry> numpy_create_rules() { return kRules; }

} // namespace hasten::infer
