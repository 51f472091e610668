// Lowers the body of one IR function into the LLVM function of a Frame. One file for each group of ops:
//   lower_array.cpp  lower_runtime.cpp  lower_ewise.cpp  lower_parallel.cpp  lower_control.cpp
// and the ops that only compute in pure.h.
#pragma once

#include <functional>
#include <vector>

#include "hasten/compiler/llvm/alias.h"
#include "hasten/compiler/llvm/errors.h"
#include "hasten/compiler/llvm/frame.h"
#include "hasten/compiler/llvm/owned.h"
#include "hasten/compiler/llvm/pure.h"

namespace hasten::llvm_backend {

class Lowering {
public:
  // What happens where the body ends. Both are called with the builder at the place, and must end the block.
  struct Exits {
    std::function<void(const Parts& result)> on_return;
    std::function<void(llvm::Value* status)> on_error;
  };

  // inlined: the body may run several times in one call of the LLVM function, with arguments from its own earlier results.
  Lowering(Frame& frame, const ir::Function& function, Builder& b, std::vector<Parts> params, Exits exits, bool inlined = false);

  // Emits the body at the builder's place.
  void run();

private:
  using Instr = ir::Instr;
  using ValueId = ir::ValueId;
  using BlockId = ir::BlockId;

  // lowering.cpp
  void lower_block(BlockId block);
  void lower(ValueId id, const Instr& instr);
  Parts lower_value(ValueId id, const Instr& instr);
  Parts make_phi(const Instr& instr);
  void fill_phis();
  void fill_phi(ValueId id, BlockId to);
  void check_recursion();
  const Parts& value(ValueId id) const { return values_[id]; }
  llvm::Value* scalar(ValueId id) const;
  ir::TypeRef type(ValueId id) const { return function_.values[id].type; }
  std::vector<const Parts*> operands(const Instr& instr) const;

  // lower_control.cpp
  void lower_branch(BlockId block, const Instr& instr);
  llvm::BasicBlock* split_edge(BlockId from, BlockId to);
  void lower_raise(const Instr& instr, size_t first_argument);
  void lower_raise_if(const Instr& instr);
  void lower_poll(const Instr& instr);
  Parts lower_checked(const Instr& instr);
  bool is_worth_inlining(const ir::Function& callee) const;
  Parts inline_call(const ir::Function& callee, const Instr& instr);
  Parts lower_call(const Instr& instr);

  // lower_array.cpp
  llvm::Value* item_address(ValueId array, llvm::ArrayRef<ValueId> indices);
  Parts lower_load(const Instr& instr);
  void lower_store(const Instr& instr);
  Parts lower_binding(const Instr& instr);
  Parts lower_check_index(const Instr& instr);
  Parts lower_wrap_index(const Instr& instr);
  Parts lower_view(const Instr& instr);
  Parts lower_alloc(const Instr& instr);
  llvm::Value* checked_byte_count(const Instr& instr);

  // lower_runtime.cpp: calls of kernels and C functions, array views in memory
  void note_view_uses();
  llvm::Value* new_view(ir::TypeRef array);
  llvm::Value* view_of(ValueId array);
  llvm::Value* view_of(ir::TypeRef array, const Parts& parts);
  void fill_view(llvm::Value* view, const Parts& parts);
  Parts load_view(ir::TypeRef array, llvm::Value* view);
  struct CallBuilder;
  void add_runtime_argument(CallBuilder& call, ir::TypeRef type, const Parts& parts, ValueId whole);
  void add_runtime_result(CallBuilder& call, ir::TypeRef type);
  Parts load_runtime_result(CallBuilder& call, ValueId id);
  Parts lower_runtime(ValueId id, const Instr& instr);
  Parts lower_extern(const Instr& instr);
  Parts lower_ufunc(const Instr& instr);
  std::vector<ir::TypeRef> argument_types(const Instr& instr) const;
  const ir::Symbol& symbol(const Instr& instr) const;

  // lower_ewise.cpp
  llvm::Value* ewise_operands(const Instr& instr, size_t first);
  llvm::Constant* ewise_program(const Instr& instr, size_t first);
  Parts lower_ewise_new(ValueId id, const Instr& instr);
  void lower_ewise_into(const Instr& instr);
  Parts lower_ewise_reduce(const Instr& instr);

  // lower_parallel.cpp
  Parts lower_parallel_for(const Instr& instr);
  llvm::Value* store_captures(const Instr& instr);
  Parts combine_partials(const ir::Function& body, llvm::Value* partials, uint64_t bytes, llvm::Value* chunks);

  Frame& frame_;
  Unit& unit_;
  const ir::Function& function_;
  Builder& b_;
  std::vector<Parts> params_;
  Exits exits_;
  Lane lane_;
  ErrorExits errors_;
  OwnedSlots owned_;
  AliasScopes alias_;
  bool shared_; // counts references atomically
  std::vector<Parts> values_;
  std::vector<llvm::BasicBlock*> blocks_;     // where each IR block begins; null where it can't be reached
  std::vector<llvm::BasicBlock*> block_ends_; // where its control op stands
  std::map<std::pair<BlockId, BlockId>, llvm::SmallVector<llvm::BasicBlock*, 2>>
      edges_; // edges with blocks of their own, in order of preds
  std::vector<bool> wants_view_;
  std::map<ValueId, llvm::Value*> views_;
};

} // namespace hasten::llvm_backend
