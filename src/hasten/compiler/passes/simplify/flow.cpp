#include "hasten/compiler/passes/simplify/flow.h"

#include <algorithm>

#include "hasten/compiler/ir/dominators.h"
#include "hasten/compiler/passes/edit.h"

namespace hasten::passes {
namespace {

using namespace ir;

Instr& terminator(Function& function, BlockId block) { return function.values[function.blocks[block].instrs.back()]; }

// Keeps the edge number `keep` alone.
void make_plain(Function& function, BlockId block, size_t keep) {
  const size_t drop = 1 - keep;
  remove_pred(function, function.blocks[block].succs[drop], pred_index(function, block, drop));
  auto& succs = function.blocks[block].succs;
  succs.erase(succs.begin() + static_cast<std::ptrdiff_t>(drop));
  Instr& end = terminator(function, block);
  end.op = Op::kBr;
  end.args.clear();
}

bool fold_branches(Function& function) {
  bool changed = false;
  for (BlockId block = 0; block < function.blocks.size(); ++block) {
    const Instr& end = terminator(function, block);
    if (end.op != Op::kCondBr) {
      continue;
    }
    const Constant* condition = constant_of(function, end.args[0]);
    const auto& succs = function.blocks[block].succs;
    if (condition != nullptr || succs[0] == succs[1]) {
      make_plain(function, block, condition == nullptr || condition->i != 0 ? 0 : 1);
      changed = true;
    }
  }
  return changed;
}

bool drop_unreachable(Function& function) {
  const std::vector<BlockId> order = reverse_postorder(function);
  if (order.size() == function.blocks.size()) {
    return false;
  }
  std::vector<BlockId> renamed(function.blocks.size(), kNone);
  for (BlockId block : order) {
    renamed[block] = 0;
  }
  BlockId next = 0;
  for (BlockId block = 0; block < function.blocks.size(); ++block) {
    if (renamed[block] == 0) {
      renamed[block] = next++;
    }
  }
  for (BlockId block = 0; block < function.blocks.size(); ++block) {
    if (renamed[block] == kNone) {
      for (size_t edge = function.blocks[block].succs.size(); edge-- > 0;) {
        remove_pred(function, function.blocks[block].succs[edge], pred_index(function, block, edge));
        function.blocks[block].succs.pop_back();
      }
    }
  }
  erase_instrs(function, [&](ValueId value) { return renamed[function.values[value].block] == kNone; });
  for (BlockId block = 0; block < function.blocks.size(); ++block) {
    if (renamed[block] != kNone && renamed[block] != block) {
      function.blocks[renamed[block]] = std::move(function.blocks[block]);
    }
  }
  function.blocks.resize(next);
  for (BlockId id = 0; id < next; ++id) {
    Block& block = function.blocks[id];
    std::transform(block.preds.begin(), block.preds.end(), block.preds.begin(), [&](BlockId b) { return renamed[b]; });
    std::transform(block.succs.begin(), block.succs.end(), block.succs.begin(), [&](BlockId b) { return renamed[b]; });
    for (ValueId value : block.instrs) {
      function.values[value].block = id;
    }
  }
  return true;
}

// Joins a block to its only predecessor where that has no other way on. The block stays behind, unreachable.
bool merge_chains(Function& function) {
  bool changed = false;
  Replacements replacements(function);
  for (BlockId first = 0; first < function.blocks.size(); ++first) {
    while (function.blocks[first].succs.size() == 1) {
      const BlockId second = function.blocks[first].succs[0];
      if (second == first || function.blocks[second].preds.size() != 1) {
        break;
      }
      Block& from = function.blocks[second];
      Block& into = function.blocks[first];
      function.values[into.instrs.back()].block = kNone;
      into.instrs.pop_back();
      for (ValueId value : from.instrs) {
        function.values[value].block = first;
        into.instrs.push_back(value);
        if (function.values[value].op == Op::kPhi) {
          replacements.replace(value, function.values[value].args[0]);
        }
      }
      into.succs = std::move(from.succs);
      for (BlockId succ : into.succs) {
        std::replace(function.blocks[succ].preds.begin(), function.blocks[succ].preds.end(), second, first);
      }
      const ValueId stub = new_value(function, Op::kUnreachable, none_type(), {}, second);
      function.blocks[second] = {{stub}, {}, {}};
      changed = true;
    }
  }
  replacements.apply(function);
  return changed;
}

// Whether `from` could branch to `to` itself instead of by way of `middle`: no phi would get two operands from one block.
bool may_jump_over(const Function& function, BlockId from, BlockId to) {
  const auto& preds = function.blocks[to].preds;
  return phi_count(function, function.blocks[to].instrs) == 0 || std::find(preds.begin(), preds.end(), from) == preds.end();
}

bool jump_over_empty(Function& function) {
  bool changed = false;
  for (BlockId middle = 1; middle < function.blocks.size(); ++middle) {
    if (function.blocks[middle].instrs.size() != 1 || function.blocks[middle].succs.size() != 1) {
      continue;
    }
    const BlockId to = function.blocks[middle].succs[0];
    const size_t position = pred_index(function, middle, 0);
    for (size_t i = function.blocks[middle].preds.size(); i-- > 0 && to != middle;) {
      const BlockId from = function.blocks[middle].preds[i];
      if (!may_jump_over(function, from, to)) {
        continue;
      }
      auto& succs = function.blocks[from].succs;
      *std::find(succs.begin(), succs.end(), middle) = to;
      remove_pred(function, middle, i);
      function.blocks[to].preds.push_back(from);
      for (ValueId value : function.blocks[to].instrs) {
        Instr& phi = function.values[value];
        if (phi.op != Op::kPhi) {
          break;
        }
        phi.args.push_back(phi.args[position]);
      }
      changed = true;
    }
  }
  return changed;
}

} // namespace

bool tidy_flow(Function& function) {
  bool changed = fold_branches(function);
  changed |= drop_unreachable(function);
  if (jump_over_empty(function)) {
    changed = true;
    fold_branches(function); // both ways may lead to one block now
    drop_unreachable(function);
  }
  if (merge_chains(function)) {
    changed = true;
    drop_unreachable(function);
  }
  return changed;
}

} // namespace hasten::passes
