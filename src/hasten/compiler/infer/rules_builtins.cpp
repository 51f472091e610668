// Python's built-in functions.
#include <array>

#include "hasten/compiler/infer/loops.h"
#include "hasten/compiler/infer/rule_table.h"

namespace hasten::infer {

using array::DType;
using ir::Kind;
using ir::Op;
using ir::TypeRef;

namespace {

TypeRef own(Emitter& e, TypeRef weak) { return e.numba() ? ir::strong(weak) : weak; }

Value len_rule(Emitter& e, const CallArgs& args) {
  const Value v = e.unwrap(bind(e, "len", args, {"obj"})[0]);
  if (const auto text = e.known_string(v)) {
    int64_t characters = 0;
    for (const char c : *text) {
      characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
    }
    return e.integer(characters, own(e, ir::int_type()));
  }
  if (is_channel(v.type)) {
    return e.cast(channel_size(e, v), own(e, ir::int_type()));
  }
  if (v.type->kind == Kind::kNamed || v.type->kind == Kind::kNone || ir::is_number(v.type)) {
    e.fail("object of type " + ir::display(v.type) + " has no len()");
  }
  if (ir::is_array(v.type) && v.type->ndim == 0) {
    e.fail("len() of unsized object");
  }
  return e.cast(length(e, v), own(e, ir::int_type()));
}

Value complex_magnitude(Emitter& e, const Value& v) {
  const Value re = real_part(e, v);
  const Value im = imaginary_part(e, v);
  return e.external(re.type->bits == 32 ? "hypotf" : "hypot", re.type, {re, im});
}

Value range_rule(Emitter& e, const CallArgs& args) {
  if (args.positional.empty() || args.positional.size() > 3 || !args.keywords.empty()) {
    e.fail("range() takes one to three integers");
  }
  TypeRef type = own(e, ir::int_type());
  std::vector<Value> parts;
  for (const Value& v : args.positional) {
    if (!ir::is_integral(e.unwrap(v).type)) {
      e.fail(ir::display(v.type) + " can't be interpreted as an integer by range()", "Convert it with int().");
    }
    parts.push_back(e.cast(e.unwrap(v), type));
  }
  const Value start = parts.size() > 1 ? parts[0] : e.integer(0, type);
  const Value stop = parts.size() > 1 ? parts[1] : parts[0];
  const Value step = parts.size() > 2 ? parts[2] : e.integer(1, type);
  e.raise_if(e.op(Op::kEq, ir::bool_type(), {step, e.integer(0, type)}), "builtins:ValueError", "range() arg 3 must not be zero");
  return e.aggregate(ir::range_type(!e.numba()), std::array{start, stop, step});
}

// Python's rule: the first of equal ones stays.
Value smaller(Emitter& e, bool want_max, const Value& a, const Value& b) {
  TypeRef type = join(a, b, e.options());
  if (type == nullptr) {
    e.fail("min() and max() can't compare " + ir::display(a.type) + " with " + ir::display(b.type));
  }
  const Value better = truth(e, compare(e, want_max ? Operator::kGt : Operator::kLt, b, a));
  return e.select(better, e.convert(b, type), e.convert(a, type));
}

Value extreme(Emitter& e, bool want_max, const CallArgs& args) {
  const char* name = want_max ? "max" : "min";
  if (!args.keywords.empty()) {
    e.fail(std::string(name) + "() takes no keywords in compiled code");
  }
  std::vector<Value> items = args.positional;
  if (items.size() == 1) {
    const Value one = e.unwrap(items[0]);
    if (ir::is_array(one.type) || one.type->kind == Kind::kRange) {
      const Value n = length(e, one);
      e.raise_if(e.op(Op::kEq, ir::bool_type(), {n, e.integer(0)}), "builtins:ValueError",
                 std::string(name) + "() iterable argument is empty");
      return fold_loop(e, n, next_item(e, one, e.integer(0)), [&](Emitter& k, const Value& acc, const Value& position) {
        return smaller(k, want_max, acc, next_item(k, one, position));
      });
    }
    items = items_of(e, one);
  }
  if (items.empty()) {
    e.fail(std::string(name) + "() of nothing");
  }
  Value best = e.unwrap(items[0]);
  for (size_t i = 1; i < items.size(); ++i) {
    best = smaller(e, want_max, best, e.unwrap(items[i]));
  }
  return best;
}

Value min_rule(Emitter& e, const CallArgs& args) { return extreme(e, false, args); }
Value max_rule(Emitter& e, const CallArgs& args) { return extreme(e, true, args); }

Value round_rule(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "round", args, {"number", "ndigits?"});
  const Value x = e.unwrap(bound[0]);
  if (!ir::is_real(x.type)) {
    e.fail("round() doesn't take " + ir::display(x.type));
  }
  if (given(bound[1])) {
    const Value digits = e.intp(bound[1], "ndigits");
    if (ir::is_integral(x.type)) {
      return e.cast(e.runtime("hst_round_integer", ir::intp_type(), {e.cast(x, ir::intp_type()), digits}), x.type);
    }
    TypeRef wide = ir::scalar_type(DType::kFloat64, x.type->weak);
    return e.cast(e.runtime("hst_round_digits", wide, {e.cast(x, wide), digits}), x.type);
  }
  if (ir::is_integral(x.type)) {
    return x.type->kind == Kind::kBool ? e.cast(x, own(e, ir::int_type())) : x;
  }
  const Value rounded = e.intrinsic(ir::Intrinsic::kRint, x.type, {x});
  return float_to_int(e, rounded, own(e, ir::int_type()));
}

Value int_rule(Emitter& e, const CallArgs& args) {
  if (args.positional.empty()) {
    return e.integer(0, own(e, ir::int_type()));
  }
  const Value x = e.unwrap(bind(e, "int", args, {"x"})[0]);
  if (ir::is_float(x.type)) {
    return float_to_int(e, x, own(e, ir::int_type()));
  }
  if (!ir::is_integral(x.type)) {
    e.fail("int() can't convert " + ir::display(x.type) + " in compiled code");
  }
  if (e.numba()) {
    return ir::is_integer(x.type) ? x : e.cast(x, ir::intp_type());
  }
  return e.cast(x, ir::int_type());
}

Value float_rule(Emitter& e, const CallArgs& args) {
  if (args.positional.empty()) {
    return e.floating(0, own(e, ir::float_type()));
  }
  const Value x = e.unwrap(bind(e, "float", args, {"x"})[0]);
  if (const auto text = e.known_string(x)) {
    char* end = nullptr;
    const double value = std::strtod(text->c_str(), &end);
    if (end != text->c_str() && *end == '\0') {
      return e.floating(value, own(e, ir::float_type()));
    }
  }
  if (!ir::is_real(x.type)) {
    e.fail("float() can't convert " + ir::display(x.type) + " in compiled code");
  }
  if (e.numba() && ir::is_float(x.type)) {
    return x;
  }
  return e.cast(x, own(e, ir::float_type()));
}

Value complex_rule(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "complex", args, {"real?", "imag?"});
  const Value zero = e.floating(0, own(e, ir::float_type()));
  const Value re = bound[0].type == nullptr ? zero : e.unwrap(bound[0]);
  const Value im = bound[1].type == nullptr ? zero : e.unwrap(bound[1]);
  if (!ir::is_number(re.type) || !ir::is_number(im.type)) {
    e.fail("complex() takes numbers");
  }
  const bool single = e.numba() && re.type->kind != Kind::kInt && re.type->bits <= (ir::is_complex(re.type) ? 64 : 32) &&
                      (bound[1].type == nullptr || im.type->bits <= 32) && !ir::is_integral(re.type);
  TypeRef type = single ? ir::scalar_type(DType::kComplex64) : own(e, ir::complex_type());
  if (bound[1].type == nullptr) {
    return e.cast(re, type);
  }
  if (ir::is_complex(re.type) || ir::is_complex(im.type)) {
    ir::Constant i{type};
    i.im = 1;
    return numeric_binary(e, Operator::kAdd, e.cast(re, type), numeric_binary(e, Operator::kMul, e.constant(i), e.cast(im, type)));
  }
  TypeRef part = ir::scalar_type(single ? DType::kFloat32 : DType::kFloat64, type->weak);
  return e.op(Op::kComplex, type, {e.cast(re, part), e.cast(im, part)});
}

