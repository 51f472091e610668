#include "hasten/compiler/llvm/ewise_block.h"

#include "hasten/base/diagnostic.h"
#include "hasten/compiler/llvm/ewise_plan.h"
#include "hasten/compiler/llvm/loops.h"
#include "hasten/compiler/llvm/lowering.h"

namespace hasten::llvm_backend {
namespace {

using abi::EwiseOperand;

ir::TypeRef operand_type(const ir::Function& kernel, const OperandKinds& kinds, size_t position) {
  return kinds[position] == EwiseOperand::kIota ? ir::intp_type() : kernel.params[position];
}

// Computes any kernel, item by item.
BlockShape emit_scalar_block(Unit& unit, const ir::Function& kernel, const OperandKinds& kinds, llvm::Function* host) {
  Builder b(unit);
  Frame frame(unit, *host, host->getArg(0), b);
  llvm::Value* count = host->getArg(2);
  llvm::BasicBlock* empty = frame.new_block("empty");
  llvm::BasicBlock* items = frame.new_block("items");
  b.CreateCondBr(b.CreateICmpSLT(count, b.getInt64(1)), empty, items, unit.unlikely());
  b.SetInsertPoint(empty);
  b.CreateRet(unit.status(abi::Status::kOk));
  b.SetInsertPoint(items);

  std::vector<llvm::Value*> pointers;
  for (size_t i = 0; i <= kinds.size(); ++i) {
    llvm::LoadInst* pointer = b.CreateLoad(unit.pointer(), offset_address(b, host->getArg(1), 8 * i));
    unit.mark(pointer, Memory::kFrame);
    pointers.push_back(pointer);
  }
  std::vector<Parts> params;
  for (size_t i = 0; i < kinds.size(); ++i) {
    params.push_back(kinds[i] == EwiseOperand::kArray ? Parts{}
                                                      : load_item(unit, b, operand_type(kernel, kinds, i), pointers[i], Memory::kFrame));
  }

  const CountedLoop loop = begin_loop(frame, b);
  for (size_t i = 0; i < kinds.size(); ++i) {
    if (kinds[i] == EwiseOperand::kArray) {
      params[i] = load_item(unit, b, kernel.params[i], item_at(unit, b, kernel.params[i], pointers[i], loop.index), Memory::kItems);
    } else if (kinds[i] == EwiseOperand::kIota) {
      params[i] = {b.CreateAdd(params[i][0], loop.index)};
    }
  }
  llvm::BasicBlock* latch = frame.new_block("latch");
  const auto on_return = [&](const Parts& result) {
    store_item(unit, b, kernel.result, result, item_at(unit, b, kernel.result, pointers.back(), loop.index), Memory::kItems);
    b.CreateBr(latch);
  };
  const auto on_error = [&](llvm::Value* status) { b.CreateRet(status); };
  Lowering(frame, kernel, b, std::move(params), {on_return, on_error}).run();
  b.SetInsertPoint(latch);
  mark_independent(unit, loop, end_loop(frame, b, loop, count, 1));
  b.CreateRet(unit.status(abi::Status::kOk));
  return {};
}

void check_operands(const ir::Function& kernel, const OperandKinds& kinds) {
  if (kinds.size() != kernel.params.size() || kernel.result == nullptr) {
    base::internal_error("the kernel " + kernel.name + " takes " + std::to_string(kernel.params.size()) + " items, not " +
                         std::to_string(kinds.size()));
  }
}

llvm::Constant* build_program(Unit& unit, uint32_t index, const OperandKinds& kinds) {
  const ir::Function& kernel = unit.ir().functions[index];
  check_operands(kernel, kinds);
  llvm::Function* block = unit.define(("block" + llvm::Twine(index)).str(), unit.i32(), {unit.pointer(), unit.pointer(), unit.i64()});
  describe_env(*block, 0);
  const BlockShape shape =
      is_straight(kernel) ? emit_straight_block(unit, kernel, kinds, block) : emit_scalar_block(unit, kernel, kinds, block);

  std::vector<int32_t> kind_values;
  std::vector<int32_t> item_bytes;
  for (size_t i = 0; i < kinds.size(); ++i) {
    kind_values.push_back(static_cast<int32_t>(kinds[i]));
    item_bytes.push_back(static_cast<int32_t>(item_size(operand_type(kernel, kinds, i))));
  }
  llvm::Type* real = llvm::Type::getFloatTy(unit.context());
  llvm::Constant* const fields[] = {
      block,
      unit.int32(static_cast<int64_t>(kinds.size())),
      unit.int32(shape.multiple),
      unit.int64(shape.max_block),
      unit.int32(item_size(kernel.result)),
      unit.int32(static_cast<int64_t>(kernel.result->dtype)),
      unit.int32(unit.ir().parallel ? 1 : 0),
      llvm::ConstantFP::get(real, estimate_cost(kernel, shape.width)),
      unit.constant_array(kind_values),
      unit.constant_array(item_bytes),
  };
  llvm::Constant* content = llvm::ConstantStruct::getAnon(fields);
  return new llvm::GlobalVariable(unit.module(), content->getType(), true, llvm::GlobalValue::InternalLinkage, content,
                                  "program" + llvm::Twine(index));
}

} // namespace

llvm::Constant* ewise_program(Unit& unit, uint32_t kernel, const OperandKinds& kinds) {
  if (kernel >= unit.ir().functions.size()) {
    base::internal_error("an element-wise op names function " + std::to_string(kernel) + ", which the module doesn't have");
  }
  std::string key = "program:" + std::to_string(kernel);
  for (EwiseOperand kind : kinds) {
    key += ":" + std::to_string(static_cast<int>(kind));
  }
  if (unit.cached(key) == nullptr) {
    unit.cached(key) = build_program(unit, kernel, kinds);
  }
  return unit.cached(key);
}

} // namespace hasten::llvm_backend
