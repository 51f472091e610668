// Block functions of straight kernels: loops over vectors, with calls over buffers between them.
#include <algorithm>
#include <map>
#include <numeric>

#include "hasten/compiler/llvm/calls.h"
#include "hasten/compiler/llvm/ewise_block.h"
#include "hasten/compiler/llvm/ewise_plan.h"
#include "hasten/compiler/llvm/loops.h"
#include "hasten/compiler/llvm/pure.h"

namespace hasten::llvm_backend {
namespace {

using abi::EwiseOperand;

// Bits of the widest thing that a vector of this type is computed in.
unsigned lane_bits(ir::TypeRef type) {
  const Part part = parts_of(type)[0];
  return part.kind == PartKind::kBool ? 8 : part.kind == PartKind::kFloat && part.bits == 16 ? 32U : part.bits;
}

unsigned vector_width(Unit& unit, const ir::Function& kernel) {
  unsigned widest = 8;
  for (ir::ValueId id : kernel.blocks[0].instrs) {
    const ir::Instr& instr = kernel.values[id];
    if (instr.op != ir::Op::kRet) {
      widest = std::max(widest, lane_bits(instr.type));
    }
  }
  return unit.vector_bits() / widest;
}

// How many vectors a turn of the loop computes: short bodies need several to hide the loop's own cost, long ones don't, and code that falls
// apart into scalars is large enough as it is.
unsigned unroll_factor(const ir::Function& kernel) {
  size_t weight = 0;
  for (ir::ValueId id : kernel.blocks[0].instrs) {
    switch (kernel.values[id].op) {
    case ir::Op::kFloorDiv:
    case ir::Op::kFloorMod:
    case ir::Op::kTruncDiv:
    case ir::Op::kTruncMod:
      return 1;
    default:
      ++weight;
    }
  }
  return weight <= 5 ? 4 : weight <= 14 ? 2 : 1;
}

Parts load_vector(Lane& lane, ir::TypeRef type, llvm::Value* address) {
  Builder& b = lane.b;
  const PartList parts = parts_of(type);
  const auto count = static_cast<unsigned>(parts.size());
  llvm::Type* memory = memory_type(lane.unit.context(), parts[0], lane.width * count);
  llvm::LoadInst* whole = b.CreateAlignedLoad(memory, address, llvm::Align(part_bytes(parts[0])));
  lane.unit.mark(whole, Memory::kItems);
  if (parts[0].kind == PartKind::kBool) {
    return {b.CreateICmpNE(whole, llvm::Constant::getNullValue(memory))};
  }
  if (count == 1) {
    return {whole};
  }
  llvm::SmallVector<int, 64> even;
  llvm::SmallVector<int, 64> odd;
  for (unsigned i = 0; i < lane.width; ++i) {
    even.push_back(static_cast<int>(2 * i));
    odd.push_back(static_cast<int>(2 * i + 1));
  }
  return {b.CreateShuffleVector(whole, even), b.CreateShuffleVector(whole, odd)};
}

void store_vector(Lane& lane, ir::TypeRef type, const Parts& value, llvm::Value* address) {
  Builder& b = lane.b;
  const PartList parts = parts_of(type);
  llvm::Value* whole = value[0];
  if (parts[0].kind == PartKind::kBool) {
    whole = b.CreateZExt(whole, memory_type(lane.unit.context(), parts[0], lane.width));
  }
  if (parts.size() == 2) {
    llvm::SmallVector<int, 64> interleaved;
    for (unsigned i = 0; i < lane.width; ++i) {
      interleaved.push_back(static_cast<int>(i));
      interleaved.push_back(static_cast<int>(lane.width + i));
    }
    whole = b.CreateShuffleVector(value[0], value[1], interleaved);
  }
  lane.unit.mark(b.CreateAlignedStore(whole, address, llvm::Align(part_bytes(parts[0]))), Memory::kItems);
}

Parts splat(Lane& lane, const Parts& scalar) {
  Parts result;
  for (llvm::Value* part : scalar) {
    result.push_back(lane.width == 1 ? part : lane.b.CreateVectorSplat(lane.width, part));
  }
  return result;
}

// Computes a straight kernel.
class StraightBlock {
public:
  StraightBlock(Unit& unit, const ir::Function& kernel, const OperandKinds& kinds, llvm::Function* host)
      : unit_(unit), kernel_(kernel), kinds_(kinds), plan_(plan_ewise(kernel, iota_position(kinds))), b_(unit),
        frame_(unit, *host, host->getArg(0), b_), lane_{unit, b_, vector_width(unit, kernel)}, unroll_(unroll_factor(kernel)),
        count_(host->getArg(2)) {
    leave_if_empty();
    load_operands(host->getArg(1));
  }

  BlockShape shape() const {
    const bool vectors = std::any_of(plan_.stages.begin(), plan_.stages.end(), [this](const EwiseStage& s) { return needs_loop(s); });
    return {vectors ? static_cast<int>(lane_.width * unroll_) : 1, plan_.has_buffers ? kBufferItems : INT64_MAX, lane_.width};
  }

