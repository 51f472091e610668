// Which arrays may share memory: what fusion asks before it reads an array later than the program says.
#pragma once

#include <vector>

#include "hasten/compiler/ir/function.h"

namespace hasten::passes {

// Answers for one function before the ownership pass, from its arrays' ops alone: arguments may be one array, a new array is nobody else's
// until it is handed on.
class Memory {
public:
  explicit Memory(const ir::Function& function);

  // The array that a view or relabelled array looks at, through all of them.
  ir::ValueId base(ir::ValueId array) const;
  bool may_overlap(ir::ValueId a, ir::ValueId b) const;
  // Whether nothing but views of it in this function can reach the array's memory: no call, phi or tuple has it.
  bool is_private(ir::ValueId array) const { return private_[base(array)]; }

private:
  const ir::Function& function_;
  std::vector<bool> private_; // by base
};

} // namespace hasten::passes