Value bool_rule(Emitter& e, const CallArgs& args) {
  return args.positional.empty() ? e.boolean(false) : e.cast(truth(e, bind(e, "bool", args, {"x"})[0]), own(e, ir::bool_type()));
}

Value divmod_rule(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "divmod", args, {"a", "b"});
  return e.tuple({binary(e, Operator::kFloorDiv, bound[0], bound[1]), binary(e, Operator::kMod, bound[0], bound[1])});
}

Value pow_rule(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "pow", args, {"base", "exp", "mod?"});
  if (!given(bound[2])) {
    return binary(e, Operator::kPow, bound[0], bound[1]);
  }
  std::vector<Value> numbers;
  for (const Value& v : bound) {
    numbers.push_back(e.intp(v, "pow() with three arguments"));
  }
  return e.cast(e.runtime("hst_pow_mod", ir::intp_type(), numbers), own(e, ir::int_type()));
}

Value sum_rule(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "sum", args, {"iterable", "start?"});
  return combined(e, Operator::kAdd, bound[0], bound[1].type == nullptr ? e.integer(0, own(e, ir::int_type())) : bound[1]);
}

Value any_all(Emitter& e, const CallArgs& args, bool all) {
  const Value items = iterate(e, bind(e, all ? "all" : "any", args, {"iterable"})[0]);
  const Op op = all ? Op::kAnd : Op::kOr;
  const auto step = [&](Emitter& k, const Value& acc, const Value& item) {
    return k.op(op, acc.type, {acc, k.cast(truth(k, item), acc.type)});
  };
  const Value start = e.boolean(all);
  if (ir::is_tuple(items.type)) {
    Value result = start;
    for (const Value& item : items_of(e, items)) {
      result = step(e, result, item);
    }
    return result;
  }
  return fold_loop(e, length(e, items), start,
                   [&](Emitter& k, const Value& acc, const Value& position) { return step(k, acc, next_item(k, items, position)); });
}

