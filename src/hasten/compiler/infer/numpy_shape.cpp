// Copies, views and shapes of arrays.
#include <algorithm>
#include <array>

#include "hasten/compiler/infer/rule_table.h"

namespace hasten::infer {

using ir::Kind;
using ir::Layout;
using ir::Op;
using ir::TypeRef;

namespace {

Value self(Emitter& e, const CallArgs& args) { return as_array(e, e.unwrap(args.positional.at(0))); }

std::vector<Value> rest(const CallArgs& args) { return {args.positional.begin() + 1, args.positional.end()}; }

Value view(Emitter& e, const Value& array, std::vector<Value> shape, std::vector<Value> strides, Layout layout) {
  std::vector<Value> all{array, e.integer(0)};
  const int ndim = static_cast<int>(shape.size());
  all.insert(all.end(), shape.begin(), shape.end());
  all.insert(all.end(), strides.begin(), strides.end());
  return e.op(Op::kView, ir::array_type(array.type->elem, ndim, layout, array.type->readonly), all);
}

Value permuted(Emitter& e, const Value& a, const std::vector<int>& axes) {
  std::vector<Value> shape;
  std::vector<Value> strides;
  bool same = true;
  bool turned = true;
  for (size_t i = 0; i < axes.size(); ++i) {
    shape.push_back(e.dim(a, axes[i]));
    strides.push_back(e.stride(a, axes[i]));
    same = same && axes[i] == static_cast<int>(i);
    turned = turned && axes[i] == static_cast<int>(axes.size() - 1 - i);
  }
  Layout layout = same ? a.type->layout : Layout::kAny;
  if (turned && axes.size() > 1) {
    layout = a.type->layout == Layout::kC ? Layout::kF : a.type->layout == Layout::kF ? Layout::kC : Layout::kAny;
  }
  return view(e, a, std::move(shape), std::move(strides), layout);
}

Value transposed(Emitter& e, const CallArgs& args) {
  const Value a = self(e, args);
  std::vector<Value> given_axes = rest(args);
  if (given_axes.size() == 1 && ir::is_tuple(given_axes[0].type)) {
    given_axes = items_of(e, given_axes[0]);
  }
  for (const auto& [keyword, value] : args.keywords) {
    given_axes = items_of(e, value);
  }
  std::vector<int> axes;
  for (const Value& v : given_axes) {
    if (v.type->kind == Kind::kNone) {
      continue;
    }
    const auto known = e.known_int(v);
    const int64_t axis = known && *known < 0 ? *known + a.type->ndim : known.value_or(-1);
    if (axis < 0 || axis >= a.type->ndim || std::find(axes.begin(), axes.end(), axis) != axes.end()) {
      e.fail("transpose() takes each axis once, as a constant");
    }
    axes.push_back(static_cast<int>(axis));
  }
  for (int axis = a.type->ndim; axes.size() < a.type->ndim && given_axes.empty();) {
    axes.push_back(--axis);
  }
  if (axes.size() != a.type->ndim) {
    e.fail("axes don't match array");
  }
  return permuted(e, a, axes);
}

Value swapaxes(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "swapaxes", args, {"a", "axis1", "axis2"});
  const Value a = as_array(e, b[0]);
  std::vector<int> axes(a.type->ndim);
  for (size_t i = 0; i < axes.size(); ++i) {
    axes[i] = static_cast<int>(i);
  }
  const auto place = [&](const Value& v) {
    const auto known = e.known_int(v);
    const int64_t axis = known && *known < 0 ? *known + a.type->ndim : known.value_or(-1);
    if (axis < 0 || axis >= a.type->ndim) {
      e.fail("swapaxes() takes constant axes within the array");
    }
    return static_cast<size_t>(axis);
  };
  std::swap(axes[place(b[1])], axes[place(b[2])]);
  return permuted(e, a, axes);
}

Value copied(Emitter& e, const Value& a, bool fortran) {
  const Layout layout = fortran && a.type->ndim > 1 ? Layout::kF : Layout::kC;
  return e.runtime("hst_copy", ir::array_type(a.type->elem, a.type->ndim, layout), {a, e.integer(fortran ? 1 : 0)});
}

Value copy_rule(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "copy", args, {"a", "order?"});
  const Value a = as_array(e, e.unwrap(b[0]));
  const auto order = given(b[1]) ? e.known_string(b[1]) : std::nullopt;
  return copied(e, a, order ? *order == "F" : false);
}

