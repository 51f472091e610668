// Where two ways of the program meet: the type that holds both values.
#include <algorithm>

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

TypeRef join_items(const Value& a, const Value& b, const Options& options) {
  if (a.type->items.size() != b.type->items.size() || a.type->name != b.type->name) {
    return nullptr;
  }
  std::vector<TypeRef> items;
  for (size_t i = 0; i < a.type->items.size(); ++i) {
    TypeRef item = join({a.type->items[i], ir::kNone, known_item(a, i)}, {b.type->items[i], ir::kNone, known_item(b, i)}, options);
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

void add_members(TypeRef type, std::vector<TypeRef>* members) {
  const auto first = type->items.begin() + (ir::is_union(type) ? 1 : 0);
  for (TypeRef member : ir::is_union(type) ? std::vector<TypeRef>(first, type->items.end()) : std::vector<TypeRef>{type}) {
    if (std::find(members->begin(), members->end(), member) == members->end()) {
      members->push_back(member);
    }
  }
}

constexpr size_t kMostMembers = 4;

// The type that has the values of all; null where none of them is that.
TypeRef widest(const std::vector<TypeRef>& members) {
  TypeRef wide = members[0];
  for (TypeRef member : members) {
    wide = member == wide ? wide : join_numbers({wide}, {member}, Dialect::kPython);
  }
  return std::find(members.begin(), members.end(), wide) != members.end() ? wide : nullptr;
}

// One of the types of both. The widest comes first; the order of the rest is that of their names.
TypeRef union_of(const Value& a, const Value& b) {
  std::vector<TypeRef> members;
  add_members(a.type, &members);
  add_members(b.type, &members);
  if (members.size() == 1) {
    return members[0];
  }
  if (members.size() > kMostMembers) {
    return nullptr;
  }
  TypeRef wide = widest(members);
  std::sort(members.begin(), members.end(), [wide](TypeRef x, TypeRef y) {
    return std::pair(x != wide, std::string_view(x->text)) < std::pair(y != wide, std::string_view(y->text));
  });
  return ir::union_type(members);
}

TypeRef join_arrays(TypeRef a, TypeRef b) {
  if (a->elem != b->elem || a->ndim != b->ndim) {
    return nullptr;
  }
  return ir::array_type(a->elem, a->ndim, a->layout == b->layout ? a->layout : ir::Layout::kAny, a->readonly || b->readonly);
}

} // namespace

TypeRef carrier_of(TypeRef type) {
  TypeRef wide = widest({type->items.begin() + 1, type->items.end()});
  return wide == type->items[1] ? wide : nullptr;
}

TypeRef join(const Value& a, const Value& b, const Options& options) {
  if (a.type == b.type) {
    return a.type;
  }
  if (ir::is_number(a.type) && ir::is_number(b.type)) {
    return options.exact_joins ? union_of(a, b) : join_numbers(a, b, options.dialect);
  }
  const auto is_one = [](TypeRef type) { return ir::is_number(type) || ir::is_union(type); };
  if (is_one(a.type) && is_one(b.type)) {
    return union_of(a, b);
  }
  if (a.type->kind == Kind::kNone || a.type->kind == Kind::kOptional || b.type->kind == Kind::kNone || b.type->kind == Kind::kOptional) {
    if (a.type->kind == Kind::kNone || b.type->kind == Kind::kNone) {
      TypeRef other = a.type->kind == Kind::kNone ? b.type : a.type;
      return other->kind == Kind::kNamed ? nullptr : ir::optional_type(other);
    }
    const Value x{a.type->kind == Kind::kOptional ? a.type->elem : a.type};
    const Value y{b.type->kind == Kind::kOptional ? b.type->elem : b.type};
    TypeRef inner = join(x, y, options);
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
    return join_items(a, b, options);
  default:
    return nullptr;
  }
}

} // namespace hasten::infer
