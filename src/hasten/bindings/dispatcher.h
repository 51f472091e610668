// hasten._core.Dispatcher: the Python object that stands in the place of a jitted function.
//
// All functions need the GIL.
#pragma once

#include <Python.h>

#include "hasten/compiler/infer/host.h"

namespace hasten::bindings {

bool is_dispatcher(PyObject* object);
// Of a dispatcher: the Python function (borrowed) and how it is compiled.
PyObject* function_of(PyObject* dispatcher);
const infer::Options& options_of(PyObject* dispatcher);

// Makes the type. Called once, from module.cpp; false with an exception set.
bool init_dispatcher(PyObject* module);

} // namespace hasten::bindings
