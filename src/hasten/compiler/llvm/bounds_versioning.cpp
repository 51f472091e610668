#include "hasten/compiler/llvm/bounds_versioning.h"

#include <optional>

#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Analysis/ScalarEvolutionExpressions.h>
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/PatternMatch.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/Cloning.h>
#include <llvm/Transforms/Utils/LoopUtils.h>
#include <llvm/Transforms/Utils/ScalarEvolutionExpander.h>

namespace hasten::llvm_backend {
namespace {

using llvm::CmpInst;
using llvm::Loop;
using llvm::SCEV;
using llvm::Value;

// With trip counts below 2^40 and steps below 2^20, first + step · trips can't leave the 64 bits far enough to come back into [0, size).
constexpr unsigned kTripBits = 40;
constexpr unsigned kStepBits = 20;
// Larger loops are not worth a second copy.
constexpr unsigned kMostInstructions = 600;

// A CheckIndex: 0 <= index < size, or a WrapIndex: 0 <= index.
struct Check {
  llvm::Instruction* site;
  Value* index;
  Value* size;         // null: a WrapIndex
  bool inside_is_true; // CheckIndex: which successor is the good one
};

struct Comparison {
  CmpInst::Predicate predicate;
  const SCEV* left;
  const SCEV* right;
  bool operator==(const Comparison&) const = default;
};
using Comparisons = llvm::SmallVector<Comparison, 8>;

std::optional<Check> recognise_branch(llvm::CondBrInst* branch) {
  auto* compare = llvm::dyn_cast<llvm::ICmpInst>(branch->getCondition());
  if (compare == nullptr) {
    return std::nullopt;
  }
  Value* left = compare->getOperand(0);
  Value* right = compare->getOperand(1);
  switch (compare->getPredicate()) {
  case CmpInst::ICMP_ULT:
    return Check{branch, left, right, true};
  case CmpInst::ICMP_UGT:
    return Check{branch, right, left, true};
  case CmpInst::ICMP_UGE:
    return Check{branch, left, right, false};
  case CmpInst::ICMP_ULE:
    return Check{branch, right, left, false};
  default:
    return std::nullopt;
  }
}

std::optional<Check> recognise_select(llvm::SelectInst* select) {
  using namespace llvm::PatternMatch;
  Value* index = nullptr;
  if (match(select->getCondition(), m_SpecificICmp(CmpInst::ICMP_SLT, m_Value(index), m_Zero())) && select->getFalseValue() == index) {
    return Check{select, index, nullptr, true};
  }
  if (match(select->getCondition(), m_SpecificICmp(CmpInst::ICMP_SGT, m_Value(index), m_AllOnes())) && select->getTrueValue() == index) {
    return Check{select, index, nullptr, true};
  }
  return std::nullopt;
}

std::optional<Check> recognise(llvm::Instruction& instruction) {
  if (instruction.getMetadata(kCheckMetadata) == nullptr) {
    return std::nullopt;
  }
  if (auto* branch = llvm::dyn_cast<llvm::CondBrInst>(&instruction)) {
    return recognise_branch(branch);
  }
  auto* select = llvm::dyn_cast<llvm::SelectInst>(&instruction);
  return select == nullptr ? std::nullopt : recognise_select(select);
}

// Lets the good way be the only one.
void drop(const Check& check) {
  if (check.size == nullptr) {
    check.site->replaceAllUsesWith(check.index);
    return;
  }
  auto* branch = llvm::cast<llvm::CondBrInst>(check.site);
  branch->setCondition(llvm::ConstantInt::getBool(branch->getContext(), check.inside_is_true));
}

class Versioner {
public:
  Versioner(llvm::Function& function, llvm::FunctionAnalysisManager& analyses)
      : loops_(analyses.getResult<llvm::LoopAnalysis>(function)), tree_(analyses.getResult<llvm::DominatorTreeAnalysis>(function)),
        evolution_(analyses.getResult<llvm::ScalarEvolutionAnalysis>(function)), function_(function) {}

