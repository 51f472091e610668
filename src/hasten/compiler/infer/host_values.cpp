// Values that Python has before the function runs: literals, globals, closure cells, builtins.
#include "hasten/compiler/infer/rules.h"
#include "hasten/compiler/infer/session.h"

namespace hasten::infer {

using ir::Kind;
using ir::Op;
using syntax::LiteralKind;

namespace {

// Constants of the numba dialect have numba's types: no weak ones.
ir::TypeRef own_type(Emitter& e, ir::TypeRef weak) { return e.numba() ? ir::strong(weak) : weak; }

Value bound_value(Emitter& e, const HostValue& value) {
  const int32_t index = e.session().binding(value);
  return e.op(Op::kBinding, value.type, {}, index);
}

constexpr std::string_view kLargest = "18446744073709551615";

} // namespace

std::optional<Value> as_unsigned(Emitter& e, const Value& v) {
  if (!ir::is_named(v.type, "bigint:")) {
    return std::nullopt;
  }
  const uint64_t value = std::stoull(v.type->name.substr(v.type->name.find(':') + 1));
  return e.integer(static_cast<int64_t>(value), ir::scalar_type(array::DType::kUInt64));
}

Value literal_value(Emitter& e, const syntax::Literal& literal) {
  switch (literal.kind) {
  case LiteralKind::kNone:
    return e.none();
  case LiteralKind::kBool:
    return e.boolean(literal.i != 0);
  case LiteralKind::kInt:
    return e.integer(literal.i, own_type(e, ir::int_type()));
  case LiteralKind::kFloat:
    return e.floating(literal.re, own_type(e, ir::float_type()));
  case LiteralKind::kComplex: {
    ir::Constant c{own_type(e, ir::complex_type())};
    c.re = literal.re;
    c.im = literal.im;
    return e.constant(c);
  }
  case LiteralKind::kString:
    return e.string(literal.text);
  case LiteralKind::kEllipsis:
    return {ir::ellipsis_type()};
  case LiteralKind::kBigInt: {
    const std::string_view text = literal.text;
    if (text[0] != '-' && (text.size() < kLargest.size() || (text.size() == kLargest.size() && text <= kLargest))) {
      return e.numba() ? e.integer(literal.i, ir::scalar_type(array::DType::kUInt64)) : e.named("bigint:" + literal.text);
    }
    e.fail("the integer " + literal.text + " doesn't fit 64 bits", "Compiled integers have 64 bits; use a float, or leave this to Python.");
  }
  default:
    e.fail("bytes can't be compiled yet");
  }
}

Value from_host(Emitter& e, const HostValue& value) {
  if (value.type == nullptr) {
    e.fail("`" + value.path + "` has no meaning in compiled code");
  }
  switch (value.type->kind) {
  case Kind::kBool:
  case Kind::kInt:
  case Kind::kFloat:
  case Kind::kComplex:
  case Kind::kDatetime: {
    ir::Constant c = value.constant;
    c.type = own_type(e, value.type);
    return e.constant(c);
  }
  case Kind::kTuple:
  case Kind::kSlice: {
    std::vector<Value> items;
    std::vector<ir::TypeRef> types;
    for (const HostValue& item : value.items) {
      items.push_back(from_host(e, item));
      types.push_back(items.back().type);
    }
    const bool is_slice = value.type->kind == Kind::kSlice;
    return e.aggregate(is_slice ? ir::slice_type(types[0], types[1], types[2]) : ir::tuple_type(std::move(types), value.type->name), items);
  }
  case Kind::kArray:
  case Kind::kSequence: // a channel
    return bound_value(e, value);
  case Kind::kNamed:
    e.session().remember_named(value);
    if (ir::is_named(value.type, "exception:")) {
      return e.named("exception:" + value.path);
    }
    return {value.type};
  default:
    return {value.type};
  }
}

Value name_value(Emitter& e, const std::string& name) {
  const std::optional<HostValue> found = e.session().host().lookup(e.function(), name);
  if (!found) {
    e.fail("the name `" + name + "` is not defined");
  }
  e.session().captured(e.function(), name);
  return from_host(e, *found);
}

} // namespace hasten::infer
