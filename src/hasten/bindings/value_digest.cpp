#include "hasten/bindings/value_digest.h"

#include <nanobind/nanobind.h>

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "hasten/base/diagnostic.h"
#include "hasten/bindings/class_table.h"
#include "hasten/bindings/host.h"
#include "hasten/bindings/library_names.h"
#include "hasten/bindings/named_tuples.h"
#include "hasten/bindings/numpy_api.h"
#include "hasten/bindings/numpy_bridge.h"
#include "hasten/bindings/thread_channel.h"
#include "hasten/bindings/type_of.h"

namespace hasten::bindings {
namespace {

namespace nb = nanobind;
using base::FieldHasher;

enum class Tag : uint64_t {
  kNone,
  kEllipsis,
  kBool,
  kInt,
  kFloat,
  kComplex,
  kStr,
  kBytes,
  kTuple,
  kSet,
  kCode,
  kFunction,
  kDispatcher,
  kModule,
  kClass,
  kLibrary,
  kBuiltin,
  kNumpyScalar,
  kDtype,
  kArray,
  kEnum,
  kChannel
};

void add_tag(Tag tag, FieldHasher* hash) { hash->add(static_cast<uint64_t>(tag)); }

bool add_text(PyObject* text, FieldHasher* hash) {
  Py_ssize_t size = 0;
  const char* utf8 = PyUnicode_Check(text) ? PyUnicode_AsUTF8AndSize(text, &size) : nullptr;
  if (utf8 == nullptr) { // lone surrogates
    PyErr_Clear();
    return false;
  }
  hash->add(std::string_view(utf8, static_cast<size_t>(size)));
  return true;
}

bool add_attribute_text(PyObject* object, const char* name, FieldHasher* hash) {
  const nb::object text = nb::steal(PyObject_GetAttrString(object, name));
  PyErr_Clear();
  return text.is_valid() && add_text(text.ptr(), hash);
}

bool add_int(PyObject* value, FieldHasher* hash) {
  const nb::object hexadecimal = nb::steal(PyNumber_ToBase(value, 16));
  return add_text(hexadecimal.ptr(), hash);
}

void add_double(double value, FieldHasher* hash) { hash->add(std::bit_cast<uint64_t>(value)); }

bool add_items(PyObject* tuple, FieldHasher* hash) {
  hash->add(static_cast<uint64_t>(PyTuple_GET_SIZE(tuple)));
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) {
    if (!add_value(PyTuple_GET_ITEM(tuple, i), hash)) {
      return false;
    }
  }
  return true;
}

// The order of a set differs from process to process.
bool add_set(PyObject* set, FieldHasher* hash) {
  std::vector<base::Digest> digests;
  for (const nb::handle item : nb::borrow(set)) {
    FieldHasher one;
    if (!add_value(item.ptr(), &one)) {
      return false;
    }
    digests.push_back(one.finish());
  }
  std::sort(digests.begin(), digests.end());
  for (const base::Digest& digest : digests) {
    hash->add(digest);
  }
  return true;
}

// All that a code object's behaviour, its messages and its tracebacks depend on.
bool add_code(PyObject* code, FieldHasher* hash) {
  for (const char* name :
       {"co_code", "co_consts", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_name", "co_qualname", "co_filename",
        "co_firstlineno", "co_linetable", "co_exceptiontable", "co_flags", "co_argcount", "co_posonlyargcount", "co_kwonlyargcount"}) {
    const nb::object part = nb::steal(PyObject_GetAttrString(code, name));
    PyErr_Clear();
    if (!part.is_valid() || !add_value(part.ptr(), hash)) {
      return false;
    }
  }
  return true;
}

bool add_numpy_scalar(PyObject* value, FieldHasher* hash) {
  const nb::object dtype = nb::steal(reinterpret_cast<PyObject*>(PyArray_DescrFromScalar(value)));
  auto* descriptor = reinterpret_cast<PyArray_Descr*>(dtype.ptr());
  alignas(16) char bytes[32] = {};
  if (descriptor == nullptr || PyDataType_REFCHK(descriptor) || PyDataType_ISFLEXIBLE(descriptor) ||
      PyDataType_ELSIZE(descriptor) > static_cast<npy_intp>(sizeof bytes)) {
    PyErr_Clear();
    return false;
  }
  PyArray_ScalarAsCtype(value, bytes);
  hash->add(std::string_view(bytes, sizeof bytes));
  return add_value(dtype.ptr(), hash);
}

bool add_array(PyObject* value, FieldHasher* hash) {
  try {
    hash->add(type_of(value, infer::Dialect::kPython)->text);
    return true;
  } catch (const base::Diagnostic&) {
    return false;
  }
}

bool add_numpys(PyObject* value, FieldHasher* hash) {
  if (PyArray_CheckExact(value)) {
    add_tag(Tag::kArray, hash);
    return add_array(value, hash);
  }
  if (PyArray_IsScalar(value, Generic)) {
    add_tag(Tag::kNumpyScalar, hash);
    return add_numpy_scalar(value, hash);
  }
  if (PyArray_DescrCheck(value)) {
    add_tag(Tag::kDtype, hash);
    return add_attribute_text(value, "str", hash);
  }
  return false;
}

// Scalars, strings and tuples. `*known` tells whether the value is one.
bool add_constant(PyObject* value, FieldHasher* hash, bool* known) {
  *known = true;
  if (value == Py_None || value == Py_Ellipsis || PyBool_Check(value)) {
    add_tag(value == Py_None ? Tag::kNone : value == Py_Ellipsis ? Tag::kEllipsis : Tag::kBool, hash);
    hash->add(uint64_t{value == Py_True});
    return true;
  }
  if (PyLong_CheckExact(value)) {
    add_tag(Tag::kInt, hash);
    return add_int(value, hash);
  }
  if (PyFloat_CheckExact(value)) {
    add_tag(Tag::kFloat, hash);
    add_double(PyFloat_AS_DOUBLE(value), hash);
    return true;
  }
  if (PyComplex_CheckExact(value)) {
    add_tag(Tag::kComplex, hash);
    const Py_complex number = PyComplex_AsCComplex(value);
    add_double(number.real, hash);
    add_double(number.imag, hash);
    return true;
  }
  if (PyUnicode_CheckExact(value)) {
    add_tag(Tag::kStr, hash);
    return add_text(value, hash);
  }
  if (PyBytes_CheckExact(value)) {
    add_tag(Tag::kBytes, hash);
    hash->add(std::string_view(PyBytes_AS_STRING(value), static_cast<size_t>(PyBytes_GET_SIZE(value))));
    return true;
  }
  if (PyTuple_CheckExact(value)) {
    add_tag(Tag::kTuple, hash);
    return add_items(value, hash);
  }
  if (PyFrozenSet_CheckExact(value)) {
    add_tag(Tag::kSet, hash);
    return add_set(value, hash);
  }
  if (PyCode_Check(value)) {
    add_tag(Tag::kCode, hash);
    return add_code(value, hash);
  }
  *known = false;
  return false;
}

bool add_named(Tag tag, PyObject* object, FieldHasher* hash) {
  add_tag(tag, hash);
  return add_attribute_text(object, "__module__", hash) && add_attribute_text(object, "__qualname__", hash);
}

// Compiled code knows the fields by their positions, and has the defaults inside.
bool add_named_tuple_class(PyObject* cls, FieldHasher* hash) {
  const nb::object fields = nb::steal(PyObject_GetAttrString(cls, "_fields"));
  const nb::object defaults = nb::steal(PyObject_GetAttrString(cls, "_field_defaults"));
  PyErr_Clear();
  if (!fields.is_valid() || !defaults.is_valid() || !PyDict_Check(defaults.ptr()) || !add_value(fields.ptr(), hash)) {
    return false;
  }
  const nb::object values = nb::steal(PyDict_Values(defaults.ptr()));
  return add_value(nb::tuple(values).ptr(), hash);
}

} // namespace

