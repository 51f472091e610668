#include "hasten/compiler/syntax/printer.h"

#include <cstdio>
#include <initializer_list>
#include <string_view>

namespace hasten::syntax {
namespace {

std::string concat(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) {
    out += part;
  }
  return out;
}

const char* operator_text(Operator op) {
  static constexpr const char* kTexts[] = {
      "+", "-", "*",   "@",  "/",  "%",  "**", "<<", ">>", "|",  "^",  "&",      "//", "~",      "not",
      "+", "-", "and", "or", "==", "!=", "<",  "<=", ">",  ">=", "is", "is-not", "in", "not-in", "none"};
  static_assert(std::size(kTexts) == static_cast<size_t>(Operator::kNone) + 1);
  return kTexts[static_cast<size_t>(op)];
}

std::string quoted(const std::string& text, bool is_bytes = false) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20 || (is_bytes && static_cast<unsigned char>(c) >= 0x80)) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escape;
    } else {
      out += c;
    }
  }
  out += '"';
  return out;
}

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

std::string literal_text(const Literal& literal) {
  switch (literal.kind) {
  case LiteralKind::kNone:
    return "None";
  case LiteralKind::kBool:
    return literal.i != 0 ? "True" : "False";
  case LiteralKind::kInt:
    return std::to_string(literal.i);
  case LiteralKind::kBigInt:
    return literal.text;
  case LiteralKind::kFloat:
    return concat({"float:", number(literal.re)});
  case LiteralKind::kComplex:
    return concat({"complex:", number(literal.re), ",", number(literal.im)});
  case LiteralKind::kString:
    return quoted(literal.text);
  case LiteralKind::kBytes:
    return concat({"b", quoted(literal.text, true)});
  case LiteralKind::kEllipsis:
    return "...";
  }
  return "";
}

// The word that a kind's brackets begin with, for kinds that are their children and no more.
const char* head(ExprKind kind) {
  switch (kind) {
  case ExprKind::kSubscript:
    return "at";
  case ExprKind::kSlice:
    return "slice";
  case ExprKind::kTuple:
    return "tuple";
  case ExprKind::kList:
    return "list";
  case ExprKind::kSet:
    return "set";
  case ExprKind::kDict:
    return "dict";
  case ExprKind::kIfExp:
    return "if";
  case ExprKind::kJoinedStr:
    return "fstring";
  case ExprKind::kStarred:
    return "star";
  case ExprKind::kNamedExpr:
    return ":=";
  case ExprKind::kListComp:
    return "listcomp";
  case ExprKind::kGeneratorExp:
    return "generator";
  case ExprKind::kSetComp:
    return "setcomp";
  case ExprKind::kDictComp:
    return "dictcomp";
  case ExprKind::kCall:
    return "call";
  default:
    return "";
  }
}

std::string text_of(const ExprPtr& expression) { return expression == nullptr ? "_" : to_text(*expression); }

std::string children_text(const Expr& expression) {
  std::string out;
  for (const ExprPtr& child : expression.children) {
    out += concat({" ", text_of(child)});
  }
  return out;
}

std::string comparison(const Expr& expression) {
  if (expression.ops.size() == 1) {
    return concat({"(", operator_text(expression.ops[0]), children_text(expression), ")"});
  }
  std::string out = concat({"(compare ", text_of(expression.children[0])});
  for (size_t i = 0; i < expression.ops.size(); ++i) {
    out += concat({" ", operator_text(expression.ops[i]), " ", text_of(expression.children[i + 1])});
  }
  out += ")";
  return out;
}

std::string parameters_text(const FunctionDef& function) {
  std::string out;
  for (const Parameter& parameter : function.parameters) {
    static constexpr const char* kMarks[] = {"/", "", "*", "=", "**"};
    out += concat({out.empty() ? "" : " ", kMarks[static_cast<size_t>(parameter.kind)], parameter.name});
    if (parameter.default_value != nullptr) {
      out += concat({":", to_text(*parameter.default_value)});
    }
  }
  return concat({"(", out, ")"});
}

std::string clauses(const Expr& expression) {
  std::string out;
  for (const Comprehension& clause : expression.comprehensions) {
    out += concat({" (for ", text_of(clause.target), " ", text_of(clause.iterable)});
    for (const ExprPtr& condition : clause.conditions) {
      out += concat({" if ", text_of(condition)});
    }
    out += ")";
  }
  for (const Keyword& keyword : expression.keywords) {
    out += concat({keyword.name.empty() ? " **" : " ", keyword.name, keyword.name.empty() ? "" : "=", text_of(keyword.value)});
  }
  return out;
}

class Printer {
public:
  explicit Printer(bool spans) : spans_(spans) {}

