// One instruction of the flow, handed to the rule of its construct.
#include <algorithm>

#include "hasten/compiler/infer/rules.h"
#include "hasten/compiler/infer/session.h"

namespace hasten::infer {

using ir::Op;
using ir::TypeRef;

namespace {

Value strip_end(Emitter& e, const Value& position, const Value& length, int64_t strip) {
  const Value end = e.op(Op::kAdd, ir::intp_type(), {position, e.integer(strip)});
  return e.op(Op::kMin, ir::intp_type(), {end, length});
}

void check_bound(Emitter& e, const Value& flag, const std::string& variable) {
  e.raise_if(e.logical_not(flag), "builtins:UnboundLocalError",
             "cannot access local variable '" + variable + "' where it is not associated with a value");
}

Value call_instr(Emitter& e, const Flow& flow, const FlowInstr& instr, std::span<const Value> args) {
  const FlowCall& shape = flow.calls[static_cast<size_t>(instr.aux)];
  CallArgs bound;
  const size_t positional = args.size() - 1 - shape.keywords.size();
  for (size_t i = 0; i < positional; ++i) {
    if (shape.starred.empty() || !shape.starred[i]) {
      bound.positional.push_back(args[1 + i]);
      continue;
    }
    for (const Value& item : items_of(e, args[1 + i])) {
      bound.positional.push_back(item);
    }
  }
  for (size_t i = 0; i < shape.keywords.size(); ++i) {
    bound.keywords.emplace_back(shape.keywords[i], args[1 + positional + i]);
  }
  return call(e, args[0], bound);
}

Value declare(Emitter& e, const Value& value, const std::string& variable) {
  TypeRef type = e.options().locals.at(variable);
  try {
    return e.convert(value, type);
  } catch (const base::Diagnostic&) {
    e.fail("a value of type " + ir::display(value.type) + " can't become the variable `" + variable + "`, which locals= declares as " +
               ir::display(type),
           "Convert the value, or declare another type.");
  }
}

Value format(Emitter& e, const std::string& text, std::span<const Value> args) {
  std::vector<ir::TypeRef> types;
  for (const Value& arg : args) {
    types.push_back(arg.type);
  }
  return e.aggregate(ir::format_type(text, std::move(types)), args);
}

Value sequence(Emitter& e, std::string_view what, std::span<const Value> args) {
  std::vector<ir::TypeRef> types;
  for (const Value& arg : args) {
    types.push_back(arg.type);
  }
  return e.aggregate(ir::sequence_type(what, std::move(types)), args);
}

Value effect(Emitter& e, Op op) {
  if (!e.dry()) {
    e.builder().emit(op, ir::none_type(), {});
  }
  return e.none();
}

} // namespace

std::optional<bool> known_truth(const Value& condition) {
  if (condition.known && condition.known->scalar && condition.type->kind == ir::Kind::kBool) {
    return condition.known->scalar->i != 0;
  }
  return std::nullopt;
}

namespace {

// What takes a union as it is: it holds a value, converts it, makes a text of it, or gives a bool whatever the tag says.
bool takes_unions(FlowOp op) {
  return op == FlowOp::kDeclare || op == FlowOp::kTuple || op == FlowOp::kList || op == FlowOp::kFormat || op == FlowOp::kTruth ||
         op == FlowOp::kNot;
}

MemberRule member_rule(const FlowInstr& instr, std::span<const Value> args) {
  if (instr.op == FlowOp::kBinary || instr.op == FlowOp::kInplace) {
    return operator_rule(instr.syntax_op);
  }
  if (instr.op == FlowOp::kCall && ir::is_named(args[0].type, "callable:")) {
    return MemberRule::kOwn;
  }
  return instr.op == FlowOp::kCompare ? MemberRule::kAlike : MemberRule::kPlain;
}

Value evaluate_members(Emitter& e, const Flow& flow, const FlowInstr& instr, std::span<const Value> args) {
  if (instr.op == FlowOp::kSetSubscript && ir::is_array(args[0].type) && !any_union(args.first(2))) {
    TypeRef carrier = carrier_of(args[2].type);
    if (carrier != nullptr && ir::is_float(carrier) && ir::is_float(args[0].type->elem)) { // stored as a float whatever it is
      set_subscript(e, args[0], args[1], from_union(e, args[2], carrier));
      return e.none();
    }
  }
  std::vector<size_t> same;
  for (size_t i = 0; i < args.size(); ++i) {
    same.push_back(static_cast<size_t>(std::find(instr.args.begin(), instr.args.end(), instr.args[i]) - instr.args.begin()));
  }
  return over_members(e, {args.begin(), args.end()}, same, member_rule(instr, args),
                      [&](Emitter& k, std::span<const Value> x) { return evaluate(k, flow, instr, x); });
}

} // namespace

Value evaluate(Emitter& e, const Flow& flow, const FlowInstr& instr, std::span<const Value> args) {
  if (any_union(args) && !takes_unions(instr.op)) {
    return evaluate_members(e, flow, instr, args);
  }
  switch (instr.op) {
  case FlowOp::kLiteral:
    return literal_value(e, flow.literals[static_cast<size_t>(instr.aux)]);
  case FlowOp::kName:
    return name_value(e, instr.text);
  case FlowOp::kUndefined:
    return {ir::undefined_type()};
  case FlowOp::kTrue:
  case FlowOp::kFalse:
    return e.boolean(instr.op == FlowOp::kTrue);
  case FlowOp::kUnary:
    return unary(e, instr.syntax_op, args[0]);
  case FlowOp::kBinary:
    return binary(e, instr.syntax_op, args[0], args[1]);
  case FlowOp::kInplace:
    return inplace(e, instr.syntax_op, args[0], args[1]);
  case FlowOp::kCompare:
    return compare(e, instr.syntax_op, args[0], args[1]);
  case FlowOp::kTruth:
    return truth(e, args[0]);
  case FlowOp::kNot:
    return e.logical_not(truth(e, args[0]));
  case FlowOp::kAttribute:
    return attribute(e, args[0], instr.text);
  case FlowOp::kSubscript:
    return subscript(e, args[0], args[1]);
  case FlowOp::kSetSubscript:
    set_subscript(e, args[0], args[1], args[2]);
    return e.none();
  case FlowOp::kSetAttribute:
    set_attribute(e, args[0], instr.text, args[1]);
    return e.none();
  case FlowOp::kCall:
    return call_instr(e, flow, instr, args);
  case FlowOp::kTuple:
    return e.tuple({args.begin(), args.end()});
  case FlowOp::kList:
    return sequence(e, "list", args);
  case FlowOp::kSlice:
    return e.aggregate(ir::slice_type(args[0].type, args[1].type, args[2].type), args);
  case FlowOp::kFormat:
    return format(e, instr.text, args);
  case FlowOp::kIterate:
    return iterate(e, args[0]);
  case FlowOp::kLength:
    return length(e, args[0]);
  case FlowOp::kNextItem:
    return next_item(e, args[0], args[1]);
  case FlowOp::kLoopStep:
    return loop_step(e, args[0], args[1]);
  case FlowOp::kIsTaken:
    return is_taken(e, args[0], args[1]);
  case FlowOp::kTakenItem:
    return taken_item(e, args[0], args[1], args[2]);
  case FlowOp::kStripEnd:
    return strip_end(e, args[0], args[1], instr.aux);
  case FlowOp::kLess:
    return e.op(Op::kLt, ir::bool_type(), {args[0], args[1]});
  case FlowOp::kAdvance:
    return e.op(Op::kAdd, ir::intp_type(), {args[0], e.integer(1)});
  case FlowOp::kZero:
    return e.integer(0);
  case FlowOp::kUnpack:
    return unpack(e, args[0], instr.aux);
  case FlowOp::kUnpackStar:
    return unpack_star(e, args[0], instr.aux);
  case FlowOp::kUnpackRest:
    return unpack_rest(e, args[0], instr.aux, std::stoll(instr.text));
  case FlowOp::kUnpackItem:
    return unpack_item(e, args[0], instr.aux);
  case FlowOp::kDeclare:
    return declare(e, args[0], instr.text);
  case FlowOp::kCheckBound:
    check_bound(e, args[0], instr.text);
    return e.none();
  case FlowOp::kPoll:
    return effect(e, Op::kPoll);
  default:
    base::internal_error("an instruction of the flow has no rule");
  }
}

} // namespace hasten::infer
