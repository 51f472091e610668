// The walk over Python's syntax tree that ast_to_syntax.h offers: expressions, statements and functions have a file each.
#pragma once

#include <Python.h>

#include <string>
#include <vector>

#include "hasten/bindings/ast_names.h"
#include "hasten/bindings/ast_to_syntax.h"
#include "hasten/compiler/syntax/tree.h"

namespace hasten::bindings {

// Of one source. The GIL is held.
class SyntaxConverter {
public:
  explicit SyntaxConverter(const SourceText& text);

  syntax::FunctionDef function(PyObject* node, bool outermost);

private:
  // Counts how deep the walk is, and refuses what is too deep for those who come after.
  class Level {
  public:
    Level(SyntaxConverter& converter, PyObject* node);
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

  syntax::ExprPtr expr(PyObject* node);
  syntax::ExprPtr child(PyObject* node, Field field) { return expr(get(node, field)); }
  // Appends all expressions of a list.
  void list(PyObject* nodes, std::vector<syntax::ExprPtr>* out);
  void compare(PyObject* node, syntax::Expr* out);
  void call(PyObject* node, syntax::Expr* out);
  void dict(PyObject* node, syntax::Expr* out);
  void formatted(PyObject* node, syntax::Expr* out);
  void comprehension(PyObject* node, syntax::ExprKind kind, syntax::Expr* out);
  void fill(PyObject* node, AstClass kind, syntax::Expr* out);
  void other(PyObject* node, syntax::Expr* out);

  syntax::StmtPtr stmt(PyObject* node);
  std::vector<syntax::StmtPtr> block(PyObject* nodes);
  void fill(PyObject* node, AstClass kind, syntax::Stmt* out);
  void loop(PyObject* node, syntax::StmtKind kind, syntax::Stmt* out);
  void with(PyObject* node, syntax::Stmt* out);
  void try_block(PyObject* node, syntax::Stmt* out);
  void inner_function(PyObject* node, syntax::Stmt* out);
  void other(PyObject* node, syntax::Stmt* out);

  void parameters(PyObject* arguments, bool with_defaults, syntax::FunctionDef* out);
  void parameter(PyObject* node, syntax::ParameterKind kind, PyObject* default_value, syntax::FunctionDef* out);
  // Of what isn't converted: the name of its class. A yield in it is noted.
  std::string pass_over(PyObject* node);
  void look_for_yield(PyObject* node);

  const SourceText& text_;
  const AstNames& names_;
  std::vector<bool> ascii_; // of each line
  int depth_ = 0;
  bool yields_ = false; // the function in hand contains a yield
};

} // namespace hasten::bindings
