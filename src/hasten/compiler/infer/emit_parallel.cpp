// Loops over prange: the body becomes a function of its own, variables that it carries are reductions.
#include <algorithm>
#include <array>
#include <limits>

#include "hasten/compiler/infer/emit_function.h"
#include "hasten/compiler/infer/rules.h"

namespace hasten::infer {

using ir::Op;
using ir::Reduction;
using syntax::Operator;

namespace {

std::optional<Reduction> reduction_operator(Operator op) {
  switch (op) {
  case Operator::kAdd:
  case Operator::kSub: // s -= x adds up what is taken off
    return Reduction::kAdd;
  case Operator::kMul:
    return Reduction::kMul;
  case Operator::kBitAnd:
    return Reduction::kAnd;
  case Operator::kBitOr:
    return Reduction::kOr;
  case Operator::kBitXor:
    return Reduction::kXor;
  default:
    return std::nullopt;
  }
}

std::optional<Reduction> reduction_call(const Value& function) {
  if (function.type == nullptr || function.type->kind != ir::Kind::kNamed) {
    return std::nullopt;
  }
  const std::string& name = function.type->name;
  if (name == "function:builtins.min" || name == "function:numpy.minimum") {
    return Reduction::kMin;
  }
  if (name == "function:builtins.max" || name == "function:numpy.maximum") {
    return Reduction::kMax;
  }
  return std::nullopt;
}

// The type that a variable is reduced in: a number that may have several types as the one that holds them all.
ir::TypeRef reduction_type(ir::TypeRef type) {
  ir::TypeRef carrier = ir::is_union(type) ? carrier_of(type) : nullptr;
  return carrier != nullptr ? carrier : type;
}

} // namespace

void FunctionEmitter::refuse(const std::string& message, const syntax::Span& span, const FlowLoop& loop) {
  throw base::Diagnostic(base::Fault::kUser, message,
                         "Make it a reduction (+= *= min max), give each iteration its own place in an array, or use range.")
      .at(point_of(*flow_.source, span))
      .note("The loop over prange starts in line " + std::to_string(loop.span.line) + ".");
}

// Walks back from the value that the last iteration leaves to the phi that it starts from: every step must be the same operator, and
// nothing else in the loop may look at what lies between.
Reduction FunctionEmitter::reduction_of(const FlowLoop& loop, FlowId phi, FlowId last) {
  const std::string name = flow_.instrs[phi].text;
  const LoopId loop_id = static_cast<LoopId>(&loop - flow_.loops.data());
  std::optional<Reduction> found;
  std::set<FlowId> chain;
  std::set<FlowId> inside;
  for (FlowBlockId block = 0; block < flow_.blocks.size(); ++block) {
    if (instance_.reached[block] && in_loop(block, loop_id)) {
      inside.insert(flow_.blocks[block].instrs.begin(), flow_.blocks[block].instrs.end());
    }
  }
  std::set<FlowId> reaching{phi};
  for (bool changed = true; changed;) {
    changed = false;
    for (const FlowId id : inside) {
      const FlowInstr& instr = flow_.instrs[id];
      const bool depends = std::any_of(instr.args.begin(), instr.args.end(), [&](FlowId a) { return reaching.count(a) != 0; });
      changed |= depends && reaching.insert(id).second;
    }
  }
  const auto not_a_reduction = [&](const syntax::Span& span) {
    refuse("each iteration of a loop over prange changes `" + name + "`, and that is not a reduction", span.line > 0 ? span : loop.span,
           loop);
  };
  const auto walk = [&](const auto& self, FlowId id) -> void {
    if (id == phi || !chain.insert(id).second) {
      return;
    }
    const FlowInstr& instr = flow_.instrs[id];
    if (reaching.count(id) == 0 || inside.count(id) == 0) {
      not_a_reduction(instr.span);
    }
    if (instr.op == FlowOp::kPhi || instr.op == FlowOp::kDeclare) {
      for (const FlowId arg : instr.args) {
        self(self, arg);
      }
      return;
    }
    std::optional<Reduction> here;
    size_t first = 0;
    if (instr.op == FlowOp::kInplace || instr.op == FlowOp::kBinary) {
      here = reduction_operator(instr.syntax_op);
    } else if (instr.op == FlowOp::kCall && instr.args.size() == 3) {
      here = reduction_call(state(instr.args[0]));
      first = 1;
    }
    if (!here || (found && *found != *here)) {
      not_a_reduction(instr.span);
    }
    found = here;
    const bool left = reaching.count(instr.args[first]) != 0;
    const bool right = reaching.count(instr.args[first + 1]) != 0;
    if (left == right || (right && instr.syntax_op == Operator::kSub)) {
      not_a_reduction(instr.span);
    }
    self(self, instr.args[first + (left ? 0 : 1)]);
  };
  walk(walk, last);
  chain.insert(phi);
  for (const FlowId id : inside) {
    const FlowInstr& instr = flow_.instrs[id];
    if (chain.count(id) != 0 || instr.op == FlowOp::kCheckBound) {
      continue;
    }
    if (std::any_of(instr.args.begin(), instr.args.end(), [&](FlowId a) { return chain.count(a) != 0; })) {
      refuse("`" + name + "` is summed up over the loop, so no iteration may read it: it holds a part of the sum", instr.span, loop);
    }
  }
  return found.value_or(Reduction::kAdd);
}

FunctionEmitter::Body FunctionEmitter::analyse(LoopId id) {
  const FlowLoop& loop = flow_.loops[id];
  Body body;
  body.loop = id;
  const FlowBlock& header = flow_.blocks[loop.header];
  size_t latch = 0;
  for (size_t i = 0; i < header.preds.size(); ++i) {
    if (in_loop(header.preds[i], id)) {
      latch = i;
    }
  }
  body.latch = header.preds[latch];
  for (const FlowId phi : header.instrs) {
    const FlowInstr& instr = flow_.instrs[phi];
    if (instr.op != FlowOp::kPhi) {
      break;
    }
    if (phi == loop.position || instr.args[latch] == phi || phis_.count(phi) == 0) {
      continue;
    }
    if (!ir::is_number(reduction_type(state(phi).type))) {
      refuse("each iteration of a loop over prange changes `" + instr.text + "`, which is " + ir::display(state(phi).type), loop.span,
             loop);
    }
    body.carried.push_back(phi);
    body.last.push_back(instr.args[latch]);
    body.reductions.push_back(reduction_of(loop, phi, instr.args[latch]));
  }
  find_captures(body);
  return body;
}

// What the body reads from outside, but for constants and names, which it makes again.
void FunctionEmitter::find_captures(Body& body) {
  std::set<FlowId> inside;
  std::set<FlowId> outside;
  const FlowLoop& loop = flow_.loops[body.loop];
  for (FlowBlockId block = 0; block < flow_.blocks.size(); ++block) {
    if (instance_.reached[block] && in_loop(block, body.loop)) {
      inside.insert(flow_.blocks[block].instrs.begin(), flow_.blocks[block].instrs.end());
    }
  }
  for (const FlowId id : inside) {
    const FlowInstr& instr = flow_.instrs[id];
    const bool header_phi =
        instr.op == FlowOp::kPhi && std::find(flow_.blocks[loop.header].instrs.begin(), flow_.blocks[loop.header].instrs.end(), id) !=
                                        flow_.blocks[loop.header].instrs.end();
    for (size_t i = 0; i < instr.args.size(); ++i) {
      const bool initial = header_phi && flow_.blocks[loop.header].preds[i] != body.latch;
      const bool unchanged = header_phi && std::find(body.carried.begin(), body.carried.end(), id) == body.carried.end();
      if (inside.count(instr.args[i]) == 0 && (!initial || (unchanged && id != loop.position))) {
        outside.insert(instr.args[i]);
      }
    }
  }
  for (const FlowId id : outside) {
    if (values_[id].id != ir::kNone && ir::slot_count(values_[id].type) > 0) {
      body.captures.push_back(id);
    }
  }
}

Value FunctionEmitter::identity(Reduction reduction, ir::TypeRef type) {
  const bool real = ir::is_float(type);
  const double infinity = std::numeric_limits<double>::infinity();
  const int64_t top = type->bits == 64 ? std::numeric_limits<int64_t>::max() : (int64_t{1} << (type->bits - (type->is_signed ? 1 : 0))) - 1;
  switch (reduction) {
  case Reduction::kMul:
    return emitter_->cast(emitter_->integer(1), type);
  case Reduction::kMin:
    return real ? emitter_->floating(infinity, type) : emitter_->integer(type->bits == 64 && !type->is_signed ? int64_t{-1} : top, type);
  case Reduction::kMax:
    return real ? emitter_->floating(-infinity, type) : emitter_->integer(type->is_signed ? -top - 1 : 0, type);
  case Reduction::kAnd:
    return emitter_->integer(type->kind == ir::Kind::kBool ? 1 : -1, type);
  default:
    return emitter_->cast(emitter_->integer(0), type);
  }
}

Value FunctionEmitter::combine(Reduction reduction, const Value& a, const Value& b) {
  static constexpr std::array kOps{Op::kAdd, Op::kMul, Op::kMin, Op::kMax, Op::kAnd, Op::kOr, Op::kXor};
  return emitter_->op(kOps[static_cast<size_t>(reduction)], a.type, {a, b});
}

// In the function around: run the body, then combine what it gives with the values from before the loop.
void FunctionEmitter::emit_parallel(LoopId loop) {
  const Body body = analyse(loop);
  const int64_t index = emit_body(body);
  const Value count = values_[flow_.loops[loop].length];
  std::vector<Value> args{count};
  for (const FlowId id : body.captures) {
    args.push_back(values_[id]);
  }
  locate(flow_.loops[loop].span);
  const Value result = emitter_->op(Op::kParallelFor, session_.function(index).result, args, index);
  for (size_t i = 0; i < body.carried.size(); ++i) {
    Value& before = values_[body.carried[i]];
    const Value part = emitter_->item(result, static_cast<int>(i));
    const Value total = combine(body.reductions[i], emitter_->convert(before, part.type), part);
    before = ir::is_union(before.type) ? reduced_union(count, before, total, body.last[i]) : total;
  }
}

// After iterations a variable has the type that the last one gives, else what it was before.
Value FunctionEmitter::reduced_union(const Value& count, const Value& before, const Value& total, FlowId last) {
  ir::TypeRef type = state(last).type;
  const Value any = emitter_->op(Op::kGt, ir::bool_type(), {count, emitter_->integer(0)});
  const Value after = ir::is_number(type) ? emitter_->convert(total, type) : total;
  return emitter_->select(any, emitter_->convert(after, before.type), before);
}

// The body as a function (begin, end, captures…) → a tuple of the reductions.
int64_t FunctionEmitter::emit_body(const Body& body) {
  FunctionEmitter inner(session_, instance_);
  const int64_t index = session_.new_function();
  ir::Function& function = session_.function(index);
  inner.start(function);
  inner.body_ = &body;
  function.name = flow_.source->qualified_name + ".prange";
  function.loop_body = true;
  function.reductions = body.reductions;
  function.params = {ir::intp_type(), ir::intp_type()};
  std::vector<ir::TypeRef> results;
  for (const FlowId id : body.carried) {
    results.push_back(reduction_type(state(id).type));
  }
  function.result = ir::tuple_type(std::move(results));

  const ir::BlockId entry = inner.builder_->new_block();
  inner.builder_->set_block(entry);
  const ir::ValueId begin = inner.builder_->param(0);
  const ir::ValueId end = inner.builder_->param(1);
  for (FlowId id = 0; id < values_.size(); ++id) {
    inner.values_[id] = {values_[id].type, ir::kNone, values_[id].known}; // constants and names are made again where they are used
  }
  for (const FlowId id : body.captures) {
    function.params.push_back(values_[id].type);
    inner.values_[id].id = inner.builder_->param(static_cast<int>(function.params.size()) - 1);
  }
  std::vector<Value> starts;
  for (size_t i = 0; i < body.carried.size(); ++i) {
    starts.push_back(inner.identity(body.reductions[i], reduction_type(state(body.carried[i]).type)));
  }
  const FlowLoop& loop = flow_.loops[body.loop];
  inner.make_blocks();
  inner.builder_->set_block(inner.heads_[loop.header]);
  const ir::ValueId position = inner.builder_->phi(ir::intp_type());
  inner.values_[loop.position] = {ir::intp_type(), position, nullptr};
  inner.phis_[loop.position] = position;
  inner.body_position_ = loop.position;
  inner.values_[loop.length] = {ir::intp_type(), end, nullptr};
  inner.emit_blocks();

  inner.builder_->set_block(entry);
  const FlowBlock& header = flow_.blocks[loop.header];
  for (const FlowId id : header.instrs) {
    const auto phi = inner.phis_.find(id);
    if (phi == inner.phis_.end() || id == loop.position) {
      continue;
    }
    const auto carried = std::find(body.carried.begin(), body.carried.end(), id);
    if (carried != body.carried.end()) {
      const Value& start = starts[static_cast<size_t>(carried - body.carried.begin())];
      inner.builder_->add_incoming(phi->second, inner.emitter_->id(inner.emitter_->convert(start, state(id).type)));
      continue;
    }
    for (size_t i = 0; i < header.preds.size(); ++i) { // a variable that the loop leaves alone
      if (header.preds[i] != body.latch) {
        const Value same = inner.emitter_->convert(inner.values_[flow_.instrs[id].args[i]], state(id).type);
        inner.builder_->add_incoming(phi->second, inner.emitter_->id(same));
      }
    }
  }
  inner.builder_->add_incoming(position, begin);
  inner.builder_->br(inner.heads_[loop.header]);
  inner.emit_terminators();
  return index;
}

// The way out of the loop: give back what the chunk has summed up. Reached from the header alone.
void FunctionEmitter::finish_body(const Body& body) {
  std::vector<Value> results;
  for (const FlowId id : body.carried) {
    results.push_back(emitter_->convert(values_[id], reduction_type(values_[id].type)));
  }
  builder_->ret(emitter_->id(emitter_->tuple(std::move(results))));
}

} // namespace hasten::infer
