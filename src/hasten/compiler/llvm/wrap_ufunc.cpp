// NumPy's inner loops around function 0.
#include <cstddef>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"
#include "hasten/base/diagnostic.h"
#include "hasten/compiler/llvm/ewise_block.h"
#include "hasten/compiler/llvm/ewise_plan.h"
#include "hasten/compiler/llvm/loops.h"
#include "hasten/compiler/llvm/lowering.h"
#include "hasten/compiler/llvm/wrappers.h"

namespace hasten::llvm_backend {
namespace {

// void loop(char** args, const int64_t* dimensions, const int64_t* steps, void* data)
llvm::Function* define_loop(Unit& unit) {
  llvm::Type* const pointer = unit.pointer();
  llvm::Function* host = unit.define(kLoopSymbol, llvm::Type::getVoidTy(unit.context()), {pointer, pointer, pointer, pointer}, true);
  for (unsigned i = 0; i < 3; ++i) {
    host->addParamAttr(i, llvm::Attribute::NoAlias);
    host->addParamAttr(i, llvm::Attribute::ReadOnly);
  }
  return host;
}

// The loop's arguments, and the ways out of it.
struct LoopFrame {
  LoopFrame(Unit& u, llvm::Function* host)
      : unit(u), b(u), frame(u, *host, nullptr, b), args(host->getArg(0)), dimensions(host->getArg(1)), steps(host->getArg(2)),
        env(make_env(frame, b)) {
    frame.set_env(env);
    unit.mark(b.CreateStore(host->getArg(3), offset_address(b, env, offsetof(abi::Env, bindings))), Memory::kEnv);
  }

  llvm::Value* load(llvm::Type* type, llvm::Value* base, size_t index) {
    llvm::LoadInst* load = b.CreateLoad(type, offset_address(b, base, 8 * index));
    unit.mark(load, Memory::kFrame);
    return load;
  }
  llvm::Value* pointer(size_t index) { return load(unit.pointer(), args, index); }
  llvm::Value* dimension(size_t index) { return load(unit.i64(), dimensions, index); }
  llvm::Value* step(size_t index) { return load(unit.i64(), steps, index); }

  // Reports the error and leaves the loop.
  void fail() {
    b.CreateCall(unit.external(kUfuncErrorSymbol, b.getVoidTy(), {unit.pointer()}, true), {env});
    b.CreateRetVoid();
  }

  void leave_if_empty(llvm::Value* count) {
    llvm::BasicBlock* empty = frame.new_block("empty");
    llvm::BasicBlock* items = frame.new_block("items");
    b.CreateCondBr(b.CreateICmpSLT(count, b.getInt64(1)), empty, items, unit.unlikely());
    b.SetInsertPoint(empty);
    b.CreateRetVoid();
    b.SetInsertPoint(items);
  }

