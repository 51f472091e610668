// hasten._core.Dispatcher: the Python object that stands in the place of a jitted function.
//
// All functions need the GIL.
#pragma once

#include <Python.h>

namespace hasten::bindings {

bool is_dispatcher(PyObject* object);
// Of a dispatcher: the Python function; borrowed.
PyObject* function_of(PyObject* dispatcher);
// Whether its code is kept on disk.
bool is_cached(PyObject* dispatcher);

// Makes the type. Called once, from module.cpp; false with an exception set.
bool init_dispatcher(PyObject* module);

} // namespace hasten::bindings
