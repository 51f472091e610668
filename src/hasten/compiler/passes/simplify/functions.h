// Leaves each function that is needed in the module once: fused kernels leave the kernels behind that they were made of, and every `a + b`
// of the program brought a kernel of its own. What is left is what LLVM has to compile.
#pragma once

#include "hasten/compiler/ir/function.h"

namespace hasten::passes {

// Merges equal kernels, drops what function 0 does not reach, and renumbers.
void prune_functions(ir::Module& module);

} // namespace hasten::passes