  Unit& unit;
  Builder b;
  Frame frame;
  llvm::Value* args;
  llvm::Value* dimensions;
  llvm::Value* steps;
  llvm::Value* env;
};

std::vector<ir::TypeRef> output_types(const ir::Function& function, int outputs) {
  if (outputs == 1 && function.result->kind != ir::Kind::kTuple) {
    return {function.result};
  }
  if (function.result->kind != ir::Kind::kTuple || function.result->items.size() != static_cast<size_t>(outputs)) {
    base::internal_error("the result of " + function.name + " does not fit a ufunc with " + std::to_string(outputs) + " outputs");
  }
  return function.result->items;
}

// ---- straight functions: the driver of whole-array statements does it, on views of one dimension

llvm::Value* one_dimensional_view(LoopFrame& loop, size_t index, ir::TypeRef item, llvm::Value* count) {
  using abi::ArrayView;
  Builder& b = loop.b;
  llvm::Value* view = loop.frame.reserve(sizeof(ArrayView) + 16);
  const auto store = [&](llvm::Value* value, size_t offset) {
    loop.unit.mark(b.CreateStore(value, offset_address(b, view, offset)), Memory::kFrame);
  };
  store(loop.unit.external_data("hst_immortal_block"), offsetof(ArrayView, block));
  store(loop.pointer(index), offsetof(ArrayView, data));
  store(offset_address(b, view, sizeof(ArrayView)), offsetof(ArrayView, shape));
  store(offset_address(b, view, sizeof(ArrayView) + 8), offsetof(ArrayView, strides));
  store(b.getInt32(1), offsetof(ArrayView, ndim));
  store(loop.unit.int32(static_cast<int64_t>(item->dtype)), offsetof(ArrayView, dtype));
  store(count, sizeof(ArrayView));
  store(loop.step(index), sizeof(ArrayView) + 8);
  return view;
}

void emit_straight_loop(LoopFrame& loop, const ir::Function& function) {
  Unit& unit = loop.unit;
  Builder& b = loop.b;
  const size_t inputs = function.params.size();
  llvm::Value* count = loop.dimension(0);
  llvm::Constant* program = ewise_program(unit, 0, OperandKinds(inputs, abi::EwiseOperand::kArray));
  llvm::Value* operands = loop.frame.reserve(8 * (inputs + 1));
  for (size_t i = 0; i < inputs; ++i) {
    llvm::Value* view = one_dimensional_view(loop, i, function.params[i], count);
    unit.mark(b.CreateStore(view, offset_address(b, operands, 8 * i)), Memory::kFrame);
  }
  llvm::Value* out = one_dimensional_view(loop, inputs, function.result, count);
  llvm::Type* const pointer = unit.pointer();
  llvm::Function* driver = unit.external("hst_ewise_into", unit.i32(), {pointer, pointer, pointer, pointer});
  llvm::Value* status = b.CreateCall(driver, {loop.env, program, operands, out});
  llvm::BasicBlock* failed = loop.frame.new_block("failed");
  llvm::BasicBlock* done = loop.frame.new_block("done");
  b.CreateCondBr(b.CreateICmpNE(status, b.getInt32(0)), failed, done, unit.unlikely());
  b.SetInsertPoint(failed);
  loop.fail();
  b.SetInsertPoint(done);
  b.CreateRetVoid();
}

// ---- all others: function 0 for each item

// One loop with the function's body inside; steps: null where they are the items' sizes. `independent`: no item reads what another writes.
void emit_item_loop(LoopFrame& loop, const ir::Function& function, const std::vector<ir::TypeRef>& outputs,
                    llvm::ArrayRef<llvm::Value*> pointers, llvm::ArrayRef<llvm::Value*> steps, llvm::Value* count,
                    bool independent = true) {
  Unit& unit = loop.unit;
  Builder& b = loop.b;
  const CountedLoop items = begin_loop(loop.frame, b);
  const auto address = [&](size_t i, ir::TypeRef type) {
    return steps.empty() ? item_at(unit, b, type, pointers[i], items.index)
                         : b.CreateInBoundsGEP(unit.i8(), pointers[i], b.CreateNSWMul(items.index, steps[i]));
  };
  std::vector<Parts> params;
  for (size_t i = 0; i < function.params.size(); ++i) {
    params.push_back(load_item(unit, b, function.params[i], address(i, function.params[i]), Memory::kItems));
  }
  llvm::BasicBlock* latch = loop.frame.new_block("latch");
  const auto on_return = [&](const Parts& result) {
    size_t first = 0;
    for (size_t i = 0; i < outputs.size(); ++i) {
      const unsigned parts = part_count(outputs[i]);
      const Parts item(result.begin() + first, result.begin() + first + parts);
      store_item(unit, b, outputs[i], item, address(function.params.size() + i, outputs[i]), Memory::kItems);
      first += parts;
    }
    b.CreateBr(latch);
  };
  Lowering(loop.frame, function, b, std::move(params), {on_return, [&](llvm::Value*) { loop.fail(); }}).run();
  b.SetInsertPoint(latch);
  llvm::Instruction* back = end_loop(loop.frame, b, items, count, 1);
  if (independent) { // NumPy makes copies of operands that overlap otherwise than item for item
    mark_independent(unit, items, back);
  }
  b.CreateRetVoid();
}

struct Operands {
  llvm::SmallVector<llvm::Value*, 4> pointers;
  llvm::SmallVector<llvm::Value*, 4> steps;
};

Operands load_operands(LoopFrame& loop, size_t count) {
  Operands operands;
  for (size_t i = 0; i < count; ++i) {
    operands.pointers.push_back(loop.pointer(i));
    operands.steps.push_back(loop.step(i));
  }
  return operands;
}

// reduce and accumulate hand the last output in as the next input: the items are taken one after the other. Goes on behind that case.
void emit_carried_loop(LoopFrame& loop, const ir::Function& function, const std::vector<ir::TypeRef>& outputs) {
  Builder& b = loop.b;
  const size_t inputs = function.params.size();
  const Operands operands = load_operands(loop, inputs + outputs.size());
  llvm::Value* carried = b.getFalse();
  for (size_t o = inputs; o < operands.pointers.size(); ++o) {
    carried = b.CreateOr(carried, b.CreateICmpEQ(operands.steps[o], b.getInt64(0)));
    for (size_t i = 0; i < inputs; ++i) {
      llvm::Value* distance =
          b.CreateSub(b.CreatePtrToInt(operands.pointers[o], b.getInt64Ty()), b.CreatePtrToInt(operands.pointers[i], b.getInt64Ty()));
      carried = b.CreateOr(carried, b.CreateICmpEQ(distance, operands.steps[o]));
    }
  }
  llvm::BasicBlock* one_by_one = loop.frame.new_block("carried");
  llvm::BasicBlock* apart = loop.frame.new_block("apart");
  b.CreateCondBr(carried, one_by_one, apart, loop.unit.unlikely());
  b.SetInsertPoint(one_by_one);
  emit_item_loop(loop, function, outputs, operands.pointers, operands.steps, loop.dimension(0), false);
  b.SetInsertPoint(apart);
}

void emit_branching_loop(LoopFrame& loop, const ir::Function& function, const std::vector<ir::TypeRef>& outputs) {
  Builder& b = loop.b;
  llvm::Value* count = loop.dimension(0);
  const auto [pointers, steps] = load_operands(loop, function.params.size() + outputs.size());
  llvm::Value* dense = b.getTrue();
  for (size_t i = 0; i < steps.size(); ++i) {
    const ir::TypeRef type = i < function.params.size() ? function.params[i] : outputs[i - function.params.size()];
    dense = b.CreateAnd(dense, b.CreateICmpEQ(steps[i], b.getInt64(item_size(type))));
  }
  llvm::BasicBlock* fast = loop.frame.new_block("dense");
  llvm::BasicBlock* general = loop.frame.new_block("strided");
  b.CreateCondBr(dense, fast, general, loop.unit.likely());
  b.SetInsertPoint(fast);
  emit_item_loop(loop, function, outputs, pointers, {}, count);
  b.SetInsertPoint(general);
  emit_item_loop(loop, function, outputs, pointers, steps, count);
}

// ---- generalised ufuncs

// An array of the core dimensions; where the parameter has more dimensions than that, the first ones have length 1.
Parts core_array(LoopFrame& loop, ir::TypeRef array, const std::vector<int>& dimensions, llvm::Value* data, size_t first_step) {
  const unsigned ndim = array->ndim;
  if (dimensions.size() > ndim) {
    base::internal_error("a core array of type " + array->text + " has too many dimensions");
  }
  const auto missing = ndim - static_cast<unsigned>(dimensions.size());
  Parts parts(part_count(array), nullptr);
  parts[kBlockPart] = loop.unit.external_data("hst_immortal_block");
  parts[kDataPart] = data;
  for (unsigned axis = 0; axis < ndim; ++axis) {
    const bool real = axis >= missing;
    const size_t core = real ? axis - missing : 0;
    parts[shape_part(axis)] = real ? loop.dimension(1 + static_cast<size_t>(dimensions[core])) : loop.b.getInt64(1);
    parts[stride_part(ndim, axis)] = real ? loop.step(first_step + core) : loop.b.getInt64(item_size(array->elem));
  }
  return parts;
}

} // namespace

void emit_ufunc_loop(Unit& unit, const EmitOptions& options) {
  const ir::Function& function = unit.ir().functions[0];
  const std::vector<ir::TypeRef> outputs = output_types(function, options.outputs);
  LoopFrame loop(unit, define_loop(unit));
  loop.leave_if_empty(loop.dimension(0));
  emit_carried_loop(loop, function, outputs);
  if (outputs.size() == 1 && is_straight(function)) {
    emit_straight_loop(loop, function);
  } else {
    emit_branching_loop(loop, function, outputs);
  }
}

void emit_gufunc_loop(Unit& unit, const EmitOptions& options) {
  const ir::Function& function = unit.ir().functions[0];
  const size_t operands = function.params.size();
  if (options.core_dimensions.size() != operands) {
    base::internal_error("the core dimensions of a gufunc don't fit " + function.name);
  }
  LoopFrame loop(unit, define_loop(unit));
  Builder& b = loop.b;
  llvm::Value* count = loop.dimension(0);
  loop.leave_if_empty(count);
  llvm::Value* result = loop.frame.reserve(8ULL * (part_count(function.result) + 1));
  const CountedLoop outer = begin_loop(loop.frame, b);
  llvm::SmallVector<llvm::Value*, 16> arguments{loop.env, result};
  size_t core_step = operands;
  for (size_t i = 0; i < operands; ++i) {
    const ir::TypeRef type = function.params[i];
    llvm::Value* data = b.CreateGEP(unit.i8(), loop.pointer(i), b.CreateMul(outer.index, loop.step(i)));
    const Parts parts = ir::is_array(type) ? core_array(loop, type, options.core_dimensions[i], data, core_step)
                                           : load_item(unit, b, type, data, Memory::kItems);
    arguments.append(parts.begin(), parts.end());
    core_step += options.core_dimensions[i].size();
  }
  llvm::Value* status = b.CreateCall(unit.native(0), arguments);
  llvm::BasicBlock* failed = loop.frame.new_block("failed");
  llvm::BasicBlock* fine = loop.frame.new_block("fine");
  b.CreateCondBr(b.CreateICmpNE(status, b.getInt32(0)), failed, fine, unit.unlikely());
  b.SetInsertPoint(failed);
  loop.fail();
  b.SetInsertPoint(fine);
  end_loop(loop.frame, b, outer, count, 1);
  b.CreateRetVoid();
}

} // namespace hasten::llvm_backend
