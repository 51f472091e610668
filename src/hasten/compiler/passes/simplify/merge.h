// Finds an earlier value that is the same: pure ops on the same operands, and checks that have been passed already.
#pragma once

#include <unordered_map>

#include "hasten/compiler/ir/dominators.h"

namespace hasten::passes {

// Filled in an order in which blocks stand behind their dominators.
class EqualValues {
public:
  EqualValues(const ir::Function& function, const ir::Dominators& tree) : function_(function), tree_(tree) {}

  // A value seen before that dominates this one and is equal to it, or `value` itself, which is remembered.
  ir::ValueId find_or_add(ir::ValueId value);

private:
  bool equal(const ir::Instr& a, const ir::Instr& b) const;

  const ir::Function& function_;
  const ir::Dominators& tree_;
  std::unordered_multimap<size_t, ir::ValueId> seen_;
};

} // namespace hasten::passes
