// Which arrays are known to have one shape, and which ops are known not to fail.
//
// Why: fusion, dead code and Dim-forwarding all turn on the same two questions. NumPy's broadcasting makes both depend on run-time sizes;
// but the shape of `a * b + a` is the broadcast of the shapes of a and b whatever they are. So a shape is a set of *leaves* (arrays whose
// shape nothing explains, and lists of sizes): equal sets are equal shapes.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "hasten/compiler/ir/function.h"

namespace hasten::passes {

// Whether a run of the function can leave it with an error. For kernels and small callees; conservative.
bool may_fail(const ir::Function& function);

// A lazy analysis of one function. New values and changed operands of old ones are fine as long as shapes stay what they were.
class Shapes {
public:
  using Id = uint32_t;

  Shapes(const ir::Module& module, const ir::Function& function) : module_(module), function_(function) {}

  // Equal ids: equal shapes. The value is an array.
  Id shape_of(ir::ValueId array);
  // The shape of the broadcast of those operands, from `first` on, that are arrays.
  Id broadcast(const std::vector<ir::ValueId>& operands, size_t first);
  // Whether the two are broadcast to the second's shape without fail and without growing it.
  bool fits(Id shape, Id into) const;

  // Whether the op can leave the function with an error other than MemoryError.
  bool may_fail(const ir::Instr& instr);

private:
  using Leaves = std::vector<uint32_t>;

  Id intern(Leaves leaves);
  Id compute(ir::ValueId array);
  Id explicit_shape(const std::vector<ir::ValueId>& sizes);
  uint32_t leaf(const std::vector<ir::ValueId>& key);

  const ir::Module& module_;
  const ir::Function& function_;
  std::vector<Id> known_; // by value, plus one
  std::vector<Leaves> shapes_;
  std::map<Leaves, Id> ids_;
  std::map<std::vector<ir::ValueId>, uint32_t> leaves_;
  std::vector<bool> kernel_known_;
  std::vector<bool> kernel_fails_;
};

// Whether the integer cannot be negative, as far as the ops around it show.
bool is_nonnegative(const ir::Function& function, ir::ValueId value, int depth = 4);

} // namespace hasten::passes
