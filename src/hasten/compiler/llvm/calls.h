// Calls of C functions and of NumPy's inner loops, as scalar code and block functions both make them.
#pragma once

#include "hasten/compiler/llvm/frame.h"
#include "hasten/compiler/llvm/pure.h"

namespace hasten::llvm_backend {

// A C function on scalars. Complex ones follow the System V ABI: two doubles, or two floats in one register.
Parts call_extern(Unit& unit, Builder& b, llvm::StringRef name, ir::TypeRef result, llvm::ArrayRef<ir::TypeRef> types, ArgParts args);

// How a C caller extends a part that is narrower than a register; kNone where it doesn't.
llvm::Attribute::AttrKind extension(Part part);

// One inner loop of NumPy over `count` items.
struct LoopOperand {
  llvm::Value* address;
  int64_t step; // bytes from item to item; 0: the same item each time
};
void call_numpy_loop(Frame& frame, Builder& b, llvm::StringRef name, llvm::ArrayRef<LoopOperand> operands, llvm::Value* count);

} // namespace hasten::llvm_backend
