// The names of this layer that generated code may call.
#pragma once

#include <span>

#include "hasten/abi/table.h"

namespace hasten::array {

std::span<const abi::Symbol> kernel_symbols();

} // namespace hasten::array