  void emit() {
    reserve_buffers();
    for (const EwiseStage& stage : plan_.stages) {
      if (needs_loop(stage)) {
        emit_loop(stage);
      }
      for (ir::ValueId call : stage.calls) {
        emit_call(call);
      }
    }
    b_.CreateRet(unit_.status(abi::Status::kOk));
  }

private:
  static int iota_position(const OperandKinds& kinds) {
    const auto found = std::find(kinds.begin(), kinds.end(), EwiseOperand::kIota);
    return found == kinds.end() ? -1 : static_cast<int>(found - kinds.begin());
  }

  const ir::Instr& at(ir::ValueId id) const { return kernel_.values[id]; }
  bool is_last(const EwiseStage& stage) const { return &stage == &plan_.stages.back(); }
  bool stores_result(const EwiseStage& stage) const { return is_last(stage) && !plan_.result_from_call; }
  bool needs_loop(const EwiseStage& stage) const { return !stage.computed.empty() || stores_result(stage); }

  void leave_if_empty() {
    llvm::BasicBlock* empty = frame_.new_block("empty");
    llvm::BasicBlock* items = frame_.new_block("items");
    b_.CreateCondBr(b_.CreateICmpSLT(count_, b_.getInt64(1)), empty, items, unit_.unlikely());
    b_.SetInsertPoint(empty);
    b_.CreateRet(unit_.status(abi::Status::kOk));
    b_.SetInsertPoint(items);
  }

  void load_operands(llvm::Value* pointers) {
    for (size_t i = 0; i <= kinds_.size(); ++i) {
      llvm::LoadInst* pointer = b_.CreateLoad(unit_.pointer(), offset_address(b_, pointers, 8 * i));
      unit_.mark(pointer, Memory::kFrame);
      pointers_.push_back(pointer);
    }
    for (size_t i = 0; i < kinds_.size(); ++i) {
      uniform_.emplace_back();
      if (kinds_[i] != EwiseOperand::kArray) {
        const ir::TypeRef type = kinds_[i] == EwiseOperand::kIota ? ir::intp_type() : kernel_.params[i];
        uniform_[i] = splat(lane_, load_item(unit_, b_, type, pointers_[i], Memory::kItems));
      }
    }
  }

  void reserve_buffers() {
    for (ir::ValueId id = 0; id < plan_.buffered.size(); ++id) {
      if (plan_.buffered[id]) {
        buffers_[id] = frame_.reserve(kBufferItems * item_size(at(id).type), 64);
      }
    }
  }

  void emit_loop(const EwiseStage& stage) {
    const CountedLoop loop = begin_loop(frame_, b_);
    std::vector<llvm::Value*> positions;
    for (unsigned u = 0; u < unroll_; ++u) {
      positions.push_back(u == 0 ? loop.index : b_.CreateAdd(loop.index, b_.getInt64(uint64_t{u} * lane_.width), "", true, true));
    }
    // All loads come first: the result may be one of the operands.
    copies_.assign(unroll_, {});
    for (unsigned u = 0; u < unroll_; ++u) {
      load_sources(stage, u, positions[u]);
    }
    for (unsigned u = 0; u < unroll_; ++u) {
      compute(stage, u);
    }
    for (unsigned u = 0; u < unroll_; ++u) {
      store_results(stage, u, positions[u]);
    }
    end_loop(frame_, b_, loop, count_, static_cast<int64_t>(lane_.width) * unroll_);
  }

  void load_sources(const EwiseStage& stage, unsigned u, llvm::Value* position) {
    for (ir::ValueId id : stage.computed) {
      if (at(id).op == ir::Op::kParam) {
        copies_[u][id] = source(id, position);
      }
      for (ir::ValueId arg : at(id).args) {
        load_source(stage, u, arg, position);
      }
    }
    if (stores_result(stage)) {
      load_source(stage, u, plan_.result, position);
    }
  }

  void load_source(const EwiseStage& stage, unsigned u, ir::ValueId id, llvm::Value* position) {
    const bool made_here = std::find(stage.computed.begin(), stage.computed.end(), id) != stage.computed.end();
    if (!made_here && copies_[u].count(id) == 0) {
      copies_[u][id] = source(id, position);
    }
  }

  Parts source(ir::ValueId id, llvm::Value* position) {
    const ir::Instr& instr = at(id);
    if (plan_.buffered[id] && instr.op != ir::Op::kParam) {
      return load_vector(lane_, instr.type, item_at(unit_, b_, instr.type, buffers_[id], position));
    }
    if (instr.op != ir::Op::kParam) {
      return lower_pure(lane_, kernel_, instr, {});
    }
    const auto operand = static_cast<size_t>(instr.aux);
    switch (kinds_[operand]) {
    case EwiseOperand::kArray:
      return load_vector(lane_, instr.type, item_at(unit_, b_, instr.type, pointers_[operand], position));
    case EwiseOperand::kIota:
      return {b_.CreateAdd(uniform_[operand][0], b_.CreateAdd(b_.CreateVectorSplat(lane_.width, position), ascending()))};
    default:
      return uniform_[operand];
    }
  }

