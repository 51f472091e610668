#include "hasten/compiler/passes/bounds/prover.h"

#include <algorithm>

#include "hasten/compiler/ir/rules.h"
#include "hasten/compiler/passes/edit.h"
#include "hasten/compiler/passes/shapes.h"

namespace hasten::passes {

using namespace ir;

namespace {

constexpr int kDepth = 14;
constexpr int kSteps = 400;
constexpr int64_t kBig = int64_t{1} << 60; // offsets stay below, so that sums of a few are exact

// Numbers that are no values: besides kNone for 0, the ends of int64.
constexpr ValueId kTop = kNone - 1;
constexpr ValueId kBottom = kNone - 2;
bool is_value(ValueId v) { return v < kBottom; }

bool is_sum(Op op) { return op == Op::kAdd || op == Op::kAddChecked; }
bool is_subtraction(Op op) { return op == Op::kSub || op == Op::kSubChecked; }
bool is_checked(Op op) { return op == Op::kAddChecked || op == Op::kSubChecked; }

} // namespace

bool Prover::in_range(ValueId index, ValueId size, Point at) { return not_negative(index, at) && ask({index, size, -1}, at); }

bool Prover::not_negative(ValueId value, Point at) { return ask({kNone, value, 0}, at); }

bool Prover::cannot_wrap(const Instr& instr, Point at) {
  int64_t number = 0;
  const bool right = constant(instr.args[1], &number);
  if (!right && !(is_sum(instr.op) && constant(instr.args[0], &number))) {
    return false;
  }
  const ValueId other = instr.args[right ? 0 : 1];
  const int64_t by = is_sum(instr.op) ? number : -number;
  assumed_.clear();
  steps_ = kSteps;
  return has_room({other, by}, false, by >= 0, at, kDepth);
}

bool Prover::ask(Goal goal, Point at) {
  assumed_.clear();
  steps_ = kSteps;
  return prove(goal, at, kDepth);
}

bool Prover::constant(ValueId value, int64_t* out) const {
  return is_value(value) && is_int(function_, value, out) && *out > -kGreatest && *out < kGreatest;
}

bool Prover::prove(Goal goal, Point at, int depth) {
  int64_t number = 0;
  if (constant(goal.a, &number)) {
    goal.a = kNone;
    goal.k -= number;
  }
  if (constant(goal.b, &number)) {
    goal.b = kNone;
    goal.k += number;
  }
  if (goal.k >= kBig || goal.k <= -kBig || --steps_ < 0 || depth <= 0) {
    return false;
  }
  if (goal.a == goal.b || goal.a == kBottom || goal.b == kTop) {
    if (goal.k >= 0) {
      return true;
    }
  }
  if (!is_value(goal.a) && !is_value(goal.b)) {
    return goal.a == kNone ? goal.b == kTop || (goal.b == kNone && goal.k >= 0) : goal.a == kBottom && goal.b != kBottom;
  }
  const auto follows = [&](const Goal& known) { return known.a == goal.a && known.b == goal.b && known.k <= goal.k; };
  if (std::any_of(assumed_.begin(), assumed_.end(), follows)) {
    return true;
  }
  return (is_value(goal.a) && from_above(goal, {goal.a, 0}, at, depth)) || (is_value(goal.b) && from_below(goal, at, depth));
}

// ---------------------------------------------------------------- upper bounds of a

bool Prover::from_above(const Goal& goal, Bound bound, Point at, int depth) {
  int64_t number = 0;
  if (constant(bound.base, &number)) {
    bound = {kNone, bound.by + number};
  }
  if (bound.by >= kBig || bound.by <= -kBig || --steps_ < 0 || depth <= 0) {
    return false;
  }
  if ((bound.base == goal.b || goal.b == kTop) && bound.by <= goal.k) {
    return true;
  }
  if (bound.base == kNone) {
    return prove({kNone, goal.b, goal.k - bound.by}, at, depth - 1);
  }
  for (const Fact& fact : facts_.above(bound.base)) {
    if (!facts_.hold(fact, at) || (fact.or_nonpositive && !exceeds(goal.a, bound.by, at, depth - 1))) {
      continue;
    }
    if (from_above(goal, {fact.high, bound.by + fact.offset}, at, depth - 1)) {
      return true;
    }
  }
  return by_ops_above(goal, bound, at, depth - 1);
}

// number < a
bool Prover::exceeds(ValueId a, int64_t number, Point at, int depth) { return prove({kNone, a, -number - 1}, at, depth); }

bool Prover::by_ops_above(const Goal& goal, Bound bound, Point at, int depth) {
  const Instr& instr = function_.values[bound.base];
  const auto go_on = [&](size_t operand) { return from_above(goal, {instr.args[operand], bound.by}, at, depth); };
  int64_t number = 0;
  switch (instr.op) {
  case Op::kPhi:
    return every_operand({bound.base, goal.b, goal.k - bound.by}, bound.base, at, depth);
  case Op::kMin:
    return go_on(0) || go_on(1);
  case Op::kMax:
    for (size_t i = 0; i < 2; ++i) { // where a is above the one, it is bounded by the other
      if (constant(instr.args[i], &number) && exceeds(goal.a, number + bound.by, at, depth)) {
        return go_on(1 - i);
      }
    }
    return go_on(0) && go_on(1);
  case Op::kSelect:
    return go_on(1) && go_on(2);
  case Op::kCheckIndex:
    return from_above(goal, {instr.args[1], bound.by - 1}, at, depth);
  case Op::kFloorDiv:
    return constant(instr.args[1], &number) && number > 0 && prove({kNone, instr.args[0], 0}, at, depth) && go_on(0);
  case Op::kFloorMod:
    return by_remainder(goal, bound, at, depth);
  case Op::kAdd:
  case Op::kSub:
  case Op::kAddChecked:
  case Op::kSubChecked:
    return by_sum_above(goal, bound, at, depth);
  default:
    return false;
  }
}

// x % m is below m where m is positive.
bool Prover::by_remainder(const Goal& goal, Bound bound, Point at, int depth) {
  const Instr& instr = function_.values[bound.base];
  return prove({kNone, instr.args[1], -1}, at, depth) && from_above(goal, {instr.args[1], bound.by - 1}, at, depth);
}

bool Prover::by_sum_above(const Goal& goal, Bound bound, Point at, int depth) {
  Sum sum;
  bool exact = false;
  if (shifted(bound.base, &sum, &exact)) {
    return has_room(sum, exact, false, at, depth) && from_above(goal, {sum.base, bound.by + sum.by}, at, depth);
  }
  ValueId x = kNone;
  ValueId y = kNone;
  if (difference(bound.base, &x, &y)) { // x - y is at most x, unless it wraps at the bottom
    return prove({kNone, y, 0}, at, depth) && prove({y, x, kBig - 1}, at, depth) && from_above(goal, {x, bound.by}, at, depth);
  }
  const Instr& instr = function_.values[bound.base];
  return is_sum(instr.op) && sum_is_bounded(instr, at, depth, &sum) && from_above(goal, {sum.base, bound.by + sum.by}, at, depth);
}

// u + v <= s + j, as numbers, where v is bounded by s - u and neither is negative: the position in `range(u, s)`, added to its start.
bool Prover::sum_is_bounded(const Instr& sum, Point at, int depth, Sum* out) {
  for (size_t i = 0; i < 2; ++i) {
    const ValueId u = sum.args[i];
    const ValueId v = sum.args[1 - i];
    if (gap_above(v, {v, 0}, u, at, depth, out) && prove({kNone, u, 0}, at, depth) && prove({kNone, v, 0}, at, depth)) {
      return true;
    }
  }
  return false;
}

// Walks up from v <= bound to a bound of the form s - u; out is s and what is added.
bool Prover::gap_above(ValueId v, Bound bound, ValueId u, Point at, int depth, Sum* out) {
  if (!is_value(bound.base) || --steps_ < 0 || depth <= 0 || bound.by >= kBig || bound.by <= -kBig) {
    return false;
  }
  ValueId s = kNone;
  ValueId w = kNone;
  if (difference(bound.base, &s, &w) && w == u) { // neither end is negative: the difference does not wrap
    *out = {s, bound.by};
    return prove({kNone, s, 0}, at, depth) && prove({kNone, u, 0}, at, depth);
  }
  for (const Fact& fact : facts_.above(bound.base)) {
    if (facts_.hold(fact, at) && !fact.or_nonpositive && gap_above(v, {fact.high, bound.by + fact.offset}, u, at, depth - 1, out)) {
      return true;
    }
  }
  const Instr& instr = function_.values[bound.base];
  const auto go_on = [&](size_t operand) { return gap_above(v, {instr.args[operand], bound.by}, u, at, depth - 1, out); };
  int64_t number = 0;
  switch (instr.op) {
  case Op::kMin:
    return go_on(0) || go_on(1);
  case Op::kMax:
    for (size_t i = 0; i < 2; ++i) {
      if (constant(instr.args[i], &number) && exceeds(v, number + bound.by, at, depth - 1)) {
        return go_on(1 - i);
      }
    }
    return false;
  default:
    return false;
  }
}

// ---------------------------------------------------------------- lower bounds of b

bool Prover::from_below(const Goal& goal, Point at, int depth) {
  for (const Fact& fact : facts_.below(goal.b)) {
    if (facts_.hold(fact, at) && !fact.or_nonpositive && prove({goal.a, fact.low, goal.k - fact.offset}, at, depth - 1)) {
      return true;
    }
  }
  const Instr& instr = function_.values[goal.b];
  const bool above_zero = is_nonnegative(function_, goal.b) || (!is_value(goal.a) && is_not_negative(instr, at, depth - 1));
  if (above_zero && prove({goal.a, kNone, goal.k}, at, depth - 1)) {
    return true;
  }
  return by_ops_below(goal, at, depth - 1);
}

bool Prover::by_ops_below(const Goal& goal, Point at, int depth) {
  const Instr& instr = function_.values[goal.b];
  const auto go_on = [&](size_t operand) { return prove({goal.a, instr.args[operand], goal.k}, at, depth); };
  switch (instr.op) {
  case Op::kPhi:
    return every_operand(goal, goal.b, at, depth);
  case Op::kMax:
    return go_on(0) || go_on(1);
  case Op::kMin:
    return go_on(0) && go_on(1);
  case Op::kSelect:
    return go_on(1) && go_on(2);
  default:
    break;
  }
  Sum sum;
  bool exact = false;
  if (shifted(goal.b, &sum, &exact)) {
    return has_room(sum, exact, true, at, depth) && prove({goal.a, sum.base, goal.k + sum.by}, at, depth);
  }
  ValueId x = kNone;
  ValueId y = kNone;
  if (goal.a == kNone && difference(goal.b, &x, &y)) { // 0 <= x - y + k
    return prove({kNone, y, 0}, at, depth) && prove({y, x, goal.k}, at, depth);
  }
  return false;
}

// What cannot be negative by its operands.
bool Prover::is_not_negative(const Instr& instr, Point at, int depth) {
  const auto operand = [&](size_t i) { return prove({kNone, instr.args[i], 0}, at, depth); };
  int64_t number = 0;
  Sum sum;
  switch (instr.op) {
  case Op::kFloorMod:
    return operand(1);
  case Op::kFloorDiv:
  case Op::kTruncDiv:
    return constant(instr.args[1], &number) && number > 0 && operand(0);
  case Op::kAnd:
    return operand(0) || operand(1);
  case Op::kAddChecked:
    return operand(0) && operand(1);
  case Op::kAdd: // and does not wrap at the top
    return sum_is_bounded(instr, at, depth, &sum) && sum.by <= 0;
  default:
    return false;
  }
}

// ---------------------------------------------------------------- steps of both

// The goal is about the phi: it holds where it holds for each operand at the end of its block, given that it held for the phi before. The
// other side must stay the same value from turn to turn, so it comes from before the phi's block.
bool Prover::every_operand(const Goal& goal, ValueId phi, Point, int depth) {
  const Instr& instr = function_.values[phi];
  const ValueId other = goal.a == phi ? goal.b : goal.a;
  if (other == phi) {
    return false;
  }
  if (is_value(other)) {
    const BlockId from = function_.values[other].block;
    if (from == instr.block || !tree_.dominates(from, instr.block)) {
      return false;
    }
  }
  const auto follows = [&](const Goal& known) { return known.a == goal.a && known.b == goal.b; };
  if (std::any_of(assumed_.begin(), assumed_.end(), follows)) {
    return false; // asked for more than is assumed: the bound moves from turn to turn
  }
  assumed_.push_back(goal);
  bool all = true;
  for (size_t i = 0; i < instr.args.size() && all; ++i) {
    const BlockId pred = function_.blocks[instr.block].preds[i];
    if (tree_.reachable(pred)) {
      const Point end{pred, static_cast<uint32_t>(function_.blocks[pred].instrs.size())};
      all = prove({goal.a == phi ? instr.args[i] : goal.a, goal.a == phi ? goal.b : instr.args[i], goal.k}, end, depth);
    }
  }
  assumed_.pop_back();
  return all;
}

// Whether base + by may stand for the sum in a bound. An upper bound holds even of a sum that wraps at the top, for then it is very small;
// only at the bottom it must not wrap. A lower bound the other way round.
bool Prover::has_room(const Sum& sum, bool exact, bool upwards, Point at, int depth) {
  if (exact || (upwards ? sum.by <= 0 : sum.by >= 0)) {
    return true;
  }
  if (upwards) {
    return prove({sum.base, kTop, -sum.by}, at, depth);
  }
  return prove({kBottom, sum.base, sum.by}, at, depth) || prove({kNone, sum.base, kBig - 1}, at, depth);
}

// value = base + by, with a constant.
bool Prover::shifted(ValueId value, Sum* out, bool* exact) const {
  const Instr& instr = function_.values[value];
  int64_t number = 0;
  if (!is_sum(instr.op) && !is_subtraction(instr.op)) {
    return false;
  }
  *exact = is_checked(instr.op);
  if (constant(instr.args[1], &number)) {
    *out = {instr.args[0], is_sum(instr.op) ? number : -number};
    return true;
  }
  if (is_sum(instr.op) && constant(instr.args[0], &number)) {
    *out = {instr.args[1], number};
    return true;
  }
  return false;
}

// value = x - y, be it written as x + y * -1.
bool Prover::difference(ValueId value, ValueId* x, ValueId* y) const {
  const Instr& instr = function_.values[value];
  if (is_subtraction(instr.op)) {
    *x = instr.args[0];
    *y = instr.args[1];
    return true;
  }
  for (size_t i = 0; i < 2 && is_sum(instr.op); ++i) {
    if (negated(instr.args[i], y)) {
      *x = instr.args[1 - i];
      return true;
    }
  }
  return false;
}

bool Prover::negated(ValueId value, ValueId* out) const {
  const Instr& instr = function_.values[value];
  int64_t number = 0;
  if (instr.op == Op::kNeg) {
    *out = instr.args[0];
    return true;
  }
  for (size_t i = 0; i < 2 && instr.op == Op::kMul; ++i) {
    if (constant(instr.args[i], &number) && number == -1) {
      *out = instr.args[1 - i];
      return true;
    }
  }
  return false;
}

} // namespace hasten::passes
