// hasten._core: all of the engine that Python sees.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "hasten/abi/block.h"
#include "hasten/abi/parallel.h"
#include "hasten/bindings/array_boxing.h"
#include "hasten/bindings/cache.h"
#include "hasten/bindings/code_cache.h"
#include "hasten/bindings/debug.h"
#include "hasten/bindings/dispatch.h"
#include "hasten/bindings/dispatcher.h"
#include "hasten/bindings/ending.h"
#include "hasten/bindings/engine.h"
#include "hasten/bindings/errors.h"
#include "hasten/bindings/host.h"
#include "hasten/bindings/memory.h"
#include "hasten/bindings/mpi.h"
#include "hasten/bindings/named_tuples.h"
#include "hasten/bindings/pool.h"
#include "hasten/bindings/pool_buffers.h"
#include "hasten/bindings/pool_exchange.h"
#include "hasten/bindings/process_item.h"
#include "hasten/bindings/source.h"
#include "hasten/bindings/stats.h"
#include "hasten/bindings/thread_channel.h"
#include "hasten/bindings/thread_types.h"
#include "hasten/bindings/type_of.h"
#include "hasten/bindings/ufunc.h"
#include "hasten/compiler/infer/infer.h"

namespace nb = nanobind;
using namespace hasten;

namespace {

nb::dict stats() {
  int64_t allocated = 0;
  int64_t freed = 0;
  int64_t live_bytes = 0;
  hasten::abi::hst_block_counts(&allocated, &freed, &live_bytes);
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
  hasten::abi::Env env;
  if (hst_set_num_threads(&env, count) != 0) {
    bindings::set_runtime_error(env);
    nb::raise_python_error();
  }
}

std::string typeof_text(nb::handle value) { return ir::display(bindings::type_of(value.ptr(), infer::Dialect::kPython)); }

} // namespace

NB_MODULE(_core, m) {
  bindings::translate_diagnostics();
  if (!bindings::init_array_boxing(m.ptr()) || !bindings::init_dispatcher(m.ptr()) || !bindings::init_cache(m.ptr()) ||
      !bindings::init_threads(m.ptr()) || !bindings::init_process_queue(m.ptr()) || !bindings::init_process_channel(m.ptr()) ||
      !bindings::init_channel_select(m.ptr())) {
    nb::raise_python_error();
  }
  bindings::init_engine();
  bindings::init_ending();
  bindings::add_source_functions(m);
  bindings::add_debugging(m);
  bindings::add_ufunc_functions(m);
  bindings::add_memory_functions(m);
  bindings::add_named_tuple_functions(m);
  bindings::add_pool_memory(m);
  bindings::add_pool_exchange(m);
  bindings::add_pool_engine(m);
  bindings::add_mpi_functions(m);
  nb::set_leak_warnings(false); // threads that serve a pool to the end of the process hold objects of ours
  m.attr("__version__") = HASTEN_VERSION;
  m.def("stats", stats, nb::sig("def stats() -> dict[str, int]"),
        "Count what happened in this process: compilations, loads from the cache, calls, blocks of memory.");
  m.def("set_num_threads", set_num_threads, nb::arg("n"), "Let parallel loops of this thread use at most n threads.");
  m.def("get_num_threads", hst_get_num_threads, "Return how many threads parallel loops of this thread may use.");
  m.def("get_thread_id", hst_get_thread_id, "Return the index of this thread in the parallel loop that it runs, else 0.");
  m.def("typeof", typeof_text, nb::arg("value").none(), "Return the type that compiled code has for a value, as text.");
  m.def("library_functions", infer::library_functions, "Return the names of the library functions that compiled code knows.");
  m.def(
      "import_code", [](const nb::bytes& code) { return bindings::import_code({code.c_str(), code.size()}); }, nb::arg("code"),
      "Put what a dispatcher's export_code gave, in whatever process, into this process's cache.");
  m.def("set_overload_hook", bindings::set_overload_hook, nb::arg("hook").none(),
        nb::sig("def set_overload_hook(hook: Callable[[Any, list[str], list[str]], Any] | None) -> None"),
        "Let the compiler ask hook(callable, types, names) for a compiled function that stands for one that it doesn't know.");
  m.def("set_gradual_hook", bindings::set_gradual_hook, nb::arg("hook").none(),
        nb::sig("def set_gradual_hook(hook: Callable[[Any, Exception], Callable[..., Any]] | None) -> None"),
        "Let plain jit call hook(dispatcher, exception) where it can't compile; it returns what is called instead of native code.");
}
