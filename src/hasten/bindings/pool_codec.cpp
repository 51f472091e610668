#include "hasten/bindings/pool_codec.h"

#include <cstring>

namespace hasten::bindings {
namespace {

constexpr Py_ssize_t kMostBytes = 4096; // longer ones gain nothing

template <typename T> void put(T value, PoolTag tag, PoolScalar* scalar) {
  static_assert(sizeof value == sizeof scalar->own);
  std::memcpy(scalar->own.data(), &value, sizeof value);
  scalar->tag = tag;
  scalar->data = scalar->own.data();
  scalar->size = sizeof value;
}

bool encode_int(PyObject* value, PoolScalar* scalar) {
  int overflow = 0;
  const int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow);
  if (overflow == 0) {
    put(number, PoolTag::kInt, scalar);
  }
  return overflow == 0;
}

bool encode_text(PyObject* value, PoolScalar* scalar) {
  // Only text whose bytes are there already: a surrogate, which has no UTF-8, is never ASCII.
  if (PyUnicode_IS_COMPACT_ASCII(value) == 0 || PyUnicode_GET_LENGTH(value) > kMostBytes) {
    return false;
  }
  scalar->tag = PoolTag::kText;
  scalar->data = static_cast<const char*>(PyUnicode_DATA(value));
  scalar->size = static_cast<size_t>(PyUnicode_GET_LENGTH(value));
  return true;
}

} // namespace

bool encode_scalar(PyObject* value, PoolScalar* scalar) {
  if (value == Py_None || value == Py_True || value == Py_False) {
    const PoolTag truth = value == Py_True ? PoolTag::kTrue : PoolTag::kFalse;
    scalar->tag = value == Py_None ? PoolTag::kNone : truth;
    scalar->data = nullptr;
    scalar->size = 0;
    return true;
  }
  if (PyLong_CheckExact(value)) {
    return encode_int(value, scalar);
  }
  if (PyFloat_CheckExact(value)) {
    put(PyFloat_AS_DOUBLE(value), PoolTag::kFloat, scalar);
    return true;
  }
  if (PyUnicode_CheckExact(value)) {
    return encode_text(value, scalar);
  }
  if (PyBytes_CheckExact(value) && PyBytes_GET_SIZE(value) <= kMostBytes) {
    scalar->tag = PoolTag::kBytes;
    scalar->data = PyBytes_AS_STRING(value);
    scalar->size = static_cast<size_t>(PyBytes_GET_SIZE(value));
    return true;
  }
  return false;
}

PyObject* decode_scalar(PoolTag tag, const char* data, size_t size) {
  int64_t number = 0;
  double real = 0;
  switch (tag) {
  case PoolTag::kNone:
    Py_RETURN_NONE;
  case PoolTag::kTrue:
    Py_RETURN_TRUE;
  case PoolTag::kFalse:
    Py_RETURN_FALSE;
  case PoolTag::kInt:
    std::memcpy(&number, data, size < sizeof number ? size : sizeof number);
    return PyLong_FromLongLong(number);
  case PoolTag::kFloat:
    std::memcpy(&real, data, size < sizeof real ? size : sizeof real);
    return PyFloat_FromDouble(real);
  case PoolTag::kText:
    return PyUnicode_DecodeASCII(data, static_cast<Py_ssize_t>(size), nullptr);
  case PoolTag::kBytes:
    return PyBytes_FromStringAndSize(data, static_cast<Py_ssize_t>(size));
  default:
    PyErr_SetString(PyExc_ValueError, "a worker sent a result of an unknown kind");
    return nullptr;
  }
}

} // namespace hasten::bindings
