#include "hasten/bindings/function_parts.h"

#include <nanobind/nanobind.h>

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

PyCodeObject* code_of(PyObject* function) { return reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(function)); }

// -1 where the name is not among them.
Py_ssize_t index_of(const nb::object& names, PyObject* name) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names.ptr()); ++i) {
    if (PyUnicode_Compare(PyTuple_GET_ITEM(names.ptr(), i), name) == 0) {
      return i;
    }
  }
  return -1;
}

} // namespace

PyObject* closure_cell(PyObject* function, PyObject* name) {
  PyObject* cells = PyFunction_GET_CLOSURE(function);
  const Py_ssize_t index = cells == nullptr ? -1 : index_of(nb::steal(PyCode_GetFreevars(code_of(function))), name);
  return index < 0 ? nullptr : PyTuple_GET_ITEM(cells, index);
}

PyObject* parameter_default(PyObject* function, PyObject* name) {
  PyObject* keyword_only = PyFunction_GET_KW_DEFAULTS(function);
  if (PyObject* found = keyword_only != nullptr ? PyDict_GetItemWithError(keyword_only, name) : nullptr) {
    return found;
  }
  PyObject* defaults = PyFunction_GET_DEFAULTS(function);
  if (defaults == nullptr) {
    return nullptr;
  }
  const PyCodeObject* code = code_of(function);
  const Py_ssize_t position = index_of(nb::steal(PyCode_GetVarnames(code_of(function))), name);
  const Py_ssize_t first = code->co_argcount - PyTuple_GET_SIZE(defaults);
  return position >= first && position < code->co_argcount ? PyTuple_GET_ITEM(defaults, position - first) : nullptr;
}

} // namespace hasten::bindings
