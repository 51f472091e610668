// Parallel loops: the body becomes an abi::LoopBody over captures on the caller's stack; each chunk leaves a partial result.
#include <llvm/IR/Intrinsics.h>

#include "hasten/base/diagnostic.h"
#include "hasten/compiler/llvm/loops.h"
#include "hasten/compiler/llvm/lowering.h"

namespace hasten::llvm_backend {
namespace {

constexpr uint64_t kSlot = 8;

ir::Op combining_op(ir::Reduction reduction) {
  switch (reduction) {
  case ir::Reduction::kAdd:
    return ir::Op::kAdd;
  case ir::Reduction::kMul:
    return ir::Op::kMul;
  case ir::Reduction::kMin:
    return ir::Op::kMin;
  case ir::Reduction::kMax:
    return ir::Op::kMax;
  case ir::Reduction::kAnd:
    return ir::Op::kAnd;
  case ir::Reduction::kOr:
    return ir::Op::kOr;
  default:
    return ir::Op::kXor;
  }
}

// The smallest or largest value of a real type.
llvm::Value* extreme(Lane& lane, ir::TypeRef type, bool largest) {
  llvm::Type* part = lane.type(type);
  if (ir::is_float(type)) {
    return llvm::ConstantFP::getInfinity(part, !largest);
  }
  const unsigned bits = part->getIntegerBitWidth();
  const bool is_signed = type->kind == ir::Kind::kDatetime || type->is_signed;
  if (is_signed) {
    return llvm::ConstantInt::get(part, largest ? llvm::APInt::getSignedMaxValue(bits) : llvm::APInt::getSignedMinValue(bits));
  }
  return largest ? llvm::ConstantInt::getAllOnesValue(part) : llvm::ConstantInt::get(part, 0);
}

Parts identity(Lane& lane, ir::TypeRef type, ir::Reduction reduction) {
  ir::Constant constant{type};
  switch (reduction) {
  case ir::Reduction::kMul:
    constant.i = 1;
    constant.re = 1;
    return lower_constant(lane, constant);
  case ir::Reduction::kAnd:
    constant.i = -1;
    return lower_constant(lane, constant);
  case ir::Reduction::kMin:
  case ir::Reduction::kMax:
    return {extreme(lane, type, reduction == ir::Reduction::kMin)};
  default:
    return lower_constant(lane, constant);
  }
}

void check_body(const ir::Function& body, const ir::Instr& loop) {
  const bool tuple = body.result != nullptr && body.result->kind == ir::Kind::kTuple;
  if (!body.loop_body || !tuple || body.result->items.size() != body.reductions.size() || body.params.size() != loop.args.size() + 1) {
    base::internal_error("the body of a parallel loop, " + body.name + ", does not fit it");
  }
}

// int32_t body(Env*, const void* captures, void* partial, int64_t begin, int64_t end)
llvm::Function* emit_loop_body(Unit& unit, const ir::Function& body, uint32_t index) {
  llvm::Constant*& known = unit.cached("loop_body:" + std::to_string(index));
  if (known != nullptr) {
    return llvm::cast<llvm::Function>(known);
  }
  llvm::Type* const pointer = unit.pointer();
  llvm::Function* host = unit.define(("loop" + llvm::Twine(index)).str(), unit.i32(), {pointer, pointer, pointer, unit.i64(), unit.i64()});
  known = host;
  describe_env(*host, 0);
  host->addParamAttr(1, llvm::Attribute::ReadOnly);
  host->addParamAttr(2, llvm::Attribute::NoAlias);
  Builder b(unit);
  Frame frame(unit, *host, host->getArg(0), b);
  std::vector<Parts> params{{host->getArg(3)}, {host->getArg(4)}};
  unsigned slot = 0;
  for (size_t i = 2; i < body.params.size(); ++i) {
    params.push_back(load_slots(unit, b, body.params[i], host->getArg(1), slot));
    slot += part_count(body.params[i]);
  }
  const auto on_return = [&](const Parts& result) {
    store_slots(unit, b, body.result, result, host->getArg(2));
    b.CreateRet(unit.status(abi::Status::kOk));
  };
  Lowering(frame, body, b, std::move(params), {on_return, [&](llvm::Value* status) { b.CreateRet(status); }}).run();
  return host;
}

} // namespace

// Folds the chunks' partial results in their order; where there is no chunk, gives the identities.
Parts Lowering::combine_partials(const ir::Function& body, llvm::Value* partials, uint64_t bytes, llvm::Value* chunks) {
  Parts start;
  for (size_t i = 0; i < body.reductions.size(); ++i) {
    const Parts neutral = identity(lane_, body.result->items[i], body.reductions[i]);
    start.append(neutral.begin(), neutral.end());
  }
  llvm::BasicBlock* before = b_.GetInsertBlock();
  llvm::BasicBlock* fold = frame_.new_block("fold");
  llvm::BasicBlock* done = frame_.new_block("folded");
  b_.CreateCondBr(b_.CreateICmpSGT(chunks, b_.getInt64(0)), fold, done);

  b_.SetInsertPoint(fold);
  llvm::PHINode* index = b_.CreatePHI(unit_.i64(), 2);
  index->addIncoming(b_.getInt64(0), before);
  Parts sum;
  for (llvm::Value* part : start) {
    llvm::PHINode* phi = b_.CreatePHI(part->getType(), 2);
    phi->addIncoming(part, before);
    sum.push_back(phi);
  }
  llvm::Value* partial = b_.CreateInBoundsGEP(llvm::ArrayType::get(unit_.i8(), bytes), partials, index);
  const Parts one = load_slots(unit_, b_, body.result, partial);
  llvm::Value* is_first = b_.CreateICmpEQ(index, b_.getInt64(0));
  Parts next;
  for (unsigned i = 0; i < body.reductions.size(); ++i) {
    const unsigned first = item_offset(body.result, i);
    const unsigned count = part_count(body.result->items[i]);
    const Parts left(sum.begin() + first, sum.begin() + first + count);
    const Parts right(one.begin() + first, one.begin() + first + count);
    const Parts both = lower_arith(lane_, combining_op(body.reductions[i]), body.result->items[i], left, right);
    for (unsigned part = 0; part < count; ++part) {
      next.push_back(b_.CreateSelect(is_first, right[part], both[part]));
    }
  }
  llvm::Value* following = b_.CreateAdd(index, b_.getInt64(1));
  index->addIncoming(following, fold);
  b_.CreateCondBr(b_.CreateICmpSLT(following, chunks), fold, done);

  b_.SetInsertPoint(done);
  Parts result;
  for (size_t i = 0; i < start.size(); ++i) {
    llvm::cast<llvm::PHINode>(sum[i])->addIncoming(next[i], fold);
    llvm::PHINode* phi = b_.CreatePHI(start[i]->getType(), 2);
    phi->addIncoming(start[i], before);
    phi->addIncoming(next[i], fold);
    result.push_back(phi);
  }
  return result;
}

llvm::Value* Lowering::store_captures(const Instr& instr) {
  unsigned slots = 0;
  for (size_t i = 1; i < instr.args.size(); ++i) {
    slots += part_count(type(instr.args[i]));
  }
  llvm::Value* captures = frame_.reserve(kSlot * (slots + 1));
  slots = 0;
  for (size_t i = 1; i < instr.args.size(); ++i) {
    store_slots(unit_, b_, type(instr.args[i]), value(instr.args[i]), captures, slots);
    slots += part_count(type(instr.args[i]));
  }
  return captures;
}

Parts Lowering::lower_parallel_for(const Instr& instr) {
  const auto index = static_cast<uint32_t>(instr.aux);
  if (index >= unit_.ir().functions.size()) {
    base::internal_error("a parallel loop in " + function_.name + " has no body");
  }
  const ir::Function& body = unit_.ir().functions[index];
  check_body(body, instr);
  llvm::Function* native = emit_loop_body(unit_, body, index);
  llvm::Value* n = scalar(instr.args[0]);
  llvm::Value* captures = store_captures(instr);
  const uint64_t partial_bytes = kSlot * part_count(body.result);

  llvm::Type* const pointer = unit_.pointer();
  llvm::Value* most = b_.CreateCall(unit_.external("hst_parallel_chunks", unit_.i32(), {unit_.i64()}), {n});
  // The partial results lie on the stack only as long as the loop runs.
  llvm::Value* stack = partial_bytes == 0 ? nullptr : b_.CreateStackSave();
  llvm::Value* partials = llvm::ConstantPointerNull::get(unit_.pointer());
  if (partial_bytes != 0) {
    llvm::Value* count = b_.CreateZExt(b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, most, b_.getInt32(1)), unit_.i64());
    llvm::AllocaInst* memory = b_.CreateAlloca(llvm::ArrayType::get(unit_.i8(), partial_bytes), count);
    memory->setAlignment(llvm::Align(16));
    partials = memory;
  }
  llvm::Value* chunks = frame_.scratch(kSlot);
  llvm::Function* run =
      unit_.external("hst_parallel_for", unit_.i32(), {pointer, unit_.i64(), pointer, pointer, pointer, unit_.i64(), unit_.i32(), pointer});
  llvm::Value* status = b_.CreateCall(run, {frame_.env(), n, native, captures, partials, b_.getInt64(partial_bytes), most, chunks});
  errors_.leave_unless_ok(status, instr.location);
  if (partial_bytes == 0) {
    return {};
  }
  llvm::LoadInst* used = b_.CreateLoad(unit_.i32(), chunks);
  unit_.mark(used, Memory::kFrame);
  Parts result = combine_partials(body, partials, partial_bytes, b_.CreateSExt(used, unit_.i64()));
  b_.CreateStackRestore(stack);
  return result;
}

} // namespace hasten::llvm_backend
