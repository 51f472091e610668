// hasten._core.PoolEngine and PoolBatch: the process pool's engine as the package's Python code uses it.
#pragma once

#include <nanobind/nanobind.h>

namespace hasten::bindings {

void add_pool_engine(nanobind::module_& m);

} // namespace hasten::bindings
