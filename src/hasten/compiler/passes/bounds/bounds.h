// Drops index checks that always pass, and overflow checks on sums that stay in range.
//
// Why here, with LLVM behind: LLVM sees loads of sizes from descriptors and a loop that polls for signals in strips, and has lost that a
// size is not negative and that `range(len(a))` runs to the size of `a`. What takes run-time reasoning over whole loops is left to the
// layer below, which keeps a fast and a checked version of a loop; here are the cases that need no second version.
#pragma once

#include "hasten/compiler/ir/function.h"

namespace hasten::passes {

// Behind simplify, which makes equal sizes one value; before the ownership pass. A check that passes becomes its index, AddChecked and
// SubChecked become Add and Sub.
void remove_checks(ir::Module& module);

} // namespace hasten::passes
