#include "hasten/bindings/mpi.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "hasten/bindings/ending.h"
#include "hasten/mpi/library.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

// A thread that waits for MPI runs without the GIL.
void keep(void* owner) {
  const GilHeld with_gil;
  Py_INCREF(static_cast<PyObject*>(owner));
}

void let_go(void* owner) {
  const GilHeld with_gil;
  Py_DECREF(static_cast<PyObject*>(owner));
}

void announce_collective() {
  const GilHeld with_gil;
  try {
    nb::module_::import_("hasten.backends.ranks").attr("announce_collective")();
  } catch (nb::python_error& error) {
    error.discard_as_unraisable("hasten.mpi");
  }
}

std::vector<std::string> function_names() {
  return {
#define HASTEN_MPI_FUNCTION(result, name, arguments) #name,
#include "hasten/mpi/functions.def"
#undef HASTEN_MPI_FUNCTION
  };
}

template <typename Function> void take_address(const nb::dict& functions, const char* name, Function** function) {
  *function = reinterpret_cast<Function*>(nb::cast<uintptr_t>(functions[name]));
}

void set_library(const nb::dict& functions, const nb::dict& types, const std::vector<uint64_t>& operations, const nb::dict& facts) {
  mpi::Library library;
#define HASTEN_MPI_FUNCTION(result, name, arguments) take_address(functions, #name, &library.call.name);
#include "hasten/mpi/functions.def"
#undef HASTEN_MPI_FUNCTION
  for (const auto& [dtype, handle] : types) {
    library.types[nb::cast<size_t>(dtype)] = nb::cast<mpi::Handle>(handle);
  }
  std::copy_n(operations.begin(), std::min<size_t>(operations.size(), mpi::kCombineCount), library.combine);
  library.rank = nb::cast<int>(facts["rank"]);
  library.size = nb::cast<int>(facts["size"]);
  library.world = nb::cast<mpi::Handle>(facts["world"]);
  library.byte = nb::cast<mpi::Handle>(facts["byte"]);
  library.any_source = nb::cast<int>(facts["any_source"]);
  library.source_offset = nb::cast<int>(facts["source_offset"]);
  library.any_thread = nb::cast<bool>(facts["any_thread"]);
  library.keep = keep;
  library.let_go = let_go;
  library.announce_collective = announce_collective;
  mpi::set_library(library);
}

} // namespace

bool calls_mpi(const std::vector<std::string>& symbols) {
  return std::any_of(symbols.begin(), symbols.end(), [](const std::string& symbol) { return symbol.rfind("hst_mpi_", 0) == 0; });
}

void prepare_mpi(const std::vector<std::string>& symbols) {
  if (calls_mpi(symbols) && !mpi::has_library()) {
    nb::module_::import_("hasten.backends.mpi_library").attr("hand_over")();
  }
}

void add_mpi_functions(nb::module_& m) {
  m.def("mpi_function_names", function_names, "Return the names of MPI's functions that compiled code calls, without \"MPI_\".");
  m.def("set_mpi_library", set_library, nb::arg("functions"), nb::arg("types"), nb::arg("operations"), nb::arg("facts"),
        nb::sig(
            "def set_mpi_library(functions: dict[str, int], types: dict[int, int], operations: list[int], facts: dict[str, int]) -> None"),
        "Tell compiled code where MPI's functions lie, and what its handles are.");
  m.def("begin_mpi_collective", mpi::begin_collective, "Count a collective call; return whether it must be announced first.");
  m.def("mpi_collective_calls", mpi::collective_calls, "Return how many collective calls this process has made.");
  m.def("owe_mpi_announcement", mpi::owe_announcement, "Let the next collective call be announced.");
}

} // namespace hasten::bindings
