// Numbers whose type is known only at run time (docs/compiler.md, "Types that depend on values").
#include <algorithm>
#include <array>
#include <numeric>

#include "hasten/compiler/infer/rules.h"
#include "hasten/compiler/ir/rules.h"

namespace hasten::infer {

using ir::Op;
using ir::TypeRef;

namespace {

size_t count_of(TypeRef type) { return type->items.size() - 1; }
TypeRef member_type(TypeRef type, size_t i) { return type->items[i + 1]; }
Value tag_of(Emitter& e, const Value& v) { return e.item(v, 0); }
Value member(Emitter& e, const Value& v, size_t i) { return e.item(v, static_cast<int>(i) + 1); }

size_t place_of(TypeRef type, TypeRef member) {
  return static_cast<size_t>(std::find(type->items.begin() + 1, type->items.end(), member) - type->items.begin()) - 1;
}

Value has_tag(Emitter& e, const Value& v, size_t i) {
  return e.op(Op::kEq, ir::bool_type(), {tag_of(e, v), e.integer(static_cast<int64_t>(i), ir::int_type())});
}

Value undefined(Emitter& e, TypeRef type) { return {type, e.dry() ? ir::kNone : e.builder().emit(Op::kUndef, type, {})}; }

// `of(i)` for the member that the tag says; all give one type.
Value chosen(Emitter& e, const Value& v, const std::function<Value(size_t)>& of) {
  Value result = of(0);
  for (size_t i = 1; i < count_of(v.type); ++i) {
    result = e.select(has_tag(e, v, i), of(i), result);
  }
  return result;
}

Value number_to_union(Emitter& e, const Value& v, TypeRef to) {
  const size_t place = place_of(to, v.type);
  std::vector<Value> parts{e.integer(static_cast<int64_t>(place), ir::int_type())};
  for (size_t i = 0; i < count_of(to); ++i) {
    TypeRef type = member_type(to, i);
    const bool carries = i == 0 && carrier_of(to) != nullptr;
    parts.push_back(i == place ? v : carries || ir::same_representation(type, v.type) ? e.cast(v, type) : undefined(e, type));
  }
  return e.aggregate(to, parts);
}

Value union_to_union(Emitter& e, const Value& v, TypeRef to) {
  std::vector<Value> parts{
      chosen(e, v, [&](size_t i) { return e.integer(static_cast<int64_t>(place_of(to, member_type(v.type, i))), ir::int_type()); })};
  for (size_t i = 0; i < count_of(to); ++i) {
    TypeRef type = member_type(to, i);
    const size_t place = place_of(v.type, type);
    if (i == 0 && carrier_of(to) != nullptr) {
      parts.push_back(from_union(e, v, type));
    } else {
      parts.push_back(place < count_of(v.type) ? member(e, v, place) : undefined(e, type));
    }
  }
  return e.aggregate(to, parts);
}

// One application of a rule: the values, and which of them are one.
struct Application {
  std::vector<Value> values;
  const std::vector<size_t>& same;
  MemberRule kind;
  const ScalarRule& rule;

