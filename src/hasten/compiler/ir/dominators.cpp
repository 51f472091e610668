#include "hasten/compiler/ir/dominators.h"

#include <algorithm>

namespace hasten::ir {
namespace {

// The nearest block that dominates both, by walking up from whichever stands later (Cooper, Harvey, Kennedy).
BlockId common_dominator(const Dominators& tree, BlockId a, BlockId b) {
  while (a != b) {
    while (tree.position[a] > tree.position[b]) {
      a = tree.idom[a];
    }
    while (tree.position[b] > tree.position[a]) {
      b = tree.idom[b];
    }
  }
  return a;
}

void find_immediate_dominators(const Function& function, Dominators& tree) {
  tree.idom.assign(function.blocks.size(), kNone);
  tree.idom[0] = 0;
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 1; i < tree.order.size(); ++i) {
      const BlockId block = tree.order[i];
      BlockId best = kNone;
      for (BlockId pred : function.blocks[block].preds) {
        if (tree.reachable(pred) && tree.idom[pred] != kNone) {
          best = best == kNone ? pred : common_dominator(tree, pred, best);
        }
      }
      changed |= best != tree.idom[block];
      tree.idom[block] = best;
    }
  }
  tree.idom[0] = kNone;
}

void number_the_tree(const Function& function, Dominators& tree) {
  // Sizes of subtrees from the leaves up, then intervals from the root down; both follow from the reverse postorder.
  std::vector<uint32_t> size(function.blocks.size(), 1);
  std::vector<uint32_t> next(function.blocks.size(), 0);
  for (size_t i = tree.order.size(); i-- > 1;) {
    size[tree.idom[tree.order[i]]] += size[tree.order[i]];
  }
  tree.enter.assign(function.blocks.size(), 0);
  tree.leave.assign(function.blocks.size(), 0);
  for (BlockId block : tree.order) {
    const BlockId parent = tree.idom[block];
    tree.enter[block] = parent == kNone ? 0 : next[parent];
    tree.leave[block] = tree.enter[block] + size[block] - 1;
    next[block] = tree.enter[block] + 1;
    if (parent != kNone) {
      next[parent] = tree.leave[block] + 1;
    }
  }
}

} // namespace

std::vector<BlockId> reverse_postorder(const Function& function) {
  std::vector<BlockId> order;
  if (function.blocks.empty()) {
    return order;
  }
  struct Frame {
    BlockId block;
    size_t next;
  };
  std::vector<bool> seen(function.blocks.size());
  std::vector<Frame> stack{{0, 0}};
  seen[0] = true;
  while (!stack.empty()) {
    Frame& top = stack.back();
    const auto& succs = function.blocks[top.block].succs;
    if (top.next == succs.size()) {
      order.push_back(top.block);
      stack.pop_back();
      continue;
    }
    // The last successor first, so that the first one (where the condition is true: loop bodies) follows its block in the result.
    const BlockId succ = succs[succs.size() - ++top.next];
    if (!seen[succ]) {
      seen[succ] = true;
      stack.push_back({succ, 0});
    }
  }
  std::reverse(order.begin(), order.end());
  return order;
}

Dominators dominators(const Function& function) {
  Dominators tree;
  tree.order = reverse_postorder(function);
  tree.position.assign(function.blocks.size(), kNone);
  for (size_t i = 0; i < tree.order.size(); ++i) {
    tree.position[tree.order[i]] = static_cast<uint32_t>(i);
  }
  if (!tree.order.empty()) {
    find_immediate_dominators(function, tree);
    number_the_tree(function, tree);
  }
  return tree;
}

} // namespace hasten::ir
