// The block function and the constant abi::EwiseProgram of an element-wise kernel.
#pragma once

#include <vector>

#include "hasten/abi/ewise.h"
#include "hasten/compiler/llvm/unit.h"

namespace hasten::llvm_backend {

// How the kernel's parameters get their items, in order.
using OperandKinds = std::vector<abi::EwiseOperand>;

// The program's address. Made once for each kernel and kinds of operands.
llvm::Constant* ewise_program(Unit& unit, uint32_t kernel, const OperandKinds& kinds);

struct BlockShape {
  int multiple = 1;
  int64_t max_block = INT64_MAX;
  unsigned width = 1; // items in a vector
};

// On functions whose loops are written in vectors already: LLVM's passes would only cost time.
inline constexpr const char* kVectorBlockAttribute = "hasten-vector-block";

// Fills in `host`, an abi::EwiseBlock, for a straight kernel (ewise_plan.h).
BlockShape emit_straight_block(Unit& unit, const ir::Function& kernel, const OperandKinds& kinds, llvm::Function* host);

} // namespace hasten::llvm_backend
