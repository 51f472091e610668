// object[index], for reading and writing.
#include <algorithm>
#include <array>

#include "hasten/compiler/infer/rules.h"

namespace hasten::infer {

using ir::Kind;
using ir::Layout;
using ir::Op;
using ir::TypeRef;

namespace {

// What an index does to an array: single items on some axes, stretches on others, new axes between.
struct Selection {
  std::vector<Value> items; // one for each axis: the checked position, where `item`
  std::vector<bool> item;
  Value offset; // bytes from the array's first item; type null where nothing moves it
  std::vector<Value> shape;
  std::vector<Value> strides;
  bool all_items = true; // no slices, no new axes
  bool keeps_c = true;   // a view of a C-contiguous array stays contiguous
  bool keeps_f = true;
};

std::vector<Value> index_parts(Emitter& e, const Value& index) {
  return ir::is_tuple(index.type) ? items_of(e, index) : std::vector<Value>{index};
}

// Expands the ellipsis and adds full slices for axes that the index leaves out.
std::vector<Value> full_index(Emitter& e, const Value& array, const Value& index) {
  std::vector<Value> parts = index_parts(e, index);
  size_t used = 0;
  size_t ellipsis = parts.size();
  for (size_t i = 0; i < parts.size(); ++i) {
    used += parts[i].type->kind != Kind::kNone && parts[i].type->kind != Kind::kEllipsis ? 1 : 0;
    if (parts[i].type->kind == Kind::kEllipsis) {
      if (ellipsis != parts.size()) {
        e.fail("an index can only have a single ellipsis ('...')");
      }
      ellipsis = i;
    }
  }
  if (used > array.type->ndim) {
    e.fail("too many indices for array: array is " + std::to_string(array.type->ndim) + "-dimensional, but " + std::to_string(used) +
           " were indexed");
  }
  const Value full =
      e.aggregate(ir::slice_type(ir::none_type(), ir::none_type(), ir::none_type()), std::array{e.none(), e.none(), e.none()});
  const std::vector<Value> missing(array.type->ndim - used, full);
  if (ellipsis != parts.size()) {
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(ellipsis));
    parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(ellipsis), missing.begin(), missing.end());
  } else {
    parts.insert(parts.end(), missing.begin(), missing.end());
  }
  return parts;
}

void move(Emitter& e, Selection& s, const Value& position, const Value& stride) {
  if (e.known_int(position) == 0) {
    return;
  }
  const Value bytes = e.op(Op::kMul, ir::intp_type(), {position, stride});
  s.offset = s.offset.type == nullptr ? bytes : e.op(Op::kAdd, ir::intp_type(), {s.offset, bytes});
}

Value clamp(Emitter& e, const Value& v, const Value& low, const Value& high) {
  return e.op(Op::kMin, ir::intp_type(), {e.op(Op::kMax, ir::intp_type(), {v, low}), high});
}

// A bound of a slice on an axis of size n: negative counts from the end, then clamped to [low, high]; `otherwise` where it is None.
Value slice_bound(Emitter& e, const Value& bound, const Value& n, const Value& low, const Value& high, const Value& otherwise) {
  if (!given(bound)) {
    return otherwise;
  }
  if (bound.type->kind == Kind::kOptional) {
    return e.select(e.item(bound, 0), slice_bound(e, e.item(bound, 1), n, low, high, otherwise), otherwise);
  }
  const Value v = e.intp(bound, "a slice's bound");
  const auto known = e.known_int(v);
  const Value wrapped = e.op(Op::kAdd, ir::intp_type(), {v, n});
  if (known) {
    return clamp(e, *known < 0 ? wrapped : v, low, high);
  }
  const Value negative = e.op(Op::kLt, ir::bool_type(), {v, e.integer(0)});
  return clamp(e, e.select(negative, wrapped, v), low, high);
}

