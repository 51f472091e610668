// The names of this layer that generated code may call.
#pragma once

#include <span>

#include "hasten/abi/table.h"

namespace hasten::mpi {

std::span<const abi::Symbol> mpi_symbols();

} // namespace hasten::mpi
