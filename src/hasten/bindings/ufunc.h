// vectorize and guvectorize: compiled inner loops in true NumPy ufuncs.
#pragma once

#include <nanobind/nanobind.h>

namespace hasten::bindings {

// Adds compile_loop, make_ufunc and add_loop to the module.
void add_ufunc_functions(nanobind::module_& m);

} // namespace hasten::bindings