void take_slice(Emitter& e, Selection& s, const Value& slice, const Value& n, const Value& stride) {
  TypeRef type = ir::intp_type();
  const Value zero = e.integer(0);
  const Value minus_one = e.integer(-1);
  const Value start = e.item(slice, 0);
  const Value stop = e.item(slice, 1);
  const Value step = slice_step(e, slice);
  const auto known_step = e.known_int(step);
  e.raise_if(e.op(Op::kEq, ir::bool_type(), {step, zero}), "builtins:ValueError", "slice step cannot be zero");
  const Value last = e.op(Op::kSub, type, {n, e.integer(1)});
  const auto forward = [&] {
    const Value from = slice_bound(e, start, n, zero, n, zero);
    const Value to = slice_bound(e, stop, n, zero, n, n);
    return std::pair{from, to};
  };
  const auto backward = [&] {
    const Value from = slice_bound(e, start, n, minus_one, last, last);
    const Value to = slice_bound(e, stop, n, minus_one, last, minus_one);
    return std::pair{from, to};
  };
  const auto count = [&](const Value& from, const Value& to, const Value& by) {
    const Value distance = e.op(Op::kSub, type, {to, from});
    if (e.known_int(by) == 1) {
      return e.op(Op::kMax, type, {distance, zero});
    }
    const Value rounded = e.op(Op::kAdd, type, {distance, e.op(Op::kSub, type, {by, e.integer(1)})});
    return e.op(Op::kMax, type, {e.op(Op::kFloorDiv, type, {rounded, by}), zero});
  };
  Value from;
  Value size;
  if (known_step) {
    const auto [first, end] = *known_step > 0 ? forward() : backward();
    from = first;
    size = *known_step > 0 ? count(first, end, step) : count(end, first, e.integer(-*known_step));
  } else {
    const auto [up_from, up_to] = forward();
    const auto [down_from, down_to] = backward();
    const Value positive = e.op(Op::kGt, ir::bool_type(), {step, zero});
    const Value by = e.select(positive, step, e.op(Op::kNeg, type, {step}));
    from = e.select(positive, up_from, down_from);
    size = e.select(positive, count(up_from, up_to, by), count(down_to, down_from, by));
  }
  const Value some = e.op(Op::kGt, ir::bool_type(), {size, zero});
  move(e, s, e.known_int(from) == 0 ? from : e.select(some, from, zero), stride);
  s.shape.push_back(size);
  s.strides.push_back(known_step == 1 ? stride : e.op(Op::kMul, type, {stride, step}));
}

bool is_full(const Value& slice) {
  return std::all_of(slice.type->items.begin(), slice.type->items.end(), [](TypeRef t) { return t->kind == Kind::kNone; });
}

bool unit_step(const Value& slice) { return slice.type->items[2]->kind == Kind::kNone; }

Value check(Emitter& e, const Value& index, const Value& n, int axis) {
  const Value i = e.intp(index, "an index");
  return e.op(e.options().bounds_check ? Op::kCheckIndex : Op::kWrapIndex, ir::intp_type(), {i, n}, axis);
}

Selection select_part(Emitter& e, const Value& array, const std::vector<Value>& parts) {
  Selection s;
  int axis = 0;
  bool sliced = false; // an axis before this one is kept: then contiguity in C order needs full slices from here on
  bool f_open = true;  // all axes so far are full: then a Fortran-contiguous view may still follow
  for (const Value& given_part : parts) {
    const Value part = e.unwrap(given_part);
    if (part.type->kind == Kind::kNone) {
      s.shape.push_back(e.integer(1));
      s.strides.push_back(e.integer(0));
      s.all_items = false;
      s.keeps_f = false;
      s.keeps_c = s.keeps_c && false;
      continue;
    }
    const Value n = e.dim(array, axis);
    const Value stride = e.stride(array, axis);
    if (part.type->kind == Kind::kSlice) {
      s.items.emplace_back();
      s.item.push_back(false);
      s.all_items = false;
      s.keeps_c = s.keeps_c && (is_full(part) || (!sliced && unit_step(part)));
      s.keeps_f = s.keeps_f && f_open && (is_full(part) || unit_step(part));
      f_open = f_open && is_full(part);
      sliced = true;
      take_slice(e, s, part, n, stride);
    } else {
      if (!ir::is_integral(part.type) || part.type->kind == Kind::kBool) {
        e.fail("an array can't be indexed by " + ir::display(part.type) + " here", "Use integers, slices, None or `...`.");
      }
      s.items.push_back(check(e, part, n, axis));
      s.item.push_back(true);
      s.keeps_c = s.keeps_c && !sliced;
      s.keeps_f = s.keeps_f && axis + 1 == array.type->ndim;
      f_open = false;
    }
    ++axis;
  }
  return s;
}

Layout view_layout(const Value& array, const Selection& s) {
  const bool c = array.type->layout == Layout::kC && s.keeps_c;
  const bool f = array.type->layout == Layout::kF && (s.keeps_f || (s.shape.size() <= 1 && false));
  return c ? Layout::kC : f ? Layout::kF : Layout::kAny;
}

