// The order of the passes over the typed IR.
//
//   1. simplify         What infer wrote becomes plain: constants, tuples, sizes. Fusion asks whether shapes are certainly equal and looks
//                       at one block, so equal sizes must be one value and blocks as long as the flow allows.
//   2. fuse_statements  On every function but kernels. Behind 1, and before all that would pin a use of an intermediate array.
//   3. simplify         Drops what only the arrays needed that are gone.
//   4. prune_functions  Kernels that were fused into others go, equal ones become one. No pass behind it makes functions.
//   5. remove_checks    Index checks that always pass. Wants equal sizes to be one value, hence behind 3. No simplify follows: what little
//                       it bares LLVM drops.
//   6. insert_counts    Last: from here on uses have their final places.
//
// In builds with HASTEN_IR_CHECKS the module is verified before the first pass and after each.
#pragma once

#include "hasten/compiler/ir/function.h"

namespace hasten::passes {

// Throws base::Diagnostic (kInternal) where a check fails, with the pass, the rule that is broken and the function's text.
void run_all(ir::Module& module);

} // namespace hasten::passes
