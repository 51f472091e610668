// The names of this layer that generated code may call.
#pragma once

#include <span>

#include "hasten/abi/table.h"

namespace hasten::parallel {

std::span<const abi::Symbol> parallel_symbols();

} // namespace hasten::parallel
