// Tidies the graph of blocks: what cannot be reached is dropped, branches whose way is known become plain, chains of blocks become one, and
// blocks that do nothing but branch are jumped over.
//
// Why: fusion and the merging of expressions look at one block, so the blocks should be as long as the flow allows; and every block less is
// one less for LLVM.
#pragma once

#include "hasten/compiler/ir/function.h"

namespace hasten::passes {

// Whether anything changed. Blocks are renumbered where some are dropped.
bool tidy_flow(ir::Function& function);

} // namespace hasten::passes
