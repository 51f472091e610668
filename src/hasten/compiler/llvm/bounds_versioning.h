// Takes index checks out of innermost loops.
//
// A check in a loop costs a compare and a branch each turn and, worse, keeps the loop from being vectorised. Where the index moves by a
// constant step and the loop's trip count is known on entry, one guard before the loop decides for all turns. The loop is then there twice:
// a fast one without those checks, and the one that was, for inputs that need it: it raises in the right turn, after the side effects of
// the turns before.
#pragma once

#include <llvm/IR/PassManager.h>

namespace hasten::llvm_backend {

// On the branch of a CheckIndex (taken when the index is inside) and on the select of a WrapIndex (true for a negative index).
inline constexpr const char* kCheckMetadata = "hasten.check";

// Wants loops in simplified, rotated form. Leaves constant conditions behind for a pass that simplifies the control flow.
class BoundsVersioningPass : public llvm::PassInfoMixin<BoundsVersioningPass> {
public:
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses);
};

} // namespace hasten::llvm_backend
