#include "hasten/bindings/python_error.h"
#include "hasten/bindings/syntax_converter.h"

namespace hasten::bindings {

using syntax::FunctionDef;
using syntax::Stmt;
using syntax::StmtKind;
using syntax::StmtPtr;

StmtPtr SyntaxConverter::stmt(PyObject* node) {
  const Level level(*this, node);
  auto out = std::make_unique<Stmt>();
  out->span = span(node);
  fill(node, names_.class_of(node), out.get());
  return out;
}

std::vector<StmtPtr> SyntaxConverter::block(PyObject* nodes) {
  std::vector<StmtPtr> out;
  out.reserve(static_cast<size_t>(PyList_GET_SIZE(nodes)));
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(nodes); ++i) {
    out.push_back(stmt(PyList_GET_ITEM(nodes, i)));
  }
  return out;
}

void SyntaxConverter::fill(PyObject* node, AstClass kind, Stmt* out) {
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

void SyntaxConverter::loop(PyObject* node, StmtKind kind, Stmt* out) {
  out->kind = kind;
  out->body = block(get(node, Field::body));
  out->orelse = block(get(node, Field::orelse));
}

void SyntaxConverter::with(PyObject* node, Stmt* out) {
  out->kind = StmtKind::kWith;
  PyObject* items = get(node, Field::items);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items); ++i) {
    out->items.push_back(child(PyList_GET_ITEM(items, i), Field::context_expr));
    out->targets.push_back(child(PyList_GET_ITEM(items, i), Field::optional_vars));
  }
  out->body = block(get(node, Field::body));
}

void SyntaxConverter::try_block(PyObject* node, Stmt* out) {
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

void SyntaxConverter::inner_function(PyObject* node, Stmt* out) {
  if (PyList_GET_SIZE(get(node, Field::decorator_list)) > 0) {
    out->kind = StmtKind::kOther; // the tree has no place for decorators, and without them it would be another function
    out->name = "decorated FunctionDef";
    return;
  }
  out->kind = StmtKind::kFunctionDef;
  out->name = text(node, Field::name);
  out->function = std::make_unique<FunctionDef>(function(node, false));
}

void SyntaxConverter::other(PyObject* node, Stmt* out) {
  out->kind = StmtKind::kOther;
  out->name = pass_over(node);
}

} // namespace hasten::bindings
