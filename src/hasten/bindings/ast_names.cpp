#include "hasten/bindings/ast_names.h"

#include <nanobind/nanobind.h>

#include <utility>

#include "hasten/bindings/made_once.h"
#include "hasten/bindings/python_error.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

using syntax::Operator;

constexpr std::pair<const char*, AstClass> kClasses[] = {
#define HASTEN_AST_CLASS(name) {#name, AstClass::k##name},
#include "hasten/bindings/ast_classes.def"
#undef HASTEN_AST_CLASS
};

constexpr const char* kFields[] = {
#define HASTEN_AST_FIELD(name) #name,
#include "hasten/bindings/ast_classes.def"
#undef HASTEN_AST_FIELD
};

constexpr std::pair<const char*, Operator> kOperators[] = {
    {"Add", Operator::kAdd},        {"Sub", Operator::kSub},       {"Mult", Operator::kMul},
    {"MatMult", Operator::kMatMul}, {"Div", Operator::kDiv},       {"Mod", Operator::kMod},
    {"Pow", Operator::kPow},        {"LShift", Operator::kLShift}, {"RShift", Operator::kRShift},
    {"BitOr", Operator::kBitOr},    {"BitXor", Operator::kBitXor}, {"BitAnd", Operator::kBitAnd},
    {"Invert", Operator::kInvert},  {"Not", Operator::kNot},       {"FloorDiv", Operator::kFloorDiv},
    {"UAdd", Operator::kUAdd},      {"USub", Operator::kUSub},     {"And", Operator::kAnd},
    {"Or", Operator::kOr},          {"Eq", Operator::kEq},         {"NotEq", Operator::kNotEq},
    {"Lt", Operator::kLt},          {"LtE", Operator::kLtE},       {"Gt", Operator::kGt},
    {"GtE", Operator::kGtE},        {"Is", Operator::kIs},         {"IsNot", Operator::kIsNot},
    {"In", Operator::kIn},          {"NotIn", Operator::kNotIn}};

// A class of `_ast`; kept for good.
PyTypeObject* class_named(PyObject* module, const char* name) {
  PyObject* found = PyObject_GetAttrString(module, name);
  if (found == nullptr) {
    throw diagnostic_of_python_error("Python's syntax tree is not as expected");
  }
  return reinterpret_cast<PyTypeObject*>(found);
}

} // namespace

AstNames::AstNames() {
  const nb::object module = nb::steal(PyImport_ImportModule("_ast"));
  if (!module.is_valid()) {
    throw diagnostic_of_python_error("Python's syntax tree is not there");
  }
  for (const auto& [name, kind] : kClasses) {
    classes_.emplace(class_named(module.ptr(), name), kind);
  }
  for (const auto& [name, op] : kOperators) {
    operators_.emplace(class_named(module.ptr(), name), op);
  }
  for (size_t i = 0; i < fields_.size(); ++i) {
    fields_[i] = PyUnicode_InternFromString(kFields[i]);
  }
}

const AstNames& AstNames::instance() {
  static constinit MadeOnce<AstNames> names;
  return names.get([] { return std::make_unique<AstNames>(); });
}

PyObject* AstNames::get(PyObject* node, Field field) const {
  PyObject* name = fields_[static_cast<size_t>(field)];
  // Nodes that the parser made have all their fields in the instance's dictionary.
  PyObject** dict = _PyObject_GetDictPtr(node);
  if (dict != nullptr && *dict != nullptr) {
    if (PyObject* value = PyDict_GetItemWithError(*dict, name)) {
      return value;
    }
  }
  // A field that is a class attribute: an optional one.
  PyObject* value = PyObject_GetAttr(node, name);
  if (value == nullptr) {
    PyErr_Clear();
    return Py_None;
  }
  Py_DECREF(value); // the class keeps it
  return value;
}

} // namespace hasten::bindings
