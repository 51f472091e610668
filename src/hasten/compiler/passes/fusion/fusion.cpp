#include "hasten/compiler/passes/fusion/fusion.h"

#include <algorithm>

#include "hasten/compiler/ir/rules.h"
#include "hasten/compiler/passes/edit.h"
#include "hasten/compiler/passes/fusion/compose.h"
#include "hasten/compiler/passes/fusion/memory.h"
#include "hasten/compiler/passes/shapes.h"
#include "hasten/compiler/passes/simplify/simplify.h"

namespace hasten::passes {
namespace {

using namespace ir;

constexpr size_t kMaxInstrs = 256;  // of a kernel: what LLVM compiles well within a millisecond
constexpr size_t kMaxOperands = 16; // arrays and scalars; gathered blocks of that many arrays still fit the L1 cache
constexpr int kMaxLoops = 8;        // library loops in one kernel, each with a buffer
constexpr int kRecomputed = 12;     // operations that may be done again for each item of a larger statement

// What a kernel costs, in additions.
struct Cost {
  size_t instrs = 0;
  int operations = 0;
  int loops = 0; // calls of library loops
};

bool is_statement(Op op) { return op == Op::kEwise || op == Op::kEwiseShaped || op == Op::kEwiseInto || op == Op::kEwiseReduce; }

Cost cost_of(const Function& kernel) {
  Cost cost;
  for (const Block& block : kernel.blocks) {
    cost.instrs += block.instrs.size();
    for (ValueId value : block.instrs) {
      switch (kernel.values[value].op) {
      case Op::kUfunc:
      case Op::kExtern:
        ++cost.loops;
        break;
      case Op::kParam:
      case Op::kConst:
      case Op::kRet:
        break;
      case Op::kDiv:
      case Op::kIntrinsic:
      case Op::kTruncDiv:
      case Op::kTruncMod:
        cost.operations += 4;
        break;
      case Op::kFloorDiv:
      case Op::kFloorMod:
        cost.operations += 8;
        break;
      default:
        cost.operations += 1;
      }
    }
  }
  return cost;
}

class Fusion {
public:
  Fusion(Module& module, Function& function)
      : module_(module), function_(function), shapes_(module, function), memory_(function), users_(function.values.size()),
        state_(function.values.size(), State::kPlain) {}

  void run() {
    for (const Block& block : function_.blocks) {
      for (ValueId value : block.instrs) {
        for (ValueId arg : function_.values[value].args) {
          auto& users = users_[arg];
          if (users.empty() || users.back() != value) {
            users.push_back(value);
          }
        }
      }
    }
    for (const Block& block : function_.blocks) {
      for (size_t i = block.instrs.size(); i-- > 0;) {
        if (is_statement(function_.values[block.instrs[i]].op) && state_[block.instrs[i]] != State::kGone) {
          fuse_into(block, i);
        }
      }
    }
    erase_instrs(function_, [&](ValueId value) { return value < state_.size() && state_[value] == State::kGone; });
  }

private:
  enum class State : uint8_t {
    kPlain,
    kInside, // part of the statement that is being built
    kGone,   // fused away
  };

  // What has been seen between the statement and the place that the walk back from it has reached.
  struct Between {
    bool other_errors = false; // or effects: nothing that may fail can be moved behind them
    bool writes_anything = false;
    std::vector<ValueId> written;
  };

  const Instr& instr(ValueId value) const { return function_.values[value]; }
  const Function& kernel_of(const Instr& statement) const { return module_.functions[kernel_index(statement)]; }

  const Cost& cost(const Instr& statement) {
    const size_t kernel = kernel_index(statement);
    costs_.resize(std::max(costs_.size(), kernel + 1));
    if (costs_[kernel].instrs == 0) {
      costs_[kernel] = cost_of(module_.functions[kernel]);
    }
    return costs_[kernel];
  }

