// Finds objects again by the paths that host.h describes.
#include <nanobind/nanobind.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "hasten/base/diagnostic.h"
#include "hasten/bindings/function_parts.h"
#include "hasten/bindings/host.h"
#include "hasten/bindings/python_error.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

[[noreturn]] void not_found(std::string_view path) {
  PyErr_Clear();
  throw base::Diagnostic(base::Fault::kUser, "there is no object " + std::string(path) + " any more");
}

// Where the path begins: `space` is what stands before the first colon, `name` the first name behind.
nb::object root(PyObject* function, const std::string& space, PyObject* name) {
  if (space == "global" || space == "closure" || space == "default") {
    if (function == nullptr) {
      return {};
    }
    if (space == "closure") {
      PyObject* cell = closure_cell(function, name);
      return nb::steal(cell != nullptr ? PyCell_Get(cell) : nullptr);
    }
    if (space == "default") {
      return nb::borrow(parameter_default(function, name));
    }
    return nb::borrow(PyDict_GetItemWithError(PyFunction_GET_GLOBALS(function), name));
  }
  const nb::object module = nb::steal(PyImport_ImportModule(space.c_str()));
  return nb::steal(module.is_valid() ? PyObject_GetAttr(module.ptr(), name) : nullptr);
}

} // namespace

nb::object resolve_path(PyObject* function, std::string_view path) {
  const size_t colon = path.find(':');
  const size_t second = path.find(':', colon == std::string_view::npos ? path.size() : colon + 1);
  if (colon == std::string_view::npos) {
    not_found(path);
  }
  size_t position = (second == std::string_view::npos ? colon : second) + 1;
  const auto next_name = [&] {
    const size_t end = std::min(path.find_first_of(".[", position), path.size());
    nb::object name = nb::steal(PyUnicode_FromStringAndSize(path.data() + position, static_cast<Py_ssize_t>(end - position)));
    position = end;
    return name;
  };
  nb::object found = root(function, std::string(path.substr(0, colon)), next_name().ptr());
  while (found.is_valid() && position < path.size()) {
    if (path[position++] == '.') {
      found = nb::steal(PyObject_GetAttr(found.ptr(), next_name().ptr()));
    } else {
      const size_t close = std::min(path.find(']', position), path.size());
      Py_ssize_t index = 0;
      std::from_chars(path.data() + position, path.data() + close, index);
      found = nb::steal(PySequence_GetItem(found.ptr(), index));
      position = close + 1;
    }
  }
  if (!found.is_valid()) {
    not_found(path);
  }
  return found;
}

} // namespace hasten::bindings
