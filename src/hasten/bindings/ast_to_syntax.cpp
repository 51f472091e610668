#include "hasten/bindings/ast_to_syntax.h"

#include <algorithm>
#include <utility>

#include "hasten/base/diagnostic.h"
#include "hasten/bindings/ast_names.h"
#include "hasten/bindings/literal.h"
#include "hasten/bindings/python_error.h"

namespace hasten::bindings {
namespace {

using syntax::Expr;
using syntax::ExprKind;
using syntax::ExprPtr;
using syntax::FunctionDef;
using syntax::ParameterKind;
using syntax::Stmt;
using syntax::StmtKind;
using syntax::StmtPtr;

// Every layer that walks the tree recurses as deep as the tree is.
constexpr int kMaxDepth = 1000;

bool is_ascii(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

class Converter {
public:
  explicit Converter(const SourceText& text) : text_(text), names_(AstNames::instance()) {
    for (const std::string& line : text.lines) {
      ascii_.push_back(is_ascii(line));
    }
  }

  FunctionDef function(PyObject* node, bool outermost);

private:
  // Counts how deep the walk is, and refuses what is too deep for those who come after.
  class Level {
  public:
    Level(Converter& converter, PyObject* node) : depth_(converter.depth_) {
      if (++depth_ > kMaxDepth) {
        --depth_;
        converter.refuse_depth(node);
      }
    }
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

  private:
    int& depth_;
  };

  [[noreturn]] void refuse_depth(PyObject* node);

  PyObject* get(PyObject* node, Field field) const { return names_.get(node, field); }
  int number(PyObject* node, Field field) const;
  std::string text(PyObject* node, Field field) const;
  int column(int line, int bytes) const;
  syntax::Span span(PyObject* node) const;

  ExprPtr expr(PyObject* node);
  ExprPtr child(PyObject* node, Field field) { return expr(get(node, field)); }
  // Appends all expressions of a list.
  void list(PyObject* nodes, std::vector<ExprPtr>* out);
  void compare(PyObject* node, Expr* out);
  void call(PyObject* node, Expr* out);
  void dict(PyObject* node, Expr* out);
  void formatted(PyObject* node, Expr* out);
  void comprehension(PyObject* node, ExprKind kind, Expr* out);
  void fill(PyObject* node, AstClass kind, Expr* out);
  void other(PyObject* node, Expr* out);

  StmtPtr stmt(PyObject* node);
  std::vector<StmtPtr> block(PyObject* nodes);
  void fill(PyObject* node, AstClass kind, Stmt* out);
  void loop(PyObject* node, StmtKind kind, Stmt* out);
  void with(PyObject* node, Stmt* out);
  void try_block(PyObject* node, Stmt* out);
  void inner_function(PyObject* node, Stmt* out);
  void other(PyObject* node, Stmt* out);

  void parameters(PyObject* arguments, bool with_defaults, FunctionDef* out);
  void parameter(PyObject* node, ParameterKind kind, PyObject* default_value, FunctionDef* out);
  void look_for_yield(PyObject* node);

  const SourceText& text_;
  const AstNames& names_;
  std::vector<bool> ascii_; // of each line
  int depth_ = 0;
  bool yields_ = false; // the function in hand contains a yield
};

int Converter::number(PyObject* node, Field field) const {
  PyObject* value = get(node, field);
  return value == Py_None ? 0 : static_cast<int>(PyLong_AsLong(value));
}

std::string Converter::text(PyObject* node, Field field) const {
  PyObject* value = get(node, field);
  return value == Py_None ? std::string() : text_of(value);
}

// Python counts columns in bytes.
int Converter::column(int line, int bytes) const {
  const auto index = static_cast<size_t>(line - text_.first_line);
  if (index >= ascii_.size() || ascii_[index]) {
    return bytes;
  }
  const std::string& text = text_.lines[index];
  const auto end = text.begin() + std::min<ptrdiff_t>(bytes, static_cast<ptrdiff_t>(text.size()));
  return static_cast<int>(std::count_if(text.begin(), end, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

syntax::Span Converter::span(PyObject* node) const {
  syntax::Span span;
  span.line = number(node, Field::lineno);
  span.end_line = number(node, Field::end_lineno);
  span.column = column(span.line, number(node, Field::col_offset));
  span.end_column = column(span.end_line, number(node, Field::end_col_offset));
  return span;
}

void Converter::refuse_depth(PyObject* node) {
  const syntax::Span where = span(node);
  const auto index = static_cast<size_t>(where.line - text_.first_line);
  base::SourcePoint point{text_.file, text_.qualified_name, {}, where.line, where.column, 0};
  if (index < text_.lines.size()) {
    point.text = text_.lines[index];
  }
  throw base::Diagnostic(base::Fault::kUser, "this is nested more than " + std::to_string(kMaxDepth) + " levels deep",
                         "Split the expression, or the chain of elif, into several statements.")
      .at(std::move(point));
}

// Expressions.

ExprPtr Converter::expr(PyObject* node) {
  if (node == Py_None) {
    return nullptr;
  }
  const Level level(*this, node);
  auto out = std::make_unique<Expr>();
  out->span = span(node);
  fill(node, names_.class_of(node), out.get());
  return out;
}

void Converter::list(PyObject* nodes, std::vector<ExprPtr>* out) {
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(nodes); ++i) {
    out->push_back(expr(PyList_GET_ITEM(nodes, i)));
  }
}

void Converter::fill(PyObject* node, AstClass kind, Expr* out) {
  const auto set = [&](ExprKind k, std::initializer_list<Field> children) {
    out->kind = k;
    out->children.reserve(children.size());
    for (const Field field : children) {
      out->children.push_back(child(node, field));
    }
  };
  const auto set_list = [&](ExprKind k, Field field) {
    out->kind = k;
    list(get(node, field), &out->children);
  };
  switch (kind) {
  case AstClass::kConstant:
    out->kind = ExprKind::kConstant;
    out->literal = literal_of(get(node, Field::value));
    return;
  case AstClass::kName:
    out->kind = ExprKind::kName;
    out->name = text(node, Field::id);
    return;
  case AstClass::kBinOp:
    out->op = names_.operator_of(get(node, Field::op));
    return set(ExprKind::kBinOp, {Field::left, Field::right});
  case AstClass::kUnaryOp:
    out->op = names_.operator_of(get(node, Field::op));
    return set(ExprKind::kUnaryOp, {Field::operand});
  case AstClass::kBoolOp:
    out->op = names_.operator_of(get(node, Field::op));
    return set_list(ExprKind::kBoolOp, Field::values);
  case AstClass::kCompare:
    return compare(node, out);
  case AstClass::kCall:
    return call(node, out);
  case AstClass::kAttribute:
    out->name = text(node, Field::attr);
    return set(ExprKind::kAttribute, {Field::value});
  case AstClass::kSubscript:
    return set(ExprKind::kSubscript, {Field::value, Field::slice});
  case AstClass::kSlice:
    return set(ExprKind::kSlice, {Field::lower, Field::upper, Field::step});
  case AstClass::kTuple:
    return set_list(ExprKind::kTuple, Field::elts);
  case AstClass::kList:
    return set_list(ExprKind::kList, Field::elts);
  case AstClass::kSet:
    return set_list(ExprKind::kSet, Field::elts);
  case AstClass::kDict:
    return dict(node, out);
  case AstClass::kIfExp:
    return set(ExprKind::kIfExp, {Field::test, Field::body, Field::orelse});
  case AstClass::kJoinedStr:
    set_list(ExprKind::kJoinedStr, Field::values);
    // Python 3.12 ends the format specifications that hold an expression with an empty text.
    std::erase_if(out->children, [](const ExprPtr& part) { return part->kind == ExprKind::kConstant && part->literal.text.empty(); });
    return;
  case AstClass::kFormattedValue:
    return formatted(node, out);
  case AstClass::kStarred:
    return set(ExprKind::kStarred, {Field::value});
  case AstClass::kNamedExpr:
    return set(ExprKind::kNamedExpr, {Field::target, Field::value});
  case AstClass::kLambda:
    out->kind = ExprKind::kLambda;
    out->function = std::make_unique<FunctionDef>(function(node, false));
    return;
  case AstClass::kListComp:
    return comprehension(node, ExprKind::kListComp, out);
  case AstClass::kGeneratorExp:
    return comprehension(node, ExprKind::kGeneratorExp, out);
  case AstClass::kSetComp:
    return comprehension(node, ExprKind::kSetComp, out);
  case AstClass::kDictComp:
    return comprehension(node, ExprKind::kDictComp, out);
  default:
    return other(node, out);
  }
}

void Converter::compare(PyObject* node, Expr* out) {
  out->kind = ExprKind::kCompare;
  PyObject* ops = get(node, Field::ops);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(ops); ++i) {
    out->ops.push_back(names_.operator_of(PyList_GET_ITEM(ops, i)));
  }
  out->children.push_back(child(node, Field::left));
  list(get(node, Field::comparators), &out->children);
}

void Converter::call(PyObject* node, Expr* out) {
  out->kind = ExprKind::kCall;
  out->children.push_back(child(node, Field::func));
  list(get(node, Field::args), &out->children);
  PyObject* keywords = get(node, Field::keywords);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(keywords); ++i) {
    PyObject* keyword = PyList_GET_ITEM(keywords, i);
    out->keywords.push_back({text(keyword, Field::arg), child(keyword, Field::value)});
  }
}

void Converter::dict(PyObject* node, Expr* out) {
  out->kind = ExprKind::kDict;
  PyObject* keys = get(node, Field::keys);
  PyObject* values = get(node, Field::values);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(keys); ++i) {
    out->children.push_back(expr(PyList_GET_ITEM(keys, i))); // null: **value
    out->children.push_back(expr(PyList_GET_ITEM(values, i)));
  }
}

void Converter::formatted(PyObject* node, Expr* out) {
  out->kind = ExprKind::kFormattedValue;
  const int conversion = number(node, Field::conversion); // -1 or a character
  if (conversion > 0) {
    out->name = std::string(1, static_cast<char>(conversion));
  }
  out->children.push_back(child(node, Field::value));
  out->children.push_back(child(node, Field::format_spec));
}

void Converter::comprehension(PyObject* node, ExprKind kind, Expr* out) {
  PyObject* generators = get(node, Field::generators);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(generators); ++i) {
    PyObject* generator = PyList_GET_ITEM(generators, i);
    if (number(generator, Field::is_async) != 0) {
      out->comprehensions.clear();
      return other(node, out);
    }
    syntax::Comprehension clause{child(generator, Field::target), child(generator, Field::iter), {}};
    list(get(generator, Field::ifs), &clause.conditions);
    out->comprehensions.push_back(std::move(clause));
  }
  out->kind = kind;
  if (kind == ExprKind::kDictComp) {
    out->children.push_back(child(node, Field::key));
    out->children.push_back(child(node, Field::value));
  } else {
    out->children.push_back(child(node, Field::elt));
  }
}

void Converter::other(PyObject* node, Expr* out) {
  out->kind = ExprKind::kOther;
  out->name = Py_TYPE(node)->tp_name;
  out->name.erase(0, out->name.rfind('.') + 1);
  look_for_yield(node);
}

// Statements.

StmtPtr Converter::stmt(PyObject* node) {
  const Level level(*this, node);
  auto out = std::make_unique<Stmt>();
  out->span = span(node);
  fill(node, names_.class_of(node), out.get());
  return out;
}

std::vector<StmtPtr> Converter::block(PyObject* nodes) {
  std::vector<StmtPtr> out;
  out.reserve(static_cast<size_t>(PyList_GET_SIZE(nodes)));
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(nodes); ++i) {
    out.push_back(stmt(PyList_GET_ITEM(nodes, i)));
  }
  return out;
}

