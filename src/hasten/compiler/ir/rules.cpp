#include "hasten/compiler/ir/rules.h"

#include <algorithm>

namespace hasten::ir {
namespace {

struct Rule {
  Op op;
  Aux aux;
  bool value;
};

constexpr auto kRules = std::to_array<Rule>({
#define HASTEN_RULE(name, aux, value, types) {Op::k##name, Aux::k##aux, value},
#include "hasten/compiler/ir/rules.def"
#undef HASTEN_RULE
});

constexpr bool rows_follow_the_ops() {
  for (size_t i = 0; i < kRules.size(); ++i) {
    if (static_cast<size_t>(kRules[i].op) != i) {
      return false;
    }
  }
  return kRules.back().op == Op::kUnreachable;
}
static_assert(rows_follow_the_ops(), "rules.def has one row for each row of ops.def, in the same order");

constexpr auto kIntrinsics = std::to_array<IntrinsicInfo>({
    {"sqrt", 1, false, false},
    {"floor", 1, false, false},
    {"ceil", 1, false, false},
    {"trunc", 1, false, false},
    {"rint", 1, false, false},
    {"fma", 3, false, false},
    {"copysign", 2, false, false},
    {"minnum", 2, false, false},
    {"maxnum", 2, false, false},
    {"popcount", 1, true, false},
    {"clz", 1, true, false},
    {"ctz", 1, true, false},
    {"isnan", 1, false, true},
    {"isinf", 1, false, true},
    {"isfinite", 1, false, true},
});
static_assert(kIntrinsics.size() == kIntrinsicCount);

constexpr auto kReduceNames = std::to_array<std::string_view>({"sum", "prod", "min", "max", "any", "all", "mean"});
static_assert(kReduceNames.size() == kReduceKinds);

bool is_scalar_kind(TypeRef type) { return type->kind <= Kind::kDatetime; }

bool same_scalar(TypeRef a, TypeRef b) {
  if (a->kind == Kind::kDatetime || b->kind == Kind::kDatetime) {
    return a->kind == b->kind; // int64 counts of a unit; which unit is settled before
  }
  return a->dtype == b->dtype;
}

} // namespace

Aux aux_of(Op op) { return kRules[static_cast<size_t>(op)].aux; }

bool has_value(Op op) { return kRules[static_cast<size_t>(op)].value; }

const IntrinsicInfo& info(Intrinsic intrinsic) { return kIntrinsics[static_cast<size_t>(intrinsic)]; }

std::string_view reduce_name(int64_t kind) { return kReduceNames[static_cast<size_t>(kind)]; }

bool same_representation(TypeRef a, TypeRef b) {
  if (a == b) {
    return true;
  }
  if (is_scalar_kind(a) && is_scalar_kind(b)) {
    return same_scalar(a, b);
  }
  if (a->kind != b->kind) {
    return false;
  }
  switch (a->kind) {
  case Kind::kRange:
    return true;
  case Kind::kOptional:
    return same_representation(a->elem, b->elem);
  case Kind::kTuple:
  case Kind::kSlice:
  case Kind::kSequence:
  case Kind::kFormat:
  case Kind::kUnion:
    return a->name == b->name && std::equal(a->items.begin(), a->items.end(), b->items.begin(), b->items.end(), same_representation);
  default:
    return false; // arrays, strings and what has no content: equal types are one type
  }
}

bool is_aggregate(TypeRef type) {
  switch (type->kind) {
  case Kind::kTuple:
  case Kind::kSlice:
  case Kind::kSequence:
  case Kind::kFormat:
  case Kind::kUnion:
  case Kind::kOptional:
  case Kind::kRange:
    return true;
  default:
    return false;
  }
}

size_t part_count(TypeRef aggregate) {
  switch (aggregate->kind) {
  case Kind::kOptional:
    return 2;
  case Kind::kRange:
    return 3;
  default:
    return aggregate->items.size();
  }
}

TypeRef part(TypeRef aggregate, size_t index) {
  switch (aggregate->kind) {
  case Kind::kOptional:
    return index == 0 ? bool_type() : aggregate->elem;
  case Kind::kRange:
    return aggregate->elem;
  default:
    return aggregate->items[index];
  }
}

} // namespace hasten::ir