Value ascontiguous(Emitter& e, const CallArgs& args) {
  const Value a = self(e, args);
  return a.type->layout == Layout::kC ? a : copied(e, a, false);
}

Value asfortran(Emitter& e, const CallArgs& args) {
  const Value a = self(e, args);
  return a.type->layout == Layout::kF || (a.type->ndim < 2 && a.type->layout == Layout::kC) ? a : copied(e, a, true);
}

Value astype(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "astype", args, {"a", "dtype", "order?", "casting?", "subok?", "copy?"});
  TypeRef elem = dtype_argument(e, b[1]);
  if (ir::is_number(b[0].type)) {
    return e.cast(b[0], elem);
  }
  return e.elementwise(std::array{b[0]}, [elem](Emitter& k, std::span<const Value> x) {
    return elem->kind == Kind::kBool ? k.cast(truth(k, x[0]), elem)
                                     : k.cast(ir::is_complex(x[0].type) && !ir::is_complex(elem) ? real_part(k, x[0]) : x[0], elem);
  });
}

Value reshaped(Emitter& e, const Value& a, const std::vector<Value>& shape) {
  const Value dims = as_array(e, e.tuple(shape));
  const Value dims_or_empty = shape.empty() ? e.allocate({e.integer(0)}, ir::intp_type(), false) : dims;
  const Value source = a.type->layout == Layout::kC ? a : copied(e, a, false);
  return e.runtime("hst_reshape", ir::array_type(a.type->elem, static_cast<int>(shape.size()), Layout::kC, a.type->readonly),
                   {source, dims_or_empty});
}

Value reshape_rule(Emitter& e, const CallArgs& args) {
  const Value a = self(e, args);
  std::vector<Value> sizes = rest(args);
  for (const auto& [keyword, value] : args.keywords) {
    if (keyword != "shape" && keyword != "newshape") {
      e.fail("reshape() doesn't take the keyword '" + keyword + "' in compiled code");
    }
    sizes = {value};
  }
  if (sizes.size() == 1) {
    return reshaped(e, a, shape_argument(e, sizes[0]));
  }
  for (Value& size : sizes) {
    size = e.intp(size, "a dimension");
  }
  return reshaped(e, a, sizes);
}

Value ravel_rule(Emitter& e, const CallArgs& args) {
  const Value a = self(e, args);
  if (a.type->layout == Layout::kC && a.type->ndim == 1) {
    return a;
  }
  if (a.type->layout == Layout::kC) {
    return view(e, a, {e.size(a)}, {e.integer(ir::item_bytes(a.type->elem))}, Layout::kC);
  }
  const Value flat = copied(e, a, false);
  return view(e, flat, {e.size(flat)}, {e.integer(ir::item_bytes(a.type->elem))}, Layout::kC);
}

Value flatten_rule(Emitter& e, const CallArgs& args) {
  const Value flat = copied(e, self(e, args), false);
  return view(e, flat, {e.size(flat)}, {e.integer(ir::item_bytes(flat.type->elem))}, Layout::kC);
}

Value fill_rule(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "fill", args, {"a", "value"});
  TypeRef elem = b[0].type->elem;
  if (b[0].type->readonly) {
    e.fail("assignment destination is read-only");
  }
  e.elementwise_into(b[0], std::array{e.unwrap(b[1])}, [elem](Emitter& k, std::span<const Value> x) { return k.cast(x[0], elem); });
  return e.none();
}

Value array_item_rule(Emitter& e, const CallArgs& args) {
  const Value a = self(e, args);
  Value v;
  if (args.positional.size() == 1) {
    const Value one = e.op(Op::kEq, ir::bool_type(), {e.size(a), e.integer(1)});
    e.raise_if(e.logical_not(one), "builtins:ValueError", "can only convert an array of size 1 to a Python scalar");
    std::vector<Value> load{a};
    load.insert(load.end(), a.type->ndim, e.integer(0));
    v = e.op(Op::kLoad, a.type->elem, load);
  } else {
    v = subscript(e, a, args.positional.size() == 2 ? args.positional[1] : e.tuple(rest(args)));
  }
  return find_rule("number.item")(e, {{v}, {}});
}

