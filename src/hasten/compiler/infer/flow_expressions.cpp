#include <algorithm>

#include "hasten/compiler/infer/flow_builder.h"

namespace hasten::infer {

using syntax::Expr;
using syntax::ExprKind;
using syntax::LiteralKind;
using syntax::Operator;

base::SourcePoint point_of(const syntax::Source& source, const syntax::Span& span) {
  base::SourcePoint point;
  point.file = source.file;
  point.function = source.qualified_name;
  point.line = span.line;
  point.column = span.column;
  point.end_column = span.end_line == span.line ? span.end_column : 0;
  const int index = span.line - source.first_line;
  if (index >= 0 && index < static_cast<int>(source.lines.size())) {
    point.text = source.lines[static_cast<size_t>(index)];
  }
  return point;
}

FlowBuilder::FlowBuilder(Flow& flow, const HostFunction& function, std::function<bool(const std::string&)> is_parallel_range)
    : flow_(flow), source_(*function.source), declared_(function.options.locals), graph_(flow),
      is_parallel_range_(std::move(is_parallel_range)) {}

void FlowBuilder::unsupported(const std::string& what, const Span& span, const std::string& way_out) const {
  throw base::Diagnostic(base::Fault::kUser, what, way_out).at(point_of(source_, span));
}

void FlowBuilder::build() {
  const syntax::FunctionDef& function = source_.function;
  if (function.is_generator) {
    unsupported("a generator can't be compiled yet", function.span, "Fill an array and return it.");
  }
  graph_.seal(graph_.new_block());
  graph_.set_block(0);
  int64_t position = 0;
  for (const syntax::Parameter& parameter : function.parameters) {
    locals_.insert(parameter.name);
    const FlowId value = graph_.add(FlowOp::kParam, {}, parameter.span);
    graph_.instr(value).aux = position++;
    write_variable(parameter.name, value, parameter.span);
  }
  collect_locals(function.body);
  body(function.body);
  if (!graph_.terminated()) {
    graph_.finish(FlowOp::kReturn, {none(function.span)}, function.span);
  }
  graph_.complete();
}

std::shared_ptr<const Flow> build_flow(const HostFunction& function, bool (*is_parallel_range)(void* context, const std::string& name),
                                       void* context) {
  auto flow = std::make_shared<Flow>();
  flow->source = function.source;
  FlowBuilder(*flow, function, [=](const std::string& name) { return is_parallel_range(context, name); }).build();
  return flow;
}

std::string FlowBuilder::hidden_variable() { return "." + std::to_string(hidden_++); }

FlowId FlowBuilder::expression(const Expr& e) {
  switch (e.kind) {
  case ExprKind::kConstant:
    return literal(e);
  case ExprKind::kName:
    return name(e);
  case ExprKind::kBinOp: {
    const FlowId result = children(FlowOp::kBinary, e);
    graph_.instr(result).syntax_op = e.op;
    return result;
  }
  case ExprKind::kUnaryOp:
    return unary(e);
  case ExprKind::kBoolOp:
    return bool_operation(e);
  case ExprKind::kCompare:
    return comparison(e);
  case ExprKind::kCall:
    return call(e);
  case ExprKind::kAttribute: {
    const FlowId result = children(FlowOp::kAttribute, e);
    graph_.instr(result).text = e.name;
    return result;
  }
  case ExprKind::kSubscript: {
    const FlowId object = expression(*e.children[0]);
    return graph_.add(FlowOp::kSubscript, {object, subscript_index(*e.children[1])}, e.span);
  }
  case ExprKind::kSlice:
    return slice(e);
  case ExprKind::kTuple:
    return tuple(e);
  case ExprKind::kList:
    return children(FlowOp::kList, e);
  case ExprKind::kIfExp:
    return conditional(e);
  case ExprKind::kJoinedStr:
    return joined_string(e);
  case ExprKind::kNamedExpr: {
    const FlowId value = expression(*e.children[1]);
    assign(*e.children[0], value);
    return value;
  }
  case ExprKind::kLambda:
    unsupported("a lambda inside a compiled function can't be compiled yet", e.span, "Move it to the module and give it @njit.");
  case ExprKind::kListComp:
  case ExprKind::kGeneratorExp:
  case ExprKind::kSetComp:
  case ExprKind::kDictComp:
    unsupported("a comprehension can't be compiled yet", e.span, "Write a loop that fills an array.");
  case ExprKind::kDict:
  case ExprKind::kSet:
    unsupported("dicts and sets can't be compiled yet", e.span);
  case ExprKind::kStarred:
    unsupported("a starred expression can't be compiled here", e.span);
  default:
    unsupported("the expression " + e.name + " can't be compiled", e.span);
  }
}

FlowId FlowBuilder::children(FlowOp op, const Expr& e) {
  std::vector<FlowId> args;
  for (const auto& child : e.children) {
    args.push_back(expression(*child));
  }
  return graph_.add(op, std::move(args), e.span);
}

// (a, *b, c) is (a,) + b + (c,).
FlowId FlowBuilder::tuple(const Expr& e) {
  const auto is_starred = [](const syntax::ExprPtr& item) { return item->kind == ExprKind::kStarred; };
  if (std::none_of(e.children.begin(), e.children.end(), is_starred)) {
    return children(FlowOp::kTuple, e);
  }
  FlowId whole = graph_.add(FlowOp::kTuple, {}, e.span);
  const auto append = [&](FlowId part) {
    whole = graph_.add(FlowOp::kBinary, {whole, part}, e.span);
    graph_.instr(whole).syntax_op = syntax::Operator::kAdd;
  };
  for (const auto& item : e.children) {
    if (is_starred(item)) {
      append(expression(*item->children[0]));
    } else {
      append(graph_.add(FlowOp::kTuple, {expression(*item)}, e.span));
    }
  }
  return whole;
}

FlowId FlowBuilder::name(const Expr& e) {
  if (locals_.count(e.name) != 0) {
    return graph_.read(e.name);
  }
  const FlowId result = graph_.add(FlowOp::kName, {}, e.span);
  graph_.instr(result).text = e.name;
  return result;
}

FlowId FlowBuilder::literal(const Expr& e) {
  const FlowId result = graph_.add(FlowOp::kLiteral, {}, e.span);
  graph_.instr(result).aux = static_cast<int64_t>(flow_.literals.size());
  flow_.literals.push_back(e.literal);
  return result;
}

FlowId FlowBuilder::none(const Span& span) {
  const FlowId result = graph_.add(FlowOp::kLiteral, {}, span);
  graph_.instr(result).aux = static_cast<int64_t>(flow_.literals.size());
  flow_.literals.emplace_back();
  return result;
}

FlowId FlowBuilder::string_literal(std::string text, const Span& span) {
  const FlowId result = none(span);
  flow_.literals.back().kind = LiteralKind::kString;
  flow_.literals.back().text = std::move(text);
  return result;
}

FlowId FlowBuilder::unary(const Expr& e) {
  if (e.op == Operator::kNot) {
    return children(FlowOp::kNot, e);
  }
  const FlowId result = children(FlowOp::kUnary, e);
  graph_.instr(result).syntax_op = e.op;
  return result;
}

// The value of `a and b` is a where a is false, else b.
FlowId FlowBuilder::bool_operation(const Expr& e) {
  const std::string variable = hidden_variable();
  const FlowBlockId join = graph_.new_block();
  for (size_t i = 0; i < e.children.size(); ++i) {
    const FlowId value = expression(*e.children[i]);
    graph_.write(variable, value);
    if (i + 1 == e.children.size()) {
      graph_.jump(join, e.span);
      break;
    }
    const FlowBlockId more = graph_.new_block();
    const FlowId truth = graph_.add(FlowOp::kTruth, {value}, e.children[i]->span);
    const bool is_and = e.op == Operator::kAnd;
    graph_.branch(truth, is_and ? more : join, is_and ? join : more, e.span);
    graph_.seal(more);
    graph_.set_block(more);
  }
  graph_.seal(join);
  graph_.set_block(join);
  return graph_.read(variable);
}

FlowId FlowBuilder::comparison(const Expr& e) {
  FlowId left = expression(*e.children[0]);
  if (e.ops.size() == 1) {
    const FlowId right = expression(*e.children[1]);
    const FlowId result = graph_.add(FlowOp::kCompare, {left, right}, e.span);
    graph_.instr(result).syntax_op = e.ops[0];
    return result;
  }
  const std::string variable = hidden_variable();
  const FlowBlockId join = graph_.new_block();
  for (size_t i = 0; i < e.ops.size(); ++i) {
    const FlowId right = expression(*e.children[i + 1]);
    const FlowId result = graph_.add(FlowOp::kCompare, {left, right}, e.span);
    graph_.instr(result).syntax_op = e.ops[i];
    graph_.write(variable, result);
    left = right;
    if (i + 1 == e.ops.size()) {
      graph_.jump(join, e.span);
      break;
    }
    const FlowBlockId more = graph_.new_block();
    const FlowId truth = graph_.add(FlowOp::kTruth, {result}, e.span);
    graph_.branch(truth, more, join, e.span);
    graph_.seal(more);
    graph_.set_block(more);
  }
  graph_.seal(join);
  graph_.set_block(join);
  return graph_.read(variable);
}

void FlowBuilder::condition(const Expr& e, FlowBlockId if_true, FlowBlockId if_false) {
  if (e.kind == ExprKind::kUnaryOp && e.op == Operator::kNot) {
    return condition(*e.children[0], if_false, if_true);
  }
  if (e.kind == ExprKind::kBoolOp) {
    const bool is_and = e.op == Operator::kAnd;
    for (size_t i = 0; i + 1 < e.children.size(); ++i) {
      const FlowBlockId more = graph_.new_block();
      condition(*e.children[i], is_and ? more : if_true, is_and ? if_false : more);
      graph_.seal(more);
      graph_.set_block(more);
    }
    return condition(*e.children.back(), if_true, if_false);
  }
  const FlowId truth = graph_.add(FlowOp::kTruth, {expression(e)}, e.span);
  graph_.branch(truth, if_true, if_false, e.span);
}

FlowId FlowBuilder::conditional(const Expr& e) {
  const std::string variable = hidden_variable();
  const FlowBlockId then = graph_.new_block();
  const FlowBlockId otherwise = graph_.new_block();
  const FlowBlockId join = graph_.new_block();
  condition(*e.children[0], then, otherwise);
  graph_.seal(then);
  graph_.seal(otherwise);
  graph_.set_block(then);
  graph_.write(variable, expression(*e.children[1]));
  graph_.jump(join, e.span);
  graph_.set_block(otherwise);
  graph_.write(variable, expression(*e.children[2]));
  graph_.jump(join, e.span);
  graph_.seal(join);
  graph_.set_block(join);
  return graph_.read(variable);
}

FlowId FlowBuilder::call(const Expr& e) {
  FlowCall made;
  std::vector<FlowId> args;
  bool any_starred = false;
  for (size_t i = 0; i < e.children.size(); ++i) {
    const bool starred = e.children[i]->kind == ExprKind::kStarred;
    args.push_back(expression(starred ? *e.children[i]->children[0] : *e.children[i]));
    if (i > 0) {
      made.starred.push_back(starred);
      any_starred = any_starred || starred;
    }
  }
  if (!any_starred) {
    made.starred.clear();
  }
  for (const auto& keyword : e.keywords) {
    if (keyword.name.empty()) {
      unsupported("**keywords can't be compiled", keyword.value->span, "Write the keywords out.");
    }
    args.push_back(expression(*keyword.value));
    made.keywords.push_back(keyword.name);
  }
  const FlowId result = graph_.add(FlowOp::kCall, std::move(args), e.span);
  graph_.instr(result).aux = static_cast<int64_t>(flow_.calls.size());
  flow_.calls.push_back(std::move(made));
  return result;
}

FlowId FlowBuilder::subscript_index(const Expr& e) { return expression(e); }

FlowId FlowBuilder::slice(const Expr& e) {
  std::vector<FlowId> parts;
  for (const auto& child : e.children) {
    parts.push_back(child ? expression(*child) : none(e.span));
  }
  return graph_.add(FlowOp::kSlice, std::move(parts), e.span);
}

namespace {

std::string doubled_braces(const std::string& text) {
  std::string result;
  for (const char c : text) {
    result += c;
    if (c == '{' || c == '}') {
      result += c;
    }
  }
  return result;
}

} // namespace

// The template for str.format of an f-string, or of a format spec inside one; its values in order.
std::string FlowBuilder::format_template(const Expr& e, std::vector<FlowId>* values) {
  std::string text;
  for (const auto& part : e.children) {
    if (part->kind == ExprKind::kConstant) {
      text += doubled_braces(part->literal.text);
      continue;
    }
    text += "{" + std::to_string(values->size());
    values->push_back(expression(*part->children[0]));
    if (!part->name.empty()) {
      text += "!" + part->name;
    }
    if (part->children.size() > 1 && part->children[1]) {
      text += ":" + format_template(*part->children[1], values);
    }
    text += "}";
  }
  return text;
}

FlowId FlowBuilder::joined_string(const Expr& e) {
  std::vector<FlowId> values;
  const std::string text = format_template(e, &values);
  const FlowId result = graph_.add(FlowOp::kFormat, std::move(values), e.span);
  graph_.instr(result).text = "format:" + text;
  return result;
}

} // namespace hasten::infer
