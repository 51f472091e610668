// Slice objects as values: how they are made, their parts, slice.indices.
#include <array>

#include "hasten/compiler/infer/rule_table.h"

namespace hasten::infer {

using ir::Op;
using ir::TypeRef;

namespace {

constexpr int64_t kLargest = INT64_MAX;

TypeRef own_int(Emitter& e) { return e.numba() ? ir::intp_type() : ir::int_type(); }

Value less(Emitter& e, const Value& a, const Value& b) { return e.op(Op::kLt, ir::bool_type(), {a, b}); }

// The part as an int64, or `otherwise` where it is None.
Value part_or(Emitter& e, const Value& slice, int position, const Value& otherwise) {
  const Value part = e.item(slice, position);
  if (part.type->kind == ir::Kind::kNone) {
    return otherwise;
  }
  if (part.type->kind == ir::Kind::kOptional) {
    return e.select(e.item(part, 0), e.cast(e.item(part, 1), ir::intp_type()), otherwise);
  }
  return e.intp(part, "a slice's part");
}

Value slice_rule(Emitter& e, const CallArgs& args) {
  const std::vector<Value>& p = args.positional;
  if (p.empty() || p.size() > 3 || !args.keywords.empty()) {
    e.fail(std::string("slice expected at ") + (p.empty() ? "least 1" : "most 3") + " arguments, got " + std::to_string(p.size()));
  }
  const std::array parts{p.size() > 1 ? p[0] : e.none(), p.size() > 1 ? p[1] : p[0], p.size() > 2 ? p[2] : e.none()};
  return e.aggregate(ir::slice_type(parts[0].type, parts[1].type, parts[2].type), parts);
}

// The bound as CPython's PySlice_AdjustIndices leaves it.
Value adjusted(Emitter& e, const Value& bound, const Value& length, const Value& low, const Value& high) {
  const Value wrapped = e.op(Op::kAdd, ir::intp_type(), {bound, length});
  const Value counted = e.select(less(e, bound, e.integer(0)), wrapped, bound);
  return e.op(Op::kMin, ir::intp_type(), {e.op(Op::kMax, ir::intp_type(), {counted, low}), high});
}

Value indices_rule(Emitter& e, const CallArgs& args) {
  const size_t count = args.positional.size() - 1;
  if (count != 1 || !args.keywords.empty()) {
    e.fail("indices() takes exactly one argument (" + std::to_string(count) + " given)");
  }
  const Value slice = args.positional[0];
  const Value given_length = e.unwrap(args.positional[1]);
  if (!ir::is_integral(given_length.type)) {
    e.fail("'" + ir::display(given_length.type) + "' object cannot be interpreted as an integer", "Convert it with int().");
  }
  const Value length = e.cast(given_length, ir::intp_type());
  const Value zero = e.integer(0);
  const Value step = slice_step(e, slice);
  e.raise_if(less(e, length, zero), "builtins:ValueError", "length should not be negative");
  e.raise_if(e.op(Op::kEq, ir::bool_type(), {step, zero}), "builtins:ValueError", "slice step cannot be zero");
  const Value backward = less(e, step, zero);
  const Value low = e.select(backward, e.integer(-1), zero);
  const Value high = e.select(backward, e.op(Op::kSub, ir::intp_type(), {length, e.integer(1)}), length);
  // What stands in for None is moved by no wrapping: a negative one (the lower bound -1) would be.
  const auto bound = [&](int position, const Value& otherwise) {
    const Value part = e.item(slice, position);
    if (part.type->kind == ir::Kind::kNone) {
      return otherwise;
    }
    const Value found = adjusted(e, part_or(e, slice, position, zero), length, low, high);
    return part.type->kind == ir::Kind::kOptional ? e.select(e.item(part, 0), found, otherwise) : found;
  };
  const Value start = bound(0, e.select(backward, high, low));
  const Value stop = bound(1, e.select(backward, low, high));
  return e.tuple({e.cast(start, own_int(e)), e.cast(stop, own_int(e)), e.cast(step, own_int(e))});
}

constexpr std::array kRules{
    RuleEntry{"builtins.slice", slice_rule},
    RuleEntry{"slice.indices", indices_rule},
};

} // namespace

Value slice_step(Emitter& e, const Value& slice) { return part_or(e, slice, 2, e.integer(1)); }

Value slice_part(Emitter& e, const Value& slice, std::string_view name) {
  const int position = name == "start" ? 0 : name == "stop" ? 1 : 2;
  if (!e.numba()) {
    return e.item(slice, position);
  }
  // numba has numbers where Python has None.
  const Value step = slice_step(e, slice);
  if (position == 2) {
    return step;
  }
  const Value backward = less(e, step, e.integer(0));
  const Value first = e.select(backward, e.integer(kLargest), e.integer(0));
  const Value last = e.select(backward, e.integer(-kLargest - 1), e.integer(kLargest));
  return part_or(e, slice, position, position == 0 ? first : last);
}

std::span<const RuleEntry> slice_rules() { return kRules; }

} // namespace hasten::infer
