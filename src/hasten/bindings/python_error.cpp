#include "hasten/bindings/python_error.h"

#include <nanobind/nanobind.h>

namespace nb = nanobind;

namespace hasten::bindings {

std::string text_of(PyObject* object) {
  const nb::object text = nb::steal(PyObject_Str(object));
  Py_ssize_t size = 0;
  const char* utf8 = text.is_valid() ? PyUnicode_AsUTF8AndSize(text.ptr(), &size) : nullptr;
  if (utf8 == nullptr) {
    PyErr_Clear();
    return std::string("<") + Py_TYPE(object)->tp_name + " object>";
  }
  return {utf8, static_cast<size_t>(size)};
}

base::Diagnostic diagnostic_of_python_error(const std::string& what) {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  const nb::object owned_type = nb::steal(type);
  const nb::object owned_value = nb::steal(value);
  const nb::object owned_traceback = nb::steal(traceback);
  std::string text = what;
  if (type != nullptr) {
    text += std::string(": ") + reinterpret_cast<PyTypeObject*>(type)->tp_name;
  }
  if (value != nullptr) {
    const std::string detail = text_of(value);
    text += detail.empty() ? "" : ": " + detail;
  }
  return {base::Fault::kUser, text};
}

PyObject* take_exception() {
#if PY_VERSION_HEX >= 0x030c0000
  return PyErr_GetRaisedException();
#else
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr) {
    PyException_SetTraceback(value, traceback);
  }
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  return value;
#endif
}

void raise_again(PyObject* exception) { PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception)), exception); }

} // namespace hasten::bindings
