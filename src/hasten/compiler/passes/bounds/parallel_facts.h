// What the body of a parallel loop may rely on: its bounds and captures are values of the function that runs the loop.
#pragma once

#include <vector>

#include "hasten/compiler/passes/bounds/facts.h"

namespace hasten::passes {

class ParallelLoops {
public:
  explicit ParallelLoops(const ir::Module& module);

  // Where the function is the body of a loop: 0 <= begin, what is known of the end from the loop's length, and which captured numbers are
  // sizes of captured arrays.
  void add_facts(size_t function, Facts* facts) const;

private:
  struct Loop {
    size_t caller = 0;
    ir::ValueId instr = ir::kNone;
    int count = 0; // more than one: nothing is said
  };

  const ir::Module& module_;
  std::vector<Loop> loops_; // by function
};

} // namespace hasten::passes
