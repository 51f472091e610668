#include "hasten/compiler/syntax/printer.h"

#include <gtest/gtest.h>

namespace hasten::syntax {
namespace {

ExprPtr name(const char* text) {
  auto expression = std::make_unique<Expr>();
  expression->kind = ExprKind::kName;
  expression->name = text;
  return expression;
}

ExprPtr bytes(const char* text) {
  auto expression = std::make_unique<Expr>();
  expression->kind = ExprKind::kConstant;
  expression->literal.kind = LiteralKind::kBytes;
  expression->literal.text = text;
  return expression;
}

TEST(SyntaxPrinter, PutsOperatorsFirst) {
  Expr sum;
  sum.kind = ExprKind::kBinOp;
  sum.op = Operator::kFloorDiv;
  sum.children.push_back(name("a"));
  sum.children.push_back(name("b"));
  EXPECT_EQ(to_text(sum), "(// a b)");
}

TEST(SyntaxPrinter, EscapesWhatIsNoText) { EXPECT_EQ(to_text(*bytes("a\"\n\xff")), "b\"a\\\"\\x0a\\xff\""); }

TEST(SyntaxPrinter, SaysWhereStatementsStand) {
  FunctionDef function;
  function.name = "f";
  function.span = {3, 0, 4, 12};
  function.parameters.push_back({"a", ParameterKind::kVarPositional, {}, nullptr});
  auto result = std::make_unique<Stmt>();
  result->kind = StmtKind::kReturn;
  result->span = {4, 4, 4, 12};
  result->value = name("a");
  function.body.push_back(std::move(result));
  EXPECT_EQ(to_text(function), "def f(*a)\n  return a\n");
  EXPECT_EQ(to_text(function, true), "3:0-4:12 def f(*a)\n  4:4-4:12 return a\n");
}

} // namespace
} // namespace hasten::syntax
