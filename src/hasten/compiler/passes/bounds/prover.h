// Proves inequalities between the int64 values of a function: `a <= b + k` at a point. On demand, with a bounded effort; "no" means not
// found.
//
// Values are read as the numbers that they are, so every step looks after wrapping: x + 1 is above x only where something keeps x from the
// top.
#pragma once

#include "hasten/compiler/passes/bounds/facts.h"

namespace hasten::passes {

class Prover {
public:
  Prover(const ir::Function& function, const ir::Dominators& tree, const Facts& facts) : function_(function), tree_(tree), facts_(facts) {}

  // 0 <= index < size at the point.
  bool in_range(ir::ValueId index, ir::ValueId size, Point at);
  bool not_negative(ir::ValueId value, Point at);
  // The checked sum or difference at the point, of two int64, stays within 64 bits.
  bool cannot_wrap(const ir::Instr& instr, Point at);

private:
  // base + by.
  struct Sum {
    ir::ValueId base = ir::kNone;
    int64_t by = 0;
  };
  // What is to be shown: a <= b + k.
  struct Goal {
    ir::ValueId a;
    ir::ValueId b;
    int64_t k;
  };
  // What is known of the goal's a: a <= y + j.
  using Bound = Sum;

  bool ask(Goal goal, Point at);
  bool prove(Goal goal, Point at, int depth);
  bool from_above(const Goal& goal, Bound bound, Point at, int depth);
  bool by_ops_above(const Goal& goal, Bound bound, Point at, int depth);
  bool by_remainder(const Goal& goal, Bound bound, Point at, int depth);
  bool by_sum_above(const Goal& goal, Bound bound, Point at, int depth);
  bool from_below(const Goal& goal, Point at, int depth);
  bool by_ops_below(const Goal& goal, Point at, int depth);
  bool is_not_negative(const ir::Instr& instr, Point at, int depth);
  bool every_operand(const Goal& goal, ir::ValueId phi, Point at, int depth);
  bool exceeds(ir::ValueId a, int64_t number, Point at, int depth);
  bool has_room(const Sum& sum, bool exact, bool upwards, Point at, int depth);
  bool gap_above(ir::ValueId v, Bound bound, ir::ValueId u, Point at, int depth, Sum* out);
  bool sum_is_bounded(const ir::Instr& sum, Point at, int depth, Sum* out);
  bool constant(ir::ValueId value, int64_t* out) const;
  bool shifted(ir::ValueId value, Sum* out, bool* exact) const;
  bool difference(ir::ValueId value, ir::ValueId* x, ir::ValueId* y) const;
  bool negated(ir::ValueId value, ir::ValueId* out) const;

  const ir::Function& function_;
  const ir::Dominators& tree_;
  const Facts& facts_;
  std::vector<Goal> assumed_; // of phis whose operands are being looked at: for the turn before
  int steps_ = 0;
};

} // namespace hasten::passes
