#include "hasten/bindings/ast_to_syntax.h"

#include <algorithm>
#include <utility>

#include "hasten/base/diagnostic.h"
#include "hasten/bindings/ast_names.h"
#include "hasten/bindings/python_error.h"
#include "hasten/bindings/syntax_converter.h"

namespace hasten::bindings {

using syntax::FunctionDef;
using syntax::ParameterKind;
using syntax::Stmt;
using syntax::StmtKind;

namespace {

// Every layer that walks the tree recurses as deep as the tree is.
constexpr int kMaxDepth = 1000;

bool is_ascii(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

} // namespace

SyntaxConverter::SyntaxConverter(const SourceText& text) : text_(text), names_(AstNames::instance()) {
  for (const std::string& line : text.lines) {
    ascii_.push_back(is_ascii(line));
  }
}

SyntaxConverter::Level::Level(SyntaxConverter& converter, PyObject* node) : depth_(converter.depth_) {
  if (++depth_ > kMaxDepth) {
    --depth_;
    converter.refuse_depth(node);
  }
}

int SyntaxConverter::number(PyObject* node, Field field) const {
  PyObject* value = get(node, field);
  return value == Py_None ? 0 : static_cast<int>(PyLong_AsLong(value));
}

std::string SyntaxConverter::text(PyObject* node, Field field) const {
  PyObject* value = get(node, field);
  return value == Py_None ? std::string() : text_of(value);
}

// Python counts columns in bytes.
int SyntaxConverter::column(int line, int bytes) const {
  const auto index = static_cast<size_t>(line - text_.first_line);
  if (index >= ascii_.size() || ascii_[index]) {
    return bytes;
  }
  const std::string& text = text_.lines[index];
  const auto end = text.begin() + std::min<ptrdiff_t>(bytes, static_cast<ptrdiff_t>(text.size()));
  return static_cast<int>(std::count_if(text.begin(), end, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

syntax::Span SyntaxConverter::span(PyObject* node) const {
  syntax::Span span;
  span.line = number(node, Field::lineno);
  span.end_line = number(node, Field::end_lineno);
  span.column = column(span.line, number(node, Field::col_offset));
  span.end_column = column(span.end_line, number(node, Field::end_col_offset));
  return span;
}

void SyntaxConverter::refuse_depth(PyObject* node) {
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

std::string SyntaxConverter::pass_over(PyObject* node) {
  look_for_yield(node);
  const std::string name = Py_TYPE(node)->tp_name;
  return name.substr(name.rfind('.') + 1);
}

void SyntaxConverter::look_for_yield(PyObject* node) {
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

FunctionDef SyntaxConverter::function(PyObject* node, bool outermost) {
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

void SyntaxConverter::parameters(PyObject* arguments, bool with_defaults, FunctionDef* out) {
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

void SyntaxConverter::parameter(PyObject* node, ParameterKind kind, PyObject* default_value, FunctionDef* out) {
  if (node != Py_None) {
    out->parameters.push_back({text(node, Field::arg), kind, span(node), expr(default_value)});
  }
}

std::shared_ptr<const syntax::Source> syntax_of(PyObject* function, SourceText text) {
  if (AstNames::instance().class_of(function) == AstClass::kAsyncFunctionDef) {
    throw base::Diagnostic(base::Fault::kUser, text.qualified_name + " is a coroutine (async def), which can't be compiled",
                           "Move the computation into an ordinary function and call that.");
  }
  auto source = std::make_shared<syntax::Source>();
  source->function = SyntaxConverter(text).function(function, true);
  source->file = std::move(text.file);
  source->qualified_name = std::move(text.qualified_name);
  source->first_line = text.first_line;
  source->lines = std::move(text.lines);
  return source;
}

} // namespace hasten::bindings
