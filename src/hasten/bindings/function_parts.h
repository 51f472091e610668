// What a Python function carries with it. GIL held; all results are borrowed.
#pragma once

#include <Python.h>

namespace hasten::bindings {

// The closure cell of a free variable; null where the name is none.
PyObject* closure_cell(PyObject* function, PyObject* name);
// The default value of a parameter; null where it has none.
PyObject* parameter_default(PyObject* function, PyObject* name);

} // namespace hasten::bindings
