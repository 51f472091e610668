// Inequalities between int64 values that the flow of a function makes true: behind `if i < n`, in the body of a loop with that condition,
// behind a raise that did not happen.
#pragma once

#include <vector>

#include "hasten/compiler/ir/dominators.h"

namespace hasten::passes {

// Constants beyond are nobody's sizes; leaving them out keeps sums of a few offsets exact.
constexpr int64_t kGreatest = int64_t{1} << 58;

// low <= high + offset, at all points that (block, position) dominates. kNone stands for the number 0.
struct Fact {
  ir::ValueId low = ir::kNone;
  ir::ValueId high = ir::kNone;
  int64_t offset = 0;
  bool or_nonpositive = false; // else low <= 0: true of `max(high + offset, 0)`
  ir::BlockId block = 0;
  uint32_t position = 0; // in the block; facts of an edge hold from 0 on
};

// A place in a function: before instruction `position` of the block.
struct Point {
  ir::BlockId block = 0;
  uint32_t position = 0;
};

class Facts {
public:
  Facts(const ir::Function& function, const ir::Dominators& tree);

  void add(Fact fact);
  // Facts with the value on the small, on the great side.
  const std::vector<Fact>& above(ir::ValueId low) const { return of(above_, low); }
  const std::vector<Fact>& below(ir::ValueId high) const { return of(below_, high); }
  bool hold(const Fact& fact, Point at) const;

private:
  const std::vector<Fact>& of(const std::vector<std::vector<Fact>>& lists, ir::ValueId value) const;
  void learn(ir::ValueId condition, bool truth, Point from, int depth);
  void compare(const ir::Instr& comparison, bool truth, Point from);
  void less_or_equal(ir::ValueId low, ir::ValueId high, int64_t offset, Point from);

  const ir::Function& function_;
  const ir::Dominators& tree_;
  std::vector<std::vector<Fact>> above_; // by value; the last one for the number 0
  std::vector<std::vector<Fact>> below_;
};

} // namespace hasten::passes
