// The LLVM function that is being filled: its entry block holds what lies on the stack for the whole call.
#pragma once

#include <map>

#include "hasten/compiler/llvm/unit.h"

namespace hasten::llvm_backend {

class Frame {
public:
  // Makes the entry block, and leaves `b` in the first block behind it.
  Frame(Unit& unit, llvm::Function& host, llvm::Value* env, Builder& b);

  Unit& unit() { return unit_; }
  llvm::Function& host() { return host_; }
  llvm::Value* env() { return env_; }
  void set_env(llvm::Value* env) { env_ = env; }
  // Inserts into the entry block: for constants of the frame that are stored once.
  Builder& entry() { return entry_; }

  llvm::BasicBlock* new_block(const char* name);
  // Stack memory for the whole call, aligned for vectors.
  llvm::AllocaInst* reserve(uint64_t bytes, uint64_t alignment = 8);
  // IR instructions of callees that have become part of this function.
  size_t inlined() const { return inlined_; }
  void count_inlined(size_t instructions) { inlined_ += instructions; }
  // The same memory for all who ask for this many bytes: for what a call consumes before it returns.
  llvm::Value* scratch(uint64_t bytes);

private:
  Unit& unit_;
  llvm::Function& host_;
  llvm::Value* env_;
  Builder entry_;
  std::map<uint64_t, llvm::Value*> scratch_;
  size_t inlined_ = 0;
};

// Address of the byte `offset` behind `base`.
llvm::Value* offset_address(Builder& b, llvm::Value* base, uint64_t offset);
// Loads and stores of parts in their form in memory.
llvm::Value* load_part(Unit& unit, Builder& b, Part part, llvm::Value* address, Memory memory);
void store_part(Unit& unit, Builder& b, Part part, llvm::Value* value, llvm::Value* address, Memory memory);
// A value as consecutive 64-bit slots, each holding a part in its form in memory.
Parts load_slots(Unit& unit, Builder& b, ir::TypeRef type, llvm::Value* slots, unsigned first = 0);
void store_slots(Unit& unit, Builder& b, ir::TypeRef type, const Parts& value, llvm::Value* slots, unsigned first = 0);
// The same, extended to 64 bits as abi/slots.h wants it.
void store_extended_slots(Unit& unit, Builder& b, ir::TypeRef type, const Parts& value, llvm::Value* slots, Memory memory);
// A scalar as an array's item: parts follow each other without gaps.
Parts load_item(Unit& unit, Builder& b, ir::TypeRef scalar, llvm::Value* address, Memory memory);
void store_item(Unit& unit, Builder& b, ir::TypeRef scalar, const Parts& value, llvm::Value* address, Memory memory);
unsigned item_size(ir::TypeRef scalar);

} // namespace hasten::llvm_backend
