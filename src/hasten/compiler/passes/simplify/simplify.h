// Makes a function smaller without changing what it does, by rules that are cheap and exact: the flow of blocks (flow.h), what single ops
// stand for (forward.h), equal values (merge.h), what nothing needs (dead.h).
//
// Why at all, with LLVM behind: the passes over arrays see constants, sizes and aggregates as infer wrote them; whatever they are to find
// must be plain to see by then. And what is dropped here costs LLVM nothing.
#pragma once

#include "hasten/compiler/ir/function.h"

namespace hasten::passes {

// Before the ownership pass.
void simplify(ir::Module& module, ir::Function& function);

} // namespace hasten::passes
