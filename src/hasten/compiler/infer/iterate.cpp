// What for loops and unpacking ask of a value: its length and its items by position.
#include <algorithm>
#include <limits>

#include "hasten/compiler/infer/rules.h"

namespace hasten::infer {

using ir::Kind;
using ir::Op;
using ir::TypeRef;

namespace {

Value range_length(Emitter& e, const Value& range) {
  TypeRef type = ir::intp_type();
  const Value start = e.cast(e.item(range, 0), type);
  const Value stop = e.cast(e.item(range, 1), type);
  const Value step = e.cast(e.item(range, 2), type);
  const auto known_step = e.known_int(step);
  const auto up = [&](const Value& from, const Value& to, const Value& by) {
    const Value distance = e.op(Op::kSub, type, {to, from});
    if (e.known_int(by) == 1) {
      return e.op(Op::kMax, type, {distance, e.integer(0)});
    }
    const Value rounded = e.op(Op::kAdd, type, {distance, e.op(Op::kSub, type, {by, e.integer(1)})});
    const Value count = e.op(Op::kFloorDiv, type, {rounded, by});
    return e.select(e.op(Op::kGt, ir::bool_type(), {distance, e.integer(0)}), count, e.integer(0));
  };
  if (known_step) {
    return *known_step > 0 ? up(start, stop, step) : up(stop, start, e.integer(-*known_step));
  }
  const Value positive = e.op(Op::kGt, ir::bool_type(), {step, e.integer(0)});
  const Value by = e.select(positive, step, e.op(Op::kNeg, type, {step}));
  return up(e.select(positive, start, stop), e.select(positive, stop, start), by);
}

Value range_item(Emitter& e, const Value& range, const Value& position) {
  TypeRef type = ir::intp_type();
  const Value start = e.cast(e.item(range, 0), type);
  const Value step = e.cast(e.item(range, 2), type);
  const Value offset = e.known_int(step) == 1 ? position : e.op(Op::kMul, type, {position, step});
  return e.cast(e.known_int(start) == 0 ? offset : e.op(Op::kAdd, type, {start, offset}), range.type->elem);
}

// The item of a tuple at a position known only at run time: all items have one type.
Value tuple_item(Emitter& e, const Value& tuple, const Value& position) {
  const std::vector<Value> items = items_of(e, tuple);
  if (items.empty()) {
    return {ir::undefined_type()};
  }
  TypeRef type = items[0].type;
  for (const Value& item : items) {
    type = item.type == type ? type : (e.numba() || e.options().exact_joins ? join({type}, {item.type}, e.options()) : nullptr);
    if (type == nullptr) {
      e.fail("the items of this tuple have different types, so it can't be looped over or indexed by a variable",
             "Index it with constants.");
    }
  }
  Value result = e.convert(items.back(), type);
  for (size_t i = items.size() - 1; i-- > 0;) {
    const Value here = e.op(Op::kEq, ir::bool_type(), {position, e.integer(static_cast<int64_t>(i))});
    result = e.select(here, e.convert(items[i], type), result);
  }
  return result;
}

bool has_items(TypeRef type) { return ir::is_tuple(type) || (type->kind == Kind::kSequence && type->name == "list"); }

} // namespace

std::vector<Value> items_of(Emitter& e, const Value& v) {
  if (!has_items(v.type)) {
    e.fail("a tuple is needed here, not " + ir::display(v.type));
  }
  std::vector<Value> items;
  for (size_t i = 0; i < v.type->items.size(); ++i) {
    items.push_back(e.item(v, static_cast<int>(i)));
  }
  return items;
}

Value iterate(Emitter& e, const Value& given) {
  const Value v = e.unwrap(given);
  switch (v.type->kind) {
  case Kind::kRange:
  case Kind::kTuple:
  case Kind::kSequence:
    return v;
  case Kind::kArray:
    if (v.type->ndim == 0) {
      e.fail("iteration over a 0-d array");
    }
    return v;
  default:
    e.fail(ir::display(v.type) + " can't be looped over in compiled code");
  }
}

Value length(Emitter& e, const Value& v) {
  TypeRef type = v.type;
  switch (type->kind) {
  case Kind::kRange:
    return range_length(e, v);
  case Kind::kArray:
    return e.dim(v, 0);
  case Kind::kTuple:
    return e.integer(static_cast<int64_t>(type->items.size()));
  default:
    break;
  }
  if (type->name == "list") {
    return e.integer(static_cast<int64_t>(type->items.size()));
  }
  if (is_channel(type)) { // nobody knows how much will come: its loop ends where there is no next item
    return e.integer(std::numeric_limits<int64_t>::max());
  }
  if (type->name == "enumerate" || type->name == "reversed") {
    return length(e, e.item(v, 0));
  }
  if (type->name == "zip") {
    Value shortest = type->items.empty() ? e.integer(0) : length(e, e.item(v, 0));
    for (size_t i = 1; i < type->items.size(); ++i) {
      shortest = e.op(Op::kMin, ir::intp_type(), {shortest, length(e, e.item(v, static_cast<int>(i)))});
    }
    return shortest;
  }
  if (type->name == "flat" || type->name == "nditer") {
    return e.size(e.item(v, 0));
  }
  if (type->name == "ndindex") {
    Value total = e.integer(1);
    for (size_t i = 0; i < type->items.size(); ++i) {
      total = e.op(Op::kMul, ir::intp_type(), {total, e.cast(e.item(v, static_cast<int>(i)), ir::intp_type())});
    }
    return total;
  }
  if (type->name == "ndenumerate") {
    return e.size(e.item(v, 0));
  }
  e.fail("object of type " + ir::display(type) + " has no length in compiled code");
}

namespace {

// The index tuple of the linear C-order position.
std::vector<Value> unravel(Emitter& e, const std::vector<Value>& dims, const Value& position) {
  std::vector<Value> index(dims.size());
  Value rest = position;
  for (size_t axis = dims.size(); axis-- > 0;) {
    index[axis] = axis == 0 ? rest : e.op(Op::kTruncMod, ir::intp_type(), {rest, dims[axis]});
    rest = axis == 0 ? rest : e.op(Op::kTruncDiv, ir::intp_type(), {rest, dims[axis]});
  }
  return index;
}

std::vector<Value> dims_of(Emitter& e, const Value& array) {
  std::vector<Value> dims;
  for (int axis = 0; axis < array.type->ndim; ++axis) {
    dims.push_back(e.dim(array, axis));
  }
  return dims;
}

Value flat_item(Emitter& e, const Value& array, const Value& position) {
  std::vector<Value> args{array};
  const std::vector<Value> index = unravel(e, dims_of(e, array), position);
  args.insert(args.end(), index.begin(), index.end());
  return e.op(Op::kLoad, array.type->elem, args);
}

Value python_ints(Emitter& e, std::vector<Value> values) {
  for (Value& v : values) {
    v = e.numba() ? v : e.cast(v, ir::int_type());
  }
  return e.tuple(std::move(values));
}

Value enumerated(Emitter& e, const Value& start, const Value& position) {
  return e.op(Op::kAdd, start.type, {start, e.cast(position, start.type)});
}

} // namespace

Value next_item(Emitter& e, const Value& v, const Value& position) {
  TypeRef type = v.type;
  switch (type->kind) {
  case Kind::kRange:
    return range_item(e, v, position);
  case Kind::kArray:
    return array_item(e, v, position);
  case Kind::kTuple:
    return tuple_item(e, v, position);
  default:
    break;
  }
  if (type->name == "list") {
    return tuple_item(e, v, position);
  }
  if (type->name == "enumerate") {
    return e.tuple({enumerated(e, e.item(v, 1), position), next_item(e, e.item(v, 0), position)});
  }
  if (type->name == "reversed") {
    const Value inner = e.item(v, 0);
    const Value last = e.op(Op::kSub, ir::intp_type(), {length(e, inner), e.integer(1)});
    return next_item(e, inner, e.op(Op::kSub, ir::intp_type(), {last, position}));
  }
  if (type->name == "flat") {
    return flat_item(e, e.item(v, 0), position);
  }
  if (type->name == "ndindex") {
    std::vector<Value> dims;
    for (size_t i = 0; i < type->items.size(); ++i) {
      dims.push_back(e.cast(e.item(v, static_cast<int>(i)), ir::intp_type()));
    }
    return python_ints(e, unravel(e, dims, position));
  }
  if (type->name == "ndenumerate") {
    const Value array = e.item(v, 0);
    return e.tuple({python_ints(e, unravel(e, dims_of(e, array), position)), flat_item(e, array, position)});
  }
  if (type->name == "zip") {
    std::vector<Value> items;
    for (size_t i = 0; i < type->items.size(); ++i) {
      items.push_back(next_item(e, e.item(v, static_cast<int>(i)), position));
    }
    return e.tuple(std::move(items));
  }
  e.fail(ir::display(type) + " can't be looped over in compiled code");
}

namespace {

bool counts_channel(TypeRef type) { return type->kind == Kind::kSequence && type->name == "enumerate" && is_channel(type->items[0]); }

// The channel behind a loop; none where the iterable has a length.
std::optional<Value> channel_behind(Emitter& e, const Value& v) {
  if (is_channel(v.type)) {
    return v;
  }
  return counts_channel(v.type) ? std::optional(e.item(v, 0)) : std::nullopt;
}

} // namespace

Value loop_step(Emitter& e, const Value& v, const Value& position) {
  const auto channel = channel_behind(e, v);
  return channel ? next_of_channel(e, *channel) : next_item(e, v, position);
}

Value is_taken(Emitter& e, const Value& v, const Value& step) { return channel_behind(e, v) ? e.item(step, 0) : e.boolean(true); }

Value taken_item(Emitter& e, const Value& v, const Value& step, const Value& position) {
  const auto channel = channel_behind(e, v);
  if (!channel) {
    return step;
  }
  const Value item = taken_from_channel(e, *channel, step);
  return counts_channel(v.type) ? e.tuple({enumerated(e, e.item(v, 1), position), item}) : item;
}

Value unpack(Emitter& e, const Value& given, int64_t count) {
  const Value v = e.unwrap(given);
  if (has_items(v.type)) {
    const auto size = static_cast<int64_t>(v.type->items.size());
    if (size != count) {
      e.fail(size < count ? "not enough values to unpack (expected " + std::to_string(count) + ", got " + std::to_string(size) + ")"
                          : "too many values to unpack (expected " + std::to_string(count) + ")");
    }
    return v;
  }
  const Value iteration = iterate(e, v);
  const Value size = length(e, iteration);
  const Value expected = e.integer(count);
  e.raise_if(e.op(Op::kLt, ir::bool_type(), {size, expected}), "builtins:ValueError",
             "not enough values to unpack (expected " + std::to_string(count) + ")");
  e.raise_if(e.op(Op::kGt, ir::bool_type(), {size, expected}), "builtins:ValueError",
             "too many values to unpack (expected " + std::to_string(count) + ")");
  return iteration;
}

Value unpack_star(Emitter& e, const Value& given, int64_t at_least) {
  const Value v = e.unwrap(given);
  if (!has_items(v.type)) {
    e.fail("a starred target takes a tuple in compiled code, not " + ir::display(v.type), "Slice it instead: `first, rest = a[0], a[1:]`.");
  }
  const auto size = static_cast<int64_t>(v.type->items.size());
  if (size < at_least) {
    e.fail("not enough values to unpack (expected at least " + std::to_string(at_least) + ", got " + std::to_string(size) + ")");
  }
  return v;
}

Value unpack_rest(Emitter& e, const Value& v, int64_t before, int64_t behind) {
  const std::vector<Value> all = items_of(e, v);
  const std::vector<Value> rest(all.begin() + before, all.end() - behind);
  std::vector<TypeRef> types;
  for (const Value& item : rest) {
    types.push_back(item.type);
  }
  return e.aggregate(ir::sequence_type("list", std::move(types)), rest);
}

Value unpack_item(Emitter& e, const Value& v, int64_t position) {
  if (position < 0) {
    position += static_cast<int64_t>(v.type->items.size());
  }
  return has_items(v.type) ? e.item(v, static_cast<int>(position)) : next_item(e, v, e.integer(position));
}

} // namespace hasten::infer
