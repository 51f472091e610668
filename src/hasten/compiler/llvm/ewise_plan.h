// How a straight kernel is computed over a block of items: in stages of vector loops with calls of C functions or of NumPy's inner loops
// between them. Values that cross from one stage to another, or into a call, lie in buffers.
#pragma once

#include <vector>

#include "hasten/compiler/ir/function.h"

namespace hasten::llvm_backend {

// Items that a block function with buffers computes at most.
constexpr int64_t kBufferItems = 1024;

struct EwiseStage {
  std::vector<ir::ValueId> computed; // by the vector loop, in order; parameters and constants are not listed
  std::vector<ir::ValueId> calls;    // Extern and Ufunc, after the loop
};

struct EwisePlan {
  std::vector<EwiseStage> stages;
  std::vector<bool> buffered; // by value
  ir::ValueId result = ir::kNone;
  bool result_from_call = false; // the last call writes the block's result itself
  bool has_buffers = false;
};

// Whether the function is one block of ops on scalars that can't fail, and so can be computed in vectors.
bool is_straight(const ir::Function& function);
// The function must be straight. iota: the position of the parameter that is the linear index, or -1.
EwisePlan plan_ewise(const ir::Function& function, int iota);

// What one item costs about, in ns, with vectors of `width` items.
double estimate_cost(const ir::Function& function, unsigned width);

} // namespace hasten::llvm_backend
