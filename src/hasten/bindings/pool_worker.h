// hasten._worker.PoolWorker: what a pool's worker processes run.
#pragma once

#include <nanobind/nanobind.h>

namespace hasten::bindings {

void add_pool_worker(nanobind::module_& m);

} // namespace hasten::bindings
