// Looks into the front of the compiler, for debugging and tests; docs/debugging.md describes them.
#pragma once

#include <nanobind/nanobind.h>

namespace hasten::bindings {

// Adds _debug_syntax, _debug_typeof, _debug_typecode, _debug_signature, _debug_lookup and _debug_numpy_loop.
void add_debugging(nanobind::module_& module);
// Adds what hasten._source and pickling call.
void add_source_functions(nanobind::module_& module);

} // namespace hasten::bindings
