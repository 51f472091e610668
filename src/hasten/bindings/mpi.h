// What compiled code uses of MPI: the library that mpi4py has started.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

namespace hasten::bindings {

// Whether code that calls these symbols calls MPI, and so waits for other processes.
bool calls_mpi(const std::vector<std::string>& symbols);

// Starts MPI where code that calls these symbols needs it, and finds its functions. Once; GIL held. nb::python_error where there is none.
void prepare_mpi(const std::vector<std::string>& symbols);

void add_mpi_functions(nanobind::module_& m);

} // namespace hasten::bindings
