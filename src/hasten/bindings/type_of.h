// The types of Python's values, as compiled code sees them.
#pragma once

#include <Python.h>

#include <cstdint>

#include "hasten/compiler/infer/host.h"
#include "hasten/compiler/ir/type.h"

namespace hasten::bindings {

// The type of an argument. Throws Diagnostic, naming the value's class and a way out, where compiled code has no type for it. Objects that
// a type refers to (functions, modules, classes) are kept for good. GIL held.
ir::TypeRef type_of(PyObject* value, infer::Dialect dialect);

// 64 bits that stand for the type: equal codes mean equal types, in either dialect. 0: the value has no code, ask type_of. Codes of arrays
// and NumPy's scalars exist only after numpy_bridge's import. Takes no reference, allocates nothing, sets no error. GIL held.
uint64_t type_code(PyObject* value);

// Of a NumPy dtype object (a PyArray_Descr): the scalar type. Throws Diagnostic where compiled code doesn't know the dtype. GIL held.
ir::TypeRef type_of_dtype(PyObject* dtype);
// Of a subclass of numpy.generic: null where compiled code has no such scalars. GIL held.
ir::TypeRef type_of_scalar_class(PyTypeObject* scalar_class);

} // namespace hasten::bindings
