#include "hasten/bindings/dispatch.h"

#include <algorithm>
#include <array>

#include "hasten/bindings/call.h"
#include "hasten/bindings/class_table.h"
#include "hasten/bindings/conversion.h"
#include "hasten/bindings/ending.h"
#include "hasten/bindings/errors.h"
#include "hasten/bindings/stats.h"

namespace hasten::bindings {
namespace {

constexpr int kInlineValues = 16;
constexpr size_t kMostVersions = 16; // for one list of types: each was compiled for other values of globals
constexpr size_t kManyVersions = 6;  // enough for a warning

constexpr uint64_t kUntyped = 0xff; // the code of all values that compiled code has no type for

nb::object& gradual_hook() {
  static auto* const hook = new nb::object; // outlives the interpreter's last call
  return *hook;
}

size_t hash_of(const std::vector<uint64_t>& codes) {
  size_t hash = codes.size();
  for (const uint64_t code : codes) {
    hash = (hash ^ code) * 0x9e3779b97f4a7c15U;
    hash ^= hash >> 29;
  }
  return hash;
}

// numba's limit, in its words.
void refuse_long_tuple(PyObject* value, const char* name) {
  constexpr Py_ssize_t kTooMany = 1000;
  if (PyTuple_Check(value) && PyTuple_GET_SIZE(value) >= kTooMany) {
    const nb::object error = nb::module_::import_("hasten.errors").attr("UnsupportedError");
    throw_python(error.ptr(), std::string("Tuple '") + name + "' length must be smaller than 1000. Pass an array.");
  }
}

} // namespace

void set_gradual_hook(nb::object hook) { gradual_hook() = hook.is_none() ? nb::object() : std::move(hook); }

Dispatch::Dispatch(PyObject* self, const DispatcherOptions& options)
    : self_(self), function_(nb::borrow(options.function)), parameters_(options.function), options_(options.options), cache_(options.cache),
      gradual_(options.gradual), interpret_(options.interpret) {}

// ---------------------------------------------------------------- calls

PyObject* Dispatch::call(PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  const Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
  if (interpret_) [[unlikely]] {
    return interpret(args, nargs, kwnames);
  }
  try {
    if (nargs == parameters_.simple_count() && kwnames == nullptr) [[likely]] {
      return call_bound(args, {args, nargs, kwnames});
    }
    return bind_and_call({args, nargs, kwnames});
  } catch (...) {
    set_exception_from_current();
    return nullptr;
  }
}

// The function as Python, with its loops lifted.
PyObject* Dispatch::interpret(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  ++counters.interpreted_calls;
  if (!interpreted_.is_valid()) {
    try {
      interpreted_ = gradual_hook().is_valid() ? gradual_hook()(nb::handle(self_), nb::none()) : function_;
    } catch (...) {
      set_exception_from_current();
      return nullptr;
    }
  }
  return call_python([&] { return PyObject_Vectorcall(interpreted_.ptr(), args, static_cast<size_t>(nargs), kwnames); });
}

PyObject* Dispatch::bind_and_call(const Call& call) {
  std::array<PyObject*, kInlineValues> few;
  std::vector<PyObject*> many;
  BoundArguments bound{few.data(), {}, {}};
  if (parameters_.count() > kInlineValues) {
    many.resize(static_cast<size_t>(parameters_.count()));
    bound.values = many.data();
  }
  if (!parameters_.bind(call.args, call.nargs, call.kwnames, &bound)) {
    refuse(call);
    return nullptr;
  }
  return call_bound(bound.values, call);
}

PyObject* Dispatch::call_bound(PyObject* const* values, const Call& call) {
  Route* route = last_;
  if (route == nullptr || !fits(*route, values) || !is_current(*route)) [[unlikely]] {
    route = &find_route(values);
    last_ = route;
  }
  if (route->code != nullptr) [[likely]] {
    return call_route(*route, values);
  }
  ++counters.interpreted_calls;
  const nb::object substitute = route->substitute;
  return call_python([&] { return PyObject_Vectorcall(substitute.ptr(), call.args, static_cast<size_t>(call.nargs), call.kwnames); });
}

void Dispatch::refuse(const Call& call) const {
  if (options_.dialect == infer::Dialect::kNumba) {
    parameters_.explain_as_numba(call.nargs, call.kwnames);
    return;
  }
  nb::list positional;
  for (Py_ssize_t i = 0; i < call.nargs; ++i) {
    positional.append(nb::handle(call.args[i]));
  }
  nb::dict named;
  for (Py_ssize_t i = 0; call.kwnames != nullptr && i < PyTuple_GET_SIZE(call.kwnames); ++i) {
    named[nb::handle(PyTuple_GET_ITEM(call.kwnames, i))] = nb::handle(call.args[call.nargs + i]);
  }
  const nb::object error = nb::module_::import_("hasten._dispatcher").attr("call_error")(function_, nb::tuple(positional), named);
  PyErr_SetObject(PyExc_TypeError, error.ptr());
}

// ---------------------------------------------------------------- routes

// Types are aligned, so their addresses are no codes of type_code's, whose low byte is a small number.
uint64_t Dispatch::code_of_type(PyObject* value) const {
  try {
    return reinterpret_cast<uint64_t>(type_of_argument(value));
  } catch (const base::Diagnostic&) {
    return kUntyped; // new_route says what is wrong, or leaves the call to Python
  }
}

Route& Dispatch::find_route(PyObject* const* values) {
  std::vector<uint64_t> codes;
  for (int i = 0; i < parameters_.count(); ++i) {
    codes.push_back(code_of(values[i]));
  }
  const size_t hash = hash_of(codes);
  const auto [first, last] = routes_.equal_range(hash);
  for (auto candidate = first; candidate != last; ++candidate) {
    Route& route = *candidate->second;
    if (route.codes == codes && is_current(route)) {
      return route;
    }
  }
  return new_route(values, std::move(codes), hash);
}

Route& Dispatch::new_route(PyObject* const* values, std::vector<uint64_t> codes, size_t hash) {
  const Presence presence;
  auto route = std::make_unique<Route>();
  route->codes = std::move(codes);
  try {
    const Types types = types_of(values);
    route->code = compiled_code(types);
    if (route->code == nullptr) {
      route->code = can_compile_ ? compile_code(types, nullptr) : converting_code(types);
    }
    route->steps = make_steps(values, route->code->unit.arguments);
  } catch (const base::Diagnostic& diagnostic) {
    if (!gradual_ || diagnostic.fault() != base::Fault::kUser || !gradual_hook().is_valid()) {
      throw;
    }
    route->substitute = gradual_hook()(nb::handle(self_), exception_of(diagnostic));
  }
  return *routes_.emplace(hash, std::move(route))->second;
}

// Where signatures are given, an int of any size converts to a float as Python converts it; code for the int itself there is none.
ir::TypeRef Dispatch::type_of_argument(PyObject* value) const {
  const bool converts = !can_compile_ && options_.dialect == infer::Dialect::kNumba;
  if (converts && PyLong_CheckExact(value) && width_of(value) == IntWidth::kLarger) {
    return ir::scalar_type(array::DType::kFloat64);
  }
  return type_of(value, options_.dialect);
}

Dispatch::Types Dispatch::types_of(PyObject* const* values) const {
  Types types;
  for (int i = 0; i < parameters_.count(); ++i) {
    if (options_.dialect == infer::Dialect::kNumba) {
      refuse_long_tuple(values[i], parameters_.name(i).c_str());
    }
    try {
      types.push_back(type_of_argument(values[i]));
    } catch (base::Diagnostic& diagnostic) {
      diagnostic.note("It is the argument `" + std::string(parameters_.name(i).c_str()) + "`.");
      throw;
    }
  }
  return types;
}

Dispatch::Code Dispatch::compiled_code(const Types& types) {
  for (const Code& code : compiled_) {
    if (code->unit.arguments == types && code->is_current()) {
      return code;
    }
  }
  return nullptr;
}

Dispatch::Code Dispatch::converting_code(const Types& types) {
  std::vector<Types> signatures;
  for (const Code& code : compiled_) {
    signatures.push_back(code->unit.arguments);
  }
  const std::vector<size_t> best = best_signatures(types, signatures, options_.dialect);
  if (best.empty()) {
    throw_python(PyExc_TypeError, "No matching definition for argument type(s) " + display_all(types));
  }
  if (best.size() > 1) {
    std::string message = "Ambiguous overloading for " + std::string(nb::repr(function_).c_str()) + " (" + display_all(types) + "):";
    for (const size_t i : best) {
      message += "\n(" + display_all(signatures[i]) + ") -> " + ir::display(compiled_[i]->unit.result);
    }
    throw_python(PyExc_TypeError, message);
  }
  const Code code = compiled_[best[0]];
  return code->is_current() ? code : compile_code(code->unit.arguments, code->declared_result);
}

// ---------------------------------------------------------------- compiling

Dispatch::Code Dispatch::compile_code(const Types& types, ir::TypeRef result) {
  forget_versions(types);
  return adopt(specialise({self_, types, result, options_, cache_}));
}

Dispatch::Code Dispatch::adopt(Code code) {
  if (std::find(compiled_.begin(), compiled_.end(), code) == compiled_.end()) {
    compiled_.push_back(code);
  }
  return code;
}

// A global that changes all the time would fill the memory with code.
void Dispatch::forget_versions(const Types& types) {
  sweep();
  const auto is_version = [&](const Code& code) { return code->unit.arguments == types; };
  const auto count = static_cast<size_t>(std::count_if(compiled_.begin(), compiled_.end(), is_version));
  if (count == kManyVersions && !warned_) {
    warned_ = true;
    nb::module_::import_("hasten._dispatcher").attr("warn_of_changes")(function_, count);
  }
  if (count >= kMostVersions) {
    retire(std::find_if(compiled_.begin(), compiled_.end(), is_version)->get());
  }
}

void Dispatch::retire(const Specialisation* code) {
  last_ = nullptr;
  for (auto i = routes_.begin(); i != routes_.end();) {
    if (i->second->code.get() != code) {
      ++i;
      continue;
    }
    if (i->second->running > 0) {
      retired_.push_back(std::move(i->second));
    }
    i = routes_.erase(i);
  }
  std::erase_if(compiled_, [&](const Code& known) { return known.get() == code; });
}

void Dispatch::sweep() {
  std::erase_if(retired_, [](const std::unique_ptr<Route>& route) { return route->running == 0; });
}

void Dispatch::compile(const std::vector<ir::TypeRef>& arguments, ir::TypeRef result) {
  if (static_cast<int>(arguments.size()) != parameters_.count()) {
    throw_python(PyExc_TypeError, "Signature mismatch: " + std::to_string(arguments.size()) + " argument types given, but function takes " +
                                      std::to_string(parameters_.count()) + " arguments");
  }
  if (compiled_code(arguments) == nullptr) {
    compile_code(arguments, result);
  }
}

void Dispatch::compile_for(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  std::vector<PyObject*> values(static_cast<size_t>(parameters_.count()));
  BoundArguments bound{values.data(), {}, {}};
  if (!parameters_.bind(args, nargs, kwnames, &bound)) {
    refuse({args, nargs, kwnames});
    nb::raise_python_error();
  }
  last_ = &find_route(values.data());
}

void Dispatch::recompile() {
  const std::vector<Code> old = compiled_;
  for (const Code& code : old) {
    retire(code.get());
  }
  for (const Code& code : old) {
    if (compiled_code(code->unit.arguments) == nullptr) {
      compile_code(code->unit.arguments, code->declared_result);
    }
  }
}

// ---------------------------------------------------------------- garbage collection

int Dispatch::traverse(visitproc visit, void* arg) const {
  Py_VISIT(function_.ptr());
  for (const auto& [hash, route] : routes_) {
    Py_VISIT(route->substitute.ptr());
  }
  for (const Code& code : compiled_) {
    if (const int stop = code->traverse(visit, arg)) {
      return stop;
    }
  }
  return parameters_.traverse(visit, arg);
}

void Dispatch::clear() {
  last_ = nullptr;
  routes_.clear();
  compiled_.clear();
  can_compile_ = false;
}

} // namespace hasten::bindings
