// Makes counts of blocks explicit, as few of them as the flow of values allows.
//
// Why a pass of its own, and the last one: infer and the other passes treat arrays as plain values, which keeps them free to move, merge
// and drop uses; only when every use has its final place is it known where a value dies. Afterwards no pass may move a use.
//
// What it guarantees (docs/ir.md, "Counts", has the contract with the lowering):
// - A value that owns (Alloc, Ewise, EwiseShaped, Call, Runtime, ParallelFor, Phi) is released on every path that does not fail, behind
//   its last use or the last use of what borrows from it; a value that is never used, at once.
// - A phi takes over the count of an operand that dies on the edge (Move); else the operand is retained there. Edge code stands before the
//   branch, or behind the phis of the target where the edge is its only one, or in a block that splits the edge.
// - Ret hands over what dies with it and retains the rest. A view hands over its base's count, a tuple that of its items.
// - Nothing is inserted for failures: blocks that end in Raise or Unreachable do not release what they inherit.
#pragma once

#include "hasten/compiler/ir/function.h"

namespace hasten::passes {

// Whether a value of a counted type owns its counts, by the op that makes it; else it borrows.
bool owns_its_counts(ir::Op op);

void insert_counts(ir::Function& function);

} // namespace hasten::passes
