// Python's syntax as plain data, free of Python. Built from Python's own `ast` by the bindings; positions are the file's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace hasten::syntax {

struct Span {
  int line = 0;   // 1-based, in the user's file
  int column = 0; // 0-based, in characters
  int end_line = 0;
  int end_column = 0;
};

enum class Operator : uint8_t {
  kAdd,
  kSub,
  kMul,
  kMatMul,
  kDiv,
  kMod,
  kPow,
  kLShift,
  kRShift,
  kBitOr,
  kBitXor,
  kBitAnd,
  kFloorDiv, // BinOp, AugAssign
  kInvert,
  kNot,
  kUAdd,
  kUSub, // UnaryOp
  kAnd,
  kOr, // BoolOp
  kEq,
  kNotEq,
  kLt,
  kLtE,
  kGt,
  kGtE,
  kIs,
  kIsNot,
  kIn,
  kNotIn, // Compare
  kNone,
};

enum class ExprKind : uint8_t {
  kConstant,  // literal
  kName,      // name
  kBinOp,     // op; children: left, right
  kUnaryOp,   // op; children: operand
  kBoolOp,    // op; children: two or more values
  kCompare,   // ops; children: left and the comparators
  kCall,      // children: function, positional arguments (Starred among them); keywords
  kAttribute, // name; children: value
  kSubscript, // children: value, index
  kSlice,     // children: lower, upper, step, each may be null
  kTuple,     // children
  kList,      // children
  kSet,
  kDict,           // children: key, value, key, value …
  kIfExp,          // children: test, body, orelse
  kJoinedStr,      // children: constants and FormattedValues
  kFormattedValue, // children: value, format spec (JoinedStr) or null; name: the conversion, "" "s" "r" "a"
  kStarred,        // children: value
  kNamedExpr,      // children: target, value
  kLambda,         // function
  kListComp,       // children: element; comprehensions
  kGeneratorExp,
  kSetComp,
  kDictComp, // children: key, value; comprehensions
  kOther,    // name: the class of the ast node
};

enum class LiteralKind : uint8_t { kNone, kBool, kInt, kBigInt, kFloat, kComplex, kString, kBytes, kEllipsis };

struct Literal {
  LiteralKind kind = LiteralKind::kNone;
  int64_t i = 0;    // kBool, kInt; kBigInt: its low 64 bits where it fits uint64, and `text` holds all digits
  double re = 0;    // kFloat
  double im = 0;    // kComplex: re and im
  std::string text; // kString (UTF-8), kBytes, kBigInt
};

struct Expr;
struct Stmt;
struct FunctionDef;
using ExprPtr = std::unique_ptr<Expr>;
using StmtPtr = std::unique_ptr<Stmt>;

struct Keyword {
  std::string name; // empty: **value
  ExprPtr value;
};

struct Comprehension {
  ExprPtr target;
  ExprPtr iterable;
  std::vector<ExprPtr> conditions;
};

struct Expr {
  ExprKind kind = ExprKind::kOther;
  Span span;
  Operator op = Operator::kNone;
  std::vector<Operator> ops;
  std::string name;
  Literal literal;
  std::vector<ExprPtr> children;
  std::vector<Keyword> keywords;
  std::vector<Comprehension> comprehensions;
  std::unique_ptr<FunctionDef> function;
};

enum class StmtKind : uint8_t {
  kExpr,      // value
  kAssign,    // targets; value
  kAugAssign, // op; targets[0]; value
  kAnnAssign, // targets[0]; value may be null; annotation
  kReturn,    // value may be null
  kIf,        // value: the test; body; orelse
  kWhile,     // value; body; orelse
  kFor,       // targets[0]; value: the iterable; body; orelse
  kBreak,
  kContinue,
  kPass,
  kRaise,       // value: the exception or null; cause
  kAssert,      // value: the test; message may be null
  kDelete,      // targets
  kWith,        // targets: `as` names, each may be null; items; body
  kTry,         // body; handlers; orelse; finally
  kFunctionDef, // function
  kGlobal,      // names
  kNonlocal,    // names
  kOther,       // name: the class of the ast node
};

struct Handler {
  Span span;
  ExprPtr type; // may be null
  std::string name;
  std::vector<StmtPtr> body;
};

struct Stmt {
  StmtKind kind = StmtKind::kOther;
  Span span;
  Operator op = Operator::kNone;
  std::string name;
  std::vector<std::string> names;
  std::vector<ExprPtr> targets;
  std::vector<ExprPtr> items;
  ExprPtr value;
  ExprPtr message; // Assert: the message; Raise: the cause; AnnAssign: the annotation
  std::vector<StmtPtr> body;
  std::vector<StmtPtr> orelse;
  std::vector<StmtPtr> finally;
  std::vector<Handler> handlers;
  std::unique_ptr<FunctionDef> function;
};

enum class ParameterKind : uint8_t { kPositionalOnly, kPositionalOrKeyword, kVarPositional, kKeywordOnly, kVarKeyword };

struct Parameter {
  std::string name;
  ParameterKind kind = ParameterKind::kPositionalOrKeyword;
  Span span;
  ExprPtr default_value; // only for functions inside the compiled one
};

struct FunctionDef {
  std::string name;
  Span span;
  std::vector<Parameter> parameters;
  std::vector<StmtPtr> body; // of a lambda: one Return
  bool is_lambda = false;
  bool is_generator = false; // it contains a yield of its own
};

// A function with what diagnostics need.
struct Source {
  std::string file;
  std::string qualified_name;
  int first_line = 1;             // the file's line number of lines[0]
  std::vector<std::string> lines; // the segment's text, for carets
  FunctionDef function;
};

} // namespace hasten::syntax
