// vectorize and guvectorize: compiled inner loops in true NumPy ufuncs.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>

#include "hasten/compiler/infer/host.h"

namespace hasten::bindings {

class PythonHost;

// The ufunc that an object is, or has as __hasten_ufunc__, where vectorize or guvectorize made it; else invalid. GIL held.
nanobind::object compiled_ufunc_behind(PyObject* object);
// What the compiler must know of such a ufunc. GIL held.
std::shared_ptr<const infer::HostUfunc> describe_ufunc(PythonHost& host, PyObject* ufunc);

// Adds compile_loop, make_ufunc and add_loop to the module.
void add_ufunc_functions(nanobind::module_& m);

} // namespace hasten::bindings
