#include "hasten/compiler/llvm/lowering.h"

#include <algorithm>
#include <cstddef>

#include <llvm/IR/Intrinsics.h>

#include "hasten/abi/env.h"
#include "hasten/base/diagnostic.h"

namespace hasten::llvm_backend {
namespace {

// Blocks so that each one stands behind those that dominate it; unreachable ones are left out.
std::vector<ir::BlockId> reverse_postorder(const ir::Function& function) {
  std::vector<ir::BlockId> order;
  std::vector<bool> seen(function.blocks.size(), false);
  std::vector<std::pair<ir::BlockId, size_t>> stack{{0, 0}};
  seen[0] = true;
  while (!stack.empty()) {
    auto& [block, next] = stack.back();
    const auto& succs = function.blocks[block].succs;
    if (next == succs.size()) {
      order.push_back(block);
      stack.pop_back();
      continue;
    }
    const ir::BlockId succ = succs[next++];
    if (!seen[succ]) {
      seen[succ] = true;
      stack.emplace_back(succ, 0);
    }
  }
  std::reverse(order.begin(), order.end());
  return order;
}

} // namespace

Lowering::Lowering(Frame& frame, const ir::Function& function, Builder& b, std::vector<Parts> params, Exits exits, bool inlined)
    : frame_(frame), unit_(frame.unit()), function_(function), b_(b), params_(std::move(params)), exits_(std::move(exits)),
      lane_{unit_, b_}, errors_(frame, b), owned_(frame, function), alias_(unit_, function, !inlined),
      shared_(unit_.shares_blocks(function)), values_(function.values.size()), blocks_(function.blocks.size()),
      block_ends_(function.blocks.size()), wants_view_(function.values.size(), false) {}

void Lowering::run() {
  if (function_.blocks.empty()) {
    base::internal_error("the function " + function_.name + " has no blocks");
  }
  note_view_uses();
  check_recursion();
  owned_.create(b_);
  const std::vector<BlockId> order = reverse_postorder(function_);
  for (BlockId block : order) {
    blocks_[block] = block == 0 ? b_.GetInsertBlock() : frame_.new_block("b");
  }
  for (BlockId block : order) {
    b_.SetInsertPoint(blocks_[block]);
    lower_block(block);
  }
  fill_phis();
  errors_.finish([this] { owned_.release_all(b_); }, exits_.on_error);
}

void Lowering::lower_block(BlockId block) {
  const auto& instrs = function_.blocks[block].instrs;
  size_t position = 0;
  for (; position < instrs.size() && function_.values[instrs[position]].op == ir::Op::kPhi; ++position) {
    values_[instrs[position]] = make_phi(function_.values[instrs[position]]);
  }
  for (size_t i = 0; i < position; ++i) {
    owned_.fill(b_, instrs[i], values_[instrs[i]]);
    if (wants_view_[instrs[i]]) {
      view_of(instrs[i]);
    }
  }
  for (; position < instrs.size(); ++position) {
    lower(instrs[position], function_.values[instrs[position]]);
  }
  if (b_.GetInsertBlock()->getTerminator() == nullptr) {
    base::internal_error("block " + std::to_string(block) + " of " + function_.name + " does not end with a control op");
  }
}

Parts Lowering::make_phi(const Instr& instr) {
  Parts phis;
  for (Part part : parts_of(instr.type)) {
    phis.push_back(b_.CreatePHI(lane_.type(part), static_cast<unsigned>(instr.args.size())));
  }
  return phis;
}

void Lowering::fill_phis() {
  for (BlockId to = 0; to < function_.blocks.size(); ++to) {
    for (ValueId id : function_.blocks[to].instrs) {
      if (function_.values[id].op != ir::Op::kPhi || blocks_[to] == nullptr) {
        break;
      }
      fill_phi(id, to);
    }
  }
}

void Lowering::fill_phi(ValueId id, BlockId to) {
  const Instr& instr = function_.values[id];
  const auto& preds = function_.blocks[to].preds;
  std::map<BlockId, size_t> edges_seen;
  for (size_t i = 0; i < instr.args.size(); ++i) {
    const BlockId from = preds[i];
    if (blocks_[from] == nullptr) {
      continue;
    }
    const auto edge = edges_.find({from, to});
    llvm::BasicBlock* source = edge == edges_.end() ? block_ends_[from] : edge->second[edges_seen[from]++];
    for (size_t part = 0; part < values_[id].size(); ++part) {
      llvm::cast<llvm::PHINode>(values_[id][part])->addIncoming(values_[instr.args[i]][part], source);
    }
  }
}

// Functions that can reach themselves check that the stack has room.
void Lowering::check_recursion() {
  if (!unit_.recursive(function_)) {
    return;
  }
  llvm::BasicBlock* deep = errors_.raise_builtin(abi::ErrorKind::kRecursionError, "maximum recursion depth exceeded", ir::kNone);
  llvm::BasicBlock* fine = frame_.new_block("fine");
  llvm::Value* here = b_.CreateIntrinsic(llvm::Intrinsic::frameaddress, {unit_.pointer()}, {b_.getInt32(0)});
  llvm::LoadInst* limit = b_.CreateLoad(unit_.i64(), offset_address(b_, frame_.env(), offsetof(abi::Env, stack_limit)));
  unit_.mark(limit, Memory::kEnv);
  b_.CreateCondBr(b_.CreateICmpSLT(b_.CreatePtrToInt(here, unit_.i64()), limit), deep, fine, unit_.unlikely());
  b_.SetInsertPoint(fine);
}

llvm::Value* Lowering::scalar(ValueId id) const {
  if (values_[id].size() != 1) {
    base::internal_error("value " + std::to_string(id) + " of " + function_.name + " is used as a scalar before it exists or is none");
  }
  return values_[id][0];
}

std::vector<const Parts*> Lowering::operands(const Instr& instr) const {
  std::vector<const Parts*> parts;
  for (ValueId arg : instr.args) {
    if (values_[arg].empty() && part_count(type(arg)) != 0) {
      base::internal_error("value " + std::to_string(arg) + " of " + function_.name + " is used before it exists");
    }
    parts.push_back(&values_[arg]);
  }
  return parts;
}

void Lowering::lower(ValueId id, const Instr& instr) {
  switch (instr.op) {
  case ir::Op::kStore:
    return lower_store(instr);
  case ir::Op::kEwiseInto:
    return lower_ewise_into(instr);
  case ir::Op::kRaiseIf:
    return lower_raise_if(instr);
  case ir::Op::kPoll:
    return lower_poll(instr);
  case ir::Op::kRetain:
    return retain_blocks(unit_, b_, type(instr.args[0]), value(instr.args[0]), shared_);
  case ir::Op::kRelease:
    return owned_.release(b_, instr.args[0]);
  case ir::Op::kMove:
    return owned_.clear(b_, instr.args[0]);
  case ir::Op::kRaise:
    return lower_raise(instr, 0);
  case ir::Op::kBr:
  case ir::Op::kCondBr:
    return lower_branch(instr.block, instr);
  case ir::Op::kRet:
    block_ends_[instr.block] = b_.GetInsertBlock();
    return exits_.on_return(value(instr.args[0]));
  case ir::Op::kUnreachable:
    b_.CreateUnreachable();
    return;
  default:
    values_[id] = lower_value(id, instr);
    owned_.fill(b_, id, values_[id]);
    if (wants_view_[id]) {
      view_of(id);
    }
  }
}

Parts Lowering::lower_value(ValueId id, const Instr& instr) {
  switch (instr.op) {
  case ir::Op::kParam:
    return params_.at(static_cast<size_t>(instr.aux));
  case ir::Op::kBinding:
    return lower_binding(instr);
  case ir::Op::kAddChecked:
  case ir::Op::kSubChecked:
  case ir::Op::kMulChecked:
    return lower_checked(instr);
  case ir::Op::kExtern:
    return lower_extern(instr);
  case ir::Op::kUfunc:
    return lower_ufunc(instr);
  case ir::Op::kView:
    return lower_view(instr);
  case ir::Op::kLoad:
    return lower_load(instr);
  case ir::Op::kCheckIndex:
    return lower_check_index(instr);
  case ir::Op::kWrapIndex:
    return lower_wrap_index(instr);
  case ir::Op::kAlloc:
    return lower_alloc(instr);
  case ir::Op::kEwise:
  case ir::Op::kEwiseShaped:
    return lower_ewise_new(id, instr);
  case ir::Op::kEwiseReduce:
    return lower_ewise_reduce(instr);
  case ir::Op::kRuntime:
    return lower_runtime(id, instr);
  case ir::Op::kCall:
    return lower_call(instr);
  case ir::Op::kParallelFor:
    return lower_parallel_for(instr);
  default:
    return lower_pure(lane_, function_, instr, operands(instr));
  }
}

} // namespace hasten::llvm_backend