void Converter::fill(PyObject* node, AstClass kind, Stmt* out) {
  const auto set = [&](StmtKind k, Field value) {
    out->kind = k;
    out->value = child(node, value);
  };
  const auto set_names = [&](StmtKind k) {
    out->kind = k;
    PyObject* names = get(node, Field::names);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(names); ++i) {
      out->names.push_back(text_of(PyList_GET_ITEM(names, i)));
    }
  };
  switch (kind) {
  case AstClass::kExpr:
    return set(StmtKind::kExpr, Field::value);
  case AstClass::kReturn:
    return set(StmtKind::kReturn, Field::value);
  case AstClass::kAssign:
    list(get(node, Field::targets), &out->targets);
    return set(StmtKind::kAssign, Field::value);
  case AstClass::kAugAssign:
    out->op = names_.operator_of(get(node, Field::op));
    out->targets.push_back(child(node, Field::target));
    return set(StmtKind::kAugAssign, Field::value);
  case AstClass::kAnnAssign:
    out->targets.push_back(child(node, Field::target));
    out->message = child(node, Field::annotation);
    return set(StmtKind::kAnnAssign, Field::value);
  case AstClass::kIf:
    out->value = child(node, Field::test);
    return loop(node, StmtKind::kIf, out);
  case AstClass::kWhile:
    out->value = child(node, Field::test);
    return loop(node, StmtKind::kWhile, out);
  case AstClass::kFor:
    out->targets.push_back(child(node, Field::target));
    out->value = child(node, Field::iter);
    return loop(node, StmtKind::kFor, out);
  case AstClass::kBreak:
    out->kind = StmtKind::kBreak;
    return;
  case AstClass::kContinue:
    out->kind = StmtKind::kContinue;
    return;
  case AstClass::kPass:
    out->kind = StmtKind::kPass;
    return;
  case AstClass::kRaise:
    out->message = child(node, Field::cause);
    return set(StmtKind::kRaise, Field::exc);
  case AstClass::kAssert:
    out->message = child(node, Field::msg);
    return set(StmtKind::kAssert, Field::test);
  case AstClass::kDelete:
    out->kind = StmtKind::kDelete;
    return list(get(node, Field::targets), &out->targets);
  case AstClass::kWith:
    return with(node, out);
  case AstClass::kTry:
    return try_block(node, out);
  case AstClass::kFunctionDef:
    return inner_function(node, out);
  case AstClass::kGlobal:
    return set_names(StmtKind::kGlobal);
  case AstClass::kNonlocal:
    return set_names(StmtKind::kNonlocal);
  default:
    return other(node, out);
  }
}

