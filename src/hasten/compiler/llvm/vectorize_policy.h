// Keeps LLVM's vectoriser away from loops where vectors bring nothing.
//
// Its cost model takes items that don't follow each other for cheap: a strided store of bytes becomes 64 scalar stores, which take
// milliseconds to generate and run no faster. Such loops are left as they are, unless there is much arithmetic around few scattered loads.
#pragma once

#include <llvm/IR/PassManager.h>

namespace hasten::llvm_backend {

class VectorizePolicyPass : public llvm::PassInfoMixin<VectorizePolicyPass> {
public:
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses);
};

} // namespace hasten::llvm_backend
