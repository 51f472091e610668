// Branches, raises, polls, checked arithmetic, calls of other compiled functions.
#include <cstddef>

#include <llvm/IR/Intrinsics.h>

#include "hasten/abi/env.h"
#include "hasten/base/diagnostic.h"
#include "hasten/compiler/llvm/lowering.h"

namespace hasten::llvm_backend {
namespace {

constexpr size_t kMostInlined = 60;        // IR instructions of a callee
constexpr size_t kMostInlinedAtAll = 1000; // of all callees in one function

} // namespace

// Of two edges between the same blocks each gets a block of its own, so that phis can tell them apart.
llvm::BasicBlock* Lowering::split_edge(BlockId from, BlockId to) {
  llvm::BasicBlock* edge = frame_.new_block("edge");
  edges_[{from, to}].push_back(edge);
  const llvm::IRBuilderBase::InsertPointGuard stay(b_);
  b_.SetInsertPoint(edge);
  b_.CreateBr(blocks_[to]);
  return edge;
}

void Lowering::lower_branch(BlockId block, const Instr& instr) {
  const auto& succs = function_.blocks[block].succs;
  block_ends_[block] = b_.GetInsertBlock();
  if (succs.size() != (instr.op == ir::Op::kBr ? 1U : 2U)) {
    base::internal_error("block " + std::to_string(block) + " of " + function_.name + " has the wrong number of successors");
  }
  if (instr.op == ir::Op::kBr) {
    b_.CreateBr(blocks_[succs[0]]);
    return;
  }
  llvm::BasicBlock* if_true = blocks_[succs[0]];
  llvm::BasicBlock* if_false = blocks_[succs[1]];
  if (succs[0] == succs[1]) {
    if_true = split_edge(block, succs[0]);
    if_false = split_edge(block, succs[1]);
  }
  b_.CreateCondBr(scalar(instr.args[0]), if_true, if_false);
}

void Lowering::lower_raise(const Instr& instr, size_t first_argument) {
  unsigned slot = 0;
  for (size_t i = first_argument; i < instr.args.size(); ++i) {
    const ValueId argument = instr.args[i];
    if (slot + part_count(type(argument)) > abi::kPayloadSlots) {
      base::internal_error("an exception in " + function_.name + " carries more than fits");
    }
    retain_blocks(unit_, b_, type(argument), value(argument), shared_);
    llvm::Value* payload = offset_address(b_, frame_.env(), offsetof(abi::Env, payload) + 8 * slot);
    store_extended_slots(unit_, b_, type(argument), value(argument), payload, Memory::kEnv);
    slot += part_count(type(argument));
  }
  llvm::Value* site = offset_address(b_, frame_.env(), offsetof(abi::Env, site));
  unit_.mark(b_.CreateStore(unit_.int32(instr.aux), site), Memory::kEnv);
  errors_.leave(unit_.status(abi::Status::kRaise), instr.location);
}

void Lowering::lower_raise_if(const Instr& instr) {
  llvm::BasicBlock* raise = frame_.new_block("raise");
  llvm::BasicBlock* next = frame_.new_block("ok");
  b_.CreateCondBr(scalar(instr.args[0]), raise, next, unit_.unlikely());
  b_.SetInsertPoint(raise);
  lower_raise(instr, 1);
  b_.SetInsertPoint(next);
}

void Lowering::lower_poll(const Instr& instr) {
  llvm::Value* fuel_address = offset_address(b_, frame_.env(), offsetof(abi::Env, fuel));
  llvm::LoadInst* fuel = b_.CreateLoad(unit_.i32(), fuel_address);
  unit_.mark(fuel, Memory::kEnv);
  llvm::Value* left = b_.CreateSub(fuel, b_.getInt32(1));
  unit_.mark(b_.CreateStore(left, fuel_address), Memory::kEnv);
  llvm::BasicBlock* poll = frame_.new_block("poll");
  llvm::BasicBlock* next = frame_.new_block("polled");
  b_.CreateCondBr(b_.CreateICmpSLT(left, b_.getInt32(0)), poll, next, unit_.unlikely());
  b_.SetInsertPoint(poll);
  llvm::Function* slow = unit_.external("hst_poll", unit_.i32(), {unit_.pointer()}, true);
  errors_.leave_unless_ok(b_.CreateCall(slow, {frame_.env()}), instr.location);
  b_.CreateBr(next);
  b_.SetInsertPoint(next);
}

Parts Lowering::lower_checked(const Instr& instr) {
  const ir::TypeRef operand = type(instr.args[0]);
  if (!ir::is_integer(operand)) {
    base::internal_error("checked arithmetic has no meaning on " + operand->text);
  }
  const bool is_signed = operand->is_signed;
  llvm::Intrinsic::ID id = llvm::Intrinsic::not_intrinsic;
  switch (instr.op) {
  case ir::Op::kAddChecked:
    id = is_signed ? llvm::Intrinsic::sadd_with_overflow : llvm::Intrinsic::uadd_with_overflow;
    break;
  case ir::Op::kSubChecked:
    id = is_signed ? llvm::Intrinsic::ssub_with_overflow : llvm::Intrinsic::usub_with_overflow;
    break;
  default:
    id = is_signed ? llvm::Intrinsic::smul_with_overflow : llvm::Intrinsic::umul_with_overflow;
    break;
  }
  llvm::Value* both = b_.CreateBinaryIntrinsic(id, scalar(instr.args[0]), scalar(instr.args[1]));
  llvm::BasicBlock* raise = errors_.raise_builtin(abi::ErrorKind::kOverflowError, "integer overflow", instr.location);
  llvm::BasicBlock* next = frame_.new_block("ok");
  b_.CreateCondBr(b_.CreateExtractValue(both, 1), raise, next, unit_.unlikely());
  b_.SetInsertPoint(next);
  return {b_.CreateExtractValue(both, 0)};
}

// Small functions become part of their callers; what the callee leaves with, and its trace, stay the same.
bool Lowering::is_worth_inlining(const ir::Function& callee) const {
  return !unit_.recursive(callee) && callee.values.size() <= kMostInlined && frame_.inlined() + callee.values.size() <= kMostInlinedAtAll;
}

Parts Lowering::inline_call(const ir::Function& callee, const Instr& instr) {
  frame_.count_inlined(callee.values.size());
  std::vector<Parts> params;
  for (ValueId arg : instr.args) {
    params.push_back(value(arg));
  }
  llvm::BasicBlock* returned = frame_.new_block("returned");
  std::vector<std::pair<llvm::BasicBlock*, Parts>> results;
  const auto on_return = [&](const Parts& result) {
    results.emplace_back(b_.GetInsertBlock(), result);
    b_.CreateBr(returned);
  };
  const auto on_error = [&](llvm::Value* status) { errors_.leave(status, instr.location); };
  llvm::BasicBlock* body = frame_.new_block("inlined");
  b_.CreateBr(body);
  b_.SetInsertPoint(body);
  Lowering(frame_, callee, b_, std::move(params), {on_return, on_error}, true).run();

  b_.SetInsertPoint(returned);
  if (results.empty()) {
    return lower_undefined(lane_, instr.type); // the callee always raises
  }
  Parts joined;
  for (Part part : parts_of(instr.type)) {
    llvm::PHINode* phi = b_.CreatePHI(lane_.type(part), static_cast<unsigned>(results.size()));
    for (const auto& [from, result] : results) {
      phi->addIncoming(result[joined.size()], from);
    }
    joined.push_back(phi);
  }
  return joined;
}

Parts Lowering::lower_call(const Instr& instr) {
  const auto callee = static_cast<uint32_t>(instr.aux);
  const auto& functions = unit_.ir().functions;
  if (callee >= functions.size() || functions[callee].params.size() != instr.args.size()) {
    base::internal_error("a call in " + function_.name + " does not fit any function");
  }
  if (is_worth_inlining(functions[callee])) {
    return inline_call(functions[callee], instr);
  }
  llvm::Function* native = unit_.native(callee);
  const unsigned slots = part_count(instr.type);
  llvm::Value* result = slots == 0 ? llvm::ConstantPointerNull::get(unit_.pointer()) : frame_.scratch(8ULL * slots);
  llvm::SmallVector<llvm::Value*, 16> args{frame_.env(), result};
  for (ValueId arg : instr.args) {
    args.append(value(arg).begin(), value(arg).end());
  }
  errors_.leave_unless_ok(b_.CreateCall(native, args), instr.location);
  return load_slots(unit_, b_, instr.type, result);
}

} // namespace hasten::llvm_backend
