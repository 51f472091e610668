// Dominators against their definition: a block dominates another where no way from the entry avoids it.
#include "hasten/compiler/ir/dominators.h"

#include <gtest/gtest.h>

#include <random>

namespace hasten::ir {
namespace {

Function random_graph(uint32_t seed) {
  std::mt19937 random(seed);
  Function function;
  const auto count = static_cast<BlockId>(2 + random() % 9);
  function.blocks.resize(count);
  for (BlockId block = 0; block < count; ++block) {
    for (uint32_t ways = random() % 3; ways > 0; --ways) {
      const BlockId to = 1 + static_cast<BlockId>(random() % (count - 1));
      function.blocks[block].succs.push_back(to);
      function.blocks[to].preds.push_back(block);
    }
  }
  return function;
}

std::vector<bool> reachable_without(const Function& function, BlockId avoided) {
  std::vector<bool> seen(function.blocks.size());
  std::vector<BlockId> work;
  if (avoided != 0) {
    work.push_back(0);
    seen[0] = true;
  }
  while (!work.empty()) {
    const BlockId block = work.back();
    work.pop_back();
    for (BlockId succ : function.blocks[block].succs) {
      if (succ != avoided && !seen[succ]) {
        seen[succ] = true;
        work.push_back(succ);
      }
    }
  }
  return seen;
}

TEST(Dominators, AgreeWithTheirDefinition) {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    const Function function = random_graph(seed);
    const Dominators tree = dominators(function);
    const std::vector<bool> reachable = reachable_without(function, kNone);
    for (BlockId a = 0; a < function.blocks.size(); ++a) {
      ASSERT_EQ(tree.reachable(a), reachable[a]) << "seed " << seed;
      if (!reachable[a]) {
        continue;
      }
      const std::vector<bool> others = reachable_without(function, a);
      for (BlockId b = 0; b < function.blocks.size(); ++b) {
        if (reachable[b]) {
          ASSERT_EQ(tree.dominates(a, b), a == b || !others[b]) << "seed " << seed << ": b" << a << ", b" << b;
        }
      }
    }
  }
}

TEST(Dominators, OrderPutsABlockBehindItsDominatorsAndALoopsBodyBeforeWhatFollows) {
  Function loop;
  loop.blocks.resize(4);
  const auto link = [&](BlockId from, BlockId to) {
    loop.blocks[from].succs.push_back(to);
    loop.blocks[to].preds.push_back(from);
  };
  link(0, 1);
  link(1, 3); // the body
  link(1, 2);
  link(3, 1);
  EXPECT_EQ(reverse_postorder(loop), (std::vector<BlockId>{0, 1, 3, 2}));
  EXPECT_EQ(dominators(loop).idom, (std::vector<BlockId>{kNone, 0, 1, 1}));
}

} // namespace
} // namespace hasten::ir
