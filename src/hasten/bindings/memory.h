// hasten._core.memory_digest: memo's digest of what Python objects hold. Needs the GIL.
#pragma once

#include <nanobind/nanobind.h>

namespace hasten::bindings {

void add_memory_functions(nanobind::module_& m);

} // namespace hasten::bindings
