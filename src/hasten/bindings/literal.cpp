#include "hasten/bindings/literal.h"

#include <nanobind/nanobind.h>

#include "hasten/base/diagnostic.h"
#include "hasten/bindings/python_error.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

using syntax::Literal;
using syntax::LiteralKind;

Literal of_kind(LiteralKind kind, int64_t i = 0) {
  Literal literal;
  literal.kind = kind;
  literal.i = i;
  return literal;
}

Literal of_text(LiteralKind kind, const char* text, Py_ssize_t size) {
  Literal literal = of_kind(kind);
  literal.text.assign(text, static_cast<size_t>(size));
  return literal;
}

Literal big_int(PyObject* value) {
  Literal literal = of_kind(LiteralKind::kBigInt);
  nb::object digits = nb::steal(PyObject_Str(value));
  if (!digits.is_valid()) { // longer than Python's limit for decimal digits
    PyErr_Clear();
    digits = nb::steal(PyNumber_ToBase(value, 16));
  }
  literal.text = text_of(digits.ptr());
  const unsigned long long low = PyLong_AsUnsignedLongLong(value);
  if (low == static_cast<unsigned long long>(-1) && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
  } else {
    literal.i = static_cast<int64_t>(low);
  }
  return literal;
}

Literal integer(PyObject* value) {
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
  return overflow != 0 ? big_int(value) : of_kind(LiteralKind::kInt, number);
}

// Strings may hold lone surrogates, which UTF-8 proper has no place for.
Literal string(PyObject* value) {
  Py_ssize_t size = 0;
  if (const char* text = PyUnicode_AsUTF8AndSize(value, &size)) {
    return of_text(LiteralKind::kString, text, size);
  }
  PyErr_Clear();
  const nb::object bytes = nb::steal(PyUnicode_AsEncodedString(value, "utf-8", "surrogatepass"));
  if (!bytes.is_valid()) {
    throw diagnostic_of_python_error("a string can't be encoded");
  }
  return of_text(LiteralKind::kString, PyBytes_AS_STRING(bytes.ptr()), PyBytes_GET_SIZE(bytes.ptr()));
}

} // namespace

Literal literal_of(PyObject* value) {
  if (value == Py_None) {
    return of_kind(LiteralKind::kNone);
  }
  if (value == Py_Ellipsis) {
    return of_kind(LiteralKind::kEllipsis);
  }
  if (PyBool_Check(value)) {
    return of_kind(LiteralKind::kBool, value == Py_True ? 1 : 0);
  }
  if (PyLong_CheckExact(value)) {
    return integer(value);
  }
  if (PyFloat_CheckExact(value)) {
    Literal literal = of_kind(LiteralKind::kFloat);
    literal.re = PyFloat_AS_DOUBLE(value);
    return literal;
  }
  if (PyComplex_CheckExact(value)) {
    Literal literal = of_kind(LiteralKind::kComplex);
    literal.re = PyComplex_RealAsDouble(value);
    literal.im = PyComplex_ImagAsDouble(value);
    return literal;
  }
  if (PyUnicode_Check(value)) {
    return string(value);
  }
  if (PyBytes_Check(value)) {
    return of_text(LiteralKind::kBytes, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value));
  }
  base::internal_error(std::string("a constant of class ") + Py_TYPE(value)->tp_name + " in the syntax tree");
}

} // namespace hasten::bindings
