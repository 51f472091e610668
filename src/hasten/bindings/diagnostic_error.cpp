#include "hasten/bindings/diagnostic_error.h"

#include <exception>

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

const char* fault_name(base::Fault fault) {
  switch (fault) {
  case base::Fault::kUser:
    return "user";
  case base::Fault::kMachine:
    return "machine";
  default:
    return "internal";
  }
}

} // namespace

nb::object exception_of(const base::Diagnostic& diagnostic) {
  const base::SourcePoint& point = diagnostic.point();
  nb::tuple place;
  if (diagnostic.has_point()) {
    place = nb::make_tuple(point.file.c_str(), point.function.c_str(), point.text.c_str(), point.line, point.column, point.end_column);
  } else {
    place = nb::make_tuple();
  }
  return nb::module_::import_("hasten.errors")
      .attr("from_diagnostic")(fault_name(diagnostic.fault()), diagnostic.what(), diagnostic.message().c_str(), place);
}

void set_exception(const base::Diagnostic& diagnostic) {
  try {
    const nb::object value = exception_of(diagnostic);
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(value.ptr())), value.ptr());
  } catch (nb::python_error& error) {
    error.restore();
  }
}

void translate_diagnostics() {
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const base::Diagnostic& diagnostic) {
      set_exception(diagnostic);
    }
  });
}

} // namespace hasten::bindings
