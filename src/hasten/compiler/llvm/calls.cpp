#include "hasten/compiler/llvm/calls.h"

#include <cstddef>

#include <llvm/IR/LLVMContext.h>

#include "hasten/abi/slots.h"

namespace hasten::llvm_backend {
namespace {

bool is_complex64(ir::TypeRef type) { return ir::is_complex(type) && type->bits == 64; }

llvm::Type* pair_of_floats(Unit& unit) { return llvm::FixedVectorType::get(llvm::Type::getFloatTy(unit.context()), 2); }

llvm::Type* c_result_type(Unit& unit, ir::TypeRef type) {
  if (is_complex64(type)) {
    return pair_of_floats(unit);
  }
  const PartList parts = parts_of(type);
  if (parts.empty()) {
    return llvm::Type::getVoidTy(unit.context());
  }
  llvm::Type* first = memory_type(unit.context(), parts[0]);
  return parts.size() == 1 ? first : static_cast<llvm::Type*>(llvm::StructType::get(first, first));
}

Parts unpack_c_result(Builder& b, ir::TypeRef type, llvm::Value* value) {
  if (is_complex64(type)) {
    return {b.CreateExtractElement(value, uint64_t{0}), b.CreateExtractElement(value, uint64_t{1})};
  }
  if (ir::is_complex(type)) {
    return {b.CreateExtractValue(value, 0), b.CreateExtractValue(value, 1)};
  }
  return {type->kind == ir::Kind::kBool ? b.CreateTrunc(value, b.getInt1Ty()) : value};
}

llvm::Value* invariant_pointer(Unit& unit, Builder& b, llvm::Value* address) {
  llvm::LoadInst* load = b.CreateLoad(unit.pointer(), address);
  load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(unit.context(), {}));
  return load;
}

// Steps are known when the code is made, so that they lie in constant memory.
llvm::Constant* constant_steps(Unit& unit, llvm::ArrayRef<LoopOperand> operands) {
  std::string key = "steps:";
  llvm::SmallVector<uint64_t, 4> steps;
  for (const LoopOperand& operand : operands) {
    steps.push_back(static_cast<uint64_t>(operand.step));
    key += std::to_string(operand.step) + ",";
  }
  llvm::Constant*& known = unit.cached(key);
  if (known == nullptr) {
    llvm::Constant* content = llvm::ConstantDataArray::get(unit.context(), steps);
    known = new llvm::GlobalVariable(unit.module(), content->getType(), true, llvm::GlobalValue::PrivateLinkage, content, "steps");
  }
  return known;
}

} // namespace

llvm::Attribute::AttrKind extension(Part part) {
  if (part.kind == PartKind::kBool || (part.kind == PartKind::kInt && part.bits < 32 && !part.is_signed)) {
    return llvm::Attribute::ZExt;
  }
  return part.kind == PartKind::kInt && part.bits < 32 ? llvm::Attribute::SExt : llvm::Attribute::None;
}

Parts call_extern(Unit& unit, Builder& b, llvm::StringRef name, ir::TypeRef result, llvm::ArrayRef<ir::TypeRef> types, ArgParts args) {
  llvm::SmallVector<llvm::Value*, 4> values;
  llvm::SmallVector<llvm::Attribute::AttrKind, 4> attributes;
  for (size_t i = 0; i < args.size(); ++i) {
    const Parts& arg = *args[i];
    if (is_complex64(types[i])) {
      llvm::Value* pair = b.CreateInsertElement(llvm::PoisonValue::get(pair_of_floats(unit)), arg[0], uint64_t{0});
      values.push_back(b.CreateInsertElement(pair, arg[1], uint64_t{1}));
      attributes.push_back(llvm::Attribute::None);
      continue;
    }
    size_t index = 0;
    for (Part part : parts_of(types[i])) {
      llvm::Value* value = arg[index++];
      values.push_back(part.kind == PartKind::kBool ? b.CreateZExt(value, unit.i8()) : value);
      attributes.push_back(extension(part));
    }
  }
  llvm::SmallVector<llvm::Type*, 4> value_types;
  for (llvm::Value* value : values) {
    value_types.push_back(value->getType());
  }
  llvm::Type* returned = c_result_type(unit, result);
  llvm::Function* callee = unit.external(name, returned, value_types);
  callee->setDoesNotAccessMemory();
  callee->setWillReturn();
  llvm::CallInst* call = b.CreateCall(llvm::FunctionType::get(returned, value_types, false), callee, values);
  if ((unit.ir().fastmath & ir::kApproximateFunctions) == 0) {
    call->addFnAttr(llvm::Attribute::NoBuiltin); // LLVM's rewrites of libm calls may change the last bit
  }
  for (unsigned i = 0; i < attributes.size(); ++i) {
    if (attributes[i] != llvm::Attribute::None) {
      call->addParamAttr(i, attributes[i]);
    }
  }
  return part_count(result) == 0 ? Parts{} : unpack_c_result(b, result, call);
}

void call_numpy_loop(Frame& frame, Builder& b, llvm::StringRef name, llvm::ArrayRef<LoopOperand> operands, llvm::Value* count) {
  Unit& unit = frame.unit();
  llvm::GlobalVariable* loop = unit.external_data(name);
  llvm::Value* function = invariant_pointer(unit, b, offset_address(b, loop, offsetof(abi::NumpyLoop, function)));
  llvm::Value* data = invariant_pointer(unit, b, offset_address(b, loop, offsetof(abi::NumpyLoop, data)));
  llvm::Value* addresses = frame.scratch(8 * operands.size());
  for (size_t i = 0; i < operands.size(); ++i) {
    unit.mark(b.CreateStore(operands[i].address, offset_address(b, addresses, 8 * i)), Memory::kFrame);
  }
  llvm::Value* dimensions = frame.scratch(8);
  unit.mark(b.CreateStore(count, dimensions), Memory::kFrame);
  auto* type = llvm::FunctionType::get(b.getVoidTy(), {unit.pointer(), unit.pointer(), unit.pointer(), unit.pointer()}, false);
  llvm::CallInst* call = b.CreateCall(type, function, {addresses, dimensions, constant_steps(unit, operands), data});
  call->setDoesNotThrow();
}

} // namespace hasten::llvm_backend
