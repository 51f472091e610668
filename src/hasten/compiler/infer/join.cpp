// Where two ways of the program meet: the type that holds both values.
#include "hasten/compiler/infer/rules.h"

namespace hasten::infer {

using ir::Kind;
using ir::TypeRef;

namespace {

bool fits(const ir::Constant& value, TypeRef integer) {
  if (integer->bits == 64) {
    return integer->is_signed || value.i >= 0;
  }
  const int64_t top = int64_t{1} << (integer->bits - (integer->is_signed ? 1 : 0));
  return value.i < top && value.i >= (integer->is_signed ? -top : 0);
}

TypeRef join_numbers(const Value& a, const Value& b, Dialect dialect) {
  if (a.type->weak == b.type->weak) {
    return ir::scalar_type(array::promote(a.type->dtype, b.type->dtype), a.type->weak);
  }
  const Value& weak = a.type->weak ? a : b;
  const Value& strong = a.type->weak ? b : a;
  if (dialect == Dialect::kNumba) {
    return ir::scalar_type(array::promote(a.type->dtype, b.type->dtype));
  }
  if (ir::is_integral(weak.type) && ir::is_integer(strong.type)) {
    const bool known_to_fit = weak.known && weak.known->scalar && fits(*weak.known->scalar, strong.type);
    return known_to_fit ? strong.type : ir::scalar_type(array::promote(weak.type->dtype, strong.type->dtype));
  }
  return ir::scalar_type(array::promote_weak(strong.type->dtype, array::kind_of(weak.type->dtype)));
}

const Known* known_item(const Value& v, size_t i) { return v.known && i < v.known->items.size() ? v.known->items[i] : nullptr; }

TypeRef join_items(const Value& a, const Value& b, Dialect dialect) {
  if (a.type->items.size() != b.type->items.size() || a.type->name != b.type->name) {
    return nullptr;
  }
  std::vector<TypeRef> items;
  for (size_t i = 0; i < a.type->items.size(); ++i) {
    TypeRef item = join({a.type->items[i], ir::kNone, known_item(a, i)}, {b.type->items[i], ir::kNone, known_item(b, i)}, dialect);
    if (item == nullptr) {
      return nullptr;
    }
    items.push_back(item);
  }
  if (a.type->kind == Kind::kTuple) {
    return ir::tuple_type(std::move(items), a.type->name);
  }
  return a.type->kind == Kind::kSlice ? ir::slice_type(items[0], items[1], items[2]) : ir::sequence_type(a.type->name, std::move(items));
}

TypeRef join_arrays(TypeRef a, TypeRef b) {
  if (a->elem != b->elem || a->ndim != b->ndim) {
    return nullptr;
  }
  return ir::array_type(a->elem, a->ndim, a->layout == b->layout ? a->layout : ir::Layout::kAny, a->readonly || b->readonly);
}

} // namespace

TypeRef join(const Value& a, const Value& b, Dialect dialect) {
  if (a.type == b.type) {
    return a.type;
  }
  if (ir::is_number(a.type) && ir::is_number(b.type)) {
    return join_numbers(a, b, dialect);
  }
  if (a.type->kind == Kind::kNone || a.type->kind == Kind::kOptional || b.type->kind == Kind::kNone || b.type->kind == Kind::kOptional) {
    if (a.type->kind == Kind::kNone || b.type->kind == Kind::kNone) {
      TypeRef other = a.type->kind == Kind::kNone ? b.type : a.type;
      return other->kind == Kind::kNamed ? nullptr : ir::optional_type(other);
    }
    const Value x{a.type->kind == Kind::kOptional ? a.type->elem : a.type};
    const Value y{b.type->kind == Kind::kOptional ? b.type->elem : b.type};
    TypeRef inner = join(x, y, dialect);
    return inner == nullptr ? nullptr : ir::optional_type(inner);
  }
  if (a.type->kind != b.type->kind) {
    return nullptr;
  }
  switch (a.type->kind) {
  case Kind::kArray:
    return join_arrays(a.type, b.type);
  case Kind::kRange:
    return ir::range_type(a.type->weak && b.type->weak);
  case Kind::kSequence:
  case Kind::kTuple:
  case Kind::kSlice:
    return join_items(a, b, dialect);
  default:
    return nullptr;
  }
}

} // namespace hasten::infer
