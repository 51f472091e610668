// How values of the typed IR look in LLVM IR: every value is a flat list of parts, one LLVM scalar for each 64-bit slot of abi/slots.h.
// In vector code each part is a vector of `width` items. None and other values without content have no parts.
#pragma once

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/DerivedTypes.h>

#include "hasten/compiler/ir/type.h"

namespace hasten::llvm_backend {

enum class PartKind : uint8_t { kBool, kInt, kFloat, kBlock, kPointer };

struct Part {
  PartKind kind;
  uint8_t bits; // of kInt, kFloat
  bool is_signed;
};

using PartList = llvm::SmallVector<Part, 8>;
// The LLVM values that make up one value of the IR.
using Parts = llvm::SmallVector<llvm::Value*, 2>;

// Throws base::Diagnostic (kInternal) for types that compiled code can't hold.
PartList parts_of(ir::TypeRef type);
void append_parts(ir::TypeRef type, PartList& out);
unsigned part_count(ir::TypeRef type);
// Where item `index` of an aggregate begins among its parts.
unsigned item_offset(ir::TypeRef aggregate, unsigned index);
ir::TypeRef item_type(ir::TypeRef aggregate, unsigned index);

llvm::Type* register_type(llvm::LLVMContext& context, Part part, unsigned width = 1);
// The same, but a bool is a byte.
llvm::Type* memory_type(llvm::LLVMContext& context, Part part, unsigned width = 1);
unsigned part_bytes(Part part);

// Positions of an array's parts.
constexpr unsigned kBlockPart = 0;
constexpr unsigned kDataPart = 1;
constexpr unsigned shape_part(unsigned axis) { return 2 + axis; }
constexpr unsigned stride_part(unsigned ndim, unsigned axis) { return 2 + ndim + axis; }

} // namespace hasten::llvm_backend
