// Seeded random functions over arrays, tuples and bools with any control flow: loops that nothing reduces, unreachable blocks, critical
// edges.
#pragma once

#include <cstdint>

#include "hasten/compiler/ir/function.h"

namespace hasten::passes::testing {

// Function 0: (array, array, tuple(array, array), bool) → array or tuple; 1: a kernel of two; 2: a callee that returns its argument or a
// new array.
ir::Module random_module(uint32_t seed);

} // namespace hasten::passes::testing
