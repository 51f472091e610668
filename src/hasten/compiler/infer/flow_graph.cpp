#include <algorithm>

#include "hasten/compiler/infer/flow_builder.h"

namespace hasten::infer {

FlowBlockId FlowGraph::new_block() {
  flow_.blocks.emplace_back();
  flow_.blocks.back().loop = loop;
  return static_cast<FlowBlockId>(flow_.blocks.size() - 1);
}

FlowId FlowGraph::add(FlowOp op, std::vector<FlowId> args, const syntax::Span& span) {
  const auto id = static_cast<FlowId>(flow_.instrs.size());
  FlowInstr made{.op = op, .args = std::move(args), .text = {}, .span = span};
  flow_.instrs.push_back(std::move(made));
  flow_.blocks[block_].instrs.push_back(id);
  return id;
}

void FlowGraph::link(FlowBlockId target) {
  flow_.blocks[block_].succs.push_back(target);
  flow_.blocks[target].preds.push_back(block_);
}

void FlowGraph::jump(FlowBlockId target, const syntax::Span& span) {
  if (terminated()) {
    return;
  }
  add(FlowOp::kJump, {}, span);
  link(target);
  terminated_.insert(block_);
}

void FlowGraph::branch(FlowId condition, FlowBlockId if_true, FlowBlockId if_false, const syntax::Span& span) {
  add(FlowOp::kBranch, {condition}, span);
  link(if_true);
  link(if_false);
  terminated_.insert(block_);
}

void FlowGraph::finish(FlowOp op, std::vector<FlowId> args, const syntax::Span& span) {
  add(op, std::move(args), span);
  terminated_.insert(block_);
}

FlowId FlowGraph::new_phi(const std::string& variable, FlowBlockId block) {
  const auto id = static_cast<FlowId>(flow_.instrs.size());
  FlowInstr phi{.op = FlowOp::kPhi, .args = {}, .text = variable, .span = {}};
  flow_.instrs.push_back(std::move(phi));
  auto& instrs = flow_.blocks[block].instrs;
  instrs.insert(instrs.begin(), id);
  phi_block_[id] = block;
  return id;
}

FlowId FlowGraph::read_in(const std::string& variable, FlowBlockId block) {
  const auto found = definitions_[block].find(variable);
  if (found != definitions_[block].end()) {
    return found->second;
  }
  FlowId value = kNoFlow;
  if (sealed_.count(block) == 0) {
    value = new_phi(variable, block);
    incomplete_[block][variable] = value;
  } else if (flow_.blocks[block].preds.empty()) {
    value = static_cast<FlowId>(flow_.instrs.size());
    FlowInstr undefined{.op = FlowOp::kUndefined, .args = {}, .text = variable, .span = {}};
    flow_.instrs.push_back(std::move(undefined));
    auto& instrs = flow_.blocks[block].instrs;
    instrs.insert(instrs.begin(), value);
  } else if (flow_.blocks[block].preds.size() == 1) {
    value = read_in(variable, flow_.blocks[block].preds[0]);
  } else {
    value = new_phi(variable, block);
    definitions_[block][variable] = value; // breaks cycles
    fill_phi(variable, value, block);
  }
  definitions_[block][variable] = value;
  return value;
}

void FlowGraph::fill_phi(const std::string& variable, FlowId phi, FlowBlockId block) {
  std::vector<FlowId> args;
  for (const FlowBlockId pred : flow_.blocks[block].preds) {
    args.push_back(read_in(variable, pred));
  }
  flow_.instrs[phi].args = std::move(args);
}

void FlowGraph::seal(FlowBlockId block) {
  sealed_.insert(block);
  const auto pending = std::move(incomplete_[block]);
  for (const auto& [variable, phi] : pending) {
    fill_phi(variable, phi, block);
  }
}

FlowId FlowGraph::resolve(FlowId value) const {
  auto found = replaced_.find(value);
  while (found != replaced_.end()) {
    value = found->second;
    found = replaced_.find(value);
  }
  return value;
}

// A phi whose operands are all itself or one other value is that value. Repeated, since one removal may make others trivial.
void FlowGraph::remove_trivial_phis() {
  bool changed = true;
  while (changed) {
    changed = false;
    for (const auto& [phi, block] : phi_block_) {
      if (replaced_.count(phi) != 0) {
        continue;
      }
      FlowId only = kNoFlow;
      bool trivial = true;
      for (FlowId& arg : flow_.instrs[phi].args) {
        arg = resolve(arg);
        if (arg != phi && arg != only) {
          trivial = only == kNoFlow;
          only = arg;
          if (!trivial) {
            break;
          }
        }
      }
      if (trivial && only != kNoFlow) {
        replaced_[phi] = only;
        auto& instrs = flow_.blocks[block].instrs;
        instrs.erase(std::find(instrs.begin(), instrs.end(), phi));
        changed = true;
      }
    }
  }
  for (FlowInstr& instr : flow_.instrs) {
    for (FlowId& arg : instr.args) {
      arg = resolve(arg);
    }
  }
  for (FlowLoop& made : flow_.loops) {
    made.position = made.position == kNoFlow ? kNoFlow : resolve(made.position);
    made.length = made.length == kNoFlow ? kNoFlow : resolve(made.length);
  }
}

void FlowGraph::order_blocks() {
  std::vector<std::pair<FlowBlockId, size_t>> stack{{0, 0}};
  std::vector<bool> seen(flow_.blocks.size());
  seen[0] = true;
  while (!stack.empty()) {
    auto& [block, next] = stack.back();
    const auto& succs = flow_.blocks[block].succs;
    if (next == succs.size()) {
      flow_.order.push_back(block);
      stack.pop_back();
      continue;
    }
    const FlowBlockId succ = succs[next++];
    if (!seen[succ]) {
      seen[succ] = true;
      stack.emplace_back(succ, 0);
    }
  }
  std::reverse(flow_.order.begin(), flow_.order.end());
}

// The flag that says at run time whether a value that may be undefined is there; kNoFlow where it always is.
FlowId FlowGraph::bound_flag(FlowId value) {
  const FlowOp op = flow_.instrs[value].op;
  const bool tainted = flags_.count(value) != 0;
  if (!tainted) {
    return kNoFlow;
  }
  if (flags_[value] != kNoFlow) {
    return flags_[value];
  }
  if (op == FlowOp::kUndefined) {
    block_ = 0;
    const FlowId flag = add(FlowOp::kFalse, {}, {});
    auto& instrs = flow_.blocks[0].instrs;
    std::rotate(instrs.begin(), instrs.end() - 1, instrs.end());
    flags_[value] = flag;
    return flag;
  }
  const FlowBlockId block = phi_block_[value];
  const FlowId flag = new_phi("", block);
  flags_[value] = flag;
  std::vector<FlowId> args;
  const std::vector<FlowId> incoming = flow_.instrs[value].args;
  for (const FlowId arg : incoming) {
    FlowId bound = bound_flag(arg);
    if (bound == kNoFlow) {
      block_ = 0;
      bound = add(FlowOp::kTrue, {}, {});
      auto& instrs = flow_.blocks[0].instrs;
      std::rotate(instrs.begin(), instrs.end() - 1, instrs.end());
    }
    args.push_back(bound);
  }
  flow_.instrs[flag].args = std::move(args);
  return flag;
}

void FlowGraph::check_unbound_uses() {
  for (FlowId id = 0; id < flow_.instrs.size(); ++id) {
    if (flow_.instrs[id].op == FlowOp::kUndefined) {
      flags_[id] = kNoFlow;
    }
  }
  if (flags_.empty()) {
    return;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [phi, block] : phi_block_) {
      const auto& args = flow_.instrs[phi].args;
      const bool tainted = std::any_of(args.begin(), args.end(), [this](FlowId arg) { return flags_.count(arg) != 0; });
      if (tainted && replaced_.count(phi) == 0 && flags_.emplace(phi, kNoFlow).second) {
        changed = true;
      }
    }
  }
  const size_t count = flow_.instrs.size();
  for (FlowBlockId block = 0; block < flow_.blocks.size(); ++block) {
    const std::vector<FlowId> instrs = flow_.blocks[block].instrs;
    for (const FlowId id : instrs) {
      if (id >= count || flow_.instrs[id].op == FlowOp::kPhi) {
        continue;
      }
      const std::vector<FlowId> args = flow_.instrs[id].args;
      for (const FlowId arg : args) {
        const FlowId flag = bound_flag(arg);
        if (flag == kNoFlow) {
          continue;
        }
        block_ = block;
        const FlowId check = add(FlowOp::kCheckBound, {flag}, flow_.instrs[id].span);
        flow_.instrs[check].text = flow_.instrs[arg].text;
        auto& list = flow_.blocks[block].instrs;
        list.pop_back();
        list.insert(std::find(list.begin(), list.end(), id), check);
      }
    }
  }
}

void FlowGraph::complete() {
  remove_trivial_phis();
  check_unbound_uses();
  order_blocks();
}

} // namespace hasten::infer
