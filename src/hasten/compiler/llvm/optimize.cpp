#include "hasten/compiler/llvm/optimize.h"

#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopLoadElimination.h>
#include <llvm/Transforms/Scalar/LoopRotation.h>
#include <llvm/Transforms/Scalar/LoopUnrollPass.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Vectorize/LoopVectorize.h>

#include "hasten/compiler/llvm/bounds_versioning.h"
#include "hasten/compiler/llvm/ewise_block.h"
#include "hasten/compiler/llvm/vectorize_policy.h"

namespace hasten::llvm_backend {
namespace {

using llvm::FunctionPassManager;

// For code without loops: what the lowering itself leaves behind.
FunctionPassManager plain_pipeline() {
  FunctionPassManager passes;
  passes.addPass(llvm::EarlyCSEPass());
  passes.addPass(llvm::SimplifyCFGPass());
  return passes;
}

// For the loops that users wrote. Loops are rotated so that their trip count is known on entry; short ones are unrolled, checks and all, so
// that the loop around them becomes the innermost; then checks go, memory moves out, and what is left is vectorised. LLVM's own pipelines
// take three times as long, mostly for what the typed IR and its passes have settled already.
FunctionPassManager loop_pipeline() {
  FunctionPassManager passes = plain_pipeline();
  llvm::LoopPassManager shape;
  shape.addPass(llvm::LoopRotatePass());
  shape.addPass(llvm::LoopFullUnrollPass(3));
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(shape)));
  passes.addPass(BoundsVersioningPass());
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), true));
  passes.addPass(VectorizePolicyPass());
  passes.addPass(llvm::LoopVectorizePass());
  passes.addPass(llvm::LoopLoadEliminationPass());
  passes.addPass(llvm::EarlyCSEPass());
  passes.addPass(llvm::SimplifyCFGPass());
  return passes;
}

} // namespace

void optimize(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::PassBuilder builder(&machine);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  FunctionPassManager plain = plain_pipeline();
  FunctionPassManager with_loops = loop_pipeline();
  for (llvm::Function& function : module) {
    if (function.isDeclaration() || function.hasFnAttribute(kVectorBlockAttribute)) {
      continue;
    }
    const bool has_loops = !functions.getResult<llvm::LoopAnalysis>(function).empty();
    functions.invalidate(function, (has_loops ? with_loops : plain).run(function, functions));
  }
}

} // namespace hasten::llvm_backend
