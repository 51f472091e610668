// Which blocks are reachable, in what order, and which dominate which. A snapshot: stale as soon as an edge changes.
#pragma once

#include <vector>

#include "hasten/compiler/ir/function.h"

namespace hasten::ir {

struct Dominators {
  std::vector<BlockId> order;     // reachable blocks in reverse postorder: a block stands behind all that dominate it
  std::vector<uint32_t> position; // by block: its place in `order`; kNone where it is unreachable
  std::vector<BlockId> idom;      // by block: the immediate dominator; kNone for the entry and for unreachable blocks
  std::vector<uint32_t> enter;    // by block: preorder interval in the tree of dominators
  std::vector<uint32_t> leave;

  bool reachable(BlockId block) const { return position[block] != kNone; }
  // Both blocks are reachable. A block dominates itself.
  bool dominates(BlockId a, BlockId b) const { return enter[a] <= enter[b] && leave[b] <= leave[a]; }
};

Dominators dominators(const Function& function);

// Reachable blocks in reverse postorder, where the order is all that is needed.
std::vector<BlockId> reverse_postorder(const Function& function);

} // namespace hasten::ir