  bool run() {
    llvm::SmallVector<Loop*, 8> innermost;
    for (Loop* loop : loops_.getLoopsInPreorder()) {
      if (loop->isInnermost() && loop->isLoopSimplifyForm()) {
        innermost.push_back(loop);
      }
    }
    bool changed = false;
    for (Loop* loop : innermost) {
      changed |= handle(*loop);
    }
    return changed;
  }

private:
  bool handle(Loop& loop) {
    llvm::SmallVector<Check, 8> checks;
    unsigned instructions = 0;
    for (llvm::BasicBlock* block : loop.blocks()) {
      for (llvm::Instruction& instruction : *block) {
        ++instructions;
        if (const auto check = recognise(instruction)) {
          checks.push_back(*check);
        }
      }
    }
    bool changed = false;
    llvm::SmallVector<Check, 8> guarded;
    Comparisons guard;
    const SCEV* trips = checks.empty() ? nullptr : backedges_taken(loop);
    for (const Check& check : checks) {
      if (known(check)) {
        drop(check);
        changed = true;
        continue;
      }
      Comparisons needed;
      if (conditions(loop, check, trips, needed)) {
        guarded.push_back(check);
        add_new(guard, needed);
      }
    }
    if (!guarded.empty() && instructions <= kMostInstructions && loop.isSafeToClone() && can_expand(loop, guard)) {
      version(loop, guard);
      for (const Check& check : guarded) {
        drop(check);
      }
      changed = true;
    }
    if (changed) {
      evolution_.forgetTopmostLoop(&loop);
    }
    return changed;
  }

  // How often the way back is taken at most: the count of an exit that every turn passes.
  const SCEV* backedges_taken(Loop& loop) {
    llvm::SmallVector<llvm::BasicBlock*, 8> exiting;
    loop.getExitingBlocks(exiting);
    for (llvm::BasicBlock* block : exiting) {
      if (tree_.dominates(block, loop.getLoopLatch()) && !recognise(*block->getTerminator())) {
        const SCEV* count = evolution_.getExitCount(&loop, block);
        if (!llvm::isa<llvm::SCEVCouldNotCompute>(count)) {
          return evolution_.getNoopOrZeroExtend(count, llvm::Type::getInt64Ty(function_.getContext()));
        }
      }
    }
    return nullptr;
  }

  bool known(const Check& check) {
    const SCEV* index = evolution_.getSCEV(check.index);
    if (check.size == nullptr) {
      return evolution_.isKnownPredicateAt(CmpInst::ICMP_SGE, index, evolution_.getZero(index->getType()), check.site);
    }
    return evolution_.isKnownPredicateAt(CmpInst::ICMP_ULT, index, evolution_.getSCEV(check.size), check.site);
  }

  // What must hold before the loop so that the check never fails in it. False where that can't be said.
  bool conditions(Loop& loop, const Check& check, const SCEV* trips, Comparisons& out) {
    const SCEV* index = evolution_.getSCEV(check.index);
    const SCEV* size = check.size == nullptr ? nullptr : evolution_.getSCEV(check.size);
    if (!index->getType()->isIntegerTy(64) || (size != nullptr && !evolution_.isLoopInvariant(size, &loop))) {
      return false;
    }
    if (evolution_.isLoopInvariant(index, &loop)) {
      out.push_back(inside(index, size));
      return true;
    }
    const auto* moving = llvm::dyn_cast<llvm::SCEVAddRecExpr>(index);
    if (moving == nullptr || moving->getLoop() != &loop || !moving->isAffine() || trips == nullptr) {
      return false;
    }
    out.push_back(inside(moving->getStart(), size));
    out.push_back(inside(moving->evaluateAtIteration(trips, evolution_), size));
    limit(trips, kTripBits, out);
    const SCEV* step = moving->getStepRecurrence(evolution_);
    const SCEV* bias = evolution_.getConstant(llvm::APInt::getOneBitSet(64, kStepBits));
    limit(evolution_.getAddExpr(step, bias), kStepBits + 1, out);
    return true;
  }

  Comparison inside(const SCEV* index, const SCEV* size) {
    if (size == nullptr) {
      return {CmpInst::ICMP_SGE, index, evolution_.getZero(index->getType())};
    }
    return {CmpInst::ICMP_ULT, index, size};
  }

