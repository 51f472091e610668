#include "hasten/bindings/recorder.h"

#include <algorithm>

#include "hasten/bindings/function_parts.h"
#include "hasten/bindings/host.h"
#include "hasten/bindings/host_values.h"

namespace hasten::bindings {
namespace {

// Borrowed; null where the dict has no such name.
PyObject* item(const nb::object& names, const nb::str& name) {
  PyObject* value = PyDict_GetItemWithError(names.ptr(), name.ptr());
  if (value == nullptr && PyErr_Occurred() != nullptr) {
    nb::raise_python_error();
  }
  return value;
}

nb::str interned(const char* text) { return nb::steal<nb::str>(PyUnicode_InternFromString(text)); }

nb::object class_dict(PyTypeObject* type) {
#if PY_VERSION_HEX >= 0x030C0000
  return nb::steal(PyType_GetDict(type));
#else
  return nb::borrow(type->tp_dict);
#endif
}

} // namespace

void RecordingHost::add(const nb::object& space, const nb::str& name, const Expected& expected) {
  const bool known = std::any_of(reads_.begin(), reads_.end(), [&](const Read& read) {
    return read.space.is(space) && read.name.is(name) && read.expected.value.is(expected.value);
  });
  if (!known) {
    reads_.push_back({space, name, expected});
  }
}

bool RecordingHost::add_item(const nb::object& names, const nb::str& name) {
  PyObject* value = item(names, name);
  add(names, name, {nb::borrow(value), {}});
  return value != nullptr;
}

void RecordingHost::add_class_attribute(PyTypeObject* type, const nb::str& name) {
  const auto bases = nb::borrow<nb::tuple>(type->tp_mro);
  for (const nb::handle base : bases) {
    if (add_item(class_dict(reinterpret_cast<PyTypeObject*>(base.ptr())), name)) {
      return;
    }
  }
}

void RecordingHost::record_name(infer::Handle handle, const std::string& name) {
  PyObject* callable = PythonHost::instance().object_of(handle);
  PyObject* function = function_behind(callable);
  const nb::str key = interned(name.c_str());
  PyObject* cell = closure_cell(function, key.ptr());
  const nb::object space = nb::borrow(cell != nullptr ? cell : PyFunction_GetGlobals(function));
  PyObject* value = cell != nullptr ? PyCell_GET(cell) : item(space, key);
  const bool is_own_name = value == function || (value == nullptr && nb::str(nb::handle(function).attr("__name__")).equal(key));
  Expected expected{nb::borrow(is_own_name ? callable : value), is_own_name ? nb::borrow(function) : nb::object()};
  add(space, cell != nullptr ? nb::str() : key, expected);
}

void RecordingHost::record_attribute(const infer::HostValue& object, const std::string& name) {
  const nb::str key = interned(name.c_str());
  nb::object owner;
  if (ir::is_named(object.type, "module:")) {
    const nb::str module = interned(object.type->name.c_str() + sizeof("module:") - 1);
    owner = nb::borrow(PyDict_GetItemWithError(PyImport_GetModuleDict(), module.ptr()));
  } else if (ir::is_named(object.type, "host:")) {
    owner = nb::borrow(PythonHost::instance().object_of(object.handle));
  }
  if (!owner.is_valid()) {
    return;
  }
  if (PyType_Check(owner.ptr())) {
    add_class_attribute(reinterpret_cast<PyTypeObject*>(owner.ptr()), key);
    return;
  }
  const nb::object names = nb::steal(PyObject_GenericGetDict(owner.ptr(), nullptr));
  PyErr_Clear(); // objects with slots have no dict
  if (!PyModule_Check(owner.ptr())) {
    add_class_attribute(Py_TYPE(owner.ptr()), key);
  }
  if (names.is_valid()) {
    add_item(names, key);
  }
}

size_t RecordingHost::index_of(infer::Handle function) {
  const auto found = std::find(functions_.begin(), functions_.end(), function);
  const auto index = static_cast<size_t>(found - functions_.begin());
  if (found == functions_.end()) {
    functions_.push_back(function);
  }
  return index;
}

void RecordingHost::number_paths(infer::Handle function, infer::HostValue* value) {
  const size_t index = index_of(function);
  for (const char* space : {"global:", "closure:", "default:"}) {
    const std::string own = std::string(space) + "0:";
    if (value->path.compare(0, own.size(), own) == 0) {
      value->path.replace(0, own.size(), space + std::to_string(index) + ":");
      break;
    }
  }
  for (infer::HostValue& item : value->items) {
    number_paths(function, &item);
  }
}

std::optional<infer::HostValue> RecordingHost::lookup(infer::Handle function, const std::string& name) {
  const nb::gil_scoped_acquire gil; // so that what is recorded is what is found
  record_name(function, name);
  std::optional<infer::HostValue> value = host_.lookup(function, name);
  if (value) {
    number_paths(function, &*value);
  }
  return value;
}

std::optional<infer::HostValue> RecordingHost::attribute(const infer::HostValue& object, const std::string& name) {
  const nb::gil_scoped_acquire gil;
  record_attribute(object, name);
  return host_.attribute(object, name);
}

std::shared_ptr<const infer::HostFunction> RecordingHost::function(infer::Handle callable) {
  const auto function = host_.function(callable);
  auto numbered = std::make_shared<infer::HostFunction>(*function);
  for (infer::ParameterInfo& parameter : numbered->parameters) {
    if (parameter.default_value) {
      number_paths(callable, &*parameter.default_value);
    }
  }
  return numbered;
}

ir::TypeRef RecordingHost::parse_signature_type(const std::string& text) { return host_.parse_signature_type(text); }

Guards RecordingHost::guards() const {
  Guards guards;
  for (const Read& read : reads_) {
    if (PyCell_Check(read.space.ptr())) {
      guards.add_cell(read.space, read.expected);
    } else {
      guards.add_name(nb::borrow<nb::dict>(read.space), read.name, read.expected);
    }
  }
  return guards;
}

} // namespace hasten::bindings
