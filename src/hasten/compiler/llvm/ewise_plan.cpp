#include "hasten/compiler/llvm/ewise_plan.h"

#include <algorithm>

namespace hasten::llvm_backend {
namespace {

bool is_call(ir::Op op) { return op == ir::Op::kExtern || op == ir::Op::kUfunc; }

bool is_scalar(ir::TypeRef type) { return ir::is_number(type) || type->kind == ir::Kind::kDatetime; }

class Planner {
public:
  Planner(const ir::Function& function, int iota)
      : function_(function), iota_(iota), level_(function.values.size(), 0), stage_(function.values.size(), kUnused) {}

  EwisePlan plan() {
    const auto& instrs = function_.blocks[0].instrs;
    plan_.result = function_.values[instrs.back()].args[0];
    find_levels(instrs);
    find_stages(instrs);
    place(instrs);
    find_buffers(instrs);
    return std::move(plan_);
  }

private:
  static constexpr size_t kUnused = ~size_t{0};

  const ir::Instr& at(ir::ValueId id) const { return function_.values[id]; }

  // Available in every stage and to every call, without a buffer.
  bool is_source(ir::ValueId id) const {
    const ir::Instr& instr = at(id);
    return instr.op == ir::Op::kConst || instr.op == ir::Op::kUndef || (instr.op == ir::Op::kParam && instr.aux != iota_);
  }

  // The first stage in which a value can be there.
  void find_levels(const std::vector<ir::ValueId>& instrs) {
    for (ir::ValueId id : instrs) {
      for (ir::ValueId arg : at(id).args) {
        level_[id] = std::max(level_[id], level_[arg] + (is_call(at(arg).op) ? 1 : 0));
      }
    }
    const ir::ValueId result = plan_.result;
    plan_.result_from_call = is_call(at(result).op);
    last_ = level_[result];
  }

  // A value is computed as late as its users allow, so that few values need buffers. Calls come as early as they can.
  void find_stages(const std::vector<ir::ValueId>& instrs) {
    stage_[plan_.result] = last_;
    for (auto it = instrs.rbegin(); it != instrs.rend(); ++it) {
      const ir::Instr& instr = at(*it);
      if (stage_[*it] == kUnused) {
        continue;
      }
      if (is_call(instr.op)) {
        stage_[*it] = level_[*it];
      }
      for (ir::ValueId arg : instr.args) {
        stage_[arg] = std::min(stage_[arg], stage_[*it]);
      }
    }
  }

  void place(const std::vector<ir::ValueId>& instrs) {
    plan_.stages.resize(last_ + 1);
    for (ir::ValueId id : instrs) {
      const ir::Op op = at(id).op;
      if (stage_[id] == kUnused || op == ir::Op::kRet || is_source(id)) {
        continue;
      }
      EwiseStage& stage = plan_.stages[stage_[id]];
      (is_call(op) ? stage.calls : stage.computed).push_back(id);
    }
  }

  void find_buffers(const std::vector<ir::ValueId>& instrs) {
    plan_.buffered.assign(function_.values.size(), false);
    for (ir::ValueId id : instrs) {
      if (stage_[id] == kUnused) {
        continue;
      }
      for (ir::ValueId arg : at(id).args) {
        if (!is_source(arg) && (is_call(at(arg).op) || is_call(at(id).op) || stage_[arg] != stage_[id])) {
          plan_.buffered[arg] = at(id).op != ir::Op::kRet || plan_.buffered[arg];
        }
      }
    }
    plan_.has_buffers = std::find(plan_.buffered.begin(), plan_.buffered.end(), true) != plan_.buffered.end();
  }

  const ir::Function& function_;
  int iota_;
  EwisePlan plan_;
  std::vector<size_t> level_;
  std::vector<size_t> stage_;
  size_t last_ = 0;
};

double op_cost(const ir::Instr& instr, unsigned width) {
  constexpr double kSimple = 0.3;
  switch (instr.op) {
  case ir::Op::kUfunc:
    return 4.0;
  case ir::Op::kExtern:
    return 10.0;
  case ir::Op::kFloorDiv:
  case ir::Op::kFloorMod:
  case ir::Op::kTruncDiv:
  case ir::Op::kTruncMod:
    return 5.0;
  case ir::Op::kDiv:
    return 4.0 / width;
  case ir::Op::kCall:
  case ir::Op::kRuntime:
    return 20.0;
  default:
    return kSimple / width;
  }
}

} // namespace

bool is_straight(const ir::Function& function) {
  if (function.blocks.size() != 1 || function.result == nullptr || !is_scalar(function.result)) {
    return false;
  }
  const auto& instrs = function.blocks[0].instrs;
  if (instrs.empty() || function.values[instrs.back()].op != ir::Op::kRet) {
    return false;
  }
  return std::all_of(function.params.begin(), function.params.end(), is_scalar) &&
         std::all_of(instrs.begin(), instrs.end() - 1, [&](ir::ValueId id) {
           const ir::Instr& instr = function.values[id];
           return ir::info(instr.op).effects == ir::kPure && instr.op != ir::Op::kPhi && instr.op != ir::Op::kWrapIndex &&
                  instr.op != ir::Op::kBinding && is_scalar(instr.type);
         });
}

EwisePlan plan_ewise(const ir::Function& function, int iota) { return Planner(function, iota).plan(); }

double estimate_cost(const ir::Function& function, unsigned width) {
  double cost = 0.25 * static_cast<double>(function.params.size() + 1); // memory
  for (const ir::Block& block : function.blocks) {
    for (ir::ValueId id : block.instrs) {
      cost += op_cost(function.values[id], width);
    }
  }
  return cost;
}

} // namespace hasten::llvm_backend
