// Writes the typed IR of one propagated instance.
#pragma once

#include <map>

#include "hasten/compiler/infer/session.h"

namespace hasten::infer {

class FunctionEmitter {
public:
  FunctionEmitter(Session& session, Instance& instance);
  void emit();

private:
  // The code of a parallel loop's body, written into a function of its own.
  struct Body {
    LoopId loop;
    FlowBlockId latch;
    std::vector<FlowId> carried;           // phis of the header but the position
    std::vector<FlowId> last;              // what the last iteration leaves in each
    std::vector<ir::Reduction> reductions; // one for each
    std::vector<FlowId> captures;
  };

  void start(ir::Function& function);
  void make_blocks();
  void emit_blocks();
  void emit_block(FlowBlockId block);
  void emit_instr(FlowId id);
  void emit_terminators();
  void terminate(FlowBlockId block, const FlowInstr& control);
  void raise(const Value& exception);
  void return_value(const FlowInstr& control);
  void jump_to(FlowBlockId from, FlowBlockId to);
  void bring(FlowBlockId from, FlowBlockId to);
  ir::BlockId target(FlowBlockId to);
  bool leaves_body(FlowBlockId to) const { return body_ != nullptr && to == flow_.loops[body_->loop].exit; }
  bool is_here(FlowBlockId block) const;
  Value state(FlowId id) const { return instance_.states[id]; }
  Value& value(FlowId id) { return values_[id]; }
  void locate(const syntax::Span& span);
  bool in_loop(FlowBlockId block, LoopId loop) const;
  LoopId parallel_loop_at(FlowBlockId header) const;
  bool runs_parallel(LoopId loop) const;

  // emit_parallel.cpp
  void emit_parallel(LoopId loop);
  Body analyse(LoopId loop);
  ir::Reduction reduction_of(const FlowLoop& loop, FlowId phi, FlowId last);
  void find_captures(Body& body);
  int64_t emit_body(const Body& body);
  void finish_body(const Body& body);
  Value reduced_union(const Value& count, const Value& before, const Value& total, FlowId last);
  Value identity(ir::Reduction reduction, ir::TypeRef type);
  Value combine(ir::Reduction reduction, const Value& a, const Value& b);
  [[noreturn]] void refuse(const std::string& message, const syntax::Span& span, const FlowLoop& loop);

  Session& session_;
  Instance& instance_;
  const Flow& flow_;
  ir::Function* function_ = nullptr;
  std::unique_ptr<ir::Builder> builder_;
  std::unique_ptr<Emitter> emitter_;
  std::vector<Value> values_;                // by FlowId
  std::map<FlowBlockId, ir::BlockId> heads_; // where the code of a block starts
  std::map<FlowBlockId, ir::BlockId> ends_;  // and where it ends
  std::map<FlowId, ir::ValueId> phis_;
  const Body* body_ = nullptr; // set while the body of a parallel loop is written
  FlowId body_position_ = kNoFlow;
};

} // namespace hasten::infer
