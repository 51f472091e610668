#include "hasten/compiler/llvm/optimize.h"

#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/ADCE.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/IndVarSimplify.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopDeletion.h>
#include <llvm/Transforms/Scalar/LoopRotation.h>
#include <llvm/Transforms/Scalar/LoopUnrollPass.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Vectorize/LoopVectorize.h>

#include "hasten/compiler/llvm/bounds_versioning.h"

namespace hasten::llvm_backend {
namespace {

using llvm::FunctionPassManager;

llvm::SimplifyCFGPass simplify_control_flow() { return llvm::SimplifyCFGPass(llvm::SimplifyCFGOptions().bonusInstThreshold(1)); }

FunctionPassManager loop_pipeline() {
  FunctionPassManager passes;
  passes.addPass(llvm::EarlyCSEPass());
  passes.addPass(llvm::InstCombinePass(llvm::InstCombineOptions().setMaxIterations(1)));
  passes.addPass(simplify_control_flow());
  llvm::LoopPassManager loops;
  loops.addPass(llvm::LoopRotatePass(true, false));
  loops.addPass(llvm::LICMPass(llvm::LICMOptions()));
  loops.addPass(llvm::IndVarSimplifyPass());
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(loops), true));
  passes.addPass(BoundsVersioningPass());
  passes.addPass(simplify_control_flow());
  passes.addPass(llvm::LoopVectorizePass());
  passes.addPass(llvm::LoopUnrollPass(llvm::LoopUnrollOptions(3)));
  passes.addPass(llvm::InstCombinePass(llvm::InstCombineOptions().setMaxIterations(1)));
  passes.addPass(simplify_control_flow());
  return passes;
}

} // namespace

void optimize(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = true;
  llvm::PassBuilder builder(&machine, tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  if (getenv("HASTEN_O3")) {
    builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(module, modules);
    return;
  }
  FunctionPassManager passes = loop_pipeline();
  for (llvm::Function& function : module) {
    if (!function.isDeclaration() && !functions.getResult<llvm::LoopAnalysis>(function).empty()) {
      functions.invalidate(function, passes.run(function, functions));
    }
  }
}

} // namespace hasten::llvm_backend
