// Python's constants as syntax::Literal.
#pragma once

#include <Python.h>

#include "hasten/compiler/syntax/tree.h"

namespace hasten::bindings {

// `value`: what a Constant of `_ast` holds. Throws Diagnostic where it is none of those. GIL held.
syntax::Literal literal_of(PyObject* value);

} // namespace hasten::bindings
