// What a lowered body owns: one stack slot for each block of each owned value, null where there is nothing to release. The ops Release and
// Move empty slots; an error releases what is left in them.
#pragma once

#include <map>

#include "hasten/compiler/llvm/frame.h"

namespace hasten::llvm_backend {

class OwnedSlots {
public:
  OwnedSlots(Frame& frame, const ir::Function& function);

  // Reserves the slots and clears them at the builder's place.
  void create(Builder& b);
  // The value came into being. Values without slots are ignored.
  void fill(Builder& b, ir::ValueId value, const Parts& parts);
  // The value's counts have gone elsewhere.
  void clear(Builder& b, ir::ValueId value);
  // Takes back the value's counts.
  void release(Builder& b, ir::ValueId value);
  void release_all(Builder& b);

private:
  void call_release(Builder& b, uint64_t first, uint64_t count, bool cold);

  Frame& frame_;
  const ir::Function& function_;
  std::map<ir::ValueId, uint64_t> first_slot_;
  uint64_t slot_count_ = 0;
  llvm::Value* memory_ = nullptr;
};

// Adds one count to each block in the value.
void retain_blocks(Unit& unit, Builder& b, ir::TypeRef type, const Parts& value, bool shared);

} // namespace hasten::llvm_backend
