// Turns Python's errors into diagnostics, for code that runs below the border to Python.
#pragma once

#include <Python.h>

#include <string>

#include "hasten/base/diagnostic.h"

namespace hasten::bindings {

// Takes the Python error that is set in this thread. The message reads "<what>: <class>: <text>". GIL held.
base::Diagnostic diagnostic_of_python_error(const std::string& what);

// str(object), or a stand-in where that fails. No error is left set. GIL held.
std::string text_of(PyObject* object);

// Takes the exception that is set, with its traceback; a new reference.
PyObject* take_exception();
// Raises an exception that was taken.
void raise_again(PyObject* exception);

} // namespace hasten::bindings
