// Reductions of whole arrays and along an axis.
#include <algorithm>
#include <array>
#include <numeric>

#include "hasten/compiler/infer/loops.h"
#include "hasten/compiler/infer/rule_table.h"

namespace hasten::infer {

using array::DType;
using ir::Kind;
using ir::Layout;
using ir::Op;
using ir::ReduceKind;
using ir::TypeRef;

namespace {

TypeRef float64() { return ir::scalar_type(DType::kFloat64); }

// The type that NumPy sums integers in.
TypeRef sum_type(TypeRef elem) {
  if (elem->kind == Kind::kBool || (elem->kind == Kind::kInt && elem->bits < 64)) {
    return ir::scalar_type(elem->kind == Kind::kInt && !elem->is_signed ? DType::kUInt64 : DType::kInt64);
  }
  return elem;
}

TypeRef accumulator(ReduceKind kind, TypeRef elem) {
  switch (kind) {
  case ReduceKind::kSum:
  case ReduceKind::kProd:
    return sum_type(elem);
  case ReduceKind::kMean:
    return ir::is_integral(elem) ? float64() : elem;
  case ReduceKind::kAny:
  case ReduceKind::kAll:
    return ir::bool_type(false);
  default:
    return elem;
  }
}

Value as_item(Emitter& k, const Value& x, TypeRef type) { return type->kind == Kind::kBool ? k.cast(truth(k, x), type) : k.cast(x, type); }

void refuse_empty(Emitter& e, const Value& array, const char* operation) {
  const Value none = e.op(Op::kEq, ir::bool_type(), {e.size(array), e.integer(0)});
  e.raise_if(none, "builtins:ValueError", std::string("zero-size array to reduction operation ") + operation + " which has no identity");
}

Value whole(Emitter& e, ReduceKind kind, const Value& array, TypeRef type) {
  if (kind == ReduceKind::kMin || kind == ReduceKind::kMax) {
    refuse_empty(e, array, kind == ReduceKind::kMin ? "minimum" : "maximum");
  }
  const ReduceKind inner = kind == ReduceKind::kMean ? ReduceKind::kSum : kind;
  const Value total = e.reduce(inner, array, [type](Emitter& k, std::span<const Value> x) { return as_item(k, x[0], type); });
  if (kind != ReduceKind::kMean) {
    return total;
  }
  const Value count = e.cast(e.size(array), ir::is_complex(type) ? float64() : type);
  if (ir::is_complex(type)) {
    const Value re = e.op(Op::kDiv, real_part(e, total).type, {real_part(e, total), e.cast(count, real_part(e, total).type)});
    const Value im = e.op(Op::kDiv, re.type, {imaginary_part(e, total), e.cast(count, re.type)});
    return e.op(Op::kComplex, type, {re, im});
  }
  return e.op(Op::kDiv, type, {total, count});
}

// The axes in order: of a tuple, or the only one.
std::vector<int> known_axes(Emitter& e, const Value& axis, int ndim);

int known_axis(Emitter& e, const Value& axis, int ndim) {
  const auto known = e.known_int(axis);
  if (!known) {
    e.fail("the axis must be a constant in compiled code");
  }
  const int64_t wrapped = *known < 0 ? *known + ndim : *known;
  if (wrapped < 0 || wrapped >= ndim) {
    e.fail("axis " + std::to_string(*known) + " is out of bounds for array of dimension " + std::to_string(ndim));
  }
  return static_cast<int>(wrapped);
}

bool known_flag(Emitter& e, const Value& v) {
  if (!given(v)) {
    return false;
  }
  const auto known = e.known_bool(v);
  if (!known) {
    e.fail("keepdims must be a constant in compiled code");
  }
  return *known;
}

Value along(Emitter& e, ReduceKind kind, const Value& array, int axis, bool keepdims, TypeRef type) {
  const int ndim = array.type->ndim - (keepdims ? 0 : 1);
  TypeRef result = ir::array_type(type, ndim, Layout::kC);
  return e.runtime("hst_reduce_axis", result, {array, e.integer(axis), e.integer(static_cast<int64_t>(kind)), e.integer(keepdims ? 1 : 0)});
}

std::vector<int> known_axes(Emitter& e, const Value& axis, int ndim) {
  std::vector<int> axes;
  for (const Value& one : ir::is_tuple(axis.type) ? items_of(e, axis) : std::vector<Value>{axis}) {
    axes.push_back(known_axis(e, one, ndim));
  }
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) {
    e.fail("duplicate value in 'axis'");
  }
  return axes;
}

Value with_shape(Emitter& e, const Value& array, std::vector<Value> shape) {
  return find_rule("array.reshape")(e, {{array, e.tuple(std::move(shape))}, {}});
}

// The shape of an array in which each of these axes has the length one.
std::vector<Value> kept_shape(Emitter& e, const Value& array, const std::vector<int>& axes) {
  std::vector<Value> shape;
  for (int axis = 0; axis < array.type->ndim; ++axis) {
    shape.push_back(std::find(axes.begin(), axes.end(), axis) != axes.end() ? e.integer(1) : e.dim(array, axis));
  }
  return shape;
}

// Neighbouring axes are reduced as one, and those further inside first: in C order that is the order in which NumPy adds.
Value along_groups(Emitter& e, ReduceKind kind, const Value& array, const std::vector<int>& axes, TypeRef type) {
  Value result = array;
  for (size_t end = axes.size(); end > 0;) {
    size_t begin = end - 1;
    while (begin > 0 && axes[begin - 1] + 1 == axes[begin]) {
      --begin;
    }
    std::vector<Value> shape;
    for (int axis = 0; axis < result.type->ndim; ++axis) {
      if (axis > axes[begin] && axis <= axes[end - 1]) {
        shape.back() = e.op(Op::kMul, ir::intp_type(), {shape.back(), e.dim(result, axis)});
      } else {
        shape.push_back(e.dim(result, axis));
      }
    }
    result = end - begin > 1 ? with_shape(e, result, std::move(shape)) : result;
    result = along(e, kind, result, axes[begin], false, type);
    end = begin;
  }
  return result;
}

Value divided(Emitter& e, const Value& sums, const Value& count) {
  return e.elementwise(std::array{sums, count}, [](Emitter& k, std::span<const Value> x) {
    TypeRef type = x[0].type;
    return k.op(Op::kDiv, type, {x[0], k.cast(x[1], type)});
  });
}

Value cast_items(Emitter& e, const Value& array, TypeRef type) {
  return array.type->elem == type
             ? array
             : e.elementwise(std::array{array}, [type](Emitter& k, std::span<const Value> x) { return as_item(k, x[0], type); });
}

// Along several axes, but not along all.
Value along_axes(Emitter& e, ReduceKind kind, const Value& array, const std::vector<int>& axes, TypeRef type) {
  if (kind != ReduceKind::kMean) {
    return along_groups(e, kind, array, axes, type);
  }
  Value count = e.integer(1);
  for (const int axis : axes) {
    count = e.op(Op::kMul, ir::intp_type(), {count, e.dim(array, axis)});
  }
  TypeRef wide = type->bits == 16 ? ir::scalar_type(DType::kFloat32) : type; // NumPy takes the mean of float16 in float32
  return cast_items(e, divided(e, along_groups(e, ReduceKind::kSum, cast_items(e, array, wide), axes, wide), count), type);
}

Value along_any(Emitter& e, ReduceKind kind, const Value& array, const Value& axis, bool keepdims, TypeRef type) {
  const int ndim = array.type->ndim;
  std::vector<int> axes;
  if (given(axis)) {
    axes = known_axes(e, axis, ndim);
  } else {
    axes.resize(static_cast<size_t>(ndim));
    std::iota(axes.begin(), axes.end(), 0);
  }
  const bool complex_mean = kind == ReduceKind::kMean && ir::is_complex(type); // NumPy divides arrays and scalars in two ways
  if (static_cast<int>(axes.size()) == ndim) {
    const Value all = whole(e, keepdims && complex_mean ? ReduceKind::kSum : kind, array, type);
    if (!keepdims) {
      return all;
    }
    const auto item = [](Emitter&, std::span<const Value> x) { return x[0]; };
    const Value kept = e.filled(kept_shape(e, array, axes), type, std::array{all}, item, false);
    return complex_mean ? divided(e, kept, e.size(array)) : kept;
  }
  if (axes.empty()) {
    return cast_items(e, array, type);
  }
  if (axes.size() == 1 && !complex_mean) {
    return along(e, kind, array, axes[0], keepdims, type);
  }
  const Value result = along_axes(e, kind, array, axes, type);
  return keepdims ? with_shape(e, result, kept_shape(e, array, axes)) : result;
}

Value reduce_rule(Emitter& e, const CallArgs& args, ReduceKind kind, const char* name) {
  const std::vector<Value> b = bind(e, name, args, {"a", "axis?", "dtype?", "out?", "keepdims?"});
  const Value v = e.unwrap(b[0]);
  if (ir::is_number(v.type)) {
    return e.cast(v, accumulator(kind, ir::strong(v.type)));
  }
  if (given(b[3])) {
    e.fail(std::string(name) + "() with out= can't be compiled");
  }
  const Value a = as_array(e, v);
  TypeRef type = given(b[2]) ? dtype_argument(e, b[2]) : accumulator(kind, a.type->elem);
  const bool keepdims = known_flag(e, b[4]);
  if (!given(b[1]) && !keepdims) {
    return whole(e, kind, a, type);
  }
  return along_any(e, kind, given(b[2]) ? cast_items(e, a, type) : a, b[1], keepdims, type);
}

// min and max have no dtype.
Value extreme_rule(Emitter& e, const CallArgs& args, ReduceKind kind, const char* name) {
  const std::vector<Value> b = bind(e, name, args, {"a", "axis?", "out?", "keepdims?"});
  CallArgs all{{b[0]}, {}};
  for (const auto& [keyword, value] : {std::pair{"axis", b[1]}, std::pair{"out", b[2]}, std::pair{"keepdims", b[3]}}) {
    if (given(value)) {
      all.keywords.emplace_back(keyword, value);
    }
  }
  return reduce_rule(e, all, kind, name);
}

Value sum_rule(Emitter& e, const CallArgs& args) { return reduce_rule(e, args, ReduceKind::kSum, "sum"); }
Value prod_rule(Emitter& e, const CallArgs& args) { return reduce_rule(e, args, ReduceKind::kProd, "prod"); }
Value mean_rule(Emitter& e, const CallArgs& args) { return reduce_rule(e, args, ReduceKind::kMean, "mean"); }
Value min_rule(Emitter& e, const CallArgs& args) { return extreme_rule(e, args, ReduceKind::kMin, "min"); }
Value max_rule(Emitter& e, const CallArgs& args) { return extreme_rule(e, args, ReduceKind::kMax, "max"); }
Value any_rule(Emitter& e, const CallArgs& args) { return extreme_rule(e, args, ReduceKind::kAny, "any"); }
Value all_rule(Emitter& e, const CallArgs& args) { return extreme_rule(e, args, ReduceKind::kAll, "all"); }

Value ptp_rule(Emitter& e, const CallArgs& args) { return binary(e, Operator::kSub, max_rule(e, args), min_rule(e, args)); }

// Mean of the squared distances from the mean, as numpy.var computes it.
Value variance(Emitter& e, const CallArgs& args, bool root) {
  const std::vector<Value> b = bind(e, root ? "std" : "var", args, {"a", "axis?", "dtype?", "out?", "ddof?"});
  if (given(b[1]) || given(b[2]) || given(b[3])) {
    e.fail("var() and std() are compiled for whole arrays, without dtype and out");
  }
  const Value a = as_array(e, e.unwrap(b[0]));
  TypeRef elem = accumulator(ReduceKind::kMean, a.type->elem);
  const Value mean = whole(e, ReduceKind::kMean, a, elem);
  TypeRef part = ir::is_complex(elem) ? ir::scalar_type(elem->bits == 64 ? DType::kFloat32 : DType::kFloat64) : elem;
  const Value squares = e.elementwise(std::array{a, mean}, [elem, part](Emitter& k, std::span<const Value> x) {
    const Value d = k.op(Op::kSub, elem, {k.cast(x[0], elem), x[1]});
    if (!ir::is_complex(elem)) {
      return k.op(Op::kMul, elem, {d, d});
    }
    const Value re = real_part(k, d);
    const Value im = imaginary_part(k, d);
    return k.op(Op::kAdd, part, {k.op(Op::kMul, part, {re, re}), k.op(Op::kMul, part, {im, im})});
  });
  const Value total = whole(e, ReduceKind::kSum, squares, part);
  Value count = e.cast(e.size(a), part);
  if (given(b[4])) {
    const Value less = e.op(Op::kSub, part, {count, e.cast(e.unwrap(b[4]), part)});
    count = e.op(Op::kMax, part, {less, e.floating(0, part)});
  }
  const Value result = e.op(Op::kDiv, part, {total, count});
  return root ? e.intrinsic(ir::Intrinsic::kSqrt, part, {result}) : result;
}

Value var_rule(Emitter& e, const CallArgs& args) { return variance(e, args, false); }
Value std_rule(Emitter& e, const CallArgs& args) { return variance(e, args, true); }

Value position_rule(Emitter& e, const CallArgs& args, bool want_max) {
  const std::vector<Value> b = bind(e, want_max ? "argmax" : "argmin", args, {"a", "axis?"});
  const Value a = as_array(e, e.unwrap(b[0]));
  const Value flag = e.integer(want_max ? 1 : 0);
  if (given(b[1]) && a.type->ndim > 1) {
    const int axis = known_axis(e, b[1], a.type->ndim);
    return e.runtime("hst_argreduce_axis", ir::array_type(ir::intp_type(), a.type->ndim - 1, Layout::kC), {a, e.integer(axis), flag});
  }
  return e.runtime("hst_argreduce", ir::intp_type(), {a, flag});
}

Value argmin_rule(Emitter& e, const CallArgs& args) { return position_rule(e, args, false); }
Value argmax_rule(Emitter& e, const CallArgs& args) { return position_rule(e, args, true); }

Value cumulate(Emitter& e, const CallArgs& args, ReduceKind kind) {
  const std::vector<Value> b = bind(e, "cumsum", args, {"a", "axis?", "dtype?"});
  const Value a = as_array(e, e.unwrap(b[0]));
  if (given(b[1]) && a.type->ndim > 1) {
    e.fail("cumsum() and cumprod() along an axis can't be compiled yet");
  }
  TypeRef type = given(b[2]) ? dtype_argument(e, b[2]) : sum_type(a.type->elem);
  return e.runtime("hst_cumulate", ir::array_type(type, 1, Layout::kC), {a, e.integer(static_cast<int64_t>(kind))});
}

Value cumsum_rule(Emitter& e, const CallArgs& args) { return cumulate(e, args, ReduceKind::kSum); }
Value cumprod_rule(Emitter& e, const CallArgs& args) { return cumulate(e, args, ReduceKind::kProd); }

Value count_nonzero(Emitter& e, const CallArgs& args) {
  const Value a = as_array(e, e.unwrap(bind(e, "count_nonzero", args, {"a"})[0]));
  const Value count = e.reduce(ReduceKind::kSum, a, [](Emitter& k, std::span<const Value> x) {
    return k.cast(k.cast(truth(k, x[0]), ir::bool_type(false)), ir::intp_type());
  });
  return e.numba() ? count : e.cast(count, ir::int_type());
}

constexpr std::array kRules{
    RuleEntry{"numpy.sum", sum_rule},         RuleEntry{"array.sum", sum_rule},         RuleEntry{"numpy.prod", prod_rule},
    RuleEntry{"array.prod", prod_rule},       RuleEntry{"numpy.mean", mean_rule},       RuleEntry{"array.mean", mean_rule},
    RuleEntry{"numpy.min", min_rule},         RuleEntry{"numpy.amin", min_rule},        RuleEntry{"array.min", min_rule},
    RuleEntry{"numpy.max", max_rule},         RuleEntry{"numpy.amax", max_rule},        RuleEntry{"array.max", max_rule},
    RuleEntry{"numpy.any", any_rule},         RuleEntry{"array.any", any_rule},         RuleEntry{"numpy.all", all_rule},
    RuleEntry{"array.all", all_rule},         RuleEntry{"numpy.ptp", ptp_rule},         RuleEntry{"numpy.var", var_rule},
    RuleEntry{"array.var", var_rule},         RuleEntry{"numpy.std", std_rule},         RuleEntry{"array.std", std_rule},
    RuleEntry{"numpy.argmin", argmin_rule},   RuleEntry{"array.argmin", argmin_rule},   RuleEntry{"numpy.argmax", argmax_rule},
    RuleEntry{"array.argmax", argmax_rule},   RuleEntry{"numpy.cumsum", cumsum_rule},   RuleEntry{"array.cumsum", cumsum_rule},
    RuleEntry{"numpy.cumprod", cumprod_rule}, RuleEntry{"array.cumprod", cumprod_rule}, RuleEntry{"numpy.count_nonzero", count_nonzero},
};

} // namespace

std::span<const RuleEntry> numpy_reduce_rules() { return kRules; }

} // namespace hasten::infer
