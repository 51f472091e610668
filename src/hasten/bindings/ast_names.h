// The classes and fields of `_ast`, for fast access from C++.
#pragma once

#include <Python.h>

#include <array>
#include <cstdint>
#include <unordered_map>

#include "hasten/compiler/syntax/tree.h"

namespace hasten::bindings {

enum class AstClass : uint8_t {
#define HASTEN_AST_CLASS(name) k##name,
#include "hasten/bindings/ast_classes.def"
#undef HASTEN_AST_CLASS
  kUnknown, // of a Python that is newer than this table
};

enum class Field : uint8_t {
#define HASTEN_AST_FIELD(name) name,
#include "hasten/bindings/ast_classes.def"
#undef HASTEN_AST_FIELD
  kCount,
};

// Made once from the running interpreter; the classes and names live as long as it does.
class AstNames {
public:
  AstNames();
  // GIL held. Throws Diagnostic where `_ast` can't be imported.
  static const AstNames& instance();

  AstClass class_of(PyObject* node) const {
    const auto found = classes_.find(Py_TYPE(node));
    return found == classes_.end() ? AstClass::kUnknown : found->second;
  }
  syntax::Operator operator_of(PyObject* node) const {
    const auto found = operators_.find(Py_TYPE(node));
    return found == operators_.end() ? syntax::Operator::kNone : found->second;
  }
  // Borrowed; None where the node has no such field.
  PyObject* get(PyObject* node, Field field) const;

private:
  std::unordered_map<PyTypeObject*, AstClass> classes_;
  std::unordered_map<PyTypeObject*, syntax::Operator> operators_;
  std::array<PyObject*, static_cast<size_t>(Field::kCount)> fields_{};
};

} // namespace hasten::bindings
