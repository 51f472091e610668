#include "hasten/compiler/infer/session.h"

#include <algorithm>

#include "hasten/compiler/infer/rules.h"

namespace hasten::infer {

namespace {

constexpr int kMostRises = 20;
constexpr size_t kMaxDepth = 200; // of calls among functions that are typed together

bool is_parallel_range(void* context, const std::string& name) {
  auto& [host, function] = *static_cast<std::pair<Host*, Handle>*>(context);
  const auto value = host->lookup(function, name);
  return value && value->type && value->type->kind == ir::Kind::kNamed && value->type->name == "function:hasten.prange";
}

} // namespace

bool same_known(const Known* a, const Known* b) {
  if (a == b) {
    return true;
  }
  if (a == nullptr || b == nullptr || a->scalar != b->scalar || a->items.size() != b->items.size()) {
    return false;
  }
  for (size_t i = 0; i < a->items.size(); ++i) {
    if (!same_known(a->items[i], b->items[i])) {
      return false;
    }
  }
  return true;
}

const Known* Session::remember(Known known) {
  known_.push_back(std::move(known));
  return &known_.back();
}

HostValue Session::named(ir::TypeRef type) const {
  const auto found = named_.find(type);
  HostValue value;
  value.type = type;
  return found == named_.end() ? value : found->second;
}

std::shared_ptr<const HostFunction> Session::host_function(Handle callable) {
  auto& found = host_functions_[callable];
  if (!found) {
    found = host_.function(callable);
  }
  return found;
}

std::shared_ptr<const Flow> Session::flow_of(const HostFunction& function) {
  auto& found = flows_[function.handle];
  if (!found) {
    std::pair<Host*, Handle> context{&host_, function.handle};
    found = build_flow(function, is_parallel_range, &context);
  }
  return found;
}

int64_t Session::new_function() {
  functions_.emplace_back();
  return static_cast<int64_t>(functions_.size()) - 1;
}

int32_t Session::binding(const HostValue& value) {
  auto& bindings = module_.bindings;
  const auto found = std::find_if(bindings.begin(), bindings.end(),
                                  [&](const ir::Binding& b) { return b.path == value.path && b.handle == value.handle; });
  if (found != bindings.end()) {
    return static_cast<int32_t>(found - bindings.begin());
  }
  bindings.push_back({value.path, value.type, value.handle});
  return static_cast<int32_t>(bindings.size()) - 1;
}

int64_t Session::site(ir::RaiseSite site) {
  module_.sites.push_back(std::move(site));
  return static_cast<int64_t>(module_.sites.size()) - 1;
}

uint32_t Session::location(const syntax::Source& source, const syntax::Span& span) {
  const auto [found, added] = source_names_.emplace(&source, static_cast<uint32_t>(module_.names.size()));
  if (added) {
    module_.names.push_back(source.file + '\0' + source.qualified_name);
  }
  if (!module_.locations.empty()) {
    const ir::Location& last = module_.locations.back();
    if (last.function == found->second && last.line == span.line && last.column == span.column) {
      return static_cast<uint32_t>(module_.locations.size()) - 1;
    }
  }
  module_.locations.push_back({found->second, span.line, span.column});
  return static_cast<uint32_t>(module_.locations.size()) - 1;
}

int64_t Session::function_index(Instance& instance) {
  if (instance.index < 0) {
    instance.index = new_function();
    to_emit_.push_back(&instance);
  }
  return instance.index;
}

Instance& Session::instance(Handle callable, const std::vector<ir::TypeRef>& arguments) {
  auto& made = instances_[{callable, arguments}];
  if (!made) {
    auto fresh = std::make_unique<Instance>(); // kept only when it is whole: reading the function may fail, and is tried again
    fresh->function = host_function(callable);
    fresh->flow = flow_of(*fresh->function);
    fresh->arguments = arguments;
    fresh->states.resize(fresh->flow->instrs.size());
    fresh->errors.resize(fresh->flow->instrs.size());
    fresh->reached.resize(fresh->flow->blocks.size());
    made = std::move(fresh);
  }
  Instance& found = *made;
  if (found.active) { // all that lie between know only what is known so far
    for (auto it = stack_.rbegin(); it != stack_.rend() && *it != &found; ++it) {
      (*it)->provisional = true;
    }
  }
  const bool stale = found.provisional && found.epoch != epoch_;
  if (!found.active && (!found.settled || stale)) {
    propagate(found);
  }
  if (found.provisional && !found.active && !stack_.empty()) {
    stack_.back()->provisional = true;
  }
  return found;
}

void Session::propagate(Instance& instance) {
  if (stack_.size() >= kMaxDepth) {
    throw base::Diagnostic(base::Fault::kUser, "calls among compiled functions are nested too deeply to be typed");
  }
  stack_.push_back(&instance);
  instance.active = true;
  instance.provisional = false;
  instance.reached[0] = true;
  try {
    uint64_t seen = 0;
    bool changed = true;
    while (changed || seen != epoch_) {
      seen = epoch_;
      changed = sweep(instance);
    }
  } catch (...) {
    instance.active = false;
    stack_.pop_back();
    throw;
  }
  instance.epoch = epoch_;
  instance.active = false;
  instance.settled = true;
  stack_.pop_back();
  if (stack_.empty() || !instance.provisional) {
    report_errors(instance);
  }
}

bool Session::sweep(Instance& instance) {
  bool changed = false;
  for (const FlowBlockId block : instance.flow->order) {
    if (instance.reached[block]) {
      changed |= visit(instance, block);
    }
  }
  return changed;
}

bool Session::visit(Instance& instance, FlowBlockId block) {
  const Flow& flow = *instance.flow;
  bool changed = false;
  for (const FlowId id : flow.blocks[block].instrs) {
    const FlowInstr& instr = flow.instrs[id];
    if (instr.op == FlowOp::kPhi) {
      changed |= update(instance, id, evaluate_phi(instance, block, instr));
      continue;
    }
    if (instr.op >= FlowOp::kJump) {
      changed |= leave(instance, block, instr);
      continue;
    }
    std::vector<Value> args;
    bool ready = true;
    for (const FlowId arg : instr.args) {
      args.push_back(instance.states[arg]);
      ready = ready && args.back().type != nullptr && args.back().type->kind != ir::Kind::kUndefined;
    }
    if (!ready) {
      continue;
    }
    try {
      Value value;
      if (instr.op == FlowOp::kParam) {
        value.type = instance.arguments[static_cast<size_t>(instr.aux)];
      } else {
        Emitter emitter(*this, nullptr, instance.function->options, instance.function->handle);
        value = evaluate(emitter, flow, instr, args);
      }
      instance.errors[id].reset();
      changed |= update(instance, id, value);
    } catch (base::Diagnostic& diagnostic) {
      diagnostic.at(point_of(*flow.source, instr.span));
      instance.errors[id] = std::make_unique<base::Diagnostic>(diagnostic);
    }
  }
  return changed;
}

// States only rise: from nothing to a constant to a type to a wider type.
bool Session::update(Instance& instance, FlowId id, const Value& value) {
  Value& state = instance.states[id];
  if (value.type == nullptr || (state.type == value.type && same_known(state.known, value.known))) {
    return false;
  }
  const bool had_value = state.type != nullptr;
  Value next = value;
  if (had_value && (state.known == nullptr || !same_known(state.known, value.known))) {
    next.known = nullptr;
  }
  if (state.type == next.type && same_known(state.known, next.known)) {
    return false;
  }
  state = next;
  return true;
}

Value Session::evaluate_phi(Instance& instance, FlowBlockId block, const FlowInstr& phi) {
  const auto& preds = instance.flow->blocks[block].preds;
  Value result;
  for (size_t i = 0; i < preds.size(); ++i) {
    if (instance.edges.count({preds[i], block}) == 0) {
      continue;
    }
    const Value& incoming = instance.states[phi.args[i]];
    if (incoming.type == nullptr || incoming.type->kind == ir::Kind::kUndefined) {
      result = result.type == nullptr && incoming.type != nullptr ? incoming : result;
      continue;
    }
    if (result.type == nullptr || result.type->kind == ir::Kind::kUndefined) {
      result = incoming;
      continue;
    }
    ir::TypeRef joined = join(result, incoming, instance.function->options);
    if (joined == nullptr) {
      const auto id = static_cast<FlowId>(&phi - instance.flow->instrs.data());
      const std::string name = phi.text.empty() || phi.text[0] == '.' ? "this value" : "the variable `" + phi.text + "`";
      instance.errors[id] = std::make_unique<base::Diagnostic>(
          base::Fault::kUser, name + " is " + ir::display(result.type) + " on one way and " + ir::display(incoming.type) + " on another",
          "Give it one type, or use two names.");
      const FlowInstr& last = instance.flow->instrs[phi.args[i]];
      instance.errors[id]->at(point_of(*instance.flow->source, last.span.line != 0 ? last.span : instance.flow->source->function.span));
      return {};
    }
    result.known = same_known(result.known, incoming.known) ? result.known : nullptr;
    result.type = joined;
  }
  if (result.type != nullptr) {
    instance.errors[static_cast<size_t>(&phi - instance.flow->instrs.data())].reset();
  }
  return result;
}

bool Session::take_edge(Instance& instance, FlowBlockId from, FlowBlockId to) {
  const bool added = instance.edges.insert({from, to}).second;
  instance.reached[to] = true;
  return added;
}

bool Session::leave(Instance& instance, FlowBlockId block, const FlowInstr& control) {
  const auto& succs = instance.flow->blocks[block].succs;
  if (control.op == FlowOp::kJump) {
    return take_edge(instance, block, succs[0]);
  }
  if (control.op == FlowOp::kBranch) {
    const Value& condition = instance.states[control.args[0]];
    if (condition.type == nullptr) {
      return false;
    }
    const std::optional<bool> known = known_truth(condition);
    bool changed = false;
    if (known != false) {
      changed |= take_edge(instance, block, succs[0]);
    }
    if (known != true) {
      changed |= take_edge(instance, block, succs[1]);
    }
    return changed;
  }
  if (control.op != FlowOp::kReturn) {
    return false;
  }
  const Value& value = instance.states[control.args[0]];
  if (value.type == nullptr || value.type->kind == ir::Kind::kUndefined) {
    return false;
  }
  const Value so_far{instance.result};
  ir::TypeRef joined = instance.result == nullptr ? value.type : join(so_far, value, instance.function->options);
  const auto id = static_cast<size_t>(&control - instance.flow->instrs.data());
  if (joined == nullptr) {
    instance.errors[id] = std::make_unique<base::Diagnostic>(base::Fault::kUser,
                                                             "the function returns " + ir::display(instance.result) + " on one way and " +
                                                                 ir::display(value.type) + " on another",
                                                             "Return one type.");
    instance.errors[id]->at(point_of(*instance.flow->source, control.span));
    return false;
  }
  if (joined == instance.result) {
    return false;
  }
  if (++instance.rises > kMostRises) {
    throw base::Diagnostic(base::Fault::kUser, "Return type of recursive function does not converge: it grows with each call",
                           "Return a type that doesn't depend on the depth of the recursion.")
        .at(point_of(*instance.flow->source, control.span));
  }
  instance.result = joined;
  ++epoch_;
  return true;
}

// The first error in the order of the program; without one, a value that nothing gives a type.
void Session::report_errors(Instance& instance) {
  const Flow& flow = *instance.flow;
  for (const FlowBlockId block : flow.order) {
    if (!instance.reached[block]) {
      continue;
    }
    for (const FlowId id : flow.blocks[block].instrs) {
      if (instance.errors[id]) {
        throw base::Diagnostic(*instance.errors[id]);
      }
    }
  }
  for (const FlowBlockId block : flow.order) {
    for (const FlowId id : flow.blocks[block].instrs) {
      const FlowInstr& instr = flow.instrs[id];
      if (instance.reached[block] && instr.op == FlowOp::kCall && instance.states[id].type == nullptr) {
        throw base::Diagnostic(base::Fault::kUser,
                               "the result of this recursive call has no type: no way through the function returns without it",
                               "Return a value before the function calls itself.")
            .at(point_of(*flow.source, instr.span));
      }
    }
  }
}

namespace {

bool can_leave(ir::TypeRef type) {
  if (type->kind == ir::Kind::kSequence || ir::is_named(type, "bigint:")) {
    return false;
  }
  return (type->elem == nullptr || can_leave(type->elem)) && std::all_of(type->items.begin(), type->items.end(), can_leave);
}

// The caller is Python: what the function returns must be something there.
void check_result(const Instance& top) {
  if (top.result == nullptr || can_leave(top.result)) {
    return;
  }
  base::Diagnostic diagnostic(base::Fault::kUser, "a value of type " + ir::display(top.result) + " can't be returned to Python",
                              "Return an array or a tuple.");
  for (const FlowInstr& instr : top.flow->instrs) {
    if (instr.op == FlowOp::kReturn) {
      throw diagnostic.at(point_of(*top.flow->source, instr.span));
    }
  }
  throw base::Diagnostic(diagnostic);
}

} // namespace

Inferred Session::run(Handle function, const std::vector<ir::TypeRef>& arguments, ir::TypeRef result) {
  const size_t wanted = host_function(function)->parameters.size();
  if (wanted != arguments.size()) {
    throw base::Diagnostic(base::Fault::kUser, "the signature has " + std::to_string(arguments.size()) + " arguments, the function has " +
                                                   std::to_string(wanted) + " parameters");
  }
  Instance& top = instance(function, arguments);
  report_errors(top);
  check_result(top);
  top.declared_result = result;
  function_index(top);
  for (size_t i = 0; i < to_emit_.size(); ++i) { // grows while functions are emitted
    report_errors(*to_emit_[i]);
    emit_instance(*this, *to_emit_[i]);
  }
  module_.fastmath = options_.fastmath;
  module_.bounds_check = options_.bounds_check;
  module_.parallel = options_.parallel;
  module_.debug = options_.debug;
  Inferred inferred;
  for (ir::Function& made : functions_) {
    module_.functions.push_back(std::move(made));
  }
  inferred.module = std::move(module_);
  inferred.captured.assign(captured_.begin(), captured_.end());
  for (const auto& [handle, found] : host_functions_) {
    inferred.callees.push_back(handle);
  }
  return inferred;
}

Inferred infer(Host& host, Handle function, const std::vector<ir::TypeRef>& arguments, const Options& options, ir::TypeRef result) {
  return Session(host, options).run(function, arguments, result);
}

} // namespace hasten::infer
