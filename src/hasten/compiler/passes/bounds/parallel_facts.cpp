#include "hasten/compiler/passes/bounds/parallel_facts.h"

#include "hasten/compiler/ir/rules.h"
#include "hasten/compiler/passes/edit.h"
#include "hasten/compiler/passes/shapes.h"

namespace hasten::passes {
namespace {

using namespace ir;

constexpr size_t kEnd = 1;          // the parameter of a body that is the end of its positions
constexpr size_t kFirstCapture = 2; // operand 1 of the loop
constexpr int kDepth = 6;

class Captures {
public:
  Captures(const Function& caller, const Instr& loop, const Function& body, Facts* facts)
      : caller_(caller), loop_(loop), body_(body), facts_(facts), params_(body.params.size(), kNone) {
    for (const Block& block : body.blocks) {
      for (ValueId value : block.instrs) {
        const Instr& instr = body.values[value];
        if (instr.op == Op::kParam) {
          params_[static_cast<size_t>(instr.aux)] = value;
        } else if (instr.op == Op::kDim && body.values[instr.args[0]].op == Op::kParam) {
          sizes_.push_back(value);
        }
      }
    }
  }

  void run() {
    if (params_[0] != kNone) {
      add(kNone, params_[0], 0, false);
    }
    if (params_[kEnd] != kNone) {
      bound_end(loop_.args[0], 0, false, kDepth);
    }
    for (size_t i = 1; i < loop_.args.size(); ++i) {
      const ValueId here = params_[i + kFirstCapture - 1];
      for (ValueId same : here == kNone ? std::vector<ValueId>() : sizes_like(loop_.args[i])) {
        add(here, same, 0, false);
        add(same, here, 0, false);
      }
    }
  }

private:
  void add(ValueId low, ValueId high, int64_t offset, bool or_nonpositive) { facts_->add({low, high, offset, or_nonpositive, 0, 0}); }

  ValueId unlabelled(ValueId array) const {
    while (caller_.values[array].op == Op::kRelabel) {
      array = caller_.values[array].args[0];
    }
    return array;
  }

  // Sizes of captured arrays in the body that the value of the caller is.
  std::vector<ValueId> sizes_like(ValueId value) const {
    std::vector<ValueId> found;
    const Instr& instr = caller_.values[value];
    for (ValueId size : instr.op == Op::kDim ? sizes_ : found) {
      const Instr& dim = body_.values[size];
      const auto param = static_cast<size_t>(body_.values[dim.args[0]].aux);
      if (dim.aux == instr.aux && param >= kFirstCapture &&
          unlabelled(loop_.args[param - kFirstCapture + 1]) == unlabelled(instr.args[0])) {
        found.push_back(size);
      }
    }
    return found;
  }

  // The loop's length is at most value + offset (or not positive): so is the end.
  void bound_end(ValueId value, int64_t offset, bool or_nonpositive, int depth) {
    for (ValueId size : sizes_like(value)) {
      add(params_[kEnd], size, offset, or_nonpositive);
    }
    for (size_t i = 1; i < loop_.args.size(); ++i) {
      if (loop_.args[i] == value && params_[i + kFirstCapture - 1] != kNone) {
        add(params_[kEnd], params_[i + kFirstCapture - 1], offset, or_nonpositive);
      }
    }
    const Instr& instr = caller_.values[value];
    int64_t number = 0;
    switch (depth > 0 ? instr.op : Op::kUndef) {
    case Op::kConst:
      if (is_int(caller_, value, &number) && number >= 0 && number < kGreatest) {
        add(params_[kEnd], kNone, offset + number, or_nonpositive);
      }
      return;
    case Op::kMin:
      bound_end(instr.args[0], offset, or_nonpositive, depth - 1);
      bound_end(instr.args[1], offset, or_nonpositive, depth - 1);
      return;
    case Op::kMax:
      if (offset <= 0 && is_int(caller_, instr.args[1], &number) && number <= 0) {
        bound_end(instr.args[0], offset, true, depth - 1);
      }
      return;
    case Op::kSub:
      if (is_int(caller_, instr.args[1], &number) && number >= 0 && number < kGreatest && is_nonnegative(caller_, instr.args[0])) {
        bound_end(instr.args[0], offset - number, or_nonpositive, depth - 1);
      }
      return;
    default:
      return;
    }
  }

  const Function& caller_;
  const Instr& loop_;
  const Function& body_;
  Facts* facts_;
  std::vector<ValueId> params_; // by position; kNone: not used
  std::vector<ValueId> sizes_;  // of captured arrays
};

} // namespace

ParallelLoops::ParallelLoops(const Module& module) : module_(module), loops_(module.functions.size()) {
  for (size_t caller = 0; caller < module.functions.size(); ++caller) {
    const Function& function = module.functions[caller];
    for (ValueId value = 0; value < function.values.size(); ++value) {
      const Instr& instr = function.values[value];
      if (instr.op == Op::kParallelFor && instr.block != kNone) {
        Loop& loop = loops_[kernel_index(instr)];
        loop = {caller, value, loop.count + 1};
      }
    }
  }
}

void ParallelLoops::add_facts(size_t function, Facts* facts) const {
  const Loop& loop = loops_[function];
  if (module_.functions[function].loop_body && loop.count == 1) {
    const Function& caller = module_.functions[loop.caller];
    Captures(caller, caller.values[loop.instr], module_.functions[function], facts).run();
  }
}

} // namespace hasten::passes
