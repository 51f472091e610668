#include "hasten/compiler/llvm/alias.h"

#include <llvm/IR/MDBuilder.h>

namespace hasten::llvm_backend {
namespace {

bool is_fresh(ir::Op op) { return op == ir::Op::kAlloc || op == ir::Op::kEwise || op == ir::Op::kEwiseShaped; }

} // namespace

void AliasScopes::find_origins() {
  ready_ = true;
  llvm::MDBuilder metadata(unit_.context());
  llvm::MDNode* domain = metadata.createAnonymousAliasScopeDomain(function_.name);
  scopes_[kOutside] = metadata.createAnonymousAliasScope(domain);
  for (const ir::Block& block : function_.blocks) {
    for (ir::ValueId value : block.instrs) {
      if (is_fresh(function_.values[value].op)) {
        scopes_[value] = metadata.createAnonymousAliasScope(domain);
      }
    }
  }
}

// False where the value may lie anywhere.
bool AliasScopes::collect(ir::ValueId value, Origins& out, std::set<ir::ValueId>& seen) const {
  if (!seen.insert(value).second) {
    return true;
  }
  const ir::Instr& instr = function_.values[value];
  if (is_fresh(instr.op)) {
    out.insert(value);
    return true;
  }
  switch (instr.op) {
  case ir::Op::kParam:
  case ir::Op::kBinding:
    out.insert(kOutside);
    return true;
  case ir::Op::kUndef:
    return true;
  case ir::Op::kView:
  case ir::Op::kRelabel:
    return collect(instr.args[0], out, seen);
  case ir::Op::kItem:
  case ir::Op::kPhi:
  case ir::Op::kTuple:
  case ir::Op::kSelect:
    for (ir::ValueId arg : instr.args) {
      if (function_.values[arg].type->counted && !collect(arg, out, seen)) {
        return false;
      }
    }
    return true;
  default:
    return false;
  }
}

AliasScopes::Marks AliasScopes::marks_for(const Origins& origins) {
  llvm::SmallVector<llvm::Metadata*, 8> inside;
  llvm::SmallVector<llvm::Metadata*, 8> outside;
  for (const auto& [origin, scope] : scopes_) {
    (origins.count(origin) != 0 ? inside : outside).push_back(scope);
  }
  return {llvm::MDNode::get(unit_.context(), inside), llvm::MDNode::get(unit_.context(), outside)};
}

void AliasScopes::mark(llvm::Instruction* access, ir::ValueId array) {
  unit_.mark(access, Memory::kItems);
  if (!runs_once_) {
    return;
  }
  if (!ready_) {
    find_origins();
  }
  if (scopes_.size() < 2) {
    return;
  }
  if (marks_.count(array) == 0) {
    Origins origins;
    std::set<ir::ValueId> seen;
    marks_[array] = collect(array, origins, seen) && !origins.empty() ? marks_for(origins) : Marks{};
  }
  const Marks& marks = marks_[array];
  if (marks.inside != nullptr) {
    access->setMetadata(llvm::LLVMContext::MD_alias_scope, marks.inside);
    access->setMetadata(llvm::LLVMContext::MD_noalias, marks.outside);
  }
}

} // namespace hasten::llvm_backend
