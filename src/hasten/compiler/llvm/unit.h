// One LLVM module under construction: what its functions share. Used by one thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include "hasten/abi/status.h"
#include "hasten/compiler/ir/function.h"
#include "hasten/compiler/llvm/types.h"

namespace hasten::llvm_backend {

class Unit;

// Makes instructions, with the module's rules for floating point.
class Builder : public llvm::IRBuilder<> {
public:
  explicit Builder(Unit& unit);
};

// Kinds of memory that never overlap each other, for alias analysis.
enum class Memory : uint8_t {
  kItems, // of arrays of any dtype (views may reinterpret)
  kEnv,
  kBlock, // reference counts
  kFrame, // slots, captures, results, views: what the lowering itself puts into memory
};

class Unit {
public:
  // vector_bits: of the registers that whole-array code is written for.
  Unit(llvm::Module& module, const ir::Module& ir, unsigned vector_bits);

  llvm::Module& module() { return module_; }
  llvm::LLVMContext& context() { return module_.getContext(); }
  const ir::Module& ir() const { return ir_; }
  unsigned vector_bits() const { return vector_bits_; }

  llvm::PointerType* pointer() const { return pointer_; }
  llvm::IntegerType* i8() const { return i8_; }
  llvm::IntegerType* i32() const { return i32_; }
  llvm::IntegerType* i64() const { return i64_; }
  llvm::ConstantInt* int32(int64_t value) const { return llvm::ConstantInt::getSigned(i32_, value); }
  llvm::ConstantInt* int64(int64_t value) const { return llvm::ConstantInt::getSigned(i64_, value); }
  llvm::ConstantInt* status(abi::Status s) const { return int32(static_cast<int64_t>(s)); }

  // A function of the library, declared on first use. It never unwinds; `cold` ones stay out of hot code.
  llvm::Function* external(llvm::StringRef name, llvm::Type* result, llvm::ArrayRef<llvm::Type*> params, bool cold = false);
  // Data of the library, by name.
  llvm::GlobalVariable* external_data(llvm::StringRef name);

  // The native function i32(Env*, Result*, parts of params…) of an IR function; its body is emitted later, see take_pending.
  llvm::Function* native(uint32_t function);
  // The next function that was asked for and has no body yet; ir::kNone when there is none.
  uint32_t take_pending();
  // A new function whose first parameter is the Env. Internal to the module unless `exported`.
  llvm::Function* define(llvm::StringRef name, llvm::Type* result, llvm::ArrayRef<llvm::Type*> params, bool exported = false);

  // Whether the function may run in several threads at once, and so must count references atomically.
  bool shares_blocks(const ir::Function& function) const;
  // Whether the function can reach itself by calls.
  bool recursive(const ir::Function& function) const;

  void mark(llvm::Instruction* access, Memory memory);
  bool is_marked(const llvm::Instruction& access, Memory memory) const;
  llvm::MDNode* unlikely() const { return unlikely_; }
  llvm::MDNode* likely() const { return likely_; }

  // Constant bytes, made once for each content.
  llvm::Constant* text(llvm::StringRef content);
  llvm::Constant* constant_array(llvm::ArrayRef<int32_t> values);
  // Constants made by other parts of the lowering, by a key of theirs.
  llvm::Constant*& cached(const std::string& key) { return cache_[key]; }

private:
  void find_shared_functions();
  void find_recursive_functions();
  std::vector<uint32_t> callees(const ir::Function& function) const;
  size_t index_of(const ir::Function& function) const { return static_cast<size_t>(&function - ir_.functions.data()); }

  llvm::Module& module_;
  const ir::Module& ir_;
  unsigned vector_bits_;
  llvm::PointerType* pointer_;
  llvm::IntegerType* i8_;
  llvm::IntegerType* i32_;
  llvm::IntegerType* i64_;
  llvm::MDNode* tags_[4];
  llvm::MDNode* unlikely_;
  llvm::MDNode* likely_;
  std::vector<llvm::Function*> natives_;
  std::vector<uint32_t> pending_;
  std::vector<bool> shared_;
  std::vector<bool> recursive_;
  std::map<std::string, llvm::Constant*> cache_;
};

inline Builder::Builder(Unit& unit) : llvm::IRBuilder<>(unit.context()) {
  const uint8_t bits = unit.ir().fastmath;
  llvm::FastMathFlags flags;
  flags.setNoNaNs((bits & ir::kNoNans) != 0);
  flags.setNoInfs((bits & ir::kNoInfinities) != 0);
  flags.setNoSignedZeros((bits & ir::kNoSignedZeros) != 0);
  flags.setAllowReciprocal((bits & ir::kReciprocals) != 0);
  flags.setAllowContract((bits & ir::kContractions) != 0);
  flags.setApproxFunc((bits & ir::kApproximateFunctions) != 0);
  flags.setAllowReassoc((bits & ir::kReassociation) != 0);
  setFastMathFlags(flags);
}

// Sets attributes of an Env parameter: never null, aliases nothing, readable.
void describe_env(llvm::Function& function, unsigned position);

} // namespace hasten::llvm_backend
