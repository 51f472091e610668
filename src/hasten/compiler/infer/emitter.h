// What rules are written against. The same rule runs twice: while types are inferred (dry: it yields only types and constants), and when
// ops are emitted.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "hasten/base/diagnostic.h"
#include "hasten/compiler/infer/host.h"
#include "hasten/compiler/infer/value.h"
#include "hasten/compiler/ir/builder.h"

namespace hasten::infer {

class Session;

using ScalarRule = std::function<Value(class Emitter&, std::span<const Value>)>;

class Emitter {
public:
  // builder null: dry.
  Emitter(Session& session, ir::Builder* builder, const Options& options, Handle function)
      : session_(session), builder_(builder), options_(options), function_(function) {}

  bool dry() const { return builder_ == nullptr; }
  const Options& options() const { return options_; }
  bool numba() const { return options_.dialect == Dialect::kNumba; }
  Session& session() { return session_; }
  ir::Builder& builder() { return *builder_; }
  Handle function() const { return function_; }

  // ---- constants
  Value constant(const ir::Constant& value);
  Value integer(int64_t value, ir::TypeRef type = ir::intp_type());
  Value floating(double value, ir::TypeRef type);
  Value boolean(bool value, bool weak = true);
  Value none() const { return {ir::none_type()}; }
  Value named(std::string_view name) const { return {ir::named_type(name)}; }
  Value string(std::string_view text) const { return {ir::named_type("literal:" + std::string(text))}; }
  const ir::Constant* scalar(const Value& v) const { return v.known && v.known->scalar ? &*v.known->scalar : nullptr; }
  std::optional<int64_t> known_int(const Value& v) const;
  std::optional<bool> known_bool(const Value& v) const;
  std::optional<std::string> known_string(const Value& v) const;

  // ---- ops
  Value op(ir::Op op, ir::TypeRef type, std::initializer_list<Value> args, int64_t aux = 0);
  Value op(ir::Op op, ir::TypeRef type, std::span<const Value> args, int64_t aux = 0);
  Value tuple(std::vector<Value> items);
  Value aggregate(ir::TypeRef type, std::span<const Value> items);
  Value item(const Value& aggregate, int position);
  Value runtime(std::string_view symbol, ir::TypeRef result, std::initializer_list<Value> args);
  Value runtime(std::string_view symbol, ir::TypeRef result, std::span<const Value> args);
  Value external(std::string_view symbol, ir::TypeRef result, std::initializer_list<Value> args);
  Value ufunc(std::string_view symbol, ir::TypeRef result, std::span<const Value> args);
  Value intrinsic(ir::Intrinsic which, ir::TypeRef result, std::initializer_list<Value> args);
  Value select(const Value& condition, const Value& a, const Value& b);
  Value logical_not(const Value& v) { return op(ir::Op::kNot, v.type, {v}); }
  // Raises `exception` ("builtins:ValueError") with this message where the condition holds.
  void raise_if(const Value& condition, std::string_view exception, std::string_view message);

  // ---- conversions
  Value cast(const Value& v, ir::TypeRef scalar);    // as C would; the same dtype: only the label changes
  Value convert(const Value& v, ir::TypeRef to);     // implicit: to a join's or a declared type. Fails where there is no such conversion
  Value intp(const Value& v, std::string_view what); // an index or a size; fails on floats
  Value unwrap(const Value& v);                      // the value of an optional, TypeError on None; other values as they are

  // ---- arrays
  Value dim(const Value& array, int axis) { return op(ir::Op::kDim, ir::intp_type(), {array}, axis); }
  Value stride(const Value& array, int axis);
  Value size(const Value& array);
  // Applies a rule on scalars to each item of broadcast arrays and scalars.
  Value elementwise(std::span<const Value> operands, const ScalarRule& rule);
  // Writes it into a view, cast to the view's dtype.
  void elementwise_into(const Value& target, std::span<const Value> operands, const ScalarRule& rule);
  Value reduce(ir::ReduceKind kind, const Value& array, const ScalarRule& rule);
  // An array of this shape; the rule gets the linear index (int64) behind the operands where `iota`.
  Value filled(const std::vector<Value>& shape, ir::TypeRef elem, std::span<const Value> operands, const ScalarRule& rule, bool iota);
  Value allocate(const std::vector<Value>& shape, ir::TypeRef elem, bool zero, ir::Layout layout = ir::Layout::kC);

  [[noreturn]] void fail(const std::string& message, const std::string& way_out = {}) const;

  // The SSA name of a value, made where it has no content of its own. Not dry.
  ir::ValueId id(const Value& v);
  void refuse_negative(const std::vector<Value>& shape);
  std::vector<ir::ValueId> ids(std::span<const Value> values);

private:
  struct Kernel {
    ir::TypeRef result;
    int64_t index;
  };
  Kernel kernel(std::span<const Value> operands, const ScalarRule& rule, bool iota, ir::TypeRef result);
  const Known* remember(const ir::Constant& value);

  Session& session_;
  ir::Builder* builder_;
  const Options& options_;
  Handle function_;
};

} // namespace hasten::infer
