// hasten._core: all of the engine that Python sees.
#include <nanobind/nanobind.h>

#include "hasten/abi/block.h"
#include "hasten/abi/parallel.h"
#include "hasten/bindings/array_boxing.h"
#include "hasten/bindings/dispatch.h"
#include "hasten/bindings/dispatcher.h"
#include "hasten/bindings/engine.h"
#include "hasten/bindings/errors.h"
#include "hasten/bindings/stats.h"

namespace nb = nanobind;
using namespace hasten;

namespace {

nb::dict stats() {
  int64_t allocated = 0;
  int64_t freed = 0;
  int64_t live_bytes = 0;
  hst_block_counts(&allocated, &freed, &live_bytes);
  nb::dict counts;
  counts["native_compilations"] = bindings::counters.native_compilations;
  counts["cache_loads"] = bindings::counters.cache_loads;
  counts["native_calls"] = bindings::counters.native_calls;
  counts["interpreted_calls"] = bindings::counters.interpreted_calls;
  counts["blocks_allocated"] = allocated;
  counts["blocks_freed"] = freed;
  counts["block_bytes"] = live_bytes;
  return counts;
}

void set_num_threads(int64_t count) {
  abi::Env env;
  if (hst_set_num_threads(&env, count) != 0) {
    bindings::set_runtime_error(env);
    nb::raise_python_error();
  }
}

} // namespace

NB_MODULE(_core, module) {
  if (!import_numpy() || !bindings::init_array_boxing(module.ptr()) || !bindings::init_dispatcher(module.ptr())) {
    nb::raise_python_error();
  }
  bindings::init_engine();
  module.attr("__version__") = HASTEN_VERSION;
  module.def("stats", stats, "What happened in this process: compilations, loads from the cache, calls, blocks of memory.");
  module.def("set_num_threads", set_num_threads, nb::arg("n"), "Let parallel loops of this thread use at most n threads.");
  module.def("get_num_threads", hst_get_num_threads, "How many threads parallel loops of this thread may use.");
  module.def("get_thread_id", hst_get_thread_id, "The index of this thread in the parallel loop that it runs, else 0.");
  module.def("set_gradual_hook", bindings::set_gradual_hook, nb::arg("hook").none(),
             "What plain jit calls with (dispatcher, exception) where it can't compile; returns what is called instead of native code.");
}