Value any_rule(Emitter& e, const CallArgs& args) { return any_all(e, args, false); }
Value all_rule(Emitter& e, const CallArgs& args) { return any_all(e, args, true); }

Value enumerate_rule(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "enumerate", args, {"iterable", "start?"});
  const Value items = iterate(e, bound[0]);
  const Value start = bound[1].type == nullptr ? e.integer(0, own(e, ir::int_type())) : e.cast(bound[1], own(e, ir::int_type()));
  return e.aggregate(ir::sequence_type("enumerate", {items.type, start.type}), std::array{items, start});
}

Value zip_rule(Emitter& e, const CallArgs& args) {
  for (const auto& [keyword, value] : args.keywords) {
    if (keyword != "strict" || e.known_bool(value) != false) {
      e.fail("zip() takes no keyword but strict=False in compiled code");
    }
  }
  std::vector<Value> items;
  std::vector<TypeRef> types;
  for (const Value& v : args.positional) {
    items.push_back(iterate(e, v));
    types.push_back(items.back().type);
  }
  return e.aggregate(ir::sequence_type("zip", std::move(types)), items);
}

Value reversed_rule(Emitter& e, const CallArgs& args) {
  const Value items = iterate(e, bind(e, "reversed", args, {"sequence"})[0]);
  return e.aggregate(ir::sequence_type("reversed", {items.type}), std::array{items});
}

Value tuple_rule(Emitter& e, const CallArgs& args) {
  if (args.positional.empty()) {
    return e.tuple({});
  }
  const Value v = e.unwrap(bind(e, "tuple", args, {"iterable"})[0]);
  if (ir::is_tuple(v.type) || (v.type->kind == Kind::kSequence && v.type->name == "list")) {
    return e.tuple(items_of(e, v));
  }
  e.fail("tuple() of " + ir::display(v.type) + " has a length that is known only at run time", "Use an array.");
}

// A class that can be called, of values whose type tells it.
Value type_rule(Emitter& e, const CallArgs& args) {
  const Value v = e.unwrap(bind(e, "type", args, {"object"})[0]);
  if (ir::is_tuple(v.type)) {
    return e.named(v.type->name.empty() ? "function:builtins.tuple" : "namedtuple:" + v.type->name);
  }
  if (ir::is_number(v.type) && (!v.type->weak || e.numba())) {
    return e.named("dtype:" + v.type->text);
  }
  if (ir::is_number(v.type)) {
    return e.named("function:builtins." + ir::display(v.type));
  }
  e.fail("type() of " + ir::display(v.type) + " can't be compiled");
}

