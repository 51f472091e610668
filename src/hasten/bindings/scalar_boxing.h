// Numbers, truth values, dates at the border. All functions need the GIL; where one fails, a Python exception is set.
#pragma once

#include <Python.h>

#include "hasten/compiler/infer/host.h"

namespace hasten::bindings {

inline bool is_scalar(ir::TypeRef type) { return type->kind <= ir::Kind::kDatetime; }

// Writes one slot, or two of a complex number; see unbox in boxing.h.
bool unbox_scalar(PyObject* value, ir::TypeRef type, infer::Dialect dialect, uint64_t* slots);

// A new reference; see box in boxing.h.
PyObject* box_scalar(ir::TypeRef type, infer::Dialect dialect, const uint64_t* slots);

} // namespace hasten::bindings
