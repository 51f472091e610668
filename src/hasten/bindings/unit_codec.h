// A compiled unit as bytes, for the cache on disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hasten/compiler/compile.h"

namespace hasten::bindings {

// Nothing where the unit means something in this process only (a type that names one of its objects).
std::optional<std::string> encode(const compiler::Unit& unit);

// Nothing where the bytes are none of encode's. Handles are not kept: bindings are found again by their paths.
std::optional<compiler::Unit> decode(std::string_view bytes);

} // namespace hasten::bindings