bool is_instance(Emitter& e, const Value& v, const Value& cls) {
  if (ir::is_tuple(cls.type)) {
    for (const Value& item : items_of(e, cls)) {
      if (is_instance(e, v, item)) {
        return true;
      }
    }
    return false;
  }
  const std::string& name = cls.type->name;
  const Kind kind = v.type->kind;
  const bool python = v.type->weak || e.numba();
  if (name == "function:builtins.int") {
    return (kind == Kind::kInt || kind == Kind::kBool) && python;
  }
  if (name == "function:builtins.float") {
    return kind == Kind::kFloat && (python || v.type->bits == 64);
  }
  if (name == "function:builtins.bool") {
    return kind == Kind::kBool && python;
  }
  if (name == "function:builtins.complex") {
    return kind == Kind::kComplex && (python || v.type->bits == 128);
  }
  if (name == "function:builtins.tuple") {
    return kind == Kind::kTuple;
  }
  if (name == "function:builtins.str") {
    return e.known_string(v).has_value();
  }
  if (name == "function:builtins.range") {
    return kind == Kind::kRange;
  }
  if (name == "function:numpy.ndarray") {
    return kind == Kind::kArray;
  }
  if (ir::is_named(cls.type, "dtype:") && ir::is_number(v.type)) {
    return name.substr(6) == v.type->text;
  }
  e.fail("isinstance() with " + ir::display(cls.type) + " can't be compiled");
}

Value isinstance_rule(Emitter& e, const CallArgs& args) {
  const std::vector<Value> bound = bind(e, "isinstance", args, {"obj", "cls"});
  return e.boolean(is_instance(e, bound[0], bound[1]));
}

Value format_rule(Emitter& e, const CallArgs& args) {
  std::vector<TypeRef> types;
  const std::vector<Value> values(args.positional.begin() + 1, args.positional.end());
  for (const Value& v : values) {
    types.push_back(v.type);
  }
  if (!args.keywords.empty()) {
    e.fail("str.format() takes no keywords in compiled code");
  }
  const auto text = e.known_string(args.positional[0]);
  return e.aggregate(ir::format_type("format:" + text.value_or(""), std::move(types)), values);
}

Value tuple_index(Emitter& e, const CallArgs& args) {
  const std::vector<Value> items = items_of(e, args.positional.at(0));
  TypeRef type = own(e, ir::int_type());
  Value position = e.integer(-1, type);
  for (size_t i = items.size(); i-- > 0;) {
    const Value equal = e.cast(truth(e, compare(e, Operator::kEq, items[i], args.positional.at(1))), ir::bool_type());
    position = e.select(equal, e.integer(static_cast<int64_t>(i), type), position);
  }
  e.raise_if(e.op(Op::kLt, ir::bool_type(), {position, e.integer(0, type)}), "builtins:ValueError", "tuple.index(x): x not in tuple");
  return position;
}

Value tuple_count(Emitter& e, const CallArgs& args) {
  TypeRef type = own(e, ir::int_type());
  Value total = e.integer(0, type);
  for (const Value& item : items_of(e, args.positional.at(0))) {
    const Value equal = truth(e, compare(e, Operator::kEq, item, args.positional.at(1)));
    total = e.op(Op::kAdd, type, {total, e.cast(equal, type)});
  }
  return total;
}

Value conjugate(Emitter& e, const CallArgs& args) {
  const Value v = args.positional.at(0);
  if (!ir::is_complex(v.type)) {
    return v;
  }
  const Value im = imaginary_part(e, v);
  return e.op(Op::kComplex, v.type, {real_part(e, v), e.op(Op::kNeg, im.type, {im})});
}

Value bit_length(Emitter& e, const CallArgs& args) {
  const Value v = e.cast(args.positional.at(0), ir::intp_type());
  const Value magnitude = e.op(Op::kAbs, ir::intp_type(), {v});
  const Value zeros = e.intrinsic(ir::Intrinsic::kClz, ir::intp_type(), {magnitude});
  return e.cast(e.op(Op::kSub, ir::intp_type(), {e.integer(64), zeros}), own(e, ir::int_type()));
}

Value bit_count(Emitter& e, const CallArgs& args) {
  const Value magnitude = e.op(Op::kAbs, ir::intp_type(), {e.cast(args.positional.at(0), ir::intp_type())});
  return e.cast(e.intrinsic(ir::Intrinsic::kPopcount, ir::intp_type(), {magnitude}), own(e, ir::int_type()));
}

Value is_integer_rule(Emitter& e, const CallArgs& args) {
  const Value v = args.positional.at(0);
  if (!ir::is_float(v.type)) {
    return e.boolean(true);
  }
  const Value whole = e.op(Op::kEq, ir::bool_type(), {e.intrinsic(ir::Intrinsic::kFloor, v.type, {v}), v});
  return e.op(Op::kAnd, ir::bool_type(), {whole, e.intrinsic(ir::Intrinsic::kIsFinite, ir::bool_type(), {v})});
}

Value item_rule(Emitter& e, const CallArgs& args) {
  const Value v = args.positional.at(0);
  return e.numba() ? v
                   : e.cast(v, ir::is_integral(v.type) && v.type->kind != Kind::kBool ? ir::int_type()
                               : ir::is_float(v.type)                                 ? ir::float_type()
                               : ir::is_complex(v.type)                               ? ir::complex_type()
                                                                                      : ir::bool_type());
}