  // Walks back from the statement, taking in what it can, as long as there are operands of it further up.
  void fuse_into(const Block& block, size_t at) {
    const ValueId last = block.instrs[at];
    inside_ = {last};
    state_[last] = State::kInside;
    total_ = cost(instr(last));
    recomputed_ = 0;
    size_t waiting = operands_above(last);
    Between between;
    for (size_t i = at; i-- > 0 && waiting > 0;) {
      const ValueId value = block.instrs[i];
      if (state_[value] == State::kGone) {
        continue;
      }
      const bool is_operand = is_used_inside(value);
      waiting -= is_operand ? 1 : 0;
      if (is_operand && may_take_in(value, last, between)) {
        inside_.push_back(value);
        state_[value] = State::kInside;
        waiting += operands_above(value);
      } else {
        pass(value, between);
      }
    }
    if (inside_.size() > 1) {
      replace(last);
    }
    for (ValueId value : inside_) {
      state_[value] = value == last ? State::kPlain : State::kGone;
    }
  }

  // How many operands of the statement become candidates by it: statements of its block that nothing inside uses yet.
  size_t operands_above(ValueId statement) {
    size_t count = 0;
    const Instr& user = instr(statement);
    for (size_t i = first_operand(user); i < user.args.size(); ++i) {
      const ValueId arg = user.args[i];
      const bool seen =
          std::find(user.args.begin() + static_cast<std::ptrdiff_t>(first_operand(user)),
                    user.args.begin() + static_cast<std::ptrdiff_t>(i), arg) != user.args.begin() + static_cast<std::ptrdiff_t>(i);
      const auto others =
          std::count_if(users_[arg].begin(), users_[arg].end(), [&](ValueId u) { return u != statement && state_[u] == State::kInside; });
      count += is_candidate(arg, user.block) && !seen && others == 0 ? 1 : 0;
    }
    return count;
  }

  bool is_candidate(ValueId value, BlockId block) const {
    const Instr& i = instr(value);
    return (i.op == Op::kEwise || i.op == Op::kEwiseShaped) && i.block == block && state_[value] == State::kPlain;
  }

  bool is_used_inside(ValueId value) const {
    const auto inside = [&](ValueId user) { return state_[user] == State::kInside; };
    return is_candidate(value, instr(value).block) && std::any_of(users_[value].begin(), users_[value].end(), inside);
  }

  bool may_take_in(ValueId value, ValueId last, const Between& between) {
    const Instr& producer = instr(value);
    const Instr& consumer = instr(last);
    const auto as_operand = [&](ValueId user) {
      return state_[user] == State::kInside && !(instr(user).op == Op::kEwiseInto && instr(user).args[0] == value);
    };
    return std::all_of(users_[value].begin(), users_[value].end(), as_operand) && may_wait(producer, between) &&
           kernels_fit(producer, consumer) && within_limits(producer) && pays(value, last);
  }

  // Whether the producer may be computed behind all that stands between.
  bool may_wait(const Instr& producer, const Between& between) {
    if (passes::may_fail(kernel_of(producer)) || (between.other_errors && shapes_.may_fail(producer))) {
      return false;
    }
    for (size_t i = first_operand(producer); i < producer.args.size(); ++i) {
      const ValueId operand = producer.args[i];
      if (!is_array(instr(operand).type)) {
        continue;
      }
      const auto overlaps = [&](ValueId written) { return memory_.may_overlap(written, operand); };
      if ((between.writes_anything && !memory_.is_private(operand)) ||
          std::any_of(between.written.begin(), between.written.end(), overlaps)) {
        return false;
      }
    }
    return true;
  }

  bool kernels_fit(const Instr& producer, const Instr& consumer) {
    const bool straight = kernel_of(producer).straight;
    return straight == kernel_of(consumer).straight || (straight && cost(producer).loops == 0);
  }

