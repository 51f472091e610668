#include "hasten/compiler/infer/emitter.h"

#include <algorithm>
#include <array>

#include "hasten/compiler/infer/fold.h"
#include "hasten/compiler/infer/rules.h"
#include "hasten/compiler/infer/session.h"

namespace hasten::infer {

using ir::Kind;
using ir::Op;
using ir::TypeRef;

// ---------------------------------------------------------------- constants

const Known* Emitter::remember(const ir::Constant& value) { return session_.remember({value, {}}); }

Value Emitter::constant(const ir::Constant& value) { return {value.type, dry() ? ir::kNone : builder_->constant(value), remember(value)}; }

Value Emitter::integer(int64_t value, TypeRef type) {
  ir::Constant c{type};
  c.i = value;
  return constant(c);
}

Value Emitter::floating(double value, TypeRef type) {
  ir::Constant c{type};
  c.re = value;
  return constant(c);
}

Value Emitter::boolean(bool value, bool weak) { return integer(value ? 1 : 0, ir::bool_type(weak && !numba())); }

std::optional<int64_t> Emitter::known_int(const Value& v) const {
  const ir::Constant* c = scalar(v);
  return c != nullptr && ir::is_integral(c->type) ? std::optional(c->i) : std::nullopt;
}

std::optional<bool> Emitter::known_bool(const Value& v) const {
  const ir::Constant* c = scalar(v);
  return c != nullptr && c->type->kind == Kind::kBool ? std::optional(c->i != 0) : std::nullopt;
}

std::optional<std::string> Emitter::known_string(const Value& v) const {
  return ir::is_named(v.type, "literal:") ? std::optional(v.type->name.substr(8)) : std::nullopt;
}

// ---------------------------------------------------------------- ops

ir::ValueId Emitter::id(const Value& v) {
  if (v.id != ir::kNone) {
    return v.id;
  }
  if (const ir::Constant* c = scalar(v)) {
    return builder_->constant(*c);
  }
  return builder_->emit(Op::kUndef, v.type, {});
}

std::vector<ir::ValueId> Emitter::ids(std::span<const Value> values) {
  std::vector<ir::ValueId> result;
  result.reserve(values.size());
  for (const Value& v : values) {
    result.push_back(id(v));
  }
  return result;
}

Value Emitter::op(Op op, TypeRef type, std::initializer_list<Value> args, int64_t aux) {
  return this->op(op, type, std::span(args.begin(), args.size()), aux);
}

Value Emitter::op(Op op, TypeRef type, std::span<const Value> args, int64_t aux) {
  if (const auto folded = fold(op, type, args)) {
    return constant(*folded);
  }
  if (dry()) {
    return {type};
  }
  return {type, builder_->emit(op, type, ids(args), aux)};
}

Value Emitter::tuple(std::vector<Value> items) {
  std::vector<TypeRef> types;
  types.reserve(items.size());
  for (const Value& item : items) {
    types.push_back(item.type);
  }
  return aggregate(ir::tuple_type(std::move(types)), items);
}

Value Emitter::aggregate(TypeRef type, std::span<const Value> items) {
  Known known;
  for (const Value& item : items) {
    known.items.push_back(item.known);
  }
  const bool any = std::any_of(known.items.begin(), known.items.end(), [](const Known* k) { return k != nullptr; });
  Value result{type};
  result.known = any ? session_.remember(std::move(known)) : nullptr;
  if (!dry()) {
    result.id = builder_->emit(Op::kTuple, type, ids(items));
  }
  return result;
}

Value Emitter::item(const Value& aggregate, int position) {
  const auto index = static_cast<size_t>(position);
  Value result;
  switch (aggregate.type->kind) {
  case Kind::kOptional:
    result.type = position == 0 ? ir::bool_type() : aggregate.type->elem;
    break;
  case Kind::kRange:
    result.type = aggregate.type->elem;
    break;
  default:
    result.type = aggregate.type->items[index];
  }
  result.known = aggregate.known && index < aggregate.known->items.size() ? aggregate.known->items[index] : nullptr;
  if (dry()) {
    return result;
  }
  const ir::Instr& made = builder_->function().values[id(aggregate)];
  if (made.op == Op::kTuple) {
    result.id = made.args[index];
  } else {
    result.id = builder_->emit(Op::kItem, result.type, {id(aggregate)}, position);
  }
  return result;
}

Value Emitter::runtime(std::string_view symbol, TypeRef result, std::initializer_list<Value> args) {
  return runtime(symbol, result, std::span(args.begin(), args.size()));
}

Value Emitter::runtime(std::string_view symbol, TypeRef result, std::span<const Value> args) {
  return op(Op::kRuntime, result, args, dry() ? 0 : builder_->symbol(symbol, true));
}

Value Emitter::external(std::string_view symbol, TypeRef result, std::initializer_list<Value> args) {
  return op(Op::kExtern, result, args, dry() ? 0 : builder_->symbol(symbol, false));
}

Value Emitter::ufunc(std::string_view symbol, TypeRef result, std::span<const Value> args) {
  return op(Op::kUfunc, result, args, dry() ? 0 : builder_->symbol(symbol, false));
}

Value Emitter::intrinsic(ir::Intrinsic which, TypeRef result, std::initializer_list<Value> args) {
  return op(Op::kIntrinsic, result, args, static_cast<int64_t>(which));
}

Value Emitter::select(const Value& condition, const Value& a, const Value& b) {
  if (const auto known = known_bool(condition)) {
    return *known ? a : b;
  }
  if (ir::is_union(a.type)) {
    std::vector<Value> parts;
    for (size_t i = 0; i < a.type->items.size(); ++i) {
      parts.push_back(select(condition, item(a, static_cast<int>(i)), item(b, static_cast<int>(i))));
    }
    return aggregate(a.type, parts);
  }
  return op(Op::kSelect, a.type, {condition, a, b});
}

void Emitter::raise_if(const Value& condition, std::string_view exception, std::string_view message) {
  if (known_bool(condition) == false || dry()) {
    return;
  }
  HostValue thrown;
  thrown.path = exception;
  thrown.type = ir::named_type("exception:" + std::string(exception));
  ir::RaiseSite site;
  site.exception = session_.binding(thrown);
  site.arguments.push_back(ir::named_type("literal:" + std::string(message)));
  builder_->emit(Op::kRaiseIf, ir::none_type(), {id(condition)}, session_.site(std::move(site)));
}

void Emitter::fail(const std::string& message, const std::string& way_out) const {
  throw base::Diagnostic(base::Fault::kUser, message, way_out);
}

// ---------------------------------------------------------------- conversions

Value Emitter::cast(const Value& v, TypeRef to) {
  if (v.type == to) {
    return v;
  }
  if (const ir::Constant* c = scalar(v)) {
    if (const auto folded = fold_cast(*c, to)) {
      return constant(*folded);
    }
  }
  return op(Op::kCast, to, {v});
}

namespace {

// numba writes "UniTuple(int32 x 2)" where all items have one type.
std::string numbas_name(TypeRef type) {
  if (!ir::is_tuple(type) || !type->name.empty()) {
    return ir::display(type);
  }
  const auto& items = type->items;
  if (!items.empty() && std::all_of(items.begin(), items.end(), [&](TypeRef item) { return item == items[0]; })) {
    return "UniTuple(" + numbas_name(items[0]) + " x " + std::to_string(items.size()) + ")";
  }
  std::string text;
  for (TypeRef item : items) {
    text += (text.empty() ? "" : ", ") + numbas_name(item);
  }
  return "Tuple(" + text + ")";
}

} // namespace

Value Emitter::unwrap(const Value& v) {
  if (v.type->kind != Kind::kOptional) {
    return v;
  }
  raise_if(logical_not(item(v, 0)), "builtins:TypeError", "expected " + ir::display(v.type->elem) + ", got None");
  return item(v, 1);
}

Value Emitter::convert(const Value& v, TypeRef to) {
  if (v.type == to) {
    return v;
  }
  if (to->kind == Kind::kOptional) {
    if (v.type->kind == Kind::kNone) {
      const Value empty{to->elem, dry() ? ir::kNone : builder_->emit(Op::kUndef, to->elem, {})};
      return aggregate(to, std::array{boolean(false), empty});
    }
    if (v.type->kind == Kind::kOptional) {
      return aggregate(to, std::array{item(v, 0), convert(item(v, 1), to->elem)});
    }
    return aggregate(to, std::array{boolean(true), convert(v, to->elem)});
  }
  if (v.type->kind == Kind::kOptional) {
    return convert(unwrap(v), to);
  }
  if (v.type->kind == Kind::kUndefined) {
    return {to, dry() ? ir::kNone : builder_->emit(Op::kUndef, to, {})};
  }
  if (ir::is_union(to) && (ir::is_union(v.type) || ir::is_number(v.type))) {
    return to_union(*this, v, to);
  }
  if (ir::is_union(v.type) && ir::is_number(to)) {
    return from_union(*this, v, to);
  }
  if (ir::is_number(v.type) && ir::is_number(to)) {
    if (ir::is_complex(v.type) && !ir::is_complex(to)) {
      fail("a complex can't become " + ir::display(to) + " without losing its imaginary part", "Take .real.");
    }
    return cast(v, to);
  }
  if (ir::is_array(v.type) && ir::is_array(to) && v.type->elem == to->elem && v.type->ndim == to->ndim) {
    return op(Op::kRelabel, to, {v});
  }
  if (v.type->kind == to->kind && v.type->name == to->name && v.type->items.size() == to->items.size() && !v.type->items.empty()) {
    std::vector<Value> items;
    for (size_t i = 0; i < to->items.size(); ++i) {
      items.push_back(convert(item(v, static_cast<int>(i)), to->items[i]));
    }
    return aggregate(to, items);
  }
  if (v.type->kind == Kind::kRange && to->kind == Kind::kRange) {
    return aggregate(to, std::array{cast(item(v, 0), to->elem), cast(item(v, 1), to->elem), cast(item(v, 2), to->elem)});
  }
  if (numba()) {
    fail("No conversion from " + numbas_name(v.type) + " to " + numbas_name(to));
  }
  fail("a value of type " + ir::display(v.type) + " can't become " + ir::display(to));
}

Value Emitter::intp(const Value& given, std::string_view what) {
  const Value v = unwrap(given);
  if (!ir::is_integral(v.type)) {
    fail(std::string(what) + " must be an integer, not " + ir::display(v.type), "Convert it with int().");
  }
  return cast(v, ir::intp_type());
}

// ---------------------------------------------------------------- arrays

Value Emitter::stride(const Value& array, int axis) {
  if (array.type->layout == ir::Layout::kC && axis + 1 == array.type->ndim) {
    return integer(ir::item_bytes(array.type->elem));
  }
  return op(Op::kStride, ir::intp_type(), {array}, axis);
}

Value Emitter::size(const Value& array) {
  Value total = integer(1);
  for (int axis = 0; axis < array.type->ndim; ++axis) {
    total = op(Op::kMul, ir::intp_type(), {total, dim(array, axis)});
  }
  return total;
}

Emitter::Kernel Emitter::kernel(std::span<const Value> operands, const ScalarRule& rule, bool iota, TypeRef result) {
  std::vector<Value> scalars;
  for (const Value& operand : operands) {
    scalars.push_back({ir::is_array(operand.type) ? operand.type->elem : operand.type, ir::kNone, operand.known});
  }
  if (iota) {
    scalars.push_back({ir::intp_type()});
  }
  Options options = options_; // items of arrays follow NumPy's rules, whatever the code around does
  options.dialect = Dialect::kPython;
  options.error_model = ErrorModel::kNumpy;
  options.overflow = ir::Overflow::kWrap;
  Emitter inner_dry(session_, nullptr, options, function_);
  const TypeRef natural = rule(inner_dry, scalars).type;
  if (dry()) {
    return {natural, -1};
  }
  const int64_t index = session_.new_function();
  ir::Function& function = session_.function(index);
  function.name = "kernel";
  function.kernel = true;
  ir::Builder builder(session_.module(), function);
  builder.new_block();
  for (size_t i = 0; i < scalars.size(); ++i) {
    function.params.push_back(scalars[i].type);
    scalars[i].id = builder.param(static_cast<int>(i));
  }
  Emitter inner(session_, &builder, options, function_);
  Value value = rule(inner, scalars);
  function.result = result != nullptr ? result : ir::strong(value.type);
  builder.ret(inner.id(inner.cast(value, function.result)));
  function.straight = function.blocks.size() == 1 && std::none_of(function.values.begin(), function.values.end(), [](const ir::Instr& i) {
                        return ir::may_raise(i.op) && i.op != Op::kRet;
                      });
  return {function.result, index};
}

namespace {

// The static layout of the result of an element-wise operation; the driver follows the same rule at run time.
ir::Layout common_layout(std::span<const Value> operands, int ndim) {
  bool any_c = false;
  bool all_f = true;
  bool any_full = false;
  for (const Value& v : operands) {
    if (!ir::is_array(v.type) || v.type->ndim != ndim) {
      continue;
    }
    any_full = true;
    any_c = any_c || v.type->layout == ir::Layout::kC;
    all_f = all_f && v.type->layout == ir::Layout::kF;
  }
  if (any_c || !any_full) {
    return ir::Layout::kC;
  }
  return all_f ? ir::Layout::kF : ir::Layout::kAny;
}

} // namespace

Value Emitter::elementwise(std::span<const Value> operands, const ScalarRule& rule) {
  const Kernel made = kernel(operands, rule, false, nullptr);
  int ndim = 0;
  for (const Value& v : operands) {
    ndim = std::max<int>(ndim, ir::is_array(v.type) ? v.type->ndim : 0);
  }
  TypeRef type = ir::array_type(made.result, ndim, common_layout(operands, ndim));
  const Value result = op(Op::kEwise, type, operands, made.index);
  return ndim == 0 && !numba() ? op(Op::kLoad, made.result, {result}) : result; // NumPy gives scalars for arrays without dimensions
}

void Emitter::elementwise_into(const Value& target, std::span<const Value> operands, const ScalarRule& rule) {
  const Kernel made = kernel(operands, rule, false, target.type->elem);
  std::vector<Value> args{target};
  args.insert(args.end(), operands.begin(), operands.end());
  op(Op::kEwiseInto, ir::none_type(), args, made.index);
}

Value Emitter::reduce(ir::ReduceKind kind, const Value& array, const ScalarRule& rule) {
  const Kernel made = kernel(std::array{array}, rule, false, nullptr);
  return op(Op::kEwiseReduce, made.result, {array}, made.index | (static_cast<int64_t>(kind) << 32));
}

// What NumPy says the allocation itself says; numba leaves out a word.
void Emitter::refuse_negative(const std::vector<Value>& shape) {
  if (!numba()) {
    return;
  }
  for (const Value& length : shape) {
    if (known_int(length).value_or(-1) < 0) {
      raise_if(op(Op::kLt, ir::bool_type(), {length, integer(0, length.type)}), "builtins:ValueError", "negative dimensions not allowed");
    }
  }
}

Value Emitter::filled(const std::vector<Value>& shape, TypeRef elem, std::span<const Value> operands, const ScalarRule& rule, bool iota) {
  refuse_negative(shape);
  const Kernel made = kernel(operands, rule, iota, elem == nullptr ? nullptr : ir::strong(elem));
  std::vector<Value> args(shape);
  args.insert(args.end(), operands.begin(), operands.end());
  return op(Op::kEwiseShaped, ir::array_type(made.result, static_cast<int>(shape.size()), ir::Layout::kC), args, made.index);
}

Value Emitter::allocate(const std::vector<Value>& shape, TypeRef elem, bool zero, ir::Layout layout) {
  refuse_negative(shape);
  return op(Op::kAlloc, ir::array_type(elem, static_cast<int>(shape.size()), layout), shape, zero ? 1 : 0);
}

} // namespace hasten::infer