  void function(const FunctionDef& def) {
    line(def.span, concat({def.is_generator ? "generator " : "def ", def.name, parameters_text(def)}));
    block(def.body);
  }

  std::string take() { return std::move(out_); }

private:
  void line(const Span& span, const std::string& text) {
    out_ += std::string(static_cast<size_t>(2 * depth_), ' ');
    if (spans_) {
      out_ += concat({std::to_string(span.line), ":", std::to_string(span.column), "-", std::to_string(span.end_line), ":",
                      std::to_string(span.end_column), " "});
    }
    out_ += concat({text, "\n"});
  }

  void block(const std::vector<StmtPtr>& body) {
    ++depth_;
    for (const StmtPtr& stmt : body) {
      statement(*stmt);
    }
    --depth_;
  }

  void part(const Span& span, const char* name, const std::vector<StmtPtr>& body) {
    if (!body.empty()) {
      line(span, name);
      block(body);
    }
  }

  void statement(const Stmt& s);
  std::string heading(const Stmt& s);

  const bool spans_;
  int depth_ = 0;
  std::string out_;
};

std::string join(const std::vector<ExprPtr>& expressions) {
  std::string out;
  for (const ExprPtr& expression : expressions) {
    out += concat({" ", text_of(expression)});
  }
  return out;
}

std::string join(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    out += concat({" ", name});
  }
  return out;
}

std::string Printer::heading(const Stmt& s) {
  const std::string value = s.value == nullptr ? std::string() : concat({" ", to_text(*s.value)});
  const std::string message = s.message == nullptr ? std::string() : concat({" ", to_text(*s.message)});
  switch (s.kind) {
  case StmtKind::kExpr:
    return concat({"expr", value});
  case StmtKind::kAssign:
    return concat({"assign", join(s.targets), " =", value});
  case StmtKind::kAugAssign:
    return concat({"assign", join(s.targets), " ", operator_text(s.op), "=", value});
  case StmtKind::kAnnAssign:
    return concat({"declare", join(s.targets), " :", message, s.value == nullptr ? "" : " =", value});
  case StmtKind::kReturn:
    return concat({"return", value});
  case StmtKind::kIf:
    return concat({"if", value});
  case StmtKind::kWhile:
    return concat({"while", value});
  case StmtKind::kFor:
    return concat({"for", join(s.targets), " in", value});
  case StmtKind::kBreak:
    return "break";
  case StmtKind::kContinue:
    return "continue";
  case StmtKind::kPass:
    return "pass";
  case StmtKind::kRaise:
    return concat({"raise", value, s.message == nullptr ? "" : " from", message});
  case StmtKind::kAssert:
    return concat({"assert", value, s.message == nullptr ? "" : " :", message});
  case StmtKind::kDelete:
    return concat({"delete", join(s.targets)});
  case StmtKind::kWith:
    return concat({"with", join(s.items), " as", join(s.targets)});
  case StmtKind::kTry:
    return "try";
  case StmtKind::kGlobal:
    return concat({"global", join(s.names)});
  case StmtKind::kNonlocal:
    return concat({"nonlocal", join(s.names)});
  default:
    return concat({"other ", s.name});
  }
}

void Printer::statement(const Stmt& s) {
  if (s.kind == StmtKind::kFunctionDef) {
    return function(*s.function);
  }
  line(s.span, heading(s));
  block(s.body);
  for (const Handler& handler : s.handlers) {
    line(handler.span, concat({"except ", text_of(handler.type), handler.name.empty() ? "" : " as ", handler.name}));
    block(handler.body);
  }
  part(s.span, "else", s.orelse);
  part(s.span, "finally", s.finally);
}

} // namespace

std::string to_text(const Expr& e) {
  switch (e.kind) {
  case ExprKind::kConstant:
    return literal_text(e.literal);
  case ExprKind::kName:
    return e.name;
  case ExprKind::kBinOp:
  case ExprKind::kUnaryOp:
  case ExprKind::kBoolOp:
    return concat({"(", operator_text(e.op), children_text(e), ")"});
  case ExprKind::kCompare:
    return comparison(e);
  case ExprKind::kAttribute:
    return concat({"(.", e.name, children_text(e), ")"});
  case ExprKind::kFormattedValue:
    return concat({"(format", e.name.empty() ? "" : "!", e.name, children_text(e), ")"});
  case ExprKind::kLambda:
    return concat({"(lambda ", parameters_text(*e.function), " ", text_of(e.function->body.at(0)->value), ")"});
  case ExprKind::kOther:
    return concat({"(other ", e.name, ")"});
  default:
    return concat({"(", head(e.kind), children_text(e), clauses(e), ")"});
  }
}

std::string to_text(const FunctionDef& function, bool spans) {
  Printer printer(spans);
  printer.function(function);
  return printer.take();
}

} // namespace hasten::syntax
