// The loops that the lowering itself writes: over items, blocks, chunks.
#pragma once

#include "hasten/compiler/llvm/frame.h"

namespace hasten::llvm_backend {

// A loop over [0, n) in steps; n is at least one step.
struct CountedLoop {
  llvm::PHINode* index;
  llvm::BasicBlock* body;
};

// Leaves the builder in the body.
CountedLoop begin_loop(Frame& frame, Builder& b);
// Ends the body at the builder's place and leaves the builder behind the loop. Returns the branch back.
llvm::Instruction* end_loop(Frame& frame, Builder& b, const CountedLoop& loop, llvm::Value* n, int64_t step);

// Promises that the turns of a loop, whose blocks are the last ones of the function so far, touch different items.
void mark_independent(Unit& unit, const CountedLoop& loop, llvm::Instruction* back);

// Address of an item in a contiguous array of scalars.
llvm::Value* item_at(Unit& unit, Builder& b, ir::TypeRef scalar, llvm::Value* base, llvm::Value* index);

} // namespace hasten::llvm_backend
