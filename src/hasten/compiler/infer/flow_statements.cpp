#include <algorithm>

#include "hasten/compiler/infer/flow_builder.h"

namespace hasten::infer {

using syntax::Expr;
using syntax::ExprKind;
using syntax::Stmt;
using syntax::StmtKind;
using syntax::StmtPtr;

namespace {

constexpr int64_t kStrip = 16384;   // iterations of a plain inner loop between two polls
constexpr int64_t kSlowStrip = 256; // where the body calls something
constexpr int64_t kTinyLoop = 64;   // range(literal) up to this is not worth a strip

// What a loop's body contains, as far as it decides how the loop polls.
struct BodyTraits {
  bool has_loop = false;
  bool has_call = false;
};

void scan(const Expr& e, BodyTraits* traits) {
  traits->has_call = traits->has_call || e.kind == ExprKind::kCall;
  for (const auto& child : e.children) {
    if (child) {
      scan(*child, traits);
    }
  }
}

void scan(const std::vector<StmtPtr>& statements, BodyTraits* traits) {
  for (const auto& s : statements) {
    traits->has_loop = traits->has_loop || s->kind == StmtKind::kFor || s->kind == StmtKind::kWhile;
    for (const auto& target : s->targets) {
      if (target) {
        scan(*target, traits);
      }
    }
    if (s->value) {
      scan(*s->value, traits);
    }
    scan(s->body, traits);
    scan(s->orelse, traits);
  }
}

bool is_range(const Expr& e) {
  return e.kind == ExprKind::kCall && e.children[0]->kind == ExprKind::kName && e.children[0]->name == "range";
}

bool is_tiny_range(const Expr& e) {
  return is_range(e) && std::all_of(e.children.begin() + 1, e.children.end(), [](const syntax::ExprPtr& child) {
           return child->kind == ExprKind::kConstant && child->literal.kind == syntax::LiteralKind::kInt && child->literal.i <= kTinyLoop;
         });
}

} // namespace

void FlowBuilder::body(const std::vector<StmtPtr>& statements) {
  for (const auto& s : statements) {
    if (graph_.terminated()) {
      return; // what follows a return, break or raise never runs
    }
    statement(*s);
  }
}

void FlowBuilder::statement(const Stmt& s) {
  switch (s.kind) {
  case StmtKind::kExpr:
    if (s.value->kind != ExprKind::kConstant) { // docstrings and the like do nothing
      expression(*s.value);
    }
    return;
  case StmtKind::kAssign: {
    const FlowId value = expression(*s.value);
    for (const auto& target : s.targets) {
      assign(*target, value);
    }
    return;
  }
  case StmtKind::kAnnAssign:
    if (s.value) {
      assign(*s.targets[0], expression(*s.value));
    }
    return;
  case StmtKind::kAugAssign:
    return augmented(s);
  case StmtKind::kReturn:
    return return_statement(s);
  case StmtKind::kIf:
    return if_statement(s);
  case StmtKind::kWhile:
    return while_loop(s);
  case StmtKind::kFor:
    return for_loop(s);
  case StmtKind::kBreak:
    return leave_loop(s, true);
  case StmtKind::kContinue:
    return leave_loop(s, false);
  case StmtKind::kPass:
    return;
  case StmtKind::kRaise:
    return raise_statement(s);
  case StmtKind::kAssert:
    return assert_statement(s);
  case StmtKind::kDelete:
    return delete_statement(s);
  case StmtKind::kGlobal:
    unsupported("`global` makes a compiled function change its module", s.span, "Pass the value in and return the new one.");
  case StmtKind::kNonlocal:
    unsupported("`nonlocal` makes a compiled function change the function around it", s.span, "Return the value instead.");
  case StmtKind::kWith:
    unsupported("`with` can't be compiled", s.span);
  case StmtKind::kTry:
    unsupported("`try` can't be compiled yet", s.span, "Handle the exception in the caller, or leave out nopython=True.");
  case StmtKind::kFunctionDef:
    unsupported("a function inside a compiled function can't be compiled yet", s.span, "Move it to the module and give it @njit.");
  case StmtKind::kOther:
    unsupported("the statement " + s.name + " can't be compiled", s.span);
  }
}

void FlowBuilder::write_variable(const std::string& variable, FlowId value, const Span& span) {
  if (declared_.count(variable) != 0) {
    value = graph_.add(FlowOp::kDeclare, {value}, span);
    graph_.instr(value).text = variable;
  }
  graph_.write(variable, value);
}

void FlowBuilder::assign(const Expr& target, FlowId value) {
  switch (target.kind) {
  case ExprKind::kName:
    write_variable(target.name, value, target.span);
    return;
  case ExprKind::kTuple:
  case ExprKind::kList:
    return unpack(target, value);
  case ExprKind::kSubscript: {
    const FlowId object = expression(*target.children[0]);
    const FlowId index = subscript_index(*target.children[1]);
    graph_.add(FlowOp::kSetSubscript, {object, index, value}, target.span);
    return;
  }
  case ExprKind::kAttribute: {
    const FlowId object = expression(*target.children[0]);
    const FlowId set = graph_.add(FlowOp::kSetAttribute, {object, value}, target.span);
    graph_.instr(set).text = target.name;
    return;
  }
  default:
    unsupported("this can't be assigned to in compiled code", target.span);
  }
}

void FlowBuilder::unpack(const Expr& target, FlowId value) {
  const auto star = std::find_if(target.children.begin(), target.children.end(),
                                 [](const syntax::ExprPtr& item) { return item->kind == ExprKind::kStarred; });
  const auto before = star - target.children.begin();
  const auto count = static_cast<int64_t>(target.children.size());
  const bool starred = star != target.children.end();
  const FlowId unpacked = graph_.add(starred ? FlowOp::kUnpackStar : FlowOp::kUnpack, {value}, target.span);
  graph_.instr(unpacked).aux = starred ? count - 1 : count;
  for (int64_t i = 0; i < count; ++i) {
    const Expr& child = *target.children[static_cast<size_t>(i)];
    if (starred && i == before) {
      const FlowId rest = graph_.add(FlowOp::kUnpackRest, {unpacked}, child.span);
      graph_.instr(rest).aux = before;
      graph_.instr(rest).text = std::to_string(count - 1 - before);
      assign(*child.children[0], rest);
      continue;
    }
    const FlowId item = graph_.add(FlowOp::kUnpackItem, {unpacked}, child.span);
    graph_.instr(item).aux = i < before ? i : starred ? i - count : i;
    assign(child, item);
  }
}

void FlowBuilder::augmented(const Stmt& s) {
  const Expr& target = *s.targets[0];
  const auto combine = [&](FlowId old) {
    const FlowId operand = expression(*s.value);
    const FlowId result = graph_.add(FlowOp::kInplace, {old, operand}, s.span);
    graph_.instr(result).syntax_op = s.op;
    return result;
  };
  if (target.kind == ExprKind::kName) {
    write_variable(target.name, combine(name(target)), s.span);
    return;
  }
  const FlowId object = expression(*target.children[0]);
  if (target.kind == ExprKind::kSubscript) {
    const FlowId index = subscript_index(*target.children[1]);
    const FlowId result = combine(graph_.add(FlowOp::kSubscript, {object, index}, target.span));
    graph_.add(FlowOp::kSetSubscript, {object, index, result}, s.span);
    return;
  }
  const FlowId old = graph_.add(FlowOp::kAttribute, {object}, target.span);
  graph_.instr(old).text = target.name;
  const FlowId result = combine(old);
  const FlowId set = graph_.add(FlowOp::kSetAttribute, {object, result}, s.span);
  graph_.instr(set).text = target.name;
}

void FlowBuilder::if_statement(const Stmt& s) {
  const FlowBlockId then = graph_.new_block();
  const FlowBlockId otherwise = graph_.new_block();
  const FlowBlockId join = graph_.new_block();
  condition(*s.value, then, otherwise);
  graph_.seal(then);
  graph_.seal(otherwise);
  graph_.set_block(then);
  body(s.body);
  graph_.jump(join, s.span);
  graph_.set_block(otherwise);
  body(s.orelse);
  graph_.jump(join, s.span);
  graph_.seal(join);
  graph_.set_block(join);
  if (flow_.blocks[join].preds.empty()) {
    graph_.finish(FlowOp::kUnreachable, {}, s.span);
  }
}

LoopId FlowBuilder::enter_loop(bool parallel, const Span& span) {
  FlowLoop made;
  made.parent = graph_.loop;
  made.parallel = parallel;
  made.span = span;
  flow_.loops.push_back(made);
  graph_.loop = static_cast<LoopId>(flow_.loops.size() - 1);
  return graph_.loop;
}

void FlowBuilder::while_loop(const Stmt& s) {
  const LoopId outer = graph_.loop;
  const FlowBlockId exit = graph_.new_block();
  const FlowBlockId otherwise = graph_.new_block();
  enter_loop(false, s.span);
  const FlowBlockId header = graph_.new_block();
  const FlowBlockId inside = graph_.new_block();
  graph_.jump(header, s.span);
  graph_.set_block(header);
  graph_.add(FlowOp::kPoll, {}, s.span);
  condition(*s.value, inside, otherwise);
  graph_.seal(inside);
  graph_.set_block(inside);
  loops_.push_back({header, exit, false});
  body(s.body);
  loops_.pop_back();
  graph_.jump(header, s.span);
  graph_.seal(header);
  graph_.loop = outer;
  graph_.seal(otherwise);
  loop_else(s, otherwise, exit);
}

// The else branch of a loop runs where no break left it; both ways meet in `exit`.
void FlowBuilder::loop_else(const Stmt& s, FlowBlockId from, FlowBlockId exit) {
  graph_.set_block(from);
  body(s.orelse);
  graph_.jump(exit, s.span);
  graph_.seal(exit);
  graph_.set_block(exit);
  if (flow_.blocks[exit].preds.empty()) {
    graph_.finish(FlowOp::kUnreachable, {}, s.span);
  }
}

void FlowBuilder::for_loop(const Stmt& s) {
  const Expr& iterable = *s.value;
  if (iterable.kind == ExprKind::kCall) {
    const Expr& function = *iterable.children[0];
    const bool by_name = function.kind == ExprKind::kName && locals_.count(function.name) == 0 && is_parallel_range_(function.name);
    const bool by_attribute = function.kind == ExprKind::kAttribute && function.name == "prange";
    if (by_name || by_attribute) {
      return parallel_loop(s);
    }
  }
  const FlowId iteration = graph_.add(FlowOp::kIterate, {expression(iterable)}, iterable.span);
  const FlowId length = graph_.add(FlowOp::kLength, {iteration}, iterable.span);
  BodyTraits traits;
  scan(s.body, &traits);
  if (traits.has_loop || is_tiny_range(iterable)) {
    return plain_loop(s, iteration, length);
  }
  strip_loop(s, iteration, length, traits.has_call ? kSlowStrip : kStrip);
}

// target = the item at the position; goes on at `otherwise` where an iterable whose length nobody knows has come to its end.
void FlowBuilder::take_item(const Stmt& s, FlowId iteration, const std::string& position, FlowBlockId otherwise) {
  const syntax::Span& span = s.targets[0]->span;
  if (is_range(*s.value)) {
    assign(*s.targets[0], graph_.add(FlowOp::kNextItem, {iteration, graph_.read(position)}, span));
    return;
  }
  const FlowId step = graph_.add(FlowOp::kLoopStep, {iteration, graph_.read(position)}, s.value->span);
  const FlowBlockId taken = graph_.new_block();
  graph_.branch(graph_.add(FlowOp::kIsTaken, {iteration, step}, s.value->span), taken, otherwise, s.span);
  graph_.seal(taken);
  graph_.set_block(taken);
  assign(*s.targets[0], graph_.add(FlowOp::kTakenItem, {iteration, step, graph_.read(position)}, span));
}

// for position in 0 .. length: poll; target = item; body
void FlowBuilder::plain_loop(const Stmt& s, FlowId iteration, FlowId length) {
  const LoopId outer = graph_.loop;
  const FlowId zero = graph_.add(FlowOp::kZero, {}, s.span);
  const std::string position = hidden_variable();
  graph_.write(position, zero);
  const FlowBlockId exit = graph_.new_block();
  const FlowBlockId otherwise = graph_.new_block();
  enter_loop(false, s.span);
  const FlowBlockId header = graph_.new_block();
  const FlowBlockId inside = graph_.new_block();
  const FlowBlockId next = graph_.new_block();
  graph_.jump(header, s.span);
  graph_.set_block(header);
  const FlowId more = graph_.add(FlowOp::kLess, {graph_.read(position), length}, s.span);
  graph_.branch(more, inside, otherwise, s.span);
  graph_.seal(inside);
  graph_.set_block(inside);
  graph_.add(FlowOp::kPoll, {}, s.span);
  take_item(s, iteration, position, otherwise);
  loops_.push_back({next, exit, false});
  body(s.body);
  loops_.pop_back();
  graph_.jump(next, s.span);
  graph_.seal(next);
  graph_.set_block(next);
  if (!flow_.blocks[next].preds.empty()) {
    graph_.write(position, graph_.add(FlowOp::kAdvance, {graph_.read(position)}, s.span));
    graph_.jump(header, s.span);
  } else {
    graph_.finish(FlowOp::kUnreachable, {}, s.span);
  }
  graph_.seal(header);
  graph_.loop = outer;
  graph_.seal(otherwise);
  loop_else(s, otherwise, exit);
}

// The same in strips with one poll each, so that the innermost loop is a plain counted one that vectorises.
void FlowBuilder::strip_loop(const Stmt& s, FlowId iteration, FlowId length, int64_t strip) {
  const LoopId outer = graph_.loop;
  const std::string position = hidden_variable();
  graph_.write(position, graph_.add(FlowOp::kZero, {}, s.span));
  const FlowBlockId exit = graph_.new_block();
  const FlowBlockId otherwise = graph_.new_block();
  enter_loop(false, s.span);
  const FlowBlockId strips = graph_.new_block();
  const FlowBlockId start = graph_.new_block();
  enter_loop(false, s.span);
  const FlowBlockId header = graph_.new_block();
  const FlowBlockId inside = graph_.new_block();
  const FlowBlockId next = graph_.new_block();
  graph_.jump(strips, s.span);
  graph_.set_block(strips);
  graph_.branch(graph_.add(FlowOp::kLess, {graph_.read(position), length}, s.span), start, otherwise, s.span);
  graph_.seal(start);
  graph_.set_block(start);
  graph_.add(FlowOp::kPoll, {}, s.span);
  const FlowId end = graph_.add(FlowOp::kStripEnd, {graph_.read(position), length}, s.span);
  graph_.instr(end).aux = strip;
  graph_.jump(header, s.span);
  graph_.set_block(header);
  graph_.branch(graph_.add(FlowOp::kLess, {graph_.read(position), end}, s.span), inside, strips, s.span);
  graph_.seal(inside);
  graph_.set_block(inside);
  take_item(s, iteration, position, otherwise);
  loops_.push_back({next, exit, false});
  body(s.body);
  loops_.pop_back();
  graph_.jump(next, s.span);
  graph_.seal(next);
  graph_.set_block(next);
  if (!flow_.blocks[next].preds.empty()) {
    graph_.write(position, graph_.add(FlowOp::kAdvance, {graph_.read(position)}, s.span));
    graph_.jump(header, s.span);
  } else {
    graph_.finish(FlowOp::kUnreachable, {}, s.span);
  }
  graph_.seal(header);
  graph_.seal(strips);
  graph_.loop = outer;
  graph_.seal(otherwise);
  loop_else(s, otherwise, exit);
}

// for position in 0 .. length, to be shared among threads: one header, one latch, one exit.
void FlowBuilder::parallel_loop(const Stmt& s) {
  if (!s.orelse.empty()) {
    unsupported("a loop over prange can't have an else branch", s.span);
  }
  const FlowId iteration = graph_.add(FlowOp::kIterate, {expression(*s.value)}, s.value->span);
  const FlowId length = graph_.add(FlowOp::kLength, {iteration}, s.value->span);
  const LoopId outer = graph_.loop;
  const std::string position = hidden_variable();
  graph_.write(position, graph_.add(FlowOp::kZero, {}, s.span));
  const FlowBlockId exit = graph_.new_block();
  const LoopId made = enter_loop(true, s.span);
  const FlowBlockId header = graph_.new_block();
  const FlowBlockId inside = graph_.new_block();
  const FlowBlockId next = graph_.new_block();
  graph_.jump(header, s.span);
  graph_.set_block(header);
  const FlowId counter = graph_.read(position);
  graph_.branch(graph_.add(FlowOp::kLess, {counter, length}, s.span), inside, exit, s.span);
  graph_.seal(inside);
  graph_.set_block(inside);
  graph_.add(FlowOp::kPoll, {}, s.span);
  assign(*s.targets[0], graph_.add(FlowOp::kNextItem, {iteration, counter}, s.targets[0]->span));
  loops_.push_back({next, exit, true});
  body(s.body);
  loops_.pop_back();
  graph_.jump(next, s.span);
  graph_.seal(next);
  graph_.set_block(next);
  if (flow_.blocks[next].preds.empty()) {
    unsupported("every way through this prange loop leaves it", s.span, "Use range.");
  }
  graph_.write(position, graph_.add(FlowOp::kAdvance, {counter}, s.span));
  graph_.jump(header, s.span);
  graph_.seal(header);
  graph_.loop = outer;
  flow_.loops[made].header = header;
  flow_.loops[made].exit = exit;
  flow_.loops[made].position = counter;
  flow_.loops[made].length = length;
  graph_.seal(exit);
  graph_.set_block(exit);
}

void FlowBuilder::leave_loop(const Stmt& s, bool is_break) {
  const LoopTargets& target = loops_.back();
  if (is_break && target.parallel) {
    unsupported("break can't leave a loop over prange: its iterations run in no order", s.span, "Use range, or compute what to skip.");
  }
  graph_.jump(is_break ? target.exit : target.next, s.span);
}

void FlowBuilder::return_statement(const Stmt& s) {
  const bool parallel = std::any_of(loops_.begin(), loops_.end(), [](const LoopTargets& l) { return l.parallel; });
  if (parallel) {
    unsupported("return can't leave a loop over prange: its iterations run in no order", s.span, "Use range.");
  }
  const FlowId value = s.value ? expression(*s.value) : none(s.span);
  graph_.finish(FlowOp::kReturn, {value}, s.span);
}

void FlowBuilder::raise_statement(const Stmt& s) {
  if (!s.value) {
    graph_.finish(FlowOp::kReraise, {}, s.span);
    return;
  }
  graph_.finish(FlowOp::kRaise, {expression(*s.value)}, s.span);
}

void FlowBuilder::assert_statement(const Stmt& s) {
  const FlowBlockId failed = graph_.new_block();
  const FlowBlockId passed = graph_.new_block();
  condition(*s.value, passed, failed);
  graph_.seal(failed);
  graph_.seal(passed);
  graph_.set_block(failed);
  const FlowId error = graph_.add(FlowOp::kName, {}, s.span);
  graph_.instr(error).text = "AssertionError";
  FlowId exception = error;
  if (s.message) {
    const FlowId message = expression(*s.message);
    exception = graph_.add(FlowOp::kCall, {error, message}, s.span);
    flow_.calls.emplace_back();
    graph_.instr(exception).aux = static_cast<int64_t>(flow_.calls.size()) - 1;
  }
  graph_.finish(FlowOp::kRaise, {exception}, s.span);
  graph_.set_block(passed);
}

void FlowBuilder::delete_statement(const Stmt& s) {
  for (const auto& target : s.targets) {
    if (target->kind != ExprKind::kName) {
      unsupported("only variables can be deleted in compiled code", target->span);
    }
    const FlowId undefined = graph_.add(FlowOp::kUndefined, {}, target->span);
    graph_.instr(undefined).text = target->name;
    graph_.write(target->name, undefined);
  }
}

void FlowBuilder::collect_target(const Expr& target) {
  if (target.kind == ExprKind::kName) {
    locals_.insert(target.name);
    return;
  }
  if (target.kind == ExprKind::kTuple || target.kind == ExprKind::kList || target.kind == ExprKind::kStarred) {
    for (const auto& child : target.children) {
      collect_target(*child);
    }
  }
}

// `(name := value)` binds a local wherever it stands.
void FlowBuilder::collect_named(const Expr& e) {
  if (e.kind == ExprKind::kNamedExpr) {
    collect_target(*e.children[0]);
  }
  for (const auto& child : e.children) {
    if (child) {
      collect_named(*child);
    }
  }
  for (const auto& keyword : e.keywords) {
    collect_named(*keyword.value);
  }
}

void FlowBuilder::collect_locals(const std::vector<StmtPtr>& statements) {
  for (const auto& s : statements) {
    for (const auto& target : s->targets) {
      if (target) {
        collect_target(*target);
        collect_named(*target);
      }
    }
    if (s->value) {
      collect_named(*s->value);
    }
    if (s->kind == StmtKind::kFunctionDef && s->function) {
      locals_.insert(s->function->name);
    }
    for (const auto& handler : s->handlers) {
      if (!handler.name.empty()) {
        locals_.insert(handler.name);
      }
      collect_locals(handler.body);
    }
    collect_locals(s->body);
    collect_locals(s->orelse);
    collect_locals(s->finally);
  }
}

} // namespace hasten::infer
