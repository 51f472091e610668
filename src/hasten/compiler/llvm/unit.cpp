#include "hasten/compiler/llvm/unit.h"

#include <llvm/IR/MDBuilder.h>

#include "hasten/abi/env.h"
#include "hasten/base/diagnostic.h"

namespace hasten::llvm_backend {

Unit::Unit(llvm::Module& module, const ir::Module& ir, unsigned vector_bits)
    : module_(module), ir_(ir), vector_bits_(vector_bits), pointer_(llvm::PointerType::getUnqual(module.getContext())),
      i8_(llvm::Type::getInt8Ty(module.getContext())), i32_(llvm::Type::getInt32Ty(module.getContext())),
      i64_(llvm::Type::getInt64Ty(module.getContext())), natives_(ir.functions.size(), nullptr) {
  llvm::MDBuilder metadata(context());
  llvm::MDNode* root = metadata.createTBAARoot("hasten");
  const char* const names[] = {"items", "env", "block", "frame"};
  for (size_t i = 0; i < 4; ++i) {
    llvm::MDNode* type = metadata.createTBAAScalarTypeNode(names[i], root);
    tags_[i] = metadata.createTBAAStructTagNode(type, type, 0);
  }
  likely_ = metadata.createLikelyBranchWeights();
  unlikely_ = metadata.createUnlikelyBranchWeights();
  find_shared_functions();
  find_recursive_functions();
}

void describe_env(llvm::Function& function, unsigned position) {
  function.addParamAttr(position, llvm::Attribute::NoAlias);
  function.addParamAttr(position, llvm::Attribute::NonNull);
  function.addDereferenceableParamAttr(position, sizeof(abi::Env));
  function.addParamAttr(position, llvm::Attribute::getWithAlignment(function.getContext(), llvm::Align(alignof(abi::Env))));
}

llvm::Function* Unit::external(llvm::StringRef name, llvm::Type* result, llvm::ArrayRef<llvm::Type*> params, bool cold) {
  if (llvm::Function* known = module_.getFunction(name)) {
    return known;
  }
  auto* type = llvm::FunctionType::get(result, params, false);
  llvm::Function* function = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module_);
  function->setDoesNotThrow();
  if (cold) {
    function->addFnAttr(llvm::Attribute::Cold);
  }
  return function;
}

llvm::GlobalVariable* Unit::external_data(llvm::StringRef name) {
  if (llvm::GlobalVariable* known = module_.getGlobalVariable(name)) {
    return known;
  }
  return new llvm::GlobalVariable(module_, i8_, false, llvm::GlobalValue::ExternalLinkage, nullptr, name);
}

llvm::Function* Unit::define(llvm::StringRef name, llvm::Type* result, llvm::ArrayRef<llvm::Type*> params, bool exported) {
  auto* type = llvm::FunctionType::get(result, params, false);
  llvm::Function* function =
      llvm::Function::Create(type, exported ? llvm::GlobalValue::ExternalLinkage : llvm::GlobalValue::InternalLinkage, name, module_);
  function->setDoesNotThrow();
  return function;
}

llvm::Function* Unit::native(uint32_t index) {
  if (index >= natives_.size()) {
    base::internal_error("a call names function " + std::to_string(index) + ", which the module doesn't have");
  }
  if (natives_[index] != nullptr) {
    return natives_[index];
  }
  const ir::Function& function = ir_.functions[index];
  llvm::SmallVector<llvm::Type*, 16> params{pointer_, pointer_};
  for (ir::TypeRef param : function.params) {
    for (Part part : parts_of(param)) {
      params.push_back(register_type(context(), part));
    }
  }
  llvm::Function* native = define(("f" + llvm::Twine(index)).str(), i32_, params);
  describe_env(*native, 0);
  native->addParamAttr(1, llvm::Attribute::NoAlias);
  natives_[index] = native;
  pending_.push_back(index);
  return native;
}

uint32_t Unit::take_pending() {
  if (pending_.empty()) {
    return ir::kNone;
  }
  const uint32_t index = pending_.back();
  pending_.pop_back();
  return index;
}

std::vector<uint32_t> Unit::callees(const ir::Function& function) const {
  std::vector<uint32_t> found;
  for (const ir::Instr& instr : function.values) {
    switch (instr.op) {
    case ir::Op::kCall:
    case ir::Op::kParallelFor:
    case ir::Op::kEwise:
    case ir::Op::kEwiseShaped:
    case ir::Op::kEwiseInto:
    case ir::Op::kEwiseReduce:
      found.push_back(static_cast<uint32_t>(instr.aux & 0xffffffff));
      break;
    default:
      break;
    }
  }
  return found;
}

void Unit::find_shared_functions() {
  shared_.assign(ir_.functions.size(), false);
  std::vector<size_t> work;
  for (size_t i = 0; i < ir_.functions.size(); ++i) {
    if (ir_.functions[i].loop_body || ir_.functions[i].kernel) {
      shared_[i] = true;
      work.push_back(i);
    }
  }
  while (!work.empty()) {
    const size_t at = work.back();
    work.pop_back();
    for (uint32_t callee : callees(ir_.functions[at])) {
      if (callee < shared_.size() && !shared_[callee]) {
        shared_[callee] = true;
        work.push_back(callee);
      }
    }
  }
}

void Unit::find_recursive_functions() {
  recursive_.assign(ir_.functions.size(), false);
  for (size_t start = 0; start < ir_.functions.size(); ++start) {
    std::vector<bool> seen(ir_.functions.size(), false);
    std::vector<size_t> work{start};
    while (!work.empty() && !recursive_[start]) {
      const size_t at = work.back();
      work.pop_back();
      for (uint32_t callee : callees(ir_.functions[at])) {
        recursive_[start] = recursive_[start] || callee == start;
        if (callee < seen.size() && !seen[callee]) {
          seen[callee] = true;
          work.push_back(callee);
        }
      }
    }
  }
}

bool Unit::shares_blocks(const ir::Function& function) const { return shared_[index_of(function)]; }
bool Unit::recursive(const ir::Function& function) const { return recursive_[index_of(function)]; }

void Unit::mark(llvm::Instruction* access, Memory memory) {
  access->setMetadata(llvm::LLVMContext::MD_tbaa, tags_[static_cast<size_t>(memory)]);
}

bool Unit::is_marked(const llvm::Instruction& access, Memory memory) const {
  return access.getMetadata(llvm::LLVMContext::MD_tbaa) == tags_[static_cast<size_t>(memory)];
}

llvm::Constant* Unit::text(llvm::StringRef content) {
  llvm::Constant*& known = cached("text:" + content.str());
  if (known == nullptr) {
    llvm::Constant* bytes = llvm::ConstantDataArray::getString(context(), content);
    auto* global = new llvm::GlobalVariable(module_, bytes->getType(), true, llvm::GlobalValue::PrivateLinkage, bytes, "text");
    global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    known = global;
  }
  return known;
}

llvm::Constant* Unit::constant_array(llvm::ArrayRef<int32_t> values) {
  std::string key = "int32:";
  for (int32_t value : values) {
    key += std::to_string(value) + ",";
  }
  llvm::Constant*& known = cached(key);
  if (known == nullptr) {
    std::vector<uint32_t> bits(values.begin(), values.end());
    llvm::Constant* content = llvm::ConstantDataArray::get(context(), bits);
    known = new llvm::GlobalVariable(module_, content->getType(), true, llvm::GlobalValue::PrivateLinkage, content, "table");
  }
  return known;
}

} // namespace hasten::llvm_backend