  llvm::Constant* ascending() {
    std::vector<uint64_t> steps(lane_.width);
    std::iota(steps.begin(), steps.end(), 0);
    return llvm::ConstantDataVector::get(unit_.context(), steps);
  }

  void compute(const EwiseStage& stage, unsigned u) {
    for (ir::ValueId id : stage.computed) {
      if (copies_[u].count(id) != 0) {
        continue;
      }
      std::vector<const Parts*> args;
      for (ir::ValueId arg : at(id).args) {
        args.push_back(&copies_[u].at(arg));
      }
      copies_[u][id] = lower_pure(lane_, kernel_, at(id), args);
    }
  }

  void store_results(const EwiseStage& stage, unsigned u, llvm::Value* position) {
    for (ir::ValueId id : stage.computed) {
      if (plan_.buffered[id]) {
        store_vector(lane_, at(id).type, copies_[u].at(id), item_at(unit_, b_, at(id).type, buffers_[id], position));
      }
    }
    if (stores_result(stage)) {
      llvm::Value* address = item_at(unit_, b_, kernel_.result, pointers_.back(), position);
      store_vector(lane_, kernel_.result, copies_[u].at(plan_.result), address);
    }
  }

  LoopOperand call_operand(ir::ValueId id) {
    const ir::Instr& instr = at(id);
    if (plan_.buffered[id]) {
      return {buffers_[id], item_size(instr.type)};
    }
    if (instr.op == ir::Op::kParam) {
      const auto operand = static_cast<size_t>(instr.aux);
      return {pointers_[operand], kinds_[operand] == EwiseOperand::kArray ? item_size(instr.type) : 0};
    }
    // A constant: one item in the frame.
    Lane scalar{unit_, b_};
    llvm::Value* memory = frame_.reserve(item_size(instr.type));
    store_item(unit_, b_, instr.type, lower_pure(scalar, kernel_, instr, {}), memory, Memory::kFrame);
    return {memory, 0};
  }

  void emit_call(ir::ValueId id) {
    const ir::Instr& instr = at(id);
    llvm::SmallVector<LoopOperand, 4> operands;
    for (ir::ValueId arg : instr.args) {
      operands.push_back(call_operand(arg));
    }
    llvm::Value* target = id == plan_.result && plan_.result_from_call ? pointers_.back() : buffers_.at(id);
    operands.push_back({target, item_size(instr.type)});
    const std::string& name = unit_.ir().symbols.at(static_cast<size_t>(instr.aux)).name;
    if (instr.op == ir::Op::kUfunc) {
      call_numpy_loop(frame_, b_, name, operands, count_);
    } else {
      emit_extern_loop(instr, name, operands);
    }
  }

  void emit_extern_loop(const ir::Instr& instr, const std::string& name, llvm::ArrayRef<LoopOperand> operands) {
    const CountedLoop loop = begin_loop(frame_, b_);
    std::vector<Parts> values;
    std::vector<ir::TypeRef> types;
    for (size_t i = 0; i < instr.args.size(); ++i) {
      const ir::TypeRef type = at(instr.args[i]).type;
      llvm::Value* address = operands[i].step == 0 ? operands[i].address : item_at(unit_, b_, type, operands[i].address, loop.index);
      values.push_back(load_item(unit_, b_, type, address, Memory::kItems));
      types.push_back(type);
    }
    std::vector<const Parts*> args;
    for (const Parts& value : values) {
      args.push_back(&value);
    }
    const Parts result = call_extern(unit_, b_, name, instr.type, types, args);
    store_item(unit_, b_, instr.type, result, item_at(unit_, b_, instr.type, operands.back().address, loop.index), Memory::kItems);
    end_loop(frame_, b_, loop, count_, 1);
  }

  Unit& unit_;
  const ir::Function& kernel_;
  const OperandKinds& kinds_;
  EwisePlan plan_;
  Builder b_;
  Frame frame_;
  Lane lane_;
  unsigned unroll_;
  llvm::Value* count_;
  std::vector<llvm::Value*> pointers_; // of the operands, then of the result
  std::vector<Parts> uniform_;         // scalar operands in all lanes; the iota's first index
  std::map<ir::ValueId, llvm::Value*> buffers_;
  std::vector<std::map<ir::ValueId, Parts>> copies_; // by turn of the unrolled loop
};

} // namespace

BlockShape emit_straight_block(Unit& unit, const ir::Function& kernel, const OperandKinds& kinds, llvm::Function* host) {
  host->addFnAttr(kVectorBlockAttribute);
  StraightBlock block(unit, kernel, kinds, host);
  block.emit();
  return block.shape();
}

} // namespace hasten::llvm_backend
