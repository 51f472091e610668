// Calls: of library functions, of compiled functions, of methods, of types and exceptions.
#include <algorithm>
#include <array>
#include <unordered_map>

#include "hasten/compiler/infer/infer.h"
#include "hasten/compiler/infer/rule_table.h"
#include "hasten/compiler/infer/rules.h"
#include "hasten/compiler/infer/session.h"

namespace hasten::infer {

using ir::Kind;
using ir::Op;

namespace {

const std::unordered_map<std::string_view, Rule>& rule_table() {
  static const auto* const table = [] {
    auto* const rules = new std::unordered_map<std::string_view, Rule>;
    const auto add = [&](std::span<const RuleEntry> entries) {
      for (const RuleEntry& entry : entries) {
        rules->emplace(entry.name, entry.rule);
      }
    };
    add(builtin_rules());
    add(channel_rules());
    add(slice_rules());
    add(math_rules());
    add(numpy_create_rules());
    add(numpy_ufunc_rules());
    add(numpy_reduce_rules());
    add(numpy_shape_rules());
    add(numpy_random_rules());
    add(numpy_linalg_rules());
    add(mpi_rules());
    return rules;
  }();
  return *table;
}

// Arguments of a compiled function, one for each of its parameters.
std::vector<Value> bind_parameters(Emitter& e, const HostFunction& function, const CallArgs& args) {
  const std::string name = function.source->function.name;
  std::vector<Value> bound(function.parameters.size());
  std::vector<bool> used(args.keywords.size());
  size_t next = 0;
  for (size_t i = 0; i < function.parameters.size(); ++i) {
    const ParameterInfo& parameter = function.parameters[i];
    if (parameter.kind == syntax::ParameterKind::kVarPositional) {
      bound[i] =
          e.tuple({args.positional.begin() + static_cast<std::ptrdiff_t>(std::min(next, args.positional.size())), args.positional.end()});
      next = args.positional.size();
      continue;
    }
    if (parameter.kind == syntax::ParameterKind::kVarKeyword) {
      e.fail(name + "() takes **" + parameter.name + ", which compiled code can't call", "Name the parameters.");
    }
    if (parameter.kind != syntax::ParameterKind::kKeywordOnly && next < args.positional.size()) {
      bound[i] = args.positional[next++];
    }
    for (size_t k = 0; k < args.keywords.size() && parameter.kind != syntax::ParameterKind::kPositionalOnly; ++k) {
      if (args.keywords[k].first == parameter.name) {
        if (bound[i].type != nullptr) {
          e.fail(name + "() got multiple values for argument '" + parameter.name + "'");
        }
        bound[i] = args.keywords[k].second;
        used[k] = true;
      }
    }
    if (bound[i].type == nullptr) {
      if (!parameter.default_value) {
        e.fail(name + "() missing the argument '" + parameter.name + "'");
      }
      bound[i] = from_host(e, *parameter.default_value);
    }
  }
  if (next < args.positional.size()) {
    e.fail(name + "() takes " + std::to_string(next) + " positional arguments but " + std::to_string(args.positional.size()) +
           " were given");
  }
  for (size_t k = 0; k < used.size(); ++k) {
    if (!used[k]) {
      e.fail(name + "() got an unexpected keyword argument '" + args.keywords[k].first + "'");
    }
  }
  return bound;
}

} // namespace

Value call_compiled(Emitter& e, Handle callable, const CallArgs& args) {
  const auto function = e.session().host_function(callable);
  const std::vector<Value> bound = bind_parameters(e, *function, args);
  std::vector<ir::TypeRef> types;
  for (const Value& v : bound) {
    types.push_back(v.type);
  }
  Instance& instance = e.session().instance(callable, types);
  if (instance.result == nullptr) {
    if (instance.active || (e.dry() && instance.provisional)) {
      return {}; // recursion: nothing is known yet
    }
    return e.dry()
               ? e.none()
               : Value{ir::none_type(), e.builder().emit(Op::kCall, ir::none_type(), e.ids(bound), e.session().function_index(instance))};
  }
  if (e.dry()) {
    return {instance.result};
  }
  return {instance.result, e.builder().emit(Op::kCall, instance.result, e.ids(bound), e.session().function_index(instance))};
}

namespace {

Handle handle_in(const std::string& name) { return std::stoull(name.substr(name.find(':') + 1)); }

// What was declared to stand for a function that compiled code doesn't know; none where nothing was.
std::optional<Value> call_overload(Emitter& e, const Value& function, const CallArgs& args) {
  std::vector<ir::TypeRef> positional;
  std::vector<std::pair<std::string, ir::TypeRef>> keywords;
  for (const Value& v : args.positional) {
    positional.push_back(v.type);
  }
  for (const auto& [name, value] : args.keywords) {
    keywords.emplace_back(name, value.type);
  }
  const bool by_handle = ir::is_named(function.type, "host:");
  const Handle handle = by_handle ? handle_in(function.type->name) : e.session().named(function.type).handle;
  const Handle found = e.session().host().overload(handle, positional, keywords);
  return found == 0 ? std::nullopt : std::optional(call_compiled(e, found, args));
}

Value call_exception(Emitter& e, const Value& exception, const CallArgs& args) {
  if (!args.keywords.empty()) {
    e.fail("exceptions take no keywords in compiled code");
  }
  std::vector<ir::TypeRef> types;
  for (const Value& v : args.positional) {
    types.push_back(v.type);
  }
  return e.aggregate(ir::sequence_type(exception.type->name, std::move(types)), args.positional);
}

// np.float32(x), int32(x): a conversion to a dtype.
Value call_dtype(Emitter& e, const Value& dtype, const CallArgs& args) {
  array::DType wanted{};
  if (!array::dtype_from_name(dtype.type->name.substr(6), &wanted) || !args.keywords.empty() || args.positional.size() > 1) {
    e.fail(ir::display(dtype.type) + " can't be called so in compiled code");
  }
  ir::TypeRef type = ir::scalar_type(wanted);
  if (args.positional.empty()) {
    return e.cast(e.integer(0), type);
  }
  const Value v = as_unsigned(e, args.positional[0]).value_or(e.unwrap(args.positional[0]));
  if (ir::is_array(v.type) || v.type->kind == Kind::kSequence || ir::is_tuple(v.type)) {
    return e.elementwise(std::array{as_array(e, v)}, [type](Emitter& k, std::span<const Value> x) { return k.cast(x[0], type); });
  }
  if (!ir::is_number(v.type) || (ir::is_complex(v.type) && !ir::is_complex(type))) {
    e.fail(ir::display(type) + "() can't convert " + ir::display(v.type));
  }
  if (type->kind == Kind::kBool) {
    return e.cast(truth(e, v), type);
  }
  return e.cast(v, type);
}

CallArgs with_self(const Value& self, const CallArgs& args) {
  CallArgs all{{self}, args.keywords};
  all.positional.insert(all.positional.end(), args.positional.begin(), args.positional.end());
  return all;
}

} // namespace

std::vector<std::string> library_functions() {
  std::vector<std::string> names;
  for (const auto& [name, rule] : rule_table()) {
    names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Rule find_rule(std::string_view name) {
  const auto found = rule_table().find(name);
  return found == rule_table().end() ? nullptr : found->second;
}

Value call(Emitter& e, const Value& function, const CallArgs& args) {
  const ir::TypeRef type = function.type;
  if (type->kind == Kind::kSequence && type->name.rfind("method:", 0) == 0) {
    const Rule rule = find_rule(std::string_view(type->name).substr(7));
    return rule(e, with_self(e.item(function, 0), args));
  }
  if (ir::is_named(type, "function:")) {
    const std::string_view name = std::string_view(type->name).substr(9);
    if (const Rule rule = find_rule(name)) {
      return rule(e, args);
    }
    if (const auto result = call_overload(e, function, args)) {
      return *result;
    }
    e.fail(std::string(name) + "() can't be compiled yet");
  }
  if (ir::is_named(type, "callable:")) {
    return call_compiled(e, handle_in(type->name), args);
  }
  if (ir::is_named(type, "dtype:")) {
    return call_dtype(e, function, args);
  }
  if (ir::is_named(type, "exception:")) {
    return call_exception(e, function, args);
  }
  if (ir::is_named(type, "namedtuple:")) {
    return call_named_tuple_class(e, function, args);
  }
  if (ir::is_named(type, "ufunc:")) {
    return call_ufunc(e, function, args);
  }
  if (ir::is_named(type, "host:")) {
    if (const auto result = call_overload(e, function, args)) {
      return *result;
    }
    e.fail("this is a plain Python function, which compiled code can't call", "Give it @njit.");
  }
  e.fail(ir::display(type) + " can't be called in compiled code");
}

std::vector<Value> bind(Emitter& e, std::string_view function, const CallArgs& args, std::initializer_list<std::string_view> names) {
  std::vector<Value> bound(names.size());
  if (args.positional.size() > names.size()) {
    e.fail(std::string(function) + "() takes at most " + std::to_string(names.size()) + " arguments, not " +
           std::to_string(args.positional.size()));
  }
  std::copy(args.positional.begin(), args.positional.end(), bound.begin());
  for (const auto& [keyword, value] : args.keywords) {
    bool found = false;
    size_t i = 0;
    for (std::string_view name : names) {
      const bool optional = name.back() == '?';
      if (name.substr(0, name.size() - (optional ? 1 : 0)) == keyword) {
        if (bound[i].type != nullptr) {
          e.fail(std::string(function) + "() got multiple values for argument '" + keyword + "'");
        }
        bound[i] = value;
        found = true;
      }
      ++i;
    }
    if (!found) {
      e.fail(std::string(function) + "() doesn't take the keyword '" + keyword + "' in compiled code");
    }
  }
  size_t i = 0;
  for (std::string_view name : names) {
    if (bound[i++].type == nullptr && name.back() != '?') {
      e.fail(std::string(function) + "() is missing the argument '" + std::string(name) + "'");
    }
  }
  return bound;
}

} // namespace hasten::infer