Value abs_rule(Emitter& e, const CallArgs& args) { return absolute(e, bind(e, "abs", args, {"x"})[0]); }

constexpr std::array kRules{
    RuleEntry{"builtins.len", len_rule},
    RuleEntry{"builtins.abs", abs_rule},
    RuleEntry{"builtins.range", range_rule},
    RuleEntry{"hasten.prange", range_rule},
    RuleEntry{"builtins.min", min_rule},
    RuleEntry{"builtins.max", max_rule},
    RuleEntry{"builtins.round", round_rule},
    RuleEntry{"builtins.int", int_rule},
    RuleEntry{"builtins.float", float_rule},
    RuleEntry{"builtins.complex", complex_rule},
    RuleEntry{"builtins.bool", bool_rule},
    RuleEntry{"builtins.divmod", divmod_rule},
    RuleEntry{"builtins.pow", pow_rule},
    RuleEntry{"builtins.sum", sum_rule},
    RuleEntry{"builtins.any", any_rule},
    RuleEntry{"builtins.all", all_rule},
    RuleEntry{"builtins.enumerate", enumerate_rule},
    RuleEntry{"builtins.zip", zip_rule},
    RuleEntry{"builtins.reversed", reversed_rule},
    RuleEntry{"builtins.tuple", tuple_rule},
    RuleEntry{"builtins.type", type_rule},
    RuleEntry{"builtins.isinstance", isinstance_rule},
    RuleEntry{"str.format", format_rule},
    RuleEntry{"tuple.index", tuple_index},
    RuleEntry{"tuple.count", tuple_count},
    RuleEntry{"number.conjugate", conjugate},
    RuleEntry{"number.bit_length", bit_length},
    RuleEntry{"number.bit_count", bit_count},
    RuleEntry{"number.is_integer", is_integer_rule},
    RuleEntry{"number.item", item_rule},
};

} // namespace

Value combined(Emitter& e, Operator op, const Value& iterable, const Value& start) {
  const Value items = iterate(e, iterable);
  if (ir::is_tuple(items.type) || (items.type->kind == Kind::kSequence && items.type->name == "list")) {
    Value total = start;
    for (const Value& item : items_of(e, items)) {
      total = binary(e, op, total, item);
    }
    return total;
  }
  return fold_loop(e, length(e, items), start,
                   [&](Emitter& k, const Value& acc, const Value& position) { return binary(k, op, acc, next_item(k, items, position)); });
}

Value float_to_int(Emitter& e, const Value& x, TypeRef to) {
  if (!e.numba()) {
    e.raise_if(e.intrinsic(ir::Intrinsic::kIsNan, ir::bool_type(), {x}), "builtins:ValueError", "cannot convert float NaN to integer");
    const Value magnitude = e.op(Op::kAbs, x.type, {x});
    const Value limit = e.cast(e.floating(9223372036854775808.0, ir::float_type()), x.type);
    e.raise_if(e.intrinsic(ir::Intrinsic::kIsInf, ir::bool_type(), {x}), "builtins:OverflowError",
               "cannot convert float infinity to integer");
    if (x.type->bits > 16) {
      e.raise_if(e.op(Op::kGe, ir::bool_type(), {magnitude, limit}), "builtins:OverflowError", "float too large for a 64-bit integer");
    }
  }
  return e.cast(x, to);
}

Value absolute(Emitter& e, const Value& given_value) {
  const Value v = e.unwrap(given_value);
  if (ir::is_array(v.type)) {
    return e.elementwise(std::array{v}, [](Emitter& k, std::span<const Value> x) { return absolute(k, x[0]); });
  }
  if (ir::is_complex(v.type)) {
    return complex_magnitude(e, v);
  }
  if (is_date(v.type) && v.type->dtype == DType::kTimedelta64) {
    return date_magnitude(e, v);
  }
  if (!ir::is_number(v.type)) {
    e.fail("bad operand type for abs(): " + ir::display(v.type));
  }
  if (v.type->kind == Kind::kBool) {
    return v.type->weak || e.numba() ? e.cast(v, own(e, ir::int_type())) : v;
  }
  if (ir::is_integer(v.type) && !v.type->is_signed) {
    return v;
  }
  return e.op(Op::kAbs, v.type, {v});
}

std::span<const RuleEntry> builtin_rules() { return kRules; }

} // namespace hasten::infer
