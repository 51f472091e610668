// What passes need to change a function and keep it valid: new values, edges, replacements.
#pragma once

#include <vector>

#include "hasten/compiler/ir/function.h"

namespace hasten::passes {

// A value of the block that no list holds yet; the caller puts it where it belongs. References into Function::values become stale.
ir::ValueId new_value(ir::Function& function, ir::Op op, ir::TypeRef type, std::vector<ir::ValueId> args, ir::BlockId block);

// Makes the instruction, which keeps its place and type, that constant.
void become_constant(ir::Function& function, ir::ValueId value, const ir::Constant& constant);
// The constant that the value is, or null.
const ir::Constant* constant_of(const ir::Function& function, ir::ValueId value);
// The integer that it is; false where it is none.
bool is_int(const ir::Function& function, ir::ValueId value, int64_t* out);

// How many of the block's instructions are phis; they stand first.
size_t phi_count(const ir::Function& function, const std::vector<ir::ValueId>& instrs);

// The place of edge number `edge` out of `from` among the predecessors of its target. Two edges between the same blocks keep their order.
size_t pred_index(const ir::Function& function, ir::BlockId from, size_t edge);

// A new block on the edge, with nothing but a branch.
ir::BlockId split_edge(ir::Function& function, ir::BlockId from, size_t edge);

// Takes predecessor number `position` off the block, and its phis' operands with it. The other end is the caller's.
void remove_pred(ir::Function& function, ir::BlockId block, size_t position);

// Values that stand for others, collected during a walk and written into all operands at its end.
class Replacements {
public:
  explicit Replacements(const ir::Function& function) : by_(function.values.size()) {}

  bool any() const { return any_; }
  void replace(ir::ValueId value, ir::ValueId by);
  // What stands for the value now.
  ir::ValueId find(ir::ValueId value) const;
  void rewrite(ir::Instr& instr) const;
  // Rewrites all operands and takes the replaced instructions out of their blocks.
  void apply(ir::Function& function) const;

private:
  std::vector<ir::ValueId> by_; // plus one; 0: stands for itself
  bool any_ = false;
};

// Takes the instructions for which `is_dead` holds out of their blocks.
template <class Predicate> void erase_instrs(ir::Function& function, Predicate is_dead) {
  for (ir::Block& block : function.blocks) {
    std::erase_if(block.instrs, [&](ir::ValueId value) {
      const bool dead = is_dead(value);
      if (dead) {
        function.values[value].block = ir::kNone;
        function.values[value].args.clear();
      }
      return dead;
    });
  }
}

} // namespace hasten::passes
