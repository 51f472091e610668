#include "hasten/compiler/llvm/loops.h"

#include <llvm/IR/Metadata.h>

namespace hasten::llvm_backend {

CountedLoop begin_loop(Frame& frame, Builder& b) {
  llvm::BasicBlock* before = b.GetInsertBlock();
  llvm::BasicBlock* body = frame.new_block("loop");
  b.CreateBr(body);
  b.SetInsertPoint(body);
  llvm::PHINode* index = b.CreatePHI(b.getInt64Ty(), 2);
  index->addIncoming(b.getInt64(0), before);
  return {index, body};
}

llvm::Instruction* end_loop(Frame& frame, Builder& b, const CountedLoop& loop, llvm::Value* n, int64_t step) {
  llvm::BasicBlock* after = frame.new_block("done");
  llvm::Value* next = b.CreateAdd(loop.index, b.getInt64(static_cast<uint64_t>(step)), "", true, true);
  loop.index->addIncoming(next, b.GetInsertBlock());
  llvm::Instruction* back = b.CreateCondBr(b.CreateICmpSLT(next, n), loop.body, after);
  b.SetInsertPoint(after);
  return back;
}

void mark_independent(Unit& unit, const CountedLoop& loop, llvm::Instruction* back) {
  llvm::LLVMContext& context = unit.context();
  llvm::MDNode* group = llvm::MDNode::getDistinct(context, {});
  llvm::Function& host = *loop.body->getParent();
  for (auto block = loop.body->getIterator(); block != host.end(); ++block) {
    for (llvm::Instruction& instruction : *block) {
      if (unit.is_marked(instruction, Memory::kItems)) {
        instruction.setMetadata(llvm::LLVMContext::MD_access_group, group);
      }
    }
  }
  llvm::MDNode* promise = llvm::MDNode::get(context, {llvm::MDString::get(context, "llvm.loop.parallel_accesses"), group});
  llvm::MDNode* properties = llvm::MDNode::getDistinct(context, {nullptr, promise});
  properties->replaceOperandWith(0, properties);
  back->setMetadata(llvm::LLVMContext::MD_loop, properties);
}

llvm::Value* item_at(Unit& unit, Builder& b, ir::TypeRef scalar, llvm::Value* base, llvm::Value* index) {
  return b.CreateInBoundsGEP(llvm::ArrayType::get(unit.i8(), item_size(scalar)), base, index);
}

} // namespace hasten::llvm_backend
