#include "hasten/compiler/ir/verifier.h"

#include <algorithm>

#include "hasten/compiler/ir/dominators.h"
#include "hasten/compiler/ir/rules.h"
#include "hasten/compiler/ir/verify_types.h"

namespace hasten::ir {
namespace {

// Checks from the coarse to the fine: each may rely on what those before it found. The first complaint ends it.
class Verifier {
public:
  Verifier(const Module& module, const Function& function) : module_(module), function_(function) {}

  std::string run() {
    const bool well = signature() && blocks() && edges() && operands() && types() && dominance() && kernel();
    return well ? std::string() : function_.name + ": " + complaint_;
  }

private:
  bool complain(std::string what) {
    complaint_ = std::move(what);
    return false;
  }

  bool complain(ValueId value, const std::string& what) {
    return complain("%" + std::to_string(value) + " = " + info(function_.values[value].op).text + ": " + what);
  }

  static std::string block_name(BlockId block) { return "b" + std::to_string(block); }

  bool signature() {
    if (function_.result == nullptr || std::count(function_.params.begin(), function_.params.end(), nullptr) != 0) {
      return complain("a parameter or the result has no type");
    }
    return !function_.blocks.empty() || complain("a function has an entry block");
  }

  // Every listed value is listed once, knows its block, and stands where its kind belongs.
  bool blocks() {
    place_.assign(function_.values.size(), kNone);
    for (BlockId id = 0; id < function_.blocks.size(); ++id) {
      const auto& instrs = function_.blocks[id].instrs;
      if (instrs.empty()) {
        return complain(block_name(id) + " is empty");
      }
      bool phis_over = false;
      for (size_t i = 0; i < instrs.size(); ++i) {
        const ValueId value = instrs[i];
        if (value >= function_.values.size()) {
          return complain(block_name(id) + " lists %" + std::to_string(value) + ", which is no value");
        }
        const Instr& instr = function_.values[value];
        if (place_[value] != kNone || instr.block != id) {
          return complain(value, "it is listed in " + block_name(id) + " but belongs elsewhere");
        }
        place_[value] = static_cast<uint32_t>(i);
        if (instr.type == nullptr) {
          return complain(value, "it has no type");
        }
        const bool is_phi = instr.op == Op::kPhi;
        if (is_phi && phis_over) {
          return complain(value, "phis stand first in a block");
        }
        phis_over |= !is_phi;
        if (is_control(instr.op) != (i + 1 == instrs.size())) {
          return complain(value, "exactly one control op ends a block");
        }
      }
    }
    return true;
  }

  bool edges() {
    const size_t count = function_.blocks.size();
    for (BlockId id = 0; id < count; ++id) {
      const Block& block = function_.blocks[id];
      const auto in_range = [&](BlockId other) { return other < count; };
      if (!std::all_of(block.succs.begin(), block.succs.end(), in_range) ||
          !std::all_of(block.preds.begin(), block.preds.end(), in_range)) {
        return complain(block_name(id) + " names a block that does not exist");
      }
      const Op last = function_.values[block.instrs.back()].op;
      const size_t expected = last == Op::kBr ? 1 : last == Op::kCondBr ? 2 : 0;
      if (block.succs.size() != expected) {
        return complain(block_name(id) + " ends in " + info(last).text + " and has " + std::to_string(block.succs.size()) + " successors");
      }
    }
    if (!function_.blocks[0].preds.empty()) {
      return complain("the entry block has a predecessor");
    }
    return edges_agree();
  }

  // As many edges from a to b in a's successors as in b's predecessors.
  bool edges_agree() {
    for (BlockId id = 0; id < function_.blocks.size(); ++id) {
      const Block& block = function_.blocks[id];
      for (BlockId succ : block.succs) {
        const auto& preds = function_.blocks[succ].preds;
        if (std::count(preds.begin(), preds.end(), id) != std::count(block.succs.begin(), block.succs.end(), succ)) {
          return complain("preds and succs of " + block_name(id) + " and " + block_name(succ) + " do not agree");
        }
      }
      for (BlockId pred : block.preds) {
        const auto& succs = function_.blocks[pred].succs;
        if (std::find(succs.begin(), succs.end(), id) == succs.end()) {
          return complain("preds and succs of " + block_name(pred) + " and " + block_name(id) + " do not agree");
        }
      }
    }
    return true;
  }

  bool operands() {
    return each([&](ValueId value, const Instr& instr) {
      for (ValueId arg : instr.args) {
        if (arg >= function_.values.size() || place_[arg] == kNone) {
          return complain(value, "operand %" + std::to_string(arg) + " is not in the function");
        }
        if (!has_value(function_.values[arg].op)) {
          return complain(value, "operand %" + std::to_string(arg) + " is no value");
        }
      }
      return true;
    });
  }

  bool types() {
    return each([&](ValueId value, const Instr& instr) {
      const std::string wrong = verify_types(module_, function_, instr);
      return wrong.empty() || complain(value, wrong);
    });
  }

  bool dominance() {
    const Dominators tree = dominators(function_);
    return each([&](ValueId value, const Instr& instr) {
      if (!tree.reachable(instr.block)) {
        return true;
      }
      for (size_t i = 0; i < instr.args.size(); ++i) {
        const bool is_phi = instr.op == Op::kPhi;
        const BlockId at = is_phi ? function_.blocks[instr.block].preds[i] : instr.block;
        const Instr& arg = function_.values[instr.args[i]];
        const bool before =
            arg.block == at ? is_phi || place_[instr.args[i]] < place_[value] : tree.reachable(arg.block) && tree.dominates(arg.block, at);
        if (tree.reachable(at) && !before) {
          return complain(value, "operand %" + std::to_string(instr.args[i]) + " does not dominate its use");
        }
      }
      return true;
    });
  }

  bool kernel() {
    if (function_.straight && !function_.kernel) {
      return complain("only kernels are straight");
    }
    if (function_.loop_body && (function_.params.size() < 2 || function_.result->kind != Kind::kTuple)) {
      return complain("a loop body takes begin and end and gives a tuple");
    }
    if (!function_.kernel) {
      return true;
    }
    size_t returns = 0;
    const bool well = each([&](ValueId value, const Instr& instr) {
      returns += instr.op == Op::kRet ? 1 : 0;
      const bool leaves = may_raise(instr.op) || instr.op == Op::kCall || instr.op == Op::kRuntime;
      return !(function_.straight && leaves) || complain(value, "a straight kernel cannot raise");
    });
    if (!well) {
      return false;
    }
    if (returns != 1) {
      return complain("a kernel returns in one place");
    }
    return !function_.straight || function_.blocks.size() == 1 || complain("a straight kernel is one block");
  }

  template <class Check> bool each(Check check) {
    for (const Block& block : function_.blocks) {
      for (ValueId value : block.instrs) {
        if (!check(value, function_.values[value])) {
          return false;
        }
      }
    }
    return true;
  }

  const Module& module_;
  const Function& function_;
  std::string complaint_;
  std::vector<uint32_t> place_; // by value: its place in its block; kNone where no block lists it
};

} // namespace

std::string verify(const Module& module, const Function& function) { return Verifier(module, function).run(); }

std::string verify(const Module& module) {
  for (const Function& function : module.functions) {
    std::string wrong = verify(module, function);
    if (!wrong.empty()) {
      return wrong;
    }
  }
  return {};
}

} // namespace hasten::ir
