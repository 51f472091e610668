#include <algorithm>
#include <utility>

#include "hasten/bindings/literal.h"
#include "hasten/bindings/syntax_converter.h"

namespace hasten::bindings {

using syntax::Expr;
using syntax::ExprKind;
using syntax::ExprPtr;
using syntax::FunctionDef;

ExprPtr SyntaxConverter::expr(PyObject* node) {
  if (node == Py_None) {
    return nullptr;
  }
  const Level level(*this, node);
  auto out = std::make_unique<Expr>();
  out->span = span(node);
  fill(node, names_.class_of(node), out.get());
  return out;
}

void SyntaxConverter::list(PyObject* nodes, std::vector<ExprPtr>* out) {
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(nodes); ++i) {
    out->push_back(expr(PyList_GET_ITEM(nodes, i)));
  }
}

void SyntaxConverter::fill(PyObject* node, AstClass kind, Expr* out) {
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

void SyntaxConverter::compare(PyObject* node, Expr* out) {
  out->kind = ExprKind::kCompare;
  PyObject* ops = get(node, Field::ops);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(ops); ++i) {
    out->ops.push_back(names_.operator_of(PyList_GET_ITEM(ops, i)));
  }
  out->children.push_back(child(node, Field::left));
  list(get(node, Field::comparators), &out->children);
}

void SyntaxConverter::call(PyObject* node, Expr* out) {
  out->kind = ExprKind::kCall;
  out->children.push_back(child(node, Field::func));
  list(get(node, Field::args), &out->children);
  PyObject* keywords = get(node, Field::keywords);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(keywords); ++i) {
    PyObject* keyword = PyList_GET_ITEM(keywords, i);
    out->keywords.push_back({text(keyword, Field::arg), child(keyword, Field::value)});
  }
}

void SyntaxConverter::dict(PyObject* node, Expr* out) {
  out->kind = ExprKind::kDict;
  PyObject* keys = get(node, Field::keys);
  PyObject* values = get(node, Field::values);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(keys); ++i) {
    out->children.push_back(expr(PyList_GET_ITEM(keys, i))); // null: **value
    out->children.push_back(expr(PyList_GET_ITEM(values, i)));
  }
}

void SyntaxConverter::formatted(PyObject* node, Expr* out) {
  out->kind = ExprKind::kFormattedValue;
  const int conversion = number(node, Field::conversion); // -1 or a character
  if (conversion > 0) {
    out->name = std::string(1, static_cast<char>(conversion));
  }
  out->children.push_back(child(node, Field::value));
  out->children.push_back(child(node, Field::format_spec));
}

void SyntaxConverter::comprehension(PyObject* node, ExprKind kind, Expr* out) {
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

void SyntaxConverter::other(PyObject* node, Expr* out) {
  out->kind = ExprKind::kOther;
  out->name = pass_over(node);
}

} // namespace hasten::bindings
