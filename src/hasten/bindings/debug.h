// Looks into the front of the compiler, for debugging and tests; docs/debugging.md describes them.
#pragma once

#include <nanobind/nanobind.h>

namespace hasten::bindings {

// Adds the functions whose names begin with "debug_".
void add_debugging(nanobind::module_& module);

} // namespace hasten::bindings
