// What a lowered body owns, so that it can let go of it when an error leaves the body: one stack slot for each block of each owned value,
// null where there is nothing to release.
#pragma once

#include <map>
#include <vector>

#include "hasten/compiler/llvm/frame.h"

namespace hasten::llvm_backend {

class OwnedSlots {
public:
  OwnedSlots(Frame& frame, const ir::Function& function);

  // Reserves the slots and clears them at the builder's place.
  void create(Builder& b);
  // The value came into being, or was released or handed on. Values without slots are ignored.
  void fill(Builder& b, ir::ValueId value, const Parts& parts);
  void clear(Builder& b, ir::ValueId value);
  // Values that a phi of `to` takes over on the edge from `from`: their slots must be cleared on that edge.
  const std::vector<ir::ValueId>& moved(ir::BlockId from, ir::BlockId to) const;
  void release_all(Builder& b);

private:
  void find_moves();
  std::vector<bool> live_at_entry(ir::ValueId value) const;

  Frame& frame_;
  const ir::Function& function_;
  std::map<ir::ValueId, uint64_t> first_slot_;
  uint64_t slot_count_ = 0;
  std::map<std::pair<ir::BlockId, ir::BlockId>, std::vector<ir::ValueId>> moves_;
  llvm::Value* memory_ = nullptr;
};

// Positions of the blocks among the parts of a value.
llvm::SmallVector<unsigned, 2> block_positions(ir::TypeRef type);
// Adds or takes away one count of each block in the value.
void retain_blocks(Unit& unit, Builder& b, ir::TypeRef type, const Parts& value, bool shared);
void release_blocks(Unit& unit, Builder& b, ir::TypeRef type, const Parts& value, bool shared);

} // namespace hasten::llvm_backend
