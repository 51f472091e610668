// Fuses element-wise statements: an array that is made only to be an operand of the next statement is never made.
//
// Why: `sqrt(a * a + b * b)` is four statements, each of which would read and write whole arrays; memory is slower than arithmetic, and
// each statement is a kernel to compile. LLVM cannot do this, because it sees calls of a driver.
//
// An Ewise or EwiseShaped P is computed inside the statement C (Ewise, EwiseShaped, EwiseInto, EwiseReduce) of the same block where
// - all uses of P are as operands of C, or of what is fused into C already;
// - nothing between writes what P reads;
// - no other error or effect of the program could come to stand before one of P's: P's sizes are known to agree, or what stands between
//   can only fail as P would, by a ValueError about sizes. A kernel that may fail stays where it is;
// - a kernel in vectors stays one: P is computed in vectors as C is, or is cheap;
// - computing P's items where C needs them does not cost more than storing them, see below;
// - the kernel stays within the limits in fusion.cpp.
//
// C may have more items than P where P is broadcast, and then P's would be computed again and again. It depends on run-time sizes, so, by
// P's shape compared with C's, and by whether P is cheap (calls no library's loop):
//
//   shape                                              cheap                              not cheap
//   the same for certain (Shapes)                      fused                              fused
//   rank 1 as C's, its size not known to be 1          fused                              fused: real code has scalars for lone items
//   the same higher rank, no size known to be 1        fused                              kept
//   of lower rank, or a size is known to be 1          fused within a budget of work      kept
//
// EwiseShaped is fused only where P's shape is certainly C's; an Ewise that takes it in becomes an EwiseShaped.
#pragma once

#include "hasten/compiler/ir/function.h"

namespace hasten::passes {

// Before the ownership pass. New kernels are appended to the module, and simplified; old ones stay (prune_functions).
void fuse_statements(ir::Module& module, size_t function);

} // namespace hasten::passes
