#include "hasten/compiler/llvm/owned.h"

#include <cstddef>

#include "hasten/abi/block.h"
#include "hasten/base/diagnostic.h"

namespace hasten::llvm_backend {
namespace {

bool is_owned_kind(ir::Op op) {
  switch (op) {
  case ir::Op::kAlloc:
  case ir::Op::kEwise:
  case ir::Op::kEwiseShaped:
  case ir::Op::kCall:
  case ir::Op::kRuntime:
  case ir::Op::kParallelFor:
  case ir::Op::kPhi:
    return true;
  default:
    return false;
  }
}

// Positions of the blocks among the parts of a value.
llvm::SmallVector<unsigned, 2> block_positions(ir::TypeRef type) {
  llvm::SmallVector<unsigned, 2> positions;
  unsigned position = 0;
  for (Part part : parts_of(type)) {
    if (part.kind == PartKind::kBlock) {
      positions.push_back(position);
    }
    ++position;
  }
  return positions;
}

} // namespace

OwnedSlots::OwnedSlots(Frame& frame, const ir::Function& function) : frame_(frame), function_(function) {
  for (const ir::Block& block : function.blocks) {
    for (ir::ValueId value : block.instrs) {
      const ir::Instr& instr = function.values[value];
      if (instr.type->counted && is_owned_kind(instr.op)) {
        first_slot_[value] = slot_count_;
        slot_count_ += block_positions(instr.type).size();
      }
    }
  }
}

void OwnedSlots::create(Builder& b) {
  if (slot_count_ != 0) {
    memory_ = frame_.reserve(8 * slot_count_);
    b.CreateMemSet(memory_, b.getInt8(0), 8 * slot_count_, llvm::Align(8));
  }
}

void OwnedSlots::fill(Builder& b, ir::ValueId value, const Parts& parts) {
  const auto found = first_slot_.find(value);
  if (found == first_slot_.end()) {
    return;
  }
  uint64_t slot = found->second;
  for (unsigned position : block_positions(function_.values[value].type)) {
    frame_.unit().mark(b.CreateStore(parts[position], offset_address(b, memory_, 8 * slot++)), Memory::kFrame);
  }
}

void OwnedSlots::clear(Builder& b, ir::ValueId value) {
  fill(b, value, Parts(part_count(function_.values[value].type), llvm::ConstantPointerNull::get(frame_.unit().pointer())));
}

// One call for all slots; it passes over nulls, and empties the slots.
void OwnedSlots::call_release(Builder& b, uint64_t first, uint64_t count, bool cold) {
  Unit& unit = frame_.unit();
  const char* name = unit.shares_blocks(function_) ? "hst_release_slots_atomic" : "hst_release_slots";
  llvm::CallInst* call = b.CreateCall(unit.external(name, b.getVoidTy(), {unit.pointer(), unit.i64()}),
                                      {offset_address(b, memory_, 8 * first), b.getInt64(count)});
  if (cold) {
    call->addFnAttr(llvm::Attribute::Cold);
  }
}

void OwnedSlots::release(Builder& b, ir::ValueId value) {
  const auto found = first_slot_.find(value);
  if (found == first_slot_.end()) {
    base::internal_error("a value of " + function_.name + " is released that nobody owns");
  }
  call_release(b, found->second, block_positions(function_.values[value].type).size(), false);
}

void OwnedSlots::release_all(Builder& b) {
  if (slot_count_ != 0) {
    call_release(b, 0, slot_count_, true);
  }
}

void retain_blocks(Unit& unit, Builder& b, ir::TypeRef type, const Parts& value, bool shared) {
  for (unsigned position : block_positions(type)) {
    // A null block counts nothing; counting on the block that lives for ever saves a branch.
    llvm::Value* block = b.CreateSelect(b.CreateIsNull(value[position]), unit.external_data("hst_immortal_block"), value[position]);
    if (shared) {
      b.CreateCall(unit.external("hst_block_retain_atomic", b.getVoidTy(), {unit.pointer()}), {block});
      continue;
    }
    llvm::Value* address = offset_address(b, block, offsetof(abi::Block, refs));
    llvm::LoadInst* refs = b.CreateLoad(unit.i64(), address);
    unit.mark(refs, Memory::kBlock);
    unit.mark(b.CreateStore(b.CreateAdd(refs, b.getInt64(1)), address), Memory::kBlock);
  }
}

} // namespace hasten::llvm_backend