Value expand_dims(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "expand_dims", args, {"a", "axis"});
  const Value a = as_array(e, b[0]);
  const auto known = e.known_int(b[1]);
  const int64_t axis = known && *known < 0 ? *known + a.type->ndim + 1 : known.value_or(-1);
  if (axis < 0 || axis > a.type->ndim) {
    e.fail("expand_dims() takes a constant axis");
  }
  std::vector<Value> shape;
  std::vector<Value> strides;
  for (int i = 0; i <= a.type->ndim; ++i) {
    if (i == axis) {
      shape.push_back(e.integer(1));
      strides.push_back(e.integer(ir::item_bytes(a.type->elem)));
    }
    if (i < a.type->ndim) {
      shape.push_back(e.dim(a, i));
      strides.push_back(e.stride(a, i));
    }
  }
  return view(e, a, std::move(shape), std::move(strides), Layout::kAny);
}

// The same memory as items of another type. Where their sizes differ, the last axis is counted anew.
Value view_rule(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "view", args, {"array", "dtype"});
  const Value a = e.unwrap(b[0]);
  TypeRef elem = dtype_argument(e, b[1]);
  const int ndim = a.type->ndim;
  const int64_t from = ir::item_bytes(a.type->elem);
  const int64_t to = ir::item_bytes(elem);
  const bool same_size = from == to;
  if (!same_size && ndim == 0) {
    e.fail("Changing the dtype of a 0d array is only supported if the itemsize is unchanged");
  }
  std::vector<Value> all{a, e.integer(0)};
  std::vector<Value> strides;
  for (int axis = 0; axis < ndim; ++axis) {
    const bool counted_anew = !same_size && axis + 1 == ndim;
    const Value n = e.dim(a, axis);
    const Value bytes = e.op(Op::kMul, ir::intp_type(), {n, e.integer(from)});
    if (counted_anew) {
      e.raise_if(e.op(Op::kNe, ir::bool_type(), {e.stride(a, axis), e.integer(from)}), "builtins:ValueError",
                 "To change to a dtype of a different size, the last axis must be contiguous");
      e.raise_if(e.op(Op::kNe, ir::bool_type(), {e.op(Op::kFloorMod, ir::intp_type(), {bytes, e.integer(to)}), e.integer(0)}),
                 "builtins:ValueError",
                 "When changing to a larger dtype, its size must be a divisor of the total size in bytes of the last axis of the array.");
    }
    all.push_back(counted_anew ? e.op(Op::kFloorDiv, ir::intp_type(), {bytes, e.integer(to)}) : n);
    strides.push_back(counted_anew ? e.integer(to) : e.stride(a, axis));
  }
  all.insert(all.end(), strides.begin(), strides.end());
  const Layout layout = same_size || a.type->layout == Layout::kC ? a.type->layout : Layout::kAny;
  return e.op(Op::kView, ir::array_type(elem, ndim, layout, a.type->readonly), all);
}

Value shape_rule(Emitter& e, const CallArgs& args) { return attribute(e, self(e, args), "shape"); }
Value ndim_rule(Emitter& e, const CallArgs& args) { return attribute(e, self(e, args), "ndim"); }
Value size_rule(Emitter& e, const CallArgs& args) { return attribute(e, self(e, args), "size"); }

Value ndindex_rule(Emitter& e, const CallArgs& args) {
  std::vector<Value> sizes = args.positional;
  if (sizes.size() == 1) {
    sizes = shape_argument(e, sizes[0]);
  }
  std::vector<TypeRef> types;
  for (Value& size : sizes) {
    size = e.intp(size, "a dimension");
    types.push_back(size.type);
  }
  return e.aggregate(ir::sequence_type("ndindex", std::move(types)), sizes);
}

Value ndenumerate_rule(Emitter& e, const CallArgs& args) {
  const Value a = self(e, args);
  return e.aggregate(ir::sequence_type("ndenumerate", {a.type}), std::array{a});
}