  // value < 2^bits, unsigned.
  void limit(const SCEV* value, unsigned bits, Comparisons& out) {
    out.push_back({CmpInst::ICMP_ULT, value, evolution_.getConstant(llvm::APInt::getOneBitSet(64, bits))});
  }

  void add_new(Comparisons& guard, const Comparisons& needed) {
    for (const Comparison& comparison : needed) {
      const bool repeated = llvm::is_contained(guard, comparison);
      if (!repeated && !evolution_.isKnownPredicate(comparison.predicate, comparison.left, comparison.right)) {
        guard.push_back(comparison);
      }
    }
  }

  bool can_expand(Loop& loop, const Comparisons& guard) {
    llvm::SCEVExpander expander(evolution_, "guard");
    const llvm::Instruction* place = loop.getLoopPreheader()->getTerminator();
    return llvm::all_of(
        guard, [&](const Comparison& c) { return expander.isSafeToExpandAt(c.left, place) && expander.isSafeToExpandAt(c.right, place); });
  }

  Value* expand(Loop& loop, const Comparisons& guard) {
    llvm::Instruction* place = loop.getLoopPreheader()->getTerminator();
    llvm::SCEVExpander expander(evolution_, "guard");
    llvm::IRBuilder<> builder(place);
    Value* all = builder.getTrue();
    for (const Comparison& comparison : guard) {
      Value* left = expander.expandCodeFor(comparison.left, comparison.left->getType(), place);
      Value* right = expander.expandCodeFor(comparison.right, comparison.right->getType(), place);
      builder.SetInsertPoint(place);
      all = builder.CreateAnd(all, builder.CreateICmp(comparison.predicate, left, right));
    }
    return builder.CreateFreeze(all);
  }

  // Makes the slow copy and branches between the two.
  void version(Loop& loop, const Comparisons& guard) {
    llvm::formLCSSA(loop, tree_, &loops_, &evolution_);
    Value* fast = expand(loop, guard);
    llvm::BasicBlock* decision = loop.getLoopPreheader();
    llvm::BasicBlock* preheader = llvm::SplitBlock(decision, decision->getTerminator(), &tree_, &loops_);
    llvm::ValueToValueMapTy copies;
    llvm::SmallVector<llvm::BasicBlock*, 16> blocks;
    Loop* slow = llvm::cloneLoopWithPreheader(preheader, decision, &loop, copies, ".slow", &loops_, &tree_, blocks);
    llvm::remapInstructionsInBlocks(blocks, copies);
    llvm::Instruction* old = decision->getTerminator();
    llvm::IRBuilder<> builder(old);
    builder.CreateCondBr(fast, preheader, slow->getLoopPreheader(), llvm::MDBuilder(old->getContext()).createLikelyBranchWeights());
    old->eraseFromParent();
    join_exits(loop, copies);
    llvm::addStringMetadataToLoop(slow, "llvm.loop.disable_nonforced");
    tree_.recalculate(function_);
  }

  // Values that leave the loop now come from either copy.
  static void join_exits(Loop& loop, llvm::ValueToValueMapTy& copies) {
    llvm::SmallVector<llvm::BasicBlock*, 8> exits;
    loop.getUniqueExitBlocks(exits);
    for (llvm::BasicBlock* exit : exits) {
      for (llvm::PHINode& phi : exit->phis()) {
        const unsigned count = phi.getNumIncomingValues();
        for (unsigned i = 0; i < count; ++i) {
          Value* value = phi.getIncomingValue(i);
          const auto copy = copies.find(value);
          phi.addIncoming(copy == copies.end() ? value : static_cast<Value*>(copy->second),
                          llvm::cast<llvm::BasicBlock>(copies[phi.getIncomingBlock(i)]));
        }
      }
    }
  }

  llvm::LoopInfo& loops_;
  llvm::DominatorTree& tree_;
  llvm::ScalarEvolution& evolution_;
  llvm::Function& function_;
};

} // namespace

llvm::PreservedAnalyses BoundsVersioningPass::run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses) {
  return Versioner(function, analyses).run() ? llvm::PreservedAnalyses::none() : llvm::PreservedAnalyses::all();
}

} // namespace hasten::llvm_backend
