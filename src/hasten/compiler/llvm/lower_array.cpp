// Items, indices, views and fresh memory of arrays.
#include <cstddef>

#include <llvm/IR/Intrinsics.h>

#include "hasten/abi/block.h"
#include "hasten/abi/env.h"
#include "hasten/base/diagnostic.h"
#include "hasten/compiler/llvm/bounds_versioning.h"
#include "hasten/compiler/llvm/lowering.h"

namespace hasten::llvm_backend {
namespace {

// The axis along which items follow each other without gaps; -1 where nothing is known.
int dense_axis(ir::TypeRef array) {
  switch (array->layout) {
  case ir::Layout::kC:
    return array->ndim - 1;
  case ir::Layout::kF:
    return 0;
  default:
    return -1;
  }
}

} // namespace

// What a global names: its slots lie behind Env::bindings, after those of the bindings before it.
Parts Lowering::lower_binding(const Instr& instr) {
  const auto& bindings = unit_.ir().bindings;
  const auto index = static_cast<size_t>(instr.aux);
  if (index >= bindings.size() || !bindings[index].has_slots()) {
    base::internal_error("the function " + function_.name + " reads a binding that the module doesn't have");
  }
  unsigned first = 0;
  for (size_t i = 0; i < index; ++i) {
    first += bindings[i].has_slots() ? part_count(bindings[i].type) : 0;
  }
  llvm::LoadInst* slots = b_.CreateLoad(unit_.pointer(), offset_address(b_, frame_.env(), offsetof(abi::Env, bindings)));
  unit_.mark(slots, Memory::kEnv);
  return load_slots(unit_, b_, bindings[index].type, slots, first);
}

llvm::Value* Lowering::item_address(ValueId array, llvm::ArrayRef<ValueId> indices) {
  const ir::TypeRef array_type = type(array);
  const Parts& parts = value(array);
  if (!ir::is_array(array_type) || indices.size() != array_type->ndim) {
    base::internal_error("an item of a value of type " + array_type->text + " has " + std::to_string(indices.size()) + " indices");
  }
  const int dense = dense_axis(array_type);
  const PartList item_parts = parts_of(array_type->elem);
  llvm::Value* address = parts[kDataPart];
  for (unsigned axis = 0; axis < array_type->ndim; ++axis) {
    if (static_cast<int>(axis) == dense) {
      continue;
    }
    llvm::Value* stride = parts[stride_part(array_type->ndim, axis)];
    llvm::Type* unit = unit_.i8();
    if (array_type->layout == ir::Layout::kAny && axis + 1U == array_type->ndim && item_parts.size() == 1) {
      // Counted in items, for LLVM's vectoriser tries whether such a stride is 1. Items are aligned, so nothing is lost.
      unit = memory_type(unit_.context(), item_parts[0]);
      stride = b_.CreateExactSDiv(stride, b_.getInt64(part_bytes(item_parts[0])));
    }
    address = b_.CreateInBoundsGEP(unit, address, b_.CreateNSWMul(scalar(indices[axis]), stride));
  }
  if (dense >= 0) {
    llvm::Type* item = llvm::ArrayType::get(unit_.i8(), item_size(array_type->elem));
    address = b_.CreateInBoundsGEP(item, address, scalar(indices[static_cast<size_t>(dense)]));
  }
  return address;
}

Parts Lowering::lower_load(const Instr& instr) {
  const ValueId array = instr.args[0];
  const ir::TypeRef elem = type(array)->elem;
  llvm::Value* address = item_address(array, llvm::ArrayRef(instr.args).drop_front());
  Parts result;
  uint64_t offset = 0;
  for (Part part : parts_of(elem)) {
    llvm::LoadInst* load =
        b_.CreateAlignedLoad(memory_type(unit_.context(), part), offset_address(b_, address, offset), llvm::Align(part_bytes(part)));
    alias_.mark(load, array);
    result.push_back(part.kind == PartKind::kBool ? b_.CreateICmpNE(load, b_.getInt8(0)) : static_cast<llvm::Value*>(load));
    offset += part_bytes(part);
  }
  return result;
}

void Lowering::lower_store(const Instr& instr) {
  const ValueId array = instr.args[0];
  const ir::TypeRef elem = type(array)->elem;
  const Parts& item = value(instr.args.back());
  llvm::Value* address = item_address(array, llvm::ArrayRef(instr.args).drop_front().drop_back());
  uint64_t offset = 0;
  size_t index = 0;
  for (Part part : parts_of(elem)) {
    llvm::Value* content = item[index++];
    content = part.kind == PartKind::kBool ? b_.CreateZExt(content, unit_.i8()) : content;
    alias_.mark(b_.CreateAlignedStore(content, offset_address(b_, address, offset), llvm::Align(part_bytes(part))), array);
    offset += part_bytes(part);
  }
}

Parts Lowering::lower_check_index(const Instr& instr) {
  llvm::Value* index = scalar(instr.args[0]);
  llvm::Value* size = scalar(instr.args[1]);
  llvm::BasicBlock* from = b_.GetInsertBlock();
  llvm::BasicBlock* outside = frame_.new_block("outside");
  llvm::BasicBlock* inside = frame_.new_block("inside");
  llvm::Instruction* check = b_.CreateCondBr(b_.CreateICmpULT(index, size), inside, outside, unit_.likely());
  check->setMetadata(kCheckMetadata, llvm::MDNode::get(unit_.context(), {}));
  b_.SetInsertPoint(outside);
  llvm::Value* wrapped = b_.CreateAdd(index, size);
  errors_.branch_to_index_error(b_.CreateICmpULT(wrapped, size), inside, index, instr.aux, size, instr.location);
  b_.SetInsertPoint(inside);
  llvm::PHINode* result = b_.CreatePHI(unit_.i64(), 2);
  result->addIncoming(index, from);
  result->addIncoming(wrapped, outside);
  return {result};
}

Parts Lowering::lower_wrap_index(const Instr& instr) {
  llvm::Value* index = scalar(instr.args[0]);
  llvm::Value* wrapped = b_.CreateAdd(index, scalar(instr.args[1]));
  llvm::Value* negative = b_.CreateICmpSLT(index, b_.getInt64(0));
  llvm::Value* result = b_.CreateSelect(negative, wrapped, index);
  if (auto* select = llvm::dyn_cast<llvm::SelectInst>(result)) {
    select->setMetadata(kCheckMetadata, llvm::MDNode::get(unit_.context(), {}));
  }
  return {result};
}

Parts Lowering::lower_view(const Instr& instr) {
  const Parts& base = value(instr.args[0]);
  if (instr.args.size() != 2U + 2U * instr.type->ndim) {
    base::internal_error("a view of type " + instr.type->text + " has " + std::to_string(instr.args.size()) + " operands");
  }
  // Not "in bounds": the first item of an empty view may lie outside.
  Parts view{base[kBlockPart], b_.CreateGEP(unit_.i8(), base[kDataPart], scalar(instr.args[1]))};
  for (size_t i = 2; i < instr.args.size(); ++i) {
    view.push_back(scalar(instr.args[i]));
  }
  return view;
}

// The bytes of a new array. Negative sizes and products that don't fit are errors.
llvm::Value* Lowering::checked_byte_count(const Instr& instr) {
  llvm::Value* any_negative = nullptr;
  llvm::Value* overflow = b_.getFalse();
  llvm::Value* bytes = b_.getInt64(item_size(instr.type->elem));
  for (ValueId arg : instr.args) {
    llvm::Value* size = scalar(arg);
    any_negative = any_negative == nullptr ? size : b_.CreateOr(any_negative, size);
    llvm::Value* product = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smul_with_overflow, bytes, size);
    bytes = b_.CreateExtractValue(product, 0);
    overflow = b_.CreateOr(overflow, b_.CreateExtractValue(product, 1));
  }
  if (any_negative == nullptr) {
    return bytes;
  }
  llvm::BasicBlock* negative_error =
      errors_.raise_builtin(abi::ErrorKind::kValueError, "negative dimensions are not allowed", instr.location);
  llvm::BasicBlock* size_error =
      errors_.raise_builtin(abi::ErrorKind::kValueError,
                            "array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible size.", instr.location);
  llvm::BasicBlock* not_negative = frame_.new_block("not_negative");
  llvm::BasicBlock* fits = frame_.new_block("fits");
  b_.CreateCondBr(b_.CreateICmpSLT(any_negative, b_.getInt64(0)), negative_error, not_negative, unit_.unlikely());
  b_.SetInsertPoint(not_negative);
  b_.CreateCondBr(overflow, size_error, fits, unit_.unlikely());
  b_.SetInsertPoint(fits);
  return bytes;
}