// Whole arrays one behind the other along an axis.
Value concatenate(Emitter& e, const CallArgs& args) {
  const std::vector<Value> b = bind(e, "concatenate", args, {"arrays", "axis?"});
  std::vector<Value> parts = items_of(e, e.unwrap(b[0]));
  if (parts.empty()) {
    e.fail("need at least one array to concatenate");
  }
  TypeRef elem = nullptr;
  for (Value& part : parts) {
    part = as_array(e, e.unwrap(part));
    elem = elem == nullptr ? part.type->elem : ir::scalar_type(array::promote(elem->dtype, part.type->elem->dtype));
    if (part.type->ndim != parts[0].type->ndim || part.type->ndim == 0) {
      e.fail("all the input arrays must have the same number of dimensions, at least one");
    }
  }
  const int ndim = parts[0].type->ndim;
  const auto known = given(b[1]) ? e.known_int(b[1]) : std::optional<int64_t>(0);
  const int64_t axis = known && *known < 0 ? *known + ndim : known.value_or(-1);
  if (axis < 0 || axis >= ndim) {
    e.fail("concatenate() takes a constant axis within the arrays");
  }
  std::vector<Value> shape;
  for (int i = 0; i < ndim; ++i) {
    Value size = e.dim(parts[0], i);
    for (size_t p = 1; p < parts.size(); ++p) {
      const Value other = e.dim(parts[p], i);
      if (i == axis) {
        size = e.op(Op::kAdd, ir::intp_type(), {size, other});
      } else {
        e.raise_if(e.op(Op::kNe, ir::bool_type(), {size, other}), "builtins:ValueError",
                   "all the input array dimensions except for the concatenation axis must match exactly");
      }
    }
    shape.push_back(size);
  }
  const Value made = e.allocate(shape, elem, false);
  Value start = e.integer(0);
  for (const Value& part : parts) {
    const Value end = e.op(Op::kAdd, ir::intp_type(), {start, e.dim(part, static_cast<int>(axis))});
    std::vector<Value> index(static_cast<size_t>(ndim), e.aggregate(ir::slice_type(ir::none_type(), ir::none_type(), ir::none_type()),
                                                                    std::array{e.none(), e.none(), e.none()}));
    index[static_cast<size_t>(axis)] = e.aggregate(ir::slice_type(start.type, end.type, ir::none_type()), std::array{start, end, e.none()});
    set_subscript(e, made, e.tuple(std::move(index)), part);
    start = end;
  }
  return made;
}

Value diff_rule(Emitter& e, const CallArgs& args) {
  const Value a = as_array(e, bind(e, "diff", args, {"a"})[0]);
  if (a.type->ndim != 1) {
    e.fail("diff() is compiled for one axis");
  }
  const Value one = e.integer(1);
  const Value minus = e.integer(-1);
  const Value later = e.aggregate(ir::slice_type(one.type, ir::none_type(), ir::none_type()), std::array{one, e.none(), e.none()});
  const Value earlier = e.aggregate(ir::slice_type(ir::none_type(), minus.type, ir::none_type()), std::array{e.none(), minus, e.none()});
  return binary(e, Operator::kSub, subscript(e, a, later), subscript(e, a, earlier));
}

constexpr std::array kRules{
    RuleEntry{"property.array.T", transposed},    RuleEntry{"array.transpose", transposed},
    RuleEntry{"numpy.transpose", transposed},     RuleEntry{"array.swapaxes", swapaxes},
    RuleEntry{"numpy.swapaxes", swapaxes},        RuleEntry{"array.copy", copy_rule},
    RuleEntry{"numpy.copy", copy_rule},           RuleEntry{"numpy.ascontiguousarray", ascontiguous},
    RuleEntry{"numpy.asfortranarray", asfortran}, RuleEntry{"array.astype", astype},
    RuleEntry{"number.astype", astype},           RuleEntry{"array.reshape", reshape_rule},
    RuleEntry{"numpy.reshape", reshape_rule},     RuleEntry{"array.ravel", ravel_rule},
    RuleEntry{"numpy.ravel", ravel_rule},         RuleEntry{"array.flatten", flatten_rule},
    RuleEntry{"array.fill", fill_rule},           RuleEntry{"array.item", array_item_rule},
    RuleEntry{"numpy.expand_dims", expand_dims},  RuleEntry{"numpy.shape", shape_rule},
    RuleEntry{"numpy.ndim", ndim_rule},           RuleEntry{"numpy.size", size_rule},
    RuleEntry{"numpy.ndindex", ndindex_rule},     RuleEntry{"numpy.ndenumerate", ndenumerate_rule},
    RuleEntry{"array.view", view_rule},           RuleEntry{"numpy.concatenate", concatenate},
    RuleEntry{"numpy.diff", diff_rule},
};

} // namespace

std::span<const RuleEntry> numpy_shape_rules() { return kRules; }

} // namespace hasten::infer
