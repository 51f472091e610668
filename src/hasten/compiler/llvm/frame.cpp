#include "hasten/compiler/llvm/frame.h"

namespace hasten::llvm_backend {
namespace {

constexpr uint64_t kSlotBytes = 8;

llvm::Value* extended(Unit& unit, Builder& b, Part part, llvm::Value* value) {
  switch (part.kind) {
  case PartKind::kBool:
    return b.CreateZExt(value, unit.i64());
  case PartKind::kInt:
    return part.is_signed ? b.CreateSExt(value, unit.i64()) : b.CreateZExt(value, unit.i64());
  case PartKind::kFloat:
    return b.CreateZExt(b.CreateBitCast(value, b.getIntNTy(part.bits)), unit.i64());
  default:
    return value;
  }
}

} // namespace

Frame::Frame(Unit& unit, llvm::Function& host, llvm::Value* env, Builder& b) : unit_(unit), host_(host), env_(env), entry_(unit) {
  llvm::BasicBlock* entry = new_block("entry");
  llvm::BasicBlock* body = new_block("body");
  entry_.SetInsertPoint(entry);
  entry_.SetInsertPoint(entry_.CreateBr(body));
  b.SetInsertPoint(body);
}

llvm::BasicBlock* Frame::new_block(const char* name) { return llvm::BasicBlock::Create(unit_.context(), name, &host_); }

llvm::AllocaInst* Frame::reserve(uint64_t bytes, uint64_t alignment) {
  llvm::BasicBlock& entry = host_.getEntryBlock();
  Builder top(unit_);
  top.SetInsertPoint(&entry, entry.begin());
  llvm::AllocaInst* memory = top.CreateAlloca(llvm::ArrayType::get(unit_.i8(), bytes));
  memory->setAlignment(llvm::Align(alignment));
  return memory;
}

llvm::Value* Frame::scratch(uint64_t bytes) {
  llvm::Value*& known = scratch_[bytes];
  if (known == nullptr) {
    known = reserve(bytes);
  }
  return known;
}

llvm::Value* offset_address(Builder& b, llvm::Value* base, uint64_t offset) {
  return offset == 0 ? base : b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), base, offset);
}

llvm::Value* load_part(Unit& unit, Builder& b, Part part, llvm::Value* address, Memory memory) {
  llvm::LoadInst* load = b.CreateAlignedLoad(memory_type(unit.context(), part), address, llvm::Align(part_bytes(part)));
  unit.mark(load, memory);
  return part.kind == PartKind::kBool ? b.CreateICmpNE(load, b.getInt8(0)) : static_cast<llvm::Value*>(load);
}

void store_part(Unit& unit, Builder& b, Part part, llvm::Value* value, llvm::Value* address, Memory memory) {
  if (part.kind == PartKind::kBool) {
    value = b.CreateZExt(value, unit.i8());
  }
  unit.mark(b.CreateAlignedStore(value, address, llvm::Align(part_bytes(part))), memory);
}

Parts load_slots(Unit& unit, Builder& b, ir::TypeRef type, llvm::Value* slots, unsigned first) {
  Parts value;
  for (Part part : parts_of(type)) {
    value.push_back(load_part(unit, b, part, offset_address(b, slots, kSlotBytes * first++), Memory::kFrame));
  }
  return value;
}

void store_slots(Unit& unit, Builder& b, ir::TypeRef type, const Parts& value, llvm::Value* slots, unsigned first) {
  size_t index = 0;
  for (Part part : parts_of(type)) {
    store_part(unit, b, part, value[index++], offset_address(b, slots, kSlotBytes * first++), Memory::kFrame);
  }
}

void store_extended_slots(Unit& unit, Builder& b, ir::TypeRef type, const Parts& value, llvm::Value* slots, Memory memory) {
  size_t index = 0;
  for (Part part : parts_of(type)) {
    llvm::Value* word = extended(unit, b, part, value[index]);
    unit.mark(b.CreateAlignedStore(word, offset_address(b, slots, kSlotBytes * index), llvm::Align(kSlotBytes)), memory);
    ++index;
  }
}

Parts load_item(Unit& unit, Builder& b, ir::TypeRef scalar, llvm::Value* address, Memory memory) {
  Parts value;
  uint64_t offset = 0;
  for (Part part : parts_of(scalar)) {
    value.push_back(load_part(unit, b, part, offset_address(b, address, offset), memory));
    offset += part_bytes(part);
  }
  return value;
}

void store_item(Unit& unit, Builder& b, ir::TypeRef scalar, const Parts& value, llvm::Value* address, Memory memory) {
  uint64_t offset = 0;
  size_t index = 0;
  for (Part part : parts_of(scalar)) {
    store_part(unit, b, part, value[index++], offset_address(b, address, offset), memory);
    offset += part_bytes(part);
  }
}

unsigned item_size(ir::TypeRef scalar) {
  unsigned size = 0;
  for (Part part : parts_of(scalar)) {
    size += part_bytes(part);
  }
  return size;
}

} // namespace hasten::llvm_backend
