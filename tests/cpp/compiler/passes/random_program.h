// Seeded random programs as infer would write them: structured loops over ranges, branches, array statements, checked indices. Unlike those
// of random_function.h they mean something: before and after a pass they must give the same results, effects and errors.
#pragma once

#include <cstdint>
#include <string>

#include "hasten/compiler/ir/function.h"
#include "interpreter.h"

namespace hasten::passes::testing {

// Function 0 takes two 1-d arrays, one 2-d array, an int and a float, and gives a tuple of all its variables.
ir::Module random_program(uint32_t seed);

// Runs function 0 on arguments that follow from the seed, and tells all that can be seen from outside: result or error, and the arguments'
// items. `counted`: the module went through the ownership pass; faults of counting are told too.
std::string behaviour(const ir::Module& module, uint32_t seed, bool counted = false);

} // namespace hasten::passes::testing