Parts Lowering::lower_alloc(const Instr& instr) {
  const unsigned ndim = instr.type->ndim;
  if (!ir::is_array(instr.type) || instr.args.size() != ndim) {
    base::internal_error("alloc of " + instr.type->text + " has " + std::to_string(instr.args.size()) + " sizes");
  }
  llvm::Value* bytes = checked_byte_count(instr);
  llvm::Function* allocate = unit_.external("hst_block_new", unit_.pointer(), {unit_.i64(), unit_.i32()});
  llvm::Value* block = b_.CreateCall(allocate, {bytes, b_.getInt32(instr.aux == 1 ? 1 : 0)});
  llvm::BasicBlock* denied = errors_.raise_builtin(abi::ErrorKind::kMemoryError, "Unable to allocate array", instr.location);
  llvm::BasicBlock* granted = frame_.new_block("granted");
  b_.CreateCondBr(b_.CreateIsNull(block), denied, granted, unit_.unlikely());
  b_.SetInsertPoint(granted);
  llvm::LoadInst* data = b_.CreateLoad(unit_.pointer(), offset_address(b_, block, offsetof(abi::Block, data)));
  unit_.mark(data, Memory::kBlock);

  Parts array(part_count(instr.type), nullptr);
  array[kBlockPart] = block;
  array[kDataPart] = data;
  llvm::Value* stride = b_.getInt64(item_size(instr.type->elem));
  for (unsigned i = 0; i < ndim; ++i) {
    const unsigned axis = instr.type->layout == ir::Layout::kF ? i : ndim - 1 - i;
    array[shape_part(axis)] = scalar(instr.args[axis]);
    array[stride_part(ndim, axis)] = stride;
    stride = i + 1 < ndim ? b_.CreateNSWMul(stride, scalar(instr.args[axis])) : stride;
  }
  return array;
}

} // namespace hasten::llvm_backend