  size_t first_union() const {
    return static_cast<size_t>(std::find_if(values.begin(), values.end(), [](const Value& v) { return ir::is_union(v.type); }) -
                               values.begin());
  }
  // The same with a value in place of the union at `index`, wherever it stands.
  Application with(size_t index, const Value& value) const {
    Application made{values, same, kind, rule};
    for (size_t i = 0; i < values.size(); ++i) {
      if (same[i] == same[index]) {
        made.values[i] = value;
      }
    }
    return made;
  }
};

Value apply(Emitter& e, const Application& application);

bool is_floating(TypeRef type) {
  TypeRef item = ir::is_array(type) ? type->elem : type;
  return ir::is_float(item) || ir::is_complex(item);
}

// What each member gives, without its code.
std::vector<Value> dry_results(Emitter& e, const Application& application, size_t index) {
  Emitter dry(e.session(), nullptr, e.options(), e.function());
  TypeRef type = application.values[index].type;
  std::vector<Value> results;
  for (size_t i = 0; i < count_of(type); ++i) {
    results.push_back(apply(dry, application.with(index, {member_type(type, i)})));
  }
  return results;
}

bool all_represented_alike(TypeRef type) {
  return std::all_of(type->items.begin() + 1, type->items.end(), [type](TypeRef t) { return ir::same_representation(t, type->items[1]); });
}

// Whether the carrier gives the result whatever the tag says. Python converts an int that meets a float, so a float result of one type is
// computed from the float; and members that differ in name only give one type by the same operation.
bool carrier_gives_all(MemberRule kind, TypeRef type, const std::vector<Value>& results) {
  if (kind == MemberRule::kOwn) {
    return false;
  }
  TypeRef carrier = carrier_of(type);
  const bool one_type = std::all_of(results.begin(), results.end(), [&](const Value& r) { return r.type == results[0].type; });
  return carrier != nullptr && one_type && results[0].type != nullptr &&
         ((is_floating(carrier) && is_floating(results[0].type)) || all_represented_alike(type));
}

// One code, whose results differ in name only.
bool same_code(const Application& application, TypeRef type, const std::vector<Value>& results) {
  const bool alike = std::all_of(results.begin(), results.end(), [&](const Value& r) {
    return r.type != nullptr && ir::is_number(r.type) && ir::same_representation(r.type, results[0].type) &&
           (r.type->kind != ir::Kind::kInt);
  });
  return application.kind == MemberRule::kAlike && alike && carrier_of(type) != nullptr && all_represented_alike(type);
}

TypeRef joined(Emitter& e, const std::vector<Value>& results) {
  TypeRef type = nullptr;
  for (const Value& result : results) {
    if (result.type == nullptr) {
      continue; // recursion: nothing is known yet
    }
    TypeRef both = type == nullptr ? result.type : join({type}, {result.type}, e.options());
    if (both == nullptr) {
      e.fail("this gives " + ir::display(type) + " or " + ir::display(result.type) + ", depending on what a number is at run time",
             "Give the number one type: float(x), int(x) or np.float64(x).");
    }
    type = both;
  }
  return type;
}

Value renamed(Emitter& e, const Value& computed, const Value& v, const std::vector<Value>& results, TypeRef to) {
  std::vector<Value> parts{
      chosen(e, v, [&](size_t i) { return e.integer(static_cast<int64_t>(place_of(to, results[i].type)), ir::int_type()); })};
  for (size_t i = 0; i < count_of(to); ++i) {
    parts.push_back(e.cast(computed, member_type(to, i)));
  }
  return e.aggregate(to, parts);
}

// The code of each member behind a branch on the tag.
Value branched(Emitter& e, const Application& application, size_t index, TypeRef result) {
  ir::Builder& b = e.builder();
  const Value v = application.values[index];
  const ir::BlockId merge = b.new_block();
  std::vector<ir::ValueId> incoming;
  for (size_t i = 0; i < count_of(v.type); ++i) {
    ir::BlockId next = merge;
    if (i + 1 < count_of(v.type)) {
      const ir::BlockId here = b.new_block();
      next = b.new_block();
      b.cond_br(e.id(has_tag(e, v, i)), here, next);
      b.set_block(here);
    }
    const Value value = apply(e, application.with(index, member(e, v, i)));
    if (ir::slot_count(result) > 0) {
      incoming.push_back(e.id(e.convert(value, result)));
    }
    b.br(merge);
    b.set_block(next);
  }
  b.set_block(merge);
  if (incoming.empty()) {
    return {result};
  }
  const ir::ValueId phi = b.phi(result);
  for (const ir::ValueId id : incoming) {
    b.add_incoming(phi, id);
  }
  return {result, phi};
}

Value apply(Emitter& e, const Application& application) {
  const size_t index = application.first_union();
  if (index == application.values.size()) {
    return application.rule(e, application.values);
  }
  const Value v = application.values[index];
  if (const auto tag = e.known_int(tag_of(e, v))) {
    return apply(e, application.with(index, member(e, v, static_cast<size_t>(*tag))));
  }
  const std::vector<Value> results = dry_results(e, application, index);
  if (carrier_gives_all(application.kind, v.type, results)) {
    return apply(e, application.with(index, member(e, v, 0)));
  }
  TypeRef type = joined(e, results);
  if (type == nullptr || e.dry()) {
    return {type};
  }
  if (ir::is_union(type) && same_code(application, v.type, results)) {
    return renamed(e, apply(e, application.with(index, member(e, v, 0))), v, results, type);
  }
  return branched(e, application, index, type);
}

} // namespace

bool any_union(std::span<const Value> values) {
  return std::any_of(values.begin(), values.end(), [](const Value& v) { return v.type != nullptr && ir::is_union(v.type); });
}

Value to_union(Emitter& e, const Value& v, TypeRef to) {
  return ir::is_union(v.type) ? union_to_union(e, v, to) : number_to_union(e, v, to);
}

Value from_union(Emitter& e, const Value& v, TypeRef to) {
  if (carrier_of(v.type) == to) {
    return member(e, v, 0);
  }
  return chosen(e, v, [&](size_t i) { return e.convert(member(e, v, i), to); });
}

Value over_members(Emitter& e, std::vector<Value> values, const std::vector<size_t>& same, MemberRule kind, const ScalarRule& rule) {
  return apply(e, {std::move(values), same, kind, rule});
}

Value over_members(Emitter& e, std::span<const Value> values, MemberRule kind, const ScalarRule& rule) {
  std::vector<size_t> same(values.size());
  std::iota(same.begin(), same.end(), size_t{0});
  return over_members(e, {values.begin(), values.end()}, same, kind, rule);
}

} // namespace hasten::infer