void add_options(const infer::Options& options, FieldHasher* hash) {
  const auto& [dialect, overflow, error_model, exact_joins, bounds_check, fastmath, parallel, nogil, debug, locals] = options;
  for (const uint64_t part :
       {static_cast<uint64_t>(dialect), static_cast<uint64_t>(overflow), static_cast<uint64_t>(error_model), uint64_t{exact_joins},
        uint64_t{bounds_check}, uint64_t{fastmath}, uint64_t{parallel}, uint64_t{nogil}, uint64_t{debug}, uint64_t{locals.size()}}) {
    hash->add(part);
  }
  for (const auto& [name, type] : locals) {
    hash->add(name);
    hash->add(type->text);
  }
}

bool add_function(PyObject* function, FieldHasher* hash) {
  PyObject* defaults = PyFunction_GetDefaults(function);
  const nb::object named = nb::borrow(PyFunction_GetKwDefaults(function));
  if (!add_value(PyFunction_GetCode(function), hash) || !add_value(defaults != nullptr ? defaults : Py_None, hash)) {
    return false;
  }
  if (!named.is_valid()) {
    return true;
  }
  nb::list items = nb::steal<nb::list>(PyDict_Items(named.ptr()));
  return add_value(nb::tuple(items).ptr(), hash);
}

bool add_value(PyObject* value, FieldHasher* hash) {
  bool known = false;
  const bool added = add_constant(value, hash, &known);
  if (known) {
    return added;
  }
  if (PyFunction_Check(value)) {
    add_tag(Tag::kFunction, hash);
    return add_function(value, hash);
  }
  if (is_value_channel(value)) {
    add_tag(Tag::kChannel, hash);
    hash->add(type_of_channel(value)->text);
    return true;
  }
  if (dispatcher_hooks().is_dispatcher(value)) {
    add_tag(Tag::kDispatcher, hash);
    add_options(dispatcher_hooks().options(value), hash);
    return add_function(dispatcher_hooks().function(value), hash);
  }
  if (PyModule_Check(value)) {
    add_tag(Tag::kModule, hash);
    return add_attribute_text(value, "__name__", hash);
  }
  if (const std::string& name = LibraryNames::instance().find(value); !name.empty()) {
    add_tag(Tag::kLibrary, hash);
    hash->add(name);
    return true;
  }
  if (PyType_Check(value)) {
    return add_named(Tag::kClass, value, hash) && (!is_named_tuple_class(value) || add_named_tuple_class(value, hash));
  }
  if (PyCFunction_Check(value)) {
    return add_named(Tag::kBuiltin, value, hash);
  }
  if (PyLong_Check(value) && is_int_enum(value)) {
    add_tag(Tag::kEnum, hash);
    return add_int(value, hash);
  }
  return has_numpy() && add_numpys(value, hash);
}

} // namespace hasten::bindings
