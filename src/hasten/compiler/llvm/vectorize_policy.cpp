#include "hasten/compiler/llvm/vectorize_policy.h"

#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Analysis/ScalarEvolutionExpressions.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Operator.h>
#include <llvm/Transforms/Utils/LoopUtils.h>

namespace hasten::llvm_backend {
namespace {

using llvm::Loop;
using llvm::SCEV;

// Up to this distance, in items, the vectoriser reads whole vectors and shuffles.
constexpr uint64_t kMostShuffled = 8;
// Floating-point operations that pay for one scattered load.
constexpr unsigned kArithmeticPerLoad = 4;

// A stride in items, as item addresses have it for arrays of any layout: the vectoriser tries whether it is 1.
bool is_item_stride(const SCEV* factor) {
  const auto* unknown = llvm::dyn_cast<llvm::SCEVUnknown>(factor);
  const auto* division = unknown == nullptr ? nullptr : llvm::dyn_cast<llvm::PossiblyExactOperator>(unknown->getValue());
  return division != nullptr && division->isExact();
}

bool is_even_step(const SCEV* step, uint64_t item_bytes) {
  if (const auto* constant = llvm::dyn_cast<llvm::SCEVConstant>(step)) {
    return constant->getAPInt().abs().getZExtValue() <= kMostShuffled * item_bytes;
  }
  const auto* product = llvm::dyn_cast<llvm::SCEVMulExpr>(step);
  return product != nullptr && product->getNumOperands() == 2 && is_item_stride(product->getOperand(1));
}

// Whether the items that the access touches in turn lie side by side, or are one and the same.
bool is_even(llvm::ScalarEvolution& evolution, const Loop& loop, llvm::Value* pointer, llvm::Type* type) {
  const SCEV* address = evolution.getSCEV(pointer);
  if (evolution.isLoopInvariant(address, &loop)) {
    return true;
  }
  const auto* moving = llvm::dyn_cast<llvm::SCEVAddRecExpr>(address);
  if (moving == nullptr || moving->getLoop() != &loop || !moving->isAffine()) {
    return false;
  }
  const uint64_t bytes = loop.getHeader()->getDataLayout().getTypeStoreSize(type);
  return is_even_step(moving->getStepRecurrence(evolution), bytes);
}

bool is_arithmetic(const llvm::Instruction& instruction) {
  return (llvm::isa<llvm::BinaryOperator>(instruction) || llvm::isa<llvm::IntrinsicInst>(instruction)) &&
         instruction.getType()->isFloatingPointTy();
}

bool worth_vectors(llvm::ScalarEvolution& evolution, const Loop& loop) {
  unsigned scattered_loads = 0;
  unsigned arithmetic = 0;
  for (const llvm::BasicBlock* block : loop.blocks()) {
    for (const llvm::Instruction& instruction : *block) {
      arithmetic += is_arithmetic(instruction) ? 1 : 0;
      if (const auto* store = llvm::dyn_cast<llvm::StoreInst>(&instruction)) {
        auto* pointer = const_cast<llvm::Value*>(store->getPointerOperand());
        if (!is_even(evolution, loop, pointer, store->getValueOperand()->getType())) {
          return false;
        }
      } else if (const auto* load = llvm::dyn_cast<llvm::LoadInst>(&instruction)) {
        auto* pointer = const_cast<llvm::Value*>(load->getPointerOperand());
        scattered_loads += is_even(evolution, loop, pointer, load->getType()) ? 0 : 1;
      }
    }
  }
  return arithmetic >= kArithmeticPerLoad * scattered_loads;
}

} // namespace

llvm::PreservedAnalyses VectorizePolicyPass::run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses) {
  auto& loops = analyses.getResult<llvm::LoopAnalysis>(function);
  auto& evolution = analyses.getResult<llvm::ScalarEvolutionAnalysis>(function);
  for (Loop* loop : loops.getLoopsInPreorder()) {
    if (loop->isInnermost() && !worth_vectors(evolution, *loop)) {
      llvm::addStringMetadataToLoop(loop, "llvm.loop.vectorize.enable", 0);
    }
  }
  return llvm::PreservedAnalyses::all();
}

} // namespace hasten::llvm_backend
