// Which arrays of a function can't share memory: a fresh array (Alloc, Ewise) overlaps neither the parameters' memory nor another fresh
// one. Loads and stores of items carry that as alias scopes, so that LLVM needs no checks at run time.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "hasten/compiler/llvm/unit.h"

namespace hasten::llvm_backend {

class AliasScopes {
public:
  // Of a body that runs once in a call: else an array that is fresh in one run could be a parameter in the next, and nothing may be said.
  AliasScopes(Unit& unit, const ir::Function& function, bool runs_once) : unit_(unit), function_(function), runs_once_(runs_once) {}

  // Marks a load or store of an item of `array`.
  void mark(llvm::Instruction* access, ir::ValueId array);

private:
  // The fresh arrays whose memory a value may lie in; kOutside stands for the memory of all parameters.
  using Origins = std::set<ir::ValueId>;
  static constexpr ir::ValueId kOutside = ir::kNone;

  struct Marks {
    llvm::MDNode* inside = nullptr;
    llvm::MDNode* outside = nullptr;
  };

  void find_origins();
  bool collect(ir::ValueId value, Origins& out, std::set<ir::ValueId>& seen) const;
  Marks marks_for(const Origins& origins);

  Unit& unit_;
  const ir::Function& function_;
  bool runs_once_;
  bool ready_ = false;
  std::map<ir::ValueId, llvm::Metadata*> scopes_;
  std::map<ir::ValueId, Marks> marks_;
};

} // namespace hasten::llvm_backend
