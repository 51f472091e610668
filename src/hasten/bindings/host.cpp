#include "hasten/bindings/host.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include "hasten/base/diagnostic.h"
#include "hasten/bindings/function_parts.h"
#include "hasten/bindings/gil.h"
#include "hasten/bindings/host_values.h"
#include "hasten/bindings/python_error.h"
#include "hasten/bindings/source.h"
#include "hasten/bindings/type_text.h"
#include "hasten/bindings/ufunc.h"

namespace nb = nanobind;

namespace hasten::bindings {

using infer::Handle;
using infer::HostFunction;
using infer::HostValue;

namespace {

DispatcherHooks& hooks() {
  static DispatcherHooks hooks{[](PyObject*) { return false; }, nullptr, nullptr};
  return hooks;
}

nb::object& overload_hook() {
  static auto* const hook = new nb::object; // outlives the interpreter's last call
  return *hook;
}

nb::object attribute_or_none(PyObject* object, const char* name) {
  nb::object found = nb::steal(PyObject_GetAttrString(object, name));
  PyErr_Clear();
  return found;
}

} // namespace

void set_overload_hook(nb::object hook) { overload_hook() = hook.is_none() ? nb::object() : std::move(hook); }

void set_dispatcher_hooks(const DispatcherHooks& value) { hooks() = value; }
const DispatcherHooks& dispatcher_hooks() { return hooks(); }

struct PythonHost::State {
  std::vector<PyObject*> objects; // by handle - 1; kept for good
  std::unordered_map<PyObject*, Handle> handles;
  std::unordered_map<Handle, std::shared_ptr<const HostFunction>> functions;
};

PythonHost::PythonHost() : state_(std::make_unique<State>()) {}
PythonHost::~PythonHost() = default;

PythonHost& PythonHost::instance() {
  static auto* const host = new PythonHost; // never freed: its objects must not outlive the interpreter's own shutdown
  return *host;
}

Handle PythonHost::handle_of(PyObject* object) {
  const auto [entry, is_new] = state_->handles.emplace(object, state_->objects.size() + 1);
  if (is_new) {
    Py_INCREF(object);
    state_->objects.push_back(object);
  }
  return entry->second;
}

PyObject* PythonHost::object_of(Handle handle) const {
  return handle == 0 || handle > state_->objects.size() ? nullptr : state_->objects[handle - 1];
}

HostValue PythonHost::value_of(PyObject* object, const std::string& path, infer::Dialect dialect) {
  return host_value(*this, object, path, dialect);
}

std::optional<HostValue> PythonHost::lookup(Handle handle, const std::string& name) {
  const WithGil gil;
  const nb::object callable = nb::borrow(object_of(handle));
  PyObject* function = callable.is_valid() ? function_behind(callable.ptr()) : nullptr;
  if (function == nullptr) {
    return std::nullopt;
  }
  const infer::Dialect dialect = options_of(callable.ptr()).dialect;
  const nb::object key = nb::steal(PyUnicode_FromStringAndSize(name.data(), static_cast<Py_ssize_t>(name.size())));
  PyObject* cell = closure_cell(function, key.ptr());
  PyObject* value = cell != nullptr ? PyCell_GET(cell) : nullptr;
  std::string path = "closure:0:" + name;
  if (cell == nullptr) {
    value = PyDict_GetItemWithError(PyFunction_GET_GLOBALS(function), key.ptr());
    path = "global:0:" + name;
    if (value == nullptr) {
      value = PyDict_GetItemWithError(reinterpret_cast<PyFunctionObject*>(function)->func_builtins, key.ptr());
      path = "builtins:" + name;
    }
  }
  PyErr_Clear();
  // A function's own name means the function as it was decorated, also while the decorator is still at work.
  const bool is_itself = value == nullptr ? text_of(reinterpret_cast<PyFunctionObject*>(function)->func_name) == name : value == function;
  if (is_itself) {
    value = callable.ptr();
  }
  if (value == nullptr) {
    return std::nullopt;
  }
  const nb::object owned = nb::borrow(value);
  return value_of(value, path, dialect);
}

std::optional<HostValue> PythonHost::attribute(const HostValue& object, const std::string& name) {
  const WithGil gil;
  const nb::object owner = nb::borrow(object_of(object.handle));
  if (!owner.is_valid() || !has_constant_attributes(owner.ptr())) {
    return std::nullopt;
  }
  const nb::object value = attribute_or_none(owner.ptr(), name.c_str());
  if (!value.is_valid()) {
    return std::nullopt;
  }
  const bool is_module = PyModule_Check(owner.ptr());
  const std::string path = is_module ? text_of(attribute_or_none(owner.ptr(), "__name__").ptr()) + ":" + name : object.path + "." + name;
  return value_of(value.ptr(), path);
}

std::shared_ptr<const HostFunction> PythonHost::function(Handle handle) {
  const WithGil gil;
  const auto known = state_->functions.find(handle);
  if (known != state_->functions.end()) {
    return known->second;
  }
  const nb::object callable = nb::borrow(object_of(handle));
  PyObject* function = callable.is_valid() ? function_behind(callable.ptr()) : nullptr;
  if (function == nullptr) {
    throw base::Diagnostic(base::Fault::kInternal, "a handle that is no function's was asked for its source");
  }
  auto made = std::make_shared<HostFunction>();
  made->source = source_of(function);
  made->options = options_of(callable.ptr());
  made->handle = handle;
  for (const syntax::Parameter& parameter : made->source->function.parameters) {
    infer::ParameterInfo info{parameter.name, parameter.kind, std::nullopt};
    const nb::str name(parameter.name.c_str());
    if (PyObject* value = parameter_default(function, name.ptr())) {
      info.default_value = value_of(value, "default:0:" + parameter.name, made->options.dialect);
    }
    made->parameters.push_back(std::move(info));
  }
  state_->functions.emplace(handle, made);
  return made;
}

std::shared_ptr<const infer::HostUfunc> PythonHost::ufunc(Handle handle) {
  const WithGil gil;
  PyObject* object = object_of(handle);
  return object != nullptr ? describe_ufunc(*this, object) : nullptr;
}

Handle PythonHost::overload(Handle callable, const std::vector<ir::TypeRef>& positional,
                            const std::vector<std::pair<std::string, ir::TypeRef>>& keywords) {
  const WithGil gil;
  const nb::object object = nb::borrow(object_of(callable));
  if (!object.is_valid() || !overload_hook().is_valid()) {
    return 0;
  }
  nb::list types;
  nb::list names;
  for (ir::TypeRef type : positional) {
    types.append(spelling_of(type).c_str());
  }
  for (const auto& [name, type] : keywords) {
    types.append(spelling_of(type).c_str());
    names.append(name.c_str());
  }
  const nb::object found = nb::steal(PyObject_CallFunctionObjArgs(overload_hook().ptr(), object.ptr(), types.ptr(), names.ptr(), nullptr));
  if (!found.is_valid()) {
    throw diagnostic_of_python_error("the overload of " + text_of(object.ptr()) + " fails");
  }
  return found.is_none() ? 0 : handle_of(found.ptr());
}

ir::TypeRef PythonHost::parse_signature_type(const std::string& text) { return parse_type_text(text); }

} // namespace hasten::bindings