void Converter::loop(PyObject* node, StmtKind kind, Stmt* out) {
  out->kind = kind;
  out->body = block(get(node, Field::body));
  out->orelse = block(get(node, Field::orelse));
}

void Converter::with(PyObject* node, Stmt* out) {
  out->kind = StmtKind::kWith;
  PyObject* items = get(node, Field::items);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items); ++i) {
    out->items.push_back(child(PyList_GET_ITEM(items, i), Field::context_expr));
    out->targets.push_back(child(PyList_GET_ITEM(items, i), Field::optional_vars));
  }
  out->body = block(get(node, Field::body));
}

void Converter::try_block(PyObject* node, Stmt* out) {
  out->kind = StmtKind::kTry;
  out->body = block(get(node, Field::body));
  PyObject* handlers = get(node, Field::handlers);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(handlers); ++i) {
    PyObject* handler = PyList_GET_ITEM(handlers, i);
    out->handlers.push_back({span(handler), child(handler, Field::type), text(handler, Field::name), block(get(handler, Field::body))});
  }
  out->orelse = block(get(node, Field::orelse));
  out->finally = block(get(node, Field::finalbody));
}

void Converter::inner_function(PyObject* node, Stmt* out) {
  if (PyList_GET_SIZE(get(node, Field::decorator_list)) > 0) {
    out->kind = StmtKind::kOther; // the tree has no place for decorators, and without them it would be another function
    out->name = "decorated FunctionDef";
    return;
  }
  out->kind = StmtKind::kFunctionDef;
  out->name = text(node, Field::name);
  out->function = std::make_unique<FunctionDef>(function(node, false));
}

