// How a lowered body is left with an error: every failing place branches to one exit, with its status and location.
#pragma once

#include <functional>

#include "hasten/compiler/llvm/frame.h"

namespace hasten::llvm_backend {

class ErrorExits {
public:
  ErrorExits(Frame& frame, Builder& b) : frame_(frame), b_(b) {}

  // Leaves where `failed` (i1) holds; the builder goes on in a new block where it doesn't.
  void leave_if(llvm::Value* failed, llvm::Value* status, uint32_t location);
  // Leaves where a status (i32) isn't kOk.
  void leave_unless_ok(llvm::Value* status, uint32_t location);
  void leave(llvm::Value* status, uint32_t location);
  // A block that raises a built-in exception and leaves. It is not for the builder's present place.
  llvm::BasicBlock* raise_builtin(abi::ErrorKind kind, llvm::StringRef message, uint32_t location);
  // Branches from the builder's place to where IndexError is raised, unless `inside`; `next` is where the good way goes on.
  void branch_to_index_error(llvm::Value* inside, llvm::BasicBlock* next, llvm::Value* index, int64_t axis, llvm::Value* size,
                             uint32_t location);
  // Fills in the exit: trace, then `clean_up`, then `on_error` with the status. Nothing where no place can fail.
  void finish(const std::function<void()>& clean_up, const std::function<void(llvm::Value*)>& on_error);

private:
  void enter_exit(llvm::BasicBlock* from, llvm::Value* status, uint32_t location);
  void make_exit();
  void make_index_error();
  llvm::Value* location_value(uint32_t location) { return frame_.unit().int32(static_cast<int32_t>(location)); }

  Frame& frame_;
  Builder& b_;
  llvm::BasicBlock* exit_ = nullptr;
  llvm::PHINode* status_ = nullptr;
  llvm::PHINode* location_ = nullptr;
  llvm::BasicBlock* index_error_ = nullptr;
  llvm::PHINode* index_parts_[4] = {}; // index, axis, size, location
};

} // namespace hasten::llvm_backend
