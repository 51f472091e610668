#include "hasten/bindings/named_values.h"

#include <cstdlib>
#include <string>

#include "hasten/bindings/host.h"

namespace hasten::bindings {
namespace {

PyObject* attribute_path(PyObject* object, std::string_view path) {
  while (object != nullptr && !path.empty()) {
    const size_t dot = path.find('.');
    const std::string name(path.substr(0, dot));
    PyObject* next = PyObject_GetAttrString(object, name.c_str());
    Py_DECREF(object);
    object = next;
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return object;
}

PyObject* object_of_handle(std::string_view digits) {
  PyObject* object = PythonHost::instance().object_of(std::strtoull(std::string(digits).c_str(), nullptr, 10));
  if (object == nullptr) {
    PyErr_SetString(PyExc_SystemError, "compiled code names an object that is not known");
  }
  return Py_XNewRef(object);
}

} // namespace

PyObject* resolve_dotted(std::string_view path) {
  size_t end = path.size();
  while (true) {
    const std::string name(path.substr(0, end));
    PyObject* module = PyImport_ImportModule(name.c_str());
    if (module != nullptr) {
      return attribute_path(module, end == path.size() ? std::string_view() : path.substr(end + 1));
    }
    const size_t dot = name.rfind('.');
    if (!PyErr_ExceptionMatches(PyExc_ModuleNotFoundError) || dot == std::string::npos) {
      return nullptr;
    }
    PyErr_Clear();
    end = dot;
  }
}

PyObject* box_named(ir::TypeRef type) {
  const std::string_view name = type->name;
  const size_t colon = name.find(':');
  const std::string_view what = name.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? std::string_view() : name.substr(colon + 1);
  if (what == "literal") {
    return PyUnicode_DecodeUTF8(rest.data(), static_cast<Py_ssize_t>(rest.size()), "surrogatepass");
  }
  if (what == "dtype") {
    return resolve_dotted("numpy." + std::string(rest));
  }
  if (what == "descriptor") {
    PyObject* make = resolve_dotted("numpy.dtype");
    PyObject* made = make != nullptr ? PyObject_CallFunction(make, "s", std::string(rest).c_str()) : nullptr;
    Py_XDECREF(make);
    return made;
  }
  if (what == "module" || what == "function") {
    const bool is_builtin = what == "function" && rest.find('.') == std::string_view::npos;
    return resolve_dotted(is_builtin ? "builtins." + std::string(rest) : std::string(rest));
  }
  return object_of_handle(rest);
}

} // namespace hasten::bindings
