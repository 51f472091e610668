#include "hasten/compiler/llvm/errors.h"

namespace hasten::llvm_backend {

void ErrorExits::make_exit() {
  exit_ = frame_.new_block("error");
  Builder b(frame_.unit());
  b.SetInsertPoint(exit_);
  status_ = b.CreatePHI(b.getInt32Ty(), 4, "status");
  location_ = b.CreatePHI(b.getInt32Ty(), 4, "location");
}

void ErrorExits::enter_exit(llvm::BasicBlock* from, llvm::Value* status, uint32_t location) {
  status_->addIncoming(status, from);
  location_->addIncoming(location_value(location), from);
}

void ErrorExits::leave_if(llvm::Value* failed, llvm::Value* status, uint32_t location) {
  if (exit_ == nullptr) {
    make_exit();
  }
  llvm::BasicBlock* next = frame_.new_block("ok");
  enter_exit(b_.GetInsertBlock(), status, location);
  b_.CreateCondBr(failed, exit_, next, frame_.unit().unlikely());
  b_.SetInsertPoint(next);
}

void ErrorExits::leave_unless_ok(llvm::Value* status, uint32_t location) {
  leave_if(b_.CreateICmpNE(status, b_.getInt32(0)), status, location);
}

void ErrorExits::leave(llvm::Value* status, uint32_t location) {
  if (exit_ == nullptr) {
    make_exit();
  }
  enter_exit(b_.GetInsertBlock(), status, location);
  b_.CreateBr(exit_);
}

llvm::BasicBlock* ErrorExits::raise_builtin(abi::ErrorKind kind, llvm::StringRef message, uint32_t location) {
  Unit& unit = frame_.unit();
  const llvm::IRBuilderBase::InsertPointGuard stay(b_);
  llvm::BasicBlock* block = frame_.new_block("raise");
  b_.SetInsertPoint(block);
  llvm::Function* raise = unit.external("hst_raise_builtin", unit.i32(), {unit.pointer(), unit.i32(), unit.pointer()}, true);
  leave(b_.CreateCall(raise, {frame_.env(), unit.int32(static_cast<int64_t>(kind)), unit.text(message)}), location);
  return block;
}

void ErrorExits::make_index_error() {
  Unit& unit = frame_.unit();
  if (exit_ == nullptr) {
    make_exit();
  }
  index_error_ = frame_.new_block("index_error");
  Builder b(unit);
  b.SetInsertPoint(index_error_);
  for (int i = 0; i < 3; ++i) {
    index_parts_[i] = b.CreatePHI(unit.i64(), 4);
  }
  index_parts_[3] = b.CreatePHI(unit.i32(), 4);
  llvm::Function* raise = unit.external("hst_raise_index", unit.i32(), {unit.pointer(), unit.i64(), unit.i64(), unit.i64()}, true);
  llvm::Value* status = b.CreateCall(raise, {frame_.env(), index_parts_[0], index_parts_[1], index_parts_[2]});
  b.CreateBr(exit_);
  status_->addIncoming(status, index_error_);
  location_->addIncoming(index_parts_[3], index_error_);
}

void ErrorExits::branch_to_index_error(llvm::Value* inside, llvm::BasicBlock* next, llvm::Value* index, int64_t axis, llvm::Value* size,
                                       uint32_t location) {
  if (index_error_ == nullptr) {
    make_index_error();
  }
  llvm::BasicBlock* from = b_.GetInsertBlock();
  index_parts_[0]->addIncoming(index, from);
  index_parts_[1]->addIncoming(frame_.unit().int64(axis), from);
  index_parts_[2]->addIncoming(size, from);
  index_parts_[3]->addIncoming(location_value(location), from);
  b_.CreateCondBr(inside, next, index_error_, frame_.unit().likely());
}

void ErrorExits::finish(const std::function<void()>& clean_up, const std::function<void(llvm::Value*)>& on_error) {
  if (exit_ == nullptr) {
    return;
  }
  Unit& unit = frame_.unit();
  b_.SetInsertPoint(exit_);
  llvm::BasicBlock* traced = frame_.new_block("traced");
  llvm::BasicBlock* trace = frame_.new_block("trace");
  b_.CreateCondBr(b_.CreateICmpSGE(location_, b_.getInt32(0)), trace, traced);
  b_.SetInsertPoint(trace);
  llvm::Function* record = unit.external("hst_trace", b_.getVoidTy(), {unit.pointer(), unit.i32()}, true);
  b_.CreateCall(record, {frame_.env(), location_});
  b_.CreateBr(traced);
  b_.SetInsertPoint(traced);
  clean_up();
  on_error(status_);
}

} // namespace hasten::llvm_backend
