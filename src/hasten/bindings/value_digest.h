// Digests of Python values that became part of compiled code: equal in every process where the code means the same.
//
// All functions need the GIL; none leaves an error set.
#pragma once

#include <Python.h>

#include "hasten/base/digest.h"
#include "hasten/compiler/infer/host.h"

namespace hasten::bindings {

// Adds a value to the hash: numbers, strings and tuples by their content; functions by their code, defaults and options; modules, classes
// and what libraries offer by their names; arrays by their types, because code reads them where they are. False where the value is none of
// these.
bool add_value(PyObject* value, base::FieldHasher* hash);

// Adds the options of a function, all of them.
void add_options(const infer::Options& options, base::FieldHasher* hash);

// Adds a Python function: its code with all that is nested in it, and its defaults.
bool add_function(PyObject* function, base::FieldHasher* hash);

} // namespace hasten::bindings
