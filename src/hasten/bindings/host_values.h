// Python objects as the compiler's HostValues. GIL held in all functions.
#pragma once

#include <Python.h>

#include <string>

#include "hasten/bindings/host.h"

namespace hasten::bindings {

// See PythonHost::value_of.
infer::HostValue host_value(PythonHost& host, PyObject* object, const std::string& path, infer::Dialect dialect);

// The Python function behind a dispatcher, or the function itself; borrowed. Null where the object is neither.
PyObject* function_behind(PyObject* callable);
// The options of a dispatcher; the defaults for everything else.
infer::Options options_of(PyObject* callable);

// Whether compiled code may take the object's attributes for constants: modules, classes, numpy.finfo and numpy.iinfo.
bool has_constant_attributes(PyObject* object);

} // namespace hasten::bindings
