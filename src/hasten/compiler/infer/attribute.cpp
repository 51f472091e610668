// object.name
#include <array>

#include "hasten/compiler/infer/rules.h"
#include "hasten/compiler/infer/session.h"

namespace hasten::infer {

using ir::Kind;
using ir::Op;
using ir::TypeRef;

namespace {

Value python_int(Emitter& e, const Value& v) { return e.numba() ? v : e.cast(v, ir::int_type()); }

Value method(Emitter& e, const Value& self, const std::string& name) {
  return e.aggregate(ir::sequence_type("method:" + name, {self.type}), std::array{self});
}

TypeRef dtype_of_name(const Value& v) {
  array::DType dtype{};
  return array::dtype_from_name(v.type->name.substr(v.type->name.find(':') + 1), &dtype) ? ir::scalar_type(dtype) : nullptr;
}

Value part_view(Emitter& e, const Value& array, bool imaginary) {
  TypeRef elem = ir::scalar_type(array.type->elem->bits == 64 ? array::DType::kFloat32 : array::DType::kFloat64);
  std::vector<Value> args{array, e.integer(imaginary ? ir::item_bytes(elem) : 0)};
  for (int axis = 0; axis < array.type->ndim; ++axis) {
    args.push_back(e.dim(array, axis));
  }
  for (int axis = 0; axis < array.type->ndim; ++axis) {
    args.push_back(e.stride(array, axis));
  }
  return e.op(Op::kView, ir::array_type(elem, array.type->ndim, ir::Layout::kAny, array.type->readonly), args);
}

std::optional<Value> array_attribute(Emitter& e, const Value& a, const std::string& name) {
  const int ndim = a.type->ndim;
  const auto each_axis = [&](auto&& of) {
    std::vector<Value> values;
    for (int axis = 0; axis < ndim; ++axis) {
      values.push_back(python_int(e, of(axis)));
    }
    return e.tuple(std::move(values));
  };
  const auto number = [&](int64_t v) { return python_int(e, e.integer(v)); };
  if (name == "shape") {
    return each_axis([&](int axis) { return e.dim(a, axis); });
  }
  if (name == "strides") {
    return each_axis([&](int axis) { return e.stride(a, axis); });
  }
  if (name == "ndim") {
    return number(ndim);
  }
  if (name == "size") {
    return python_int(e, e.size(a));
  }
  if (name == "itemsize") {
    return number(ir::item_bytes(a.type->elem));
  }
  if (name == "nbytes") {
    return python_int(e, e.op(Op::kMul, ir::intp_type(), {e.size(a), e.integer(ir::item_bytes(a.type->elem))}));
  }
  if (name == "dtype") {
    return e.named("descriptor:" + a.type->elem->text);
  }
  if (name == "real" || name == "imag") {
    if (ir::is_complex(a.type->elem)) {
      return part_view(e, a, name == "imag");
    }
    if (name == "real") {
      return a;
    }
    const Value zeros = e.elementwise(std::array{a}, [](Emitter& k, std::span<const Value> x) { return k.cast(k.integer(0), x[0].type); });
    return e.op(Op::kRelabel, ir::array_type(zeros.type->elem, ndim, zeros.type->layout, true), {zeros});
  }
  if (name == "flat") {
    return e.aggregate(ir::sequence_type("flat", {a.type}), std::array{a});
  }
  if (name == "flags" || name == "ctypes") {
    return e.aggregate(ir::sequence_type(name, {a.type}), std::array{a});
  }
  return std::nullopt;
}

// Whether the items lie one after the other in this order, as NumPy sees it: axes of length 1 don't matter, and an empty array always does.
Value is_contiguous(Emitter& e, const Value& array, ir::Layout order) {
  const int ndim = array.type->ndim;
  const ir::Layout layout = array.type->layout;
  if (layout == order || (ndim <= 1 && layout != ir::Layout::kAny)) {
    return e.boolean(true);
  }
  Value expected = e.integer(ir::item_bytes(array.type->elem));
  Value dense = e.boolean(true);
  Value empty = e.boolean(false);
  for (int i = 0; i < ndim; ++i) {
    const int axis = order == ir::Layout::kC ? ndim - 1 - i : i;
    const Value length = e.dim(array, axis);
    const Value fits = e.op(Op::kEq, ir::bool_type(), {e.stride(array, axis), expected});
    const Value is_one = e.op(Op::kEq, ir::bool_type(), {length, e.integer(1)});
    dense = e.op(Op::kAnd, ir::bool_type(), {dense, e.op(Op::kOr, ir::bool_type(), {fits, is_one})});
    empty = e.op(Op::kOr, ir::bool_type(), {empty, e.op(Op::kEq, ir::bool_type(), {length, e.integer(0)})});
    expected = e.op(Op::kMul, ir::intp_type(), {expected, length});
  }
  return e.op(Op::kOr, ir::bool_type(), {dense, empty});
}

Value flag(Emitter& e, const Value& array, const std::string& name) {
  if (name == "c_contiguous" || name == "contiguous") {
    return is_contiguous(e, array, ir::Layout::kC);
  }
  if (name == "f_contiguous") {
    return is_contiguous(e, array, ir::Layout::kF);
  }
  if (name == "writeable") {
    return e.boolean(!array.type->readonly);
  }
  e.fail("flags." + name + " can't be compiled");
}

Value number_attribute(Emitter& e, const Value& v, const std::string& name) {
  if (name == "real") {
    return ir::is_complex(v.type) ? real_part(e, v) : v;
  }
  if (name == "imag") {
    return ir::is_complex(v.type) ? imaginary_part(e, v) : e.cast(e.integer(0), v.type);
  }
  if (ir::is_integral(v.type) && (name == "numerator" || name == "denominator")) {
    TypeRef type = v.type->kind == Kind::kBool && v.type->weak ? ir::int_type() : v.type;
    return name == "numerator" ? e.cast(v, type) : e.cast(e.integer(1), type);
  }
  const std::string rule = "number." + name;
  if (find_rule(rule) != nullptr) {
    return method(e, v, rule);
  }
  e.fail(ir::display(v.type) + " has no attribute '" + name + "' in compiled code");
}

Value dtype_attribute(Emitter& e, const Value& object, TypeRef dtype, const std::string& name) {
  if (name == "itemsize") {
    return python_int(e, e.integer(ir::item_bytes(dtype)));
  }
  if (name == "kind") {
    return e.string(std::string_view("buifcmM").substr(static_cast<size_t>(array::kind_of(dtype->dtype)), 1));
  }
  return name == "name" ? e.string(dtype->text) : e.named("dtype:" + object.type->name.substr(object.type->name.find(':') + 1));
}

} // namespace

Value real_part(Emitter& e, const Value& v) {
  TypeRef part = ir::scalar_type(v.type->bits == 64 ? array::DType::kFloat32 : array::DType::kFloat64, v.type->weak);
  return e.op(Op::kReal, part, {v});
}

Value imaginary_part(Emitter& e, const Value& v) {
  TypeRef part = ir::scalar_type(v.type->bits == 64 ? array::DType::kFloat32 : array::DType::kFloat64, v.type->weak);
  return e.op(Op::kImag, part, {v});
}

Value attribute(Emitter& e, const Value& given_object, const std::string& name) {
  const Value object = e.unwrap(given_object);
  if (ir::is_array(object.type)) {
    if (const auto value = array_attribute(e, object, name)) {
      return *value;
    }
    const std::string rule = "array." + name;
    if (const Rule property = find_rule("property." + rule)) {
      return property(e, {{object}, {}});
    }
    if (find_rule(rule) != nullptr) {
      return method(e, object, rule);
    }
    e.fail("array." + name + " can't be compiled yet");
  }
  if (ir::is_number(object.type)) {
    return number_attribute(e, object, name);
  }
  if (object.type->kind == Kind::kRange && (name == "start" || name == "stop" || name == "step")) {
    return e.item(object, name == "start" ? 0 : name == "stop" ? 1 : 2);
  }
  if (object.type->kind == Kind::kSlice && (name == "start" || name == "stop" || name == "step")) {
    return slice_part(e, object, name);
  }
  if (object.type->kind == Kind::kSlice && name == "indices") {
    return method(e, object, "slice.indices");
  }
  if (is_channel(object.type)) {
    if (const auto value = channel_attribute(e, object, name)) {
      return *value;
    }
    const std::string rule = "channel." + name;
    if (find_rule(rule) != nullptr) {
      return method(e, object, rule);
    }
  }
  if (object.type->kind == Kind::kSequence && object.type->name == "ctypes" && name == "data") {
    return python_int(e, e.runtime("hst_array_address", ir::intp_type(), {e.item(object, 0)}));
  }
  if (object.type->kind == Kind::kSequence && object.type->name == "flags") {
    return flag(e, e.item(object, 0), name);
  }
  if (ir::is_tuple(object.type) && !object.type->name.empty()) {
    if (const auto field = named_tuple_field(e, object, name)) {
      return *field;
    }
  }
  if (ir::is_tuple(object.type) && (name == "count" || name == "index")) {
    return method(e, object, "tuple." + name);
  }
  if (object.type->kind == Kind::kNamed) {
    if (ir::is_named(object.type, "descriptor:") && (name == "itemsize" || name == "type" || name == "kind" || name == "name")) {
      if (TypeRef dtype = dtype_of_name(object)) {
        return dtype_attribute(e, object, dtype, name);
      }
    }
    if (e.known_string(object) && name == "format") {
      return method(e, object, "str.format");
    }
    const auto found = e.session().host().attribute(e.session().named(object.type), name);
    if (found) {
      return from_host(e, *found);
    }
  }
  e.fail(ir::display(object.type) + " has no attribute '" + name + "' in compiled code");
}

void set_attribute(Emitter& e, const Value& object, const std::string& name, const Value& value) {
  if (ir::is_array(object.type) && (name == "real" || name == "imag") && ir::is_complex(object.type->elem)) {
    const Value full =
        e.aggregate(ir::slice_type(ir::none_type(), ir::none_type(), ir::none_type()), std::array{e.none(), e.none(), e.none()});
    return set_subscript(e, part_view(e, object, name == "imag"), full, value);
  }
  e.fail("the attribute '" + name + "' of " + ir::display(object.type) + " can't be assigned to in compiled code");
}

} // namespace hasten::infer
