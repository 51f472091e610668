// Channels of numbers and arrays (hasten.Channel with a dtype): put, get, close, and loops that end with the channel.
#include <array>

#include "hasten/compiler/infer/rule_table.h"
#include "hasten/compiler/infer/rules.h"

namespace hasten::infer {

using ir::Kind;
using ir::Op;
using ir::TypeRef;

namespace {

constexpr double kForever = -1.0;

Value address(Emitter& e, const Value& channel) { return e.item(channel, 0); }

// How the kernels hand a number over, and the last part of their names.
struct Carrier {
  TypeRef type;
  std::string name;
};

Carrier carrier_of_item(TypeRef item) {
  switch (item->kind) {
  case Kind::kFloat:
    return {ir::scalar_type(array::DType::kFloat64), "float"};
  case Kind::kComplex:
    return {ir::scalar_type(array::DType::kComplex128), "complex"};
  case Kind::kArray:
    return {item, "array"};
  default:
    return {ir::intp_type(), "int"};
  }
}

// What Python gets for a number of this dtype, which is what compiled code works with.
TypeRef python_type(Emitter& e, TypeRef item) {
  const auto own = [&](TypeRef weak) { return e.numba() ? ir::strong(weak) : weak; };
  switch (item->kind) {
  case Kind::kBool:
    return own(ir::bool_type());
  case Kind::kFloat:
    return own(ir::float_type());
  case Kind::kComplex:
    return own(ir::complex_type());
  case Kind::kInt:
    return item->dtype == array::DType::kUInt64 ? item : own(ir::int_type());
  default:
    return item;
  }
}

Value from_carrier(Emitter& e, const Value& v, TypeRef item) { return ir::is_array(item) ? v : e.cast(v, python_type(e, item)); }

// An array of the channel's dtype; the kernel copies it.
Value array_to_put(Emitter& e, const Value& v, TypeRef item) {
  if (!ir::is_array(v.type) || v.type->ndim != item->ndim) {
    e.fail("put() into a channel of " + std::to_string(item->ndim) + "-d arrays of " + item->elem->text + " takes such an array, not " +
           ir::display(v.type));
  }
  if (v.type->elem == item->elem) {
    return v;
  }
  return e.elementwise(std::array{v}, [item](Emitter& k, std::span<const Value> x) { return k.convert(x[0], item->elem); });
}

Value number_to_put(Emitter& e, const Value& v, TypeRef item, TypeRef carrier) {
  if (!ir::is_number(v.type)) {
    e.fail("put() into a channel of " + item->text + " takes a number, not " + ir::display(v.type));
  }
  if (!array::can_cast_same_kind(v.type->dtype, item->dtype) && !(ir::is_integral(v.type) && ir::is_integral(item))) {
    e.fail("put() can't turn a " + ir::display(v.type) + " into the channel's " + item->text + " without losing a part of it",
           "Convert it first, or give the channel another dtype.");
  }
  return e.cast(e.cast(v, item), carrier);
}

// Seconds to wait, from `block` and `timeout` as queue.Queue takes them.
Value seconds(Emitter& e, const Value& block, const Value& timeout) {
  const Value forever = e.floating(kForever, ir::float_type());
  Value wait = forever;
  if (given(timeout)) {
    if (!ir::is_real(timeout.type)) {
      e.fail("a channel's timeout is a number of seconds, not " + ir::display(timeout.type));
    }
    wait = e.cast(timeout, ir::float_type());
    e.raise_if(e.op(Op::kLt, ir::bool_type(), {wait, e.floating(0, ir::float_type())}), "builtins:ValueError",
               "'timeout' must be a non-negative number");
  }
  return given(block) ? e.select(truth(e, block), wait, e.floating(0, ir::float_type())) : wait;
}

Value put_value(Emitter& e, const Value& channel, const Value& given_value, const Value& timeout) {
  TypeRef item = channel_item(channel.type);
  const Carrier carrier = carrier_of_item(item);
  const Value v = as_unsigned(e, given_value).value_or(e.unwrap(given_value));
  const Value value = ir::is_array(item) ? array_to_put(e, v, item) : number_to_put(e, v, item, carrier.type);
  return e.runtime("hst_channel_put_" + carrier.name, ir::none_type(), {address(e, channel), value, timeout});
}

Value get_value(Emitter& e, const Value& channel, const Value& timeout) {
  TypeRef item = channel_item(channel.type);
  const Carrier carrier = carrier_of_item(item);
  const Value v = e.runtime("hst_channel_get_" + carrier.name, carrier.type, {address(e, channel), timeout});
  return from_carrier(e, v, item);
}

Value put_rule(Emitter& e, const CallArgs& args) {
  const auto bound = bind(e, "put", args, {"self", "item", "block?", "timeout?"});
  return put_value(e, bound[0], bound[1], seconds(e, bound[2], bound[3]));
}

Value put_nowait_rule(Emitter& e, const CallArgs& args) {
  const auto bound = bind(e, "put_nowait", args, {"self", "item"});
  return put_value(e, bound[0], bound[1], e.floating(0, ir::float_type()));
}

Value get_rule(Emitter& e, const CallArgs& args) {
  const auto bound = bind(e, "get", args, {"self", "block?", "timeout?"});
  return get_value(e, bound[0], seconds(e, bound[1], bound[2]));
}

Value get_nowait_rule(Emitter& e, const CallArgs& args) {
  return get_value(e, bind(e, "get_nowait", args, {"self"})[0], e.floating(0, ir::float_type()));
}

Value close_rule(Emitter& e, const CallArgs& args) {
  const auto bound = bind(e, "close", args, {"self", "discard?"});
  const Value discard = given(bound[1]) ? e.cast(truth(e, bound[1]), ir::bool_type()) : e.boolean(false);
  return e.runtime("hst_channel_close", ir::none_type(), {address(e, bound[0]), discard});
}

constexpr std::array kRules{
    RuleEntry{"channel.put", put_rule},     RuleEntry{"channel.put_nowait", put_nowait_rule},
    RuleEntry{"channel.get", get_rule},     RuleEntry{"channel.get_nowait", get_nowait_rule},
    RuleEntry{"channel.close", close_rule},
};

} // namespace

bool is_channel(TypeRef type) { return type->kind == Kind::kSequence && type->name == "channel"; }

TypeRef channel_item(TypeRef channel) { return ir::parse_type(std::string_view(channel->items[1]->name).substr(sizeof("channel:") - 1)); }

Value channel_size(Emitter& e, const Value& channel) { return e.runtime("hst_channel_size", ir::intp_type(), {address(e, channel)}); }

std::optional<Value> channel_attribute(Emitter& e, const Value& channel, const std::string& name) {
  if (name == "closed") {
    const Value closed = e.runtime("hst_channel_closed", ir::bool_type(), {address(e, channel)});
    return closed;
  }
  return std::nullopt;
}

Value next_of_channel(Emitter& e, const Value& channel) {
  const Carrier carrier = carrier_of_item(channel_item(channel.type));
  return e.runtime("hst_channel_next_" + carrier.name, ir::optional_type(carrier.type), {address(e, channel)});
}

Value taken_from_channel(Emitter& e, const Value& channel, const Value& next) {
  return from_carrier(e, e.item(next, 1), channel_item(channel.type));
}

std::span<const RuleEntry> channel_rules() { return kRules; }

} // namespace hasten::infer
