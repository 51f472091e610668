#include "hasten/compiler/infer/emit_function.h"

#include "hasten/compiler/infer/rules.h"

namespace hasten::infer {

using ir::Kind;
using ir::Op;

void emit_instance(Session& session, Instance& instance) { FunctionEmitter(session, instance).emit(); }

FunctionEmitter::FunctionEmitter(Session& session, Instance& instance)
    : session_(session), instance_(instance), flow_(*instance.flow), values_(flow_.instrs.size()) {}

void FunctionEmitter::start(ir::Function& function) {
  function_ = &function;
  builder_ = std::make_unique<ir::Builder>(session_.module(), function);
  emitter_ = std::make_unique<Emitter>(session_, builder_.get(), instance_.function->options, instance_.function->handle);
}

void FunctionEmitter::emit() {
  start(session_.function(session_.function_index(instance_)));
  function_->name = flow_.source->qualified_name;
  function_->params = instance_.arguments;
  function_->result = instance_.declared_result != nullptr ? instance_.declared_result : instance_.result;
  if (function_->result == nullptr) {
    function_->result = ir::none_type(); // every way through raises or never ends
  }
  make_blocks();
  emit_blocks();
  emit_terminators();
}

void FunctionEmitter::locate(const syntax::Span& span) {
  if (span.line > 0) {
    builder_->set_location(session_.location(*flow_.source, span));
  }
}

bool FunctionEmitter::in_loop(FlowBlockId block, LoopId loop) const {
  for (LoopId at = flow_.blocks[block].loop; at != kNoFlow; at = flow_.loops[at].parent) {
    if (at == loop) {
      return true;
    }
  }
  return loop == kNoFlow;
}

bool FunctionEmitter::runs_parallel(LoopId loop) const {
  if (!flow_.loops[loop].parallel || !session_.options().parallel) {
    return false;
  }
  for (LoopId at = flow_.loops[loop].parent; at != kNoFlow; at = flow_.loops[at].parent) {
    if (flow_.loops[at].parallel) {
      return false; // the outermost loop is the one that is shared out
    }
  }
  return true;
}

// The parallel loop whose header the block is; kNoFlow where it is none.
LoopId FunctionEmitter::parallel_loop_at(FlowBlockId header) const {
  const LoopId loop = flow_.blocks[header].loop;
  return loop != kNoFlow && runs_parallel(loop) && flow_.loops[loop].header == header ? loop : kNoFlow;
}

// Whether the block's code is part of the function that is being written: a parallel loop's body is a function of its own, of which the
// function around keeps the header.
bool FunctionEmitter::is_here(FlowBlockId block) const {
  if (!instance_.reached[block]) {
    return false;
  }
  if (body_ != nullptr) {
    return in_loop(block, body_->loop);
  }
  for (LoopId at = flow_.blocks[block].loop; at != kNoFlow; at = flow_.loops[at].parent) {
    if (runs_parallel(at)) {
      return flow_.loops[at].header == block;
    }
  }
  return true;
}

void FunctionEmitter::make_blocks() {
  for (const FlowBlockId block : flow_.order) {
    if (is_here(block)) {
      heads_[block] = builder_->new_block();
    }
  }
}

void FunctionEmitter::emit_blocks() {
  for (const FlowBlockId block : flow_.order) {
    if (!is_here(block)) {
      continue;
    }
    const LoopId shared = body_ == nullptr ? parallel_loop_at(block) : kNoFlow;
    if (shared == kNoFlow) {
      emit_block(block);
      continue;
    }
    builder_->set_block(heads_[block]);
    for (const FlowId id : flow_.blocks[block].instrs) {
      if (flow_.instrs[id].op == FlowOp::kPhi) {
        emit_instr(id);
      }
    }
    emit_parallel(shared);
    ends_[block] = builder_->block();
  }
}

void FunctionEmitter::emit_block(FlowBlockId block) {
  builder_->set_block(heads_[block]);
  for (const FlowId id : flow_.blocks[block].instrs) {
    if (flow_.instrs[id].op < FlowOp::kJump) {
      emit_instr(id);
    }
  }
  ends_[block] = builder_->block();
}

void FunctionEmitter::emit_instr(FlowId id) {
  const FlowInstr& instr = flow_.instrs[id];
  const Value typed = state(id);
  if (typed.type == nullptr) {
    return; // never runs
  }
  if (instr.op == FlowOp::kPhi) {
    if (id == body_position_) {
      return;
    }
    values_[id] = {typed.type, ir::kNone, typed.known};
    if (typed.type->kind != Kind::kUndefined && typed.type->kind != Kind::kNamed && typed.type->kind != Kind::kNone &&
        !(typed.known && typed.known->scalar)) {
      values_[id].id = builder_->phi(typed.type);
      phis_[id] = values_[id].id;
    }
    return;
  }
  if (instr.op == FlowOp::kParam) {
    values_[id] = {typed.type, builder_->param(static_cast<int>(instr.aux)), nullptr};
    return;
  }
  std::vector<Value> args;
  for (const FlowId arg : instr.args) {
    args.push_back(values_[arg]);
    if (args.back().type == nullptr || args.back().type->kind == Kind::kUndefined) {
      return; // never runs
    }
  }
  locate(instr.span);
  values_[id] = evaluate(*emitter_, flow_, instr, args);
}

void FunctionEmitter::emit_terminators() {
  for (const FlowBlockId block : flow_.order) {
    if (!is_here(block)) {
      continue;
    }
    builder_->set_block(ends_[block]);
    const LoopId shared = body_ == nullptr ? parallel_loop_at(block) : kNoFlow;
    if (shared != kNoFlow) {
      jump_to(block, flow_.loops[shared].exit);
      continue;
    }
    terminate(block, flow_.instrs[flow_.blocks[block].instrs.back()]);
  }
}

void FunctionEmitter::terminate(FlowBlockId block, const FlowInstr& control) {
  const auto& succs = flow_.blocks[block].succs;
  locate(control.span);
  switch (control.op) {
  case FlowOp::kJump:
    return jump_to(block, succs[0]);
  case FlowOp::kBranch: {
    const Value condition = values_[control.args[0]];
    const std::optional<bool> known = known_truth(state(control.args[0]));
    if (known) {
      return jump_to(block, succs[*known ? 0 : 1]);
    }
    if (condition.type == nullptr) {
      builder_->emit(Op::kUnreachable, ir::none_type(), {});
      return;
    }
    const ir::ValueId flag = emitter_->id(condition);
    bring(block, succs[0]);
    bring(block, succs[1]);
    const ir::BlockId if_true = target(succs[0]);
    const ir::BlockId if_false = target(succs[1]);
    builder_->cond_br(flag, if_true, if_false);
    return;
  }
  case FlowOp::kReturn:
    return return_value(control);
  case FlowOp::kRaise:
    if (values_[control.args[0]].type != nullptr) {
      return raise(values_[control.args[0]]);
    }
    builder_->emit(Op::kUnreachable, ir::none_type(), {});
    return;
  case FlowOp::kReraise:
    throw base::Diagnostic(base::Fault::kUser, "`raise` alone needs an exception that is being handled")
        .at(point_of(*flow_.source, control.span));
  default:
    builder_->emit(Op::kUnreachable, ir::none_type(), {});
  }
}

void FunctionEmitter::return_value(const FlowInstr& control) {
  const Value& value = values_[control.args[0]];
  if (value.type == nullptr || value.type->kind == Kind::kUndefined) {
    builder_->emit(Op::kUnreachable, ir::none_type(), {});
    return;
  }
  if (body_ == nullptr) {
    try {
      builder_->ret(emitter_->id(emitter_->convert(value, function_->result)));
    } catch (base::Diagnostic& diagnostic) {
      throw diagnostic.at(point_of(*flow_.source, control.span));
    }
  }
}

void FunctionEmitter::jump_to(FlowBlockId from, FlowBlockId to) {
  bring(from, to);
  builder_->br(target(to));
}

// The block that a jump goes to; leaving a parallel loop's body is a return.
ir::BlockId FunctionEmitter::target(FlowBlockId to) {
  if (!leaves_body(to)) {
    return heads_.at(to);
  }
  const ir::BlockId from = builder_->block();
  const ir::BlockId leave = builder_->new_block();
  builder_->set_block(leave);
  finish_body(*body_);
  builder_->set_block(from);
  return leave;
}

// Gives the phis of `to` what they get on the way from `from`.
void FunctionEmitter::bring(FlowBlockId from, FlowBlockId to) {
  if (leaves_body(to)) {
    return;
  }
  const FlowBlock& target = flow_.blocks[to];
  for (size_t i = 0; i < target.preds.size(); ++i) {
    if (target.preds[i] != from) {
      continue;
    }
    for (const FlowId id : target.instrs) {
      if (flow_.instrs[id].op != FlowOp::kPhi) {
        break;
      }
      const auto phi = phis_.find(id);
      if (phi == phis_.end()) {
        continue;
      }
      Value incoming = values_[flow_.instrs[id].args[i]];
      if (incoming.type == nullptr) {
        incoming = {ir::undefined_type()};
      }
      const Value converted = emitter_->convert(incoming, builder_->type(phi->second));
      builder_->add_incoming(phi->second, emitter_->id(converted));
    }
    return;
  }
}

void FunctionEmitter::raise(const Value& exception) {
  ir::RaiseSite site;
  std::vector<ir::ValueId> arguments;
  HostValue thrown;
  const bool called = exception.type->kind == Kind::kSequence && exception.type->name.rfind("exception:", 0) == 0;
  if (!called && !ir::is_named(exception.type, "exception:")) {
    throw base::Diagnostic(base::Fault::kUser, "exceptions must derive from BaseException, not be " + ir::display(exception.type));
  }
  thrown.path = exception.type->name.substr(10);
  thrown.type = ir::named_type("exception:" + thrown.path);
  site.exception = session_.binding(thrown);
  for (size_t i = 0; called && i < exception.type->items.size(); ++i) {
    ir::TypeRef type = exception.type->items[i];
    site.arguments.push_back(type);
    if (ir::slot_count(type) > 0) {
      arguments.push_back(emitter_->id(emitter_->item(exception, static_cast<int>(i))));
    }
  }
  builder_->emit(Op::kRaise, ir::none_type(), std::move(arguments), session_.site(std::move(site)));
}

} // namespace hasten::infer
