#include "hasten/bindings/cache_key.h"

#include <algorithm>
#include <new>

namespace hasten::bindings {
namespace {

using memo::Match;

enum class Quick : uint8_t { kEqual, kDifferent, kUnknown };

constexpr uint64_t kPrime1 = 0x9E3779B185EBCA87u;
constexpr uint64_t kPrime2 = 0xC2B2AE3D27D4EB4Fu;

uint64_t mix(uint64_t hash, uint64_t more) {
  hash += more * kPrime2;
  return (hash << 31 | hash >> 33) * kPrime1;
}

// Of an exact int that fits one of CPython's digits.
bool small_int(PyObject* number, Py_ssize_t* value) {
#if PY_VERSION_HEX >= 0x030C0000
  auto* as_long = reinterpret_cast<PyLongObject*>(number);
  if (!PyUnstable_Long_IsCompact(as_long)) {
    return false;
  }
  *value = PyUnstable_Long_CompactValue(as_long);
  return true;
#else
  const Py_ssize_t size = Py_SIZE(number);
  if (size < -1 || size > 1) {
    return false;
  }
  *value = size * static_cast<Py_ssize_t>(reinterpret_cast<PyLongObject*>(number)->ob_digit[0]);
  return true;
#endif
}

Py_hash_t hash_of(PyObject* object) {
  if (PyUnicode_CheckExact(object)) {
    const Py_hash_t known = reinterpret_cast<PyASCIIObject*>(object)->hash;
    return known != -1 ? known : PyObject_Hash(object);
  }
  Py_ssize_t value;
  if (PyLong_CheckExact(object) && small_int(object, &value)) {
    return value == -1 ? -2 : value;
  }
  return PyObject_Hash(object);
}

bool is_true_and_release(PyObject* result) {
  const bool is_true = result == Py_True;
  Py_XDECREF(result);
  return is_true;
}

// What can be told without running Python code.
Quick quick_compare(PyObject* x, PyObject* y) {
  if (x == y) {
    return Quick::kEqual;
  }
  if (Py_TYPE(x) != Py_TYPE(y)) {
    return Quick::kUnknown;
  }
  bool equal;
  if (PyLong_CheckExact(x)) {
    Py_ssize_t a;
    Py_ssize_t b;
    equal = small_int(x, &a) && small_int(y, &b) ? a == b : is_true_and_release(PyLong_Type.tp_richcompare(x, y, Py_EQ));
  } else if (PyUnicode_CheckExact(x)) {
    equal = is_true_and_release(PyUnicode_RichCompare(x, y, Py_EQ));
  } else if (PyFloat_CheckExact(x)) {
    equal = PyFloat_AS_DOUBLE(x) == PyFloat_AS_DOUBLE(y);
  } else {
    return Quick::kUnknown;
  }
  return equal ? Quick::kEqual : Quick::kDifferent;
}

// Owns both while Python code may run.
Match full_compare(PyObject* x, PyObject* y) {
  Py_INCREF(x);
  Py_INCREF(y);
  const int equal = PyObject_RichCompareBool(x, y, Py_EQ);
  Py_DECREF(x);
  Py_DECREF(y);
  return equal < 0 ? Match::kFailed : equal == 1 ? Match::kYes : Match::kNo;
}

} // namespace

void Query::drop_own() {
  for (uint32_t i = 0; i < shape_.total; ++i) {
    Py_DECREF(own_[i]);
  }
  PyMem_Free(static_cast<void*>(own_));
}

bool Query::read_object(PyObject* const* object, PyObject* freeze) {
  arguments_ = object;
  shape_ = {1, 1, true};
  Py_hash_t hash;
  const bool could = hash_one(0, freeze, &hash);
  hash_ = static_cast<uint64_t>(hash);
  return could;
}

bool Query::read(PyObject* const* args, Py_ssize_t positional, PyObject* names, bool typed, PyObject* freeze) {
  arguments_ = args;
  typed_ = typed;
  names_ = names != nullptr && PyTuple_GET_SIZE(names) != 0 ? names : nullptr;
  if (positional == 1 && names_ == nullptr && !typed && (PyLong_CheckExact(args[0]) || PyUnicode_CheckExact(args[0]))) [[likely]] {
    shape_ = {1, 1, true};
    hash_ = static_cast<uint64_t>(hash_of(args[0]));
    return true;
  }
  shape_.positional = static_cast<uint32_t>(positional);
  shape_.total = static_cast<uint32_t>(positional + (names_ != nullptr ? PyTuple_GET_SIZE(names_) : 0));
  return hash_all(freeze);
}

bool Query::hash_all(PyObject* freeze) {
  uint64_t hash = shape_.positional;
  for (uint32_t i = 0; i < shape_.total; ++i) {
    Py_hash_t one;
    if (!hash_one(i, freeze, &one)) {
      return false;
    }
    hash = mix(hash, static_cast<uint64_t>(one));
    if (typed_) {
      hash = mix(hash, reinterpret_cast<uintptr_t>(Py_TYPE(arguments_[i])));
    }
  }
  for (uint32_t i = shape_.positional; i < shape_.total; ++i) {
    const Py_hash_t one = hash_of(PyTuple_GET_ITEM(names_, i - shape_.positional));
    if (one == -1) {
      return false;
    }
    hash = mix(hash, static_cast<uint64_t>(one));
  }
  hash_ = hash ^ hash >> 32;
  return true;
}

bool Query::hash_one(uint32_t index, PyObject* freeze, Py_hash_t* hash) {
  *hash = hash_of(arguments_[index]);
  if (*hash != -1) [[likely]] {
    return true;
  }
  if (freeze == nullptr || !PyErr_ExceptionMatches(PyExc_TypeError) || !replace(index, freeze)) {
    return false;
  }
  *hash = PyObject_Hash(arguments_[index]);
  return *hash != -1;
}

// Puts what `freeze` makes of an argument in its place. Otherwise the exception that is set stays, or freeze's own takes its place.
bool Query::replace(uint32_t index, PyObject* freeze) {
  PyObject* type;
  PyObject* error;
  PyObject* traceback;
  PyErr_Fetch(&type, &error, &traceback);
  PyObject* frozen = PyObject_CallOneArg(freeze, arguments_[index]);
  if (frozen == Py_NotImplemented) {
    Py_DECREF(frozen);
    PyErr_Restore(type, error, traceback);
    return false;
  }
  Py_XDECREF(type);
  Py_XDECREF(error);
  Py_XDECREF(traceback);
  if (frozen == nullptr || !own_arguments()) {
    Py_XDECREF(frozen);
    return false;
  }
  Py_SETREF(own_[index], frozen);
  return true;
}

bool Query::own_arguments() {
  if (own_ != nullptr) {
    return true;
  }
  own_ = static_cast<PyObject**>(PyMem_Malloc(shape_.total * sizeof(PyObject*)));
  if (own_ == nullptr) {
    PyErr_NoMemory();
    return false;
  }
  for (uint32_t i = 0; i < shape_.total; ++i) {
    own_[i] = Py_NewRef(arguments_[i]);
  }
  arguments_ = own_;
  return true;
}

Match Query::compare(Entry& entry, const memo::Table& table) const {
  const uint64_t version = table.version();
  bool all_known = true;
  for (uint32_t i = 0; i < shape_.total; ++i) {
    if (typed_ && Py_TYPE(entry.arguments[i]) != Py_TYPE(arguments_[i])) {
      return Match::kNo;
    }
    const Quick quick = quick_compare(entry.arguments[i], arguments_[i]);
    if (quick == Quick::kDifferent) {
      return Match::kNo;
    }
    all_known &= quick == Quick::kEqual;
  }
  if (entry.names != names_) { // one call site has one tuple of names
    const Match match = full_compare(entry.names, names_);
    if (match != Match::kYes || table.version() != version) {
      return match;
    }
  }
  for (uint32_t i = 0; !all_known && i < shape_.total; ++i) {
    if (entry.arguments[i] == arguments_[i]) {
      continue;
    }
    const Match match = full_compare(entry.arguments[i], arguments_[i]);
    if (match != Match::kYes || table.version() != version) {
      return match;
    }
  }
  return Match::kYes;
}

Entry* Query::make_entry() const {
  const size_t more = shape_.total > 1 ? shape_.total - 1 : 0;
  void* const memory = PyMem_Malloc(sizeof(Entry) + more * sizeof(PyObject*));
  if (memory == nullptr) {
    PyErr_NoMemory();
    return nullptr;
  }
  auto* entry = new (memory) Entry;
  entry->hash = hash_;
  entry->shape = shape_;
  entry->names = Py_XNewRef(names_);
  entry->value = nullptr;
  for (uint32_t i = 0; i < shape_.total; ++i) {
    entry->arguments[i] = Py_NewRef(arguments_[i]);
  }
  return entry;
}

PyObject* key_object(PyObject* const* args, Py_ssize_t positional, PyObject* names, bool typed, PyObject* mark) {
  const Py_ssize_t named = names != nullptr ? PyTuple_GET_SIZE(names) : 0;
  if (positional == 1 && named == 0 && !typed && (PyLong_CheckExact(args[0]) || PyUnicode_CheckExact(args[0]))) {
    return Py_NewRef(args[0]);
  }
  PyObject* key = PyTuple_New(positional + (named != 0 ? 2 * named + 1 : 0) + (typed ? positional + named : 0));
  if (key == nullptr) {
    return nullptr;
  }
  Py_ssize_t at = 0;
  const auto add = [&](PyObject* object) { PyTuple_SET_ITEM(key, at++, Py_NewRef(object)); };
  std::for_each_n(args, positional, add);
  if (named != 0) {
    add(mark);
  }
  for (Py_ssize_t i = 0; i < named; ++i) {
    add(PyTuple_GET_ITEM(names, i));
    add(args[positional + i]);
  }
  for (Py_ssize_t i = 0; typed && i < positional + named; ++i) {
    add(reinterpret_cast<PyObject*>(Py_TYPE(args[i])));
  }
  return key;
}

void release_entry(Entry* entry) {
  for (uint32_t i = 0; i < entry->shape.total; ++i) {
    Py_DECREF(entry->arguments[i]);
  }
  Py_XDECREF(entry->names);
  Py_XDECREF(entry->value);
  PyMem_Free(entry);
}

} // namespace hasten::bindings