Value make_view(Emitter& e, const Value& array, Selection& s) {
  for (int axis = 0; axis < array.type->ndim; ++axis) {
    if (s.item[static_cast<size_t>(axis)]) {
      move(e, s, s.items[static_cast<size_t>(axis)], e.stride(array, axis));
    }
  }
  std::vector<Value> args{array, s.offset.type == nullptr ? e.integer(0) : s.offset};
  args.insert(args.end(), s.shape.begin(), s.shape.end());
  args.insert(args.end(), s.strides.begin(), s.strides.end());
  TypeRef type = ir::array_type(array.type->elem, static_cast<int>(s.shape.size()), view_layout(array, s), array.type->readonly);
  return e.op(Op::kView, type, args);
}

Value tuple_subscript(Emitter& e, const Value& tuple, const Value& index) {
  const auto size = static_cast<int64_t>(tuple.type->items.size());
  if (const auto known = e.known_int(index)) {
    const int64_t i = *known < 0 ? *known + size : *known;
    if (i < 0 || i >= size) {
      e.fail("tuple index " + std::to_string(*known) + " is out of range: the tuple has " + std::to_string(size) + " items");
    }
    return e.item(tuple, static_cast<int>(i));
  }
  if (index.type->kind == Kind::kSlice) {
    const std::vector<Value> items = items_of(e, tuple);
    std::array<std::optional<int64_t>, 3> parts;
    for (int i = 0; i < 3; ++i) {
      const Value part = e.item(index, i);
      parts[static_cast<size_t>(i)] = e.known_int(part);
      if (given(part) && !parts[static_cast<size_t>(i)]) {
        e.fail("a tuple can only be sliced by constants", "Its type would depend on the value.");
      }
    }
    const int64_t step = parts[2].value_or(1);
    if (step == 0) {
      e.fail("slice step cannot be zero");
    }
    const auto place = [&](std::optional<int64_t> given_bound, int64_t otherwise) {
      if (!given_bound) {
        return otherwise;
      }
      const int64_t i = *given_bound < 0 ? *given_bound + size : *given_bound;
      return step > 0 ? std::clamp<int64_t>(i, 0, size) : std::clamp<int64_t>(i, -1, size - 1);
    };
    std::vector<Value> taken;
    const int64_t stop = place(parts[1], step > 0 ? size : -1);
    for (int64_t i = place(parts[0], step > 0 ? 0 : size - 1); step > 0 ? i < stop : i > stop; i += step) {
      taken.push_back(items[static_cast<size_t>(i)]);
    }
    return e.tuple(std::move(taken));
  }
  const Value i = e.intp(index, "a tuple's index");
  const Value wrapped =
      e.select(e.op(Op::kLt, ir::bool_type(), {i, e.integer(0)}), e.op(Op::kAdd, ir::intp_type(), {i, e.integer(size)}), i);
  const Value low = e.op(Op::kLt, ir::bool_type(), {wrapped, e.integer(0)});
  const Value high = e.op(Op::kGe, ir::bool_type(), {wrapped, e.integer(size)});
  e.raise_if(e.op(Op::kOr, ir::bool_type(), {low, high}), "builtins:IndexError", "tuple index out of range");
  return next_item(e, tuple, wrapped);
}

Value range_subscript(Emitter& e, const Value& range, const Value& index) {
  const Value n = length(e, range);
  const Value i = e.intp(index, "a range's index");
  const Value wrapped = e.select(e.op(Op::kLt, ir::bool_type(), {i, e.integer(0)}), e.op(Op::kAdd, ir::intp_type(), {i, n}), i);
  const Value low = e.op(Op::kLt, ir::bool_type(), {wrapped, e.integer(0)});
  const Value high = e.op(Op::kGe, ir::bool_type(), {wrapped, n});
  e.raise_if(e.op(Op::kOr, ir::bool_type(), {low, high}), "builtins:IndexError", "range object index out of range");
  return next_item(e, range, wrapped);
}

Value string_subscript(Emitter& e, const Value& text, const Value& index) {
  const std::string s = *e.known_string(text);
  const auto known = e.known_int(index);
  if (!known || std::any_of(s.begin(), s.end(), [](char c) { return static_cast<unsigned char>(c) > 127; })) {
    e.fail("strings can't be indexed by variables in compiled code yet");
  }
  const auto size = static_cast<int64_t>(s.size());
  const int64_t i = *known < 0 ? *known + size : *known;
  if (i < 0 || i >= size) {
    e.fail("string index out of range");
  }
  return e.string(s.substr(static_cast<size_t>(i), 1));
}

