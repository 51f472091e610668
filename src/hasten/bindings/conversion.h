// Which declared signature a call goes to where its arguments have other types than any of them.
#pragma once

#include <span>
#include <vector>

#include "hasten/compiler/infer/host.h"

namespace hasten::bindings {

enum class Conversion : uint8_t {
  kExact,
  kPromote, // the same kind of value, wider
  kSafe,    // keeps the value (int64 to float64 counts, as numba and NumPy have it)
  kUnsafe,  // may change it; only numba's dialect does that unasked
  kNone,
};

Conversion conversion(ir::TypeRef from, ir::TypeRef to, infer::Dialect dialect);

// The indices of the signatures that need the least conversion: none where no signature fits, several where the choice is ambiguous.
std::vector<size_t> best_signatures(std::span<const ir::TypeRef> arguments, std::span<const std::vector<ir::TypeRef>> signatures,
                                    infer::Dialect dialect);

// "float64, array(int64, 1d, C)"
std::string display_all(std::span<const ir::TypeRef> types);

} // namespace hasten::bindings
