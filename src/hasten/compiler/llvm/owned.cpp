#include "hasten/compiler/llvm/owned.h"

#include <algorithm>
#include <cstddef>

#include "hasten/abi/block.h"

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

bool uses(const ir::Instr& instr, ir::ValueId value) {
  return std::find(instr.args.begin(), instr.args.end(), value) != instr.args.end();
}

} // namespace

OwnedSlots::OwnedSlots(Frame& frame, const ir::Function& function) : frame_(frame), function_(function) {
  const bool can_fail = std::any_of(function.values.begin(), function.values.end(), [](const ir::Instr& i) { return ir::may_raise(i.op); });
  if (!can_fail) {
    return;
  }
  for (const ir::Block& block : function.blocks) {
    for (ir::ValueId value : block.instrs) {
      const ir::Instr& instr = function.values[value];
      if (instr.type->counted && is_owned_kind(instr.op)) {
        first_slot_[value] = slot_count_;
        slot_count_ += block_positions(instr.type).size();
      }
    }
  }
  find_moves();
}

// Whether each block needs the value that was there before its first instruction.
std::vector<bool> OwnedSlots::live_at_entry(ir::ValueId value) const {
  std::vector<bool> live(function_.blocks.size(), false);
  std::vector<ir::BlockId> work;
  const ir::BlockId home = function_.values[value].block;
  const auto need = [&](ir::BlockId block) {
    if (block != home && !live[block]) {
      live[block] = true;
      work.push_back(block);
    }
  };
  for (ir::BlockId at = 0; at < function_.blocks.size(); ++at) {
    const ir::Block& block = function_.blocks[at];
    for (ir::ValueId user : block.instrs) {
      const ir::Instr& instr = function_.values[user];
      if (instr.op != ir::Op::kPhi) {
        if (uses(instr, value)) {
          need(at);
        }
        continue;
      }
      for (size_t i = 0; i < instr.args.size(); ++i) {
        if (instr.args[i] == value) {
          need(block.preds[i]);
        }
      }
    }
  }
  while (!work.empty()) {
    const ir::BlockId at = work.back();
    work.pop_back();
    for (ir::BlockId pred : function_.blocks[at].preds) {
      need(pred);
    }
  }
  return live;
}

void OwnedSlots::find_moves() {
  std::map<ir::ValueId, std::vector<bool>> live;
  for (ir::BlockId to = 0; to < function_.blocks.size(); ++to) {
    const ir::Block& block = function_.blocks[to];
    for (ir::ValueId id : block.instrs) {
      const ir::Instr& phi = function_.values[id];
      if (phi.op != ir::Op::kPhi) {
        break;
      }
      for (size_t i = 0; i < phi.args.size() && phi.type->counted; ++i) {
        const ir::ValueId value = phi.args[i];
        if (first_slot_.count(value) == 0) {
          continue;
        }
        if (live.count(value) == 0) {
          live[value] = live_at_entry(value);
        }
        if (!live[value][to]) {
          moves_[{block.preds[i], to}].push_back(value);
        }
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
  const Parts nothing(part_count(function_.values[value].type), llvm::ConstantPointerNull::get(frame_.unit().pointer()));
  fill(b, value, nothing);
}

const std::vector<ir::ValueId>& OwnedSlots::moved(ir::BlockId from, ir::BlockId to) const {
  static const std::vector<ir::ValueId> kNothing;
  const auto found = moves_.find({from, to});
  return found == moves_.end() ? kNothing : found->second;
}

void OwnedSlots::release_all(Builder& b) {
  if (slot_count_ == 0) {
    return;
  }
  Unit& unit = frame_.unit();
  const char* name = unit.shares_blocks(function_) ? "hst_release_slots_atomic" : "hst_release_slots";
  b.CreateCall(unit.external(name, b.getVoidTy(), {unit.pointer(), unit.i64()}, true),
               {memory_, b.getInt64(slot_count_)});
}

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

void retain_blocks(Unit& unit, Builder& b, ir::TypeRef type, const Parts& value, bool shared) {
  for (unsigned position : block_positions(type)) {
    if (shared) {
      b.CreateCall(unit.external("hst_block_retain_atomic", b.getVoidTy(), {unit.pointer()}), {value[position]});
      continue;
    }
    llvm::Value* address = offset_address(b, value[position], offsetof(abi::Block, refs));
    llvm::LoadInst* refs = b.CreateLoad(unit.i64(), address);
    unit.mark(refs, Memory::kBlock);
    unit.mark(b.CreateStore(b.CreateAdd(refs, b.getInt64(1)), address), Memory::kBlock);
  }
}

void release_blocks(Unit& unit, Builder& b, ir::TypeRef type, const Parts& value, bool shared) {
  llvm::Function* release = unit.external(shared ? "hst_block_release_atomic" : "hst_block_release", b.getVoidTy(), {unit.pointer()});
  for (unsigned position : block_positions(type)) {
    b.CreateCall(release, {value[position]});
  }
}

} // namespace hasten::llvm_backend