Value load(Emitter& e, const Value& array, const Selection& s) {
  std::vector<Value> args{array};
  args.insert(args.end(), s.items.begin(), s.items.end());
  return e.op(Op::kLoad, array.type->elem, args);
}

bool selects_by_array(Emitter& e, const Value& index) {
  const std::vector<Value> parts = index_parts(e, index);
  return std::any_of(parts.begin(), parts.end(),
                     [](const Value& p) { return ir::is_array(p.type) || (p.type->kind == Kind::kSequence && p.type->name == "list"); });
}

} // namespace

Value array_item(Emitter& e, const Value& array, const Value& position) {
  if (array.type->ndim == 1) {
    return e.op(Op::kLoad, array.type->elem, {array, position});
  }
  const Value full =
      e.aggregate(ir::slice_type(ir::none_type(), ir::none_type(), ir::none_type()), std::array{e.none(), e.none(), e.none()});
  std::vector<Value> parts(array.type->ndim, full);
  Selection s;
  s.all_items = false;
  s.keeps_f = false;
  for (int axis = 0; axis < array.type->ndim; ++axis) {
    s.item.push_back(axis == 0);
    s.items.push_back(axis == 0 ? position : Value{});
    if (axis > 0) {
      s.shape.push_back(e.dim(array, axis));
      s.strides.push_back(e.stride(array, axis));
    }
  }
  return make_view(e, array, s);
}

Value subscript(Emitter& e, const Value& given_object, const Value& index) {
  const Value object = e.unwrap(given_object);
  switch (object.type->kind) {
  case Kind::kTuple:
    return tuple_subscript(e, object, index);
  case Kind::kRange:
    return range_subscript(e, object, index);
  case Kind::kNamed:
    if (e.known_string(object)) {
      return string_subscript(e, object, index);
    }
    break;
  case Kind::kSequence:
    if (object.type->name == "list") {
      return tuple_subscript(e, object, index);
    }
    if (object.type->name == "flat") {
      const Value array = e.item(object, 0);
      return next_item(e, object, check(e, index, e.size(array), 0));
    }
    break;
  case Kind::kArray: {
    if (selects_by_array(e, index)) {
      e.fail("indexing by arrays or lists can't be compiled yet", "Loop over the positions, or use np.where.");
    }
    Selection s = select_part(e, object, full_index(e, object, index));
    return s.all_items ? load(e, object, s) : make_view(e, object, s);
  }
  default:
    break;
  }
  e.fail(ir::display(object.type) + " can't be indexed in compiled code");
}

void set_subscript(Emitter& e, const Value& given_object, const Value& index, const Value& given_value) {
  const Value object = e.unwrap(given_object);
  const Value value = e.unwrap(given_value);
  if (ir::is_tuple(object.type)) {
    e.fail("a tuple's items can't be assigned to", "Build a new tuple, or use an array.");
  }
  if (object.type->kind == Kind::kSequence && object.type->name == "flat") {
    const Value array = e.item(object, 0);
    return set_subscript(e, array, index, value);
  }
  if (!ir::is_array(object.type)) {
    e.fail("the items of " + ir::display(object.type) + " can't be assigned to in compiled code");
  }
  if (object.type->readonly) {
    e.fail(e.numba() ? "Cannot modify readonly array of type: " + ir::display(object.type) : "assignment destination is read-only",
           "Copy the array first.");
  }
  if (selects_by_array(e, index)) {
    e.fail("assigning to positions given by an array can't be compiled yet", "Loop over the positions.");
  }
  Selection s = select_part(e, object, full_index(e, object, index));
  TypeRef elem = object.type->elem;
  if (s.all_items && ir::is_number(value.type)) {
    if (ir::is_complex(value.type) && !ir::is_complex(elem)) {
      e.fail("a complex can't be stored into an array of " + ir::display(elem), "Take .real.");
    }
    std::vector<Value> args{object};
    args.insert(args.end(), s.items.begin(), s.items.end());
    args.push_back(e.cast(value, elem));
    e.op(Op::kStore, ir::none_type(), args);
    return;
  }
  const Value source = ir::is_number(value.type) ? value : as_array(e, value);
  const Value target = make_view(e, object, s);
  if (ir::is_array(source.type) && source.type->ndim > target.type->ndim) {
    e.fail("could not broadcast input array of " + std::to_string(source.type->ndim) + " dimensions into " +
           std::to_string(target.type->ndim));
  }
  e.elementwise_into(target, std::array{source}, [elem](Emitter& k, std::span<const Value> x) { return k.cast(x[0], elem); });
}

} // namespace hasten::infer