  bool within_limits(const Instr& producer) {
    const Cost& more = cost(producer);
    std::vector<ValueId> operands(producer.args.begin() + static_cast<std::ptrdiff_t>(first_operand(producer)), producer.args.end());
    for (ValueId statement : inside_) {
      const Instr& i = instr(statement);
      operands.insert(operands.end(), i.args.begin() + static_cast<std::ptrdiff_t>(first_operand(i)), i.args.end());
    }
    std::sort(operands.begin(), operands.end());
    const auto count = static_cast<size_t>(std::unique(operands.begin(), operands.end()) - operands.begin());
    const size_t fused = inside_.size(); // operands that are inside, with the producer itself
    if (total_.instrs + more.instrs > kMaxInstrs || total_.loops + more.loops > kMaxLoops || count - fused > kMaxOperands) {
      return false;
    }
    return true;
  }

  // The table in fusion.h. Books the producer's cost where it is taken in.
  bool pays(ValueId value, ValueId last) {
    const Instr& producer = instr(value);
    const Cost& more = cost(producer);
    const bool same = shapes_.shape_of(value) == shape_of_statement(last);
    if (producer.op == Op::kEwiseShaped && !(same && may_become_shaped(value, last))) {
      return false;
    }
    const bool cheap = more.loops == 0 && kernel_of(producer).straight;
    const int rank = producer.type->ndim;
    const bool smaller = rank < rank_of_statement(last) || has_unit_size(value);
    if (!same && !cheap && (smaller || rank > 1)) {
      return false;
    }
    if (!same && smaller) {
      if (recomputed_ + more.operations > kRecomputed) {
        return false;
      }
      recomputed_ += more.operations;
    }
    total_.instrs += more.instrs;
    total_.loops += more.loops;
    return true;
  }

  // Whether the statement's shape can be given by that of the producer, and its iota where there is one.
  bool may_become_shaped(ValueId value, ValueId last) const {
    const Instr& consumer = instr(last);
    switch (consumer.op) {
    case Op::kEwise:
    case Op::kEwiseShaped:
      return consumer.type->layout == Layout::kC && stays_in_c_order(value);
    case Op::kEwiseInto:
      return !has_iota(module_, instr(value));
    default:
      return false;
    }
  }

  // The driver gives a result in Fortran order where all operands of full rank have it. The producer, which is in C order, keeps it from
  // that; without it an iota does, or another operand.
  bool stays_in_c_order(ValueId value) const {
    const int rank = instr(value).type->ndim;
    const auto iota = [&](ValueId statement) { return has_iota(module_, instr(statement)); };
    if (rank < 2 || iota(value) || std::any_of(inside_.begin(), inside_.end(), iota)) {
      return true;
    }
    return std::all_of(inside_.begin(), inside_.end(), [&](ValueId statement) {
      const std::vector<ValueId>& args = instr(statement).args;
      return std::all_of(args.begin(), args.end(), [&](ValueId arg) {
        TypeRef type = instr(arg).type;
        return !is_array(type) || type->ndim < rank || type->layout == Layout::kC;
      });
    });
  }

  Shapes::Id shape_of_statement(ValueId statement) {
    const Instr& i = instr(statement);
    switch (i.op) {
    case Op::kEwiseInto:
      return shapes_.shape_of(i.args[0]);
    case Op::kEwiseReduce:
      return shapes_.broadcast(i.args, 0);
    default:
      return shapes_.shape_of(statement);
    }
  }

  int rank_of_statement(ValueId statement) const {
    const Instr& i = instr(statement);
    if (i.op == Op::kEwiseInto) {
      return instr(i.args[0]).type->ndim;
    }
    int rank = i.op == Op::kEwiseReduce ? 0 : i.type->ndim;
    for (ValueId arg : i.args) {
      rank = std::max<int>(rank, is_array(instr(arg).type) ? instr(arg).type->ndim : 0);
    }
    return rank;
  }

  bool has_unit_size(ValueId array) const {
    for (int axis = 0; axis < instr(array).type->ndim; ++axis) {
      if (is_unit_size(array, axis)) {
        return true;
      }
    }
    return false;
  }

