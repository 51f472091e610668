// One inference: the requested function and all that it calls, typed together, so that recursion of any shape settles.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>

#include "hasten/compiler/infer/emitter.h"
#include "hasten/compiler/infer/flow.h"
#include "hasten/compiler/infer/infer.h"

namespace hasten::infer {

// A function for one list of argument types.
struct Instance {
  std::shared_ptr<const HostFunction> function;
  std::shared_ptr<const Flow> flow;
  std::vector<ir::TypeRef> arguments;

  // The state of the sparse conditional propagation (Wegman and Zadeck, TOPLAS 1991), with types in place of constants alone.
  std::vector<Value> states;                             // by FlowId
  std::vector<std::unique_ptr<base::Diagnostic>> errors; // by FlowId: what the last evaluation said
  std::vector<bool> reached;                             // by FlowBlockId
  std::set<std::pair<FlowBlockId, FlowBlockId>> edges;   // that may be taken
  ir::TypeRef result = nullptr;                          // null: no return is known yet
  ir::TypeRef declared_result = nullptr;

  int rises = 0;            // how often the result's type became a wider one
  bool active = false;      // its propagation is on the stack
  bool settled = false;     // propagated at least once
  bool provisional = false; // used the result of an active function
  uint64_t epoch = 0;       // of the session's results when it was last propagated
  int64_t index = -1;       // in the module, once it is emitted
};

class Session {
public:
  Session(Host& host, const Options& options) : host_(host), options_(options) {}

  Inferred run(Handle function, const std::vector<ir::TypeRef>& arguments, ir::TypeRef result);

  // The instance for these types, propagated as far as may be. Fails with a note where the callee can't be typed.
  Instance& instance(Handle callable, const std::vector<ir::TypeRef>& arguments);
  std::shared_ptr<const HostFunction> host_function(Handle callable);
  // Where the module will hold the instance's code.
  int64_t function_index(Instance& instance);

  Host& host() { return host_; }
  ir::Module& module() { return module_; }
  const Options& options() const { return options_; }
  // Functions stay where they are while others are added.
  int64_t new_function();
  ir::Function& function(int64_t index) { return functions_[static_cast<size_t>(index)]; }
  const Known* remember(Known known);
  // Named types stand for objects of Python; the Host knows these by more than the name.
  void remember_named(const HostValue& value) { named_.emplace(value.type, value); }
  HostValue named(ir::TypeRef type) const;
  void captured(Handle function, const std::string& name) { captured_.insert({function, name}); }
  int32_t binding(const HostValue& value);
  int64_t site(ir::RaiseSite site);
  uint32_t location(const syntax::Source& source, const syntax::Span& span);

private:
  using InstanceKey = std::pair<Handle, std::vector<ir::TypeRef>>;

  void propagate(Instance& instance);
  bool sweep(Instance& instance);
  bool visit(Instance& instance, FlowBlockId block);
  bool take_edge(Instance& instance, FlowBlockId from, FlowBlockId to);
  bool leave(Instance& instance, FlowBlockId block, const FlowInstr& control);
  Value evaluate_phi(Instance& instance, FlowBlockId block, const FlowInstr& phi);
  bool update(Instance& instance, FlowId id, const Value& value);
  void report_errors(Instance& instance);
  std::shared_ptr<const Flow> flow_of(const HostFunction& function);

  Host& host_;
  Options options_;
  ir::Module module_;
  std::deque<ir::Function> functions_;
  std::deque<Known> known_;
  std::map<InstanceKey, std::unique_ptr<Instance>> instances_;
  std::map<Handle, std::shared_ptr<const HostFunction>> host_functions_;
  std::map<Handle, std::shared_ptr<const Flow>> flows_;
  std::vector<Instance*> to_emit_;
  std::set<std::pair<Handle, std::string>> captured_;
  std::map<ir::TypeRef, HostValue> named_;
  std::map<const syntax::Source*, uint32_t> source_names_;
  uint64_t epoch_ = 1;
  std::vector<Instance*> stack_; // whose propagation is under way, the outermost first
};

// evaluate.cpp: one instruction that is neither a phi nor control, by the rules.
Value evaluate(Emitter& e, const Flow& flow, const FlowInstr& instr, std::span<const Value> args);
// The branch that a condition takes, where that is known.
std::optional<bool> known_truth(const Value& condition);

// emit_function.cpp: the typed IR of a propagated instance.
void emit_instance(Session& session, Instance& instance);

} // namespace hasten::infer
