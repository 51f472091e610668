// hasten._worker: what the worker processes of a pool need of the engine, and no more. Each new template loads it, which takes a fifth of
// the time that hasten._core takes.
#include <nanobind/nanobind.h>

#include "hasten/bindings/diagnostic_error.h"
#include "hasten/bindings/pool_buffers.h"
#include "hasten/bindings/pool_worker.h"

namespace bindings = hasten::bindings;

NB_MODULE(_worker, m) {
  bindings::translate_diagnostics();
  bindings::add_pool_memory(m);
  bindings::add_pool_worker(m);
  nanobind::set_leak_warnings(false); // the watch over the parent ends the process without looking back
}