  // Whether the array has one item along the axis for certain: `x[:, None]`.
  bool is_unit_size(ValueId array, int axis) const {
    const Instr& i = instr(array);
    const auto at = static_cast<size_t>(axis);
    int64_t size = 0;
    switch (i.op) {
    case Op::kAlloc:
    case Op::kEwiseShaped:
      return is_int(function_, i.args[at], &size) && size == 1;
    case Op::kView:
      return is_int(function_, i.args[2 + at], &size) && size == 1;
    case Op::kEwise: // lower ranks don't count: sizes are matched from the last axis
      return std::all_of(i.args.begin(), i.args.end(), [&](ValueId arg) {
        const int missing = is_array(instr(arg).type) ? i.type->ndim - instr(arg).type->ndim : i.type->ndim;
        return axis < missing || is_unit_size(arg, axis - missing);
      });
    default:
      return false;
    }
  }

  // Adds what the instruction, which stays where it is, means for those before it.
  void pass(ValueId value, Between& between) {
    const Instr& i = instr(value);
    const bool sizes_only = (i.op == Op::kEwise || i.op == Op::kEwiseShaped) && !passes::may_fail(kernel_of(i));
    between.other_errors |= !sizes_only && i.op != Op::kPoll && shapes_.may_fail(i);
    if ((info(i.op).effects & kWrites) == 0) {
      return;
    }
    between.other_errors = true;
    if (i.op == Op::kStore || i.op == Op::kEwiseInto) {
      between.written.push_back(i.args[0]);
    } else {
      between.writes_anything = true;
    }
  }

  // One statement for all that are inside.
  void replace(ValueId last) {
    std::vector<ValueId> statements(inside_.rbegin(), inside_.rend());
    const Composed composed = compose(module_, function_, statements);
    simplify(module_, module_.functions[composed.kernel]);
    Instr& consumer = function_.values[last];
    const auto shaped = std::find_if(inside_.begin(), inside_.end(), [&](ValueId v) { return instr(v).op == Op::kEwiseShaped; });
    std::vector<ValueId> args(consumer.args.begin(), consumer.args.begin() + static_cast<std::ptrdiff_t>(first_operand(consumer)));
    if (consumer.op == Op::kEwise && shaped != inside_.end()) {
      const Instr& producer = instr(*shaped);
      args.assign(producer.args.begin(), producer.args.begin() + producer.type->ndim);
      consumer.op = Op::kEwiseShaped;
    }
    args.insert(args.end(), composed.operands.begin(), composed.operands.end());
    for (ValueId arg : args) {
      auto& users = users_[arg];
      std::erase_if(users, [&](ValueId u) { return state_[u] == State::kInside; });
      users.push_back(last);
    }
    consumer.args = std::move(args);
    consumer.aux = with_kernel(consumer.aux, composed.kernel);
  }

  Module& module_;
  Function& function_;
  Shapes shapes_;
  Memory memory_;
  std::vector<std::vector<ValueId>> users_; // by value: who has it as an operand
  std::vector<State> state_;                // by value
  std::vector<Cost> costs_;                 // by kernel; no instructions: not known yet
  // The statement that is being built: it and what it has taken in, from the last to the first.
  std::vector<ValueId> inside_;
  Cost total_;
  int recomputed_ = 0;
};

size_t statement_count(const Module& module) {
  size_t count = 0;
  for (const Function& function : module.functions) {
    count += static_cast<size_t>(std::count_if(function.values.begin(), function.values.end(),
                                               [](const Instr& i) { return i.block != kNone && is_statement(i.op); }));
  }
  return count;
}

} // namespace

void fuse_statements(Module& module, size_t function) {
  // Each statement brings at most one new kernel: with room for all of them no function moves while this one is changed.
  module.functions.reserve(module.functions.size() + statement_count(module));
  Fusion(module, module.functions[function]).run();
}

} // namespace hasten::passes