void Converter::other(PyObject* node, Stmt* out) {
  out->kind = StmtKind::kOther;
  out->name = Py_TYPE(node)->tp_name;
  out->name.erase(0, out->name.rfind('.') + 1);
  look_for_yield(node);
}

// Finds a yield in what isn't converted.
void Converter::look_for_yield(PyObject* node) {
  const AstClass kind = names_.class_of(node);
  if (kind == AstClass::kYield || kind == AstClass::kYieldFrom) {
    yields_ = true;
  }
  if (yields_ || kind == AstClass::kLambda || kind == AstClass::kFunctionDef || kind == AstClass::kAsyncFunctionDef) {
    return;
  }
  const Level level(*this, node);
  PyObject** fields = _PyObject_GetDictPtr(node);
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  Py_ssize_t position = 0;
  while (fields != nullptr && *fields != nullptr && PyDict_Next(*fields, &position, &key, &value) != 0) {
    if (PyList_Check(value)) {
      for (Py_ssize_t i = 0; i < PyList_GET_SIZE(value); ++i) {
        look_for_yield(PyList_GET_ITEM(value, i));
      }
    } else if (_PyObject_GetDictPtr(value) != nullptr) {
      look_for_yield(value);
    }
  }
}

// Functions.

FunctionDef Converter::function(PyObject* node, bool outermost) {
  const bool outer_yields = std::exchange(yields_, false);
  FunctionDef out;
  out.span = span(node);
  out.is_lambda = names_.class_of(node) == AstClass::kLambda;
  parameters(get(node, Field::args), !outermost, &out);
  if (out.is_lambda) {
    out.name = "<lambda>";
    auto result = std::make_unique<Stmt>();
    result->kind = StmtKind::kReturn;
    result->value = child(node, Field::body);
    result->span = result->value->span;
    out.body.push_back(std::move(result));
  } else {
    out.name = text(node, Field::name);
    out.body = block(get(node, Field::body));
  }
  out.is_generator = std::exchange(yields_, outer_yields);
  return out;
}

