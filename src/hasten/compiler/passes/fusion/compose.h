// Makes one kernel of the kernels of several element-wise statements, each an operand of a later one.
#pragma once

#include "hasten/compiler/ir/function.h"

namespace hasten::passes {

struct Composed {
  size_t kernel;                     // index of the new function
  std::vector<ir::ValueId> operands; // of the fused statement: each array and scalar once, no constants
};

// `statements` are Ewise, EwiseShaped, EwiseInto or EwiseReduce in the order of their block; the last one consumes the others, whose values
// appear nowhere else. Operands that are constants become part of the kernel. Kernels of statements with an iota share one, the last
// parameter. Appends to Module::functions within its capacity, so that references stay good.
Composed compose(ir::Module& module, const ir::Function& function, const std::vector<ir::ValueId>& statements);

// Where a statement's operands begin that are items of the kernel: behind the shape or the destination.
size_t first_operand(const ir::Instr& statement);
// Whether the kernel has a parameter without operand, the linear index.
bool has_iota(const ir::Module& module, const ir::Instr& statement);

} // namespace hasten::passes