void Converter::parameters(PyObject* arguments, bool with_defaults, FunctionDef* out) {
  PyObject* positional_only = get(arguments, Field::posonlyargs);
  PyObject* positional = get(arguments, Field::args);
  PyObject* keyword_only = get(arguments, Field::kwonlyargs);
  PyObject* defaults = get(arguments, Field::defaults);            // of the last positional ones
  PyObject* keyword_defaults = get(arguments, Field::kw_defaults); // None where there is none
  const Py_ssize_t first = PyList_GET_SIZE(positional_only);
  const Py_ssize_t count = first + PyList_GET_SIZE(positional);
  const Py_ssize_t required = count - PyList_GET_SIZE(defaults);
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* value = with_defaults && i >= required ? PyList_GET_ITEM(defaults, i - required) : Py_None;
    const bool only = i < first;
    parameter(only ? PyList_GET_ITEM(positional_only, i) : PyList_GET_ITEM(positional, i - first),
              only ? ParameterKind::kPositionalOnly : ParameterKind::kPositionalOrKeyword, value, out);
  }
  parameter(get(arguments, Field::vararg), ParameterKind::kVarPositional, Py_None, out);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(keyword_only); ++i) {
    parameter(PyList_GET_ITEM(keyword_only, i), ParameterKind::kKeywordOnly, with_defaults ? PyList_GET_ITEM(keyword_defaults, i) : Py_None,
              out);
  }
  parameter(get(arguments, Field::kwarg), ParameterKind::kVarKeyword, Py_None, out);
}

void Converter::parameter(PyObject* node, ParameterKind kind, PyObject* default_value, FunctionDef* out) {
  if (node != Py_None) {
    out->parameters.push_back({text(node, Field::arg), kind, span(node), expr(default_value)});
  }
}

} // namespace

std::shared_ptr<const syntax::Source> syntax_of(PyObject* function, SourceText text) {
  if (AstNames::instance().class_of(function) == AstClass::kAsyncFunctionDef) {
    throw base::Diagnostic(base::Fault::kUser, text.qualified_name + " is a coroutine (async def), which can't be compiled",
                           "Move the computation into an ordinary function and call that.");
  }
  auto source = std::make_shared<syntax::Source>();
  source->function = Converter(text).function(function, true);
  source->file = std::move(text.file);
  source->qualified_name = std::move(text.qualified_name);
  source->first_line = text.first_line;
  source->lines = std::move(text.lines);
  return source;
}

} // namespace hasten::bindings
