#include "hasten/bindings/host_values.h"

#include <nanobind/nanobind.h>

#include <string_view>

#include "hasten/base/diagnostic.h"
#include "hasten/bindings/class_table.h"
#include "hasten/bindings/library_names.h"
#include "hasten/bindings/literal.h"
#include "hasten/bindings/named_tuples.h"
#include "hasten/bindings/numpy_api.h"
#include "hasten/bindings/numpy_bridge.h"
#include "hasten/bindings/python_error.h"
#include "hasten/bindings/thread_channel.h"
#include "hasten/bindings/type_of.h"
#include "hasten/bindings/ufunc.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

using infer::Dialect;
using infer::HostValue;

nb::object attribute_or_none(PyObject* object, const char* name) {
  nb::object found = nb::steal(PyObject_GetAttrString(object, name));
  PyErr_Clear();
  return found;
}

// The dispatcher that an object is, or carries; invalid where there is none.
nb::object dispatcher_behind(PyObject* object) {
  if (dispatcher_hooks().is_dispatcher(object)) {
    return nb::borrow(object);
  }
  if (PyType_Check(object) || PyModule_Check(object)) {
    return {};
  }
  nb::object carried = attribute_or_none(object, "__hasten_function__");
  return carried.is_valid() && dispatcher_hooks().is_dispatcher(carried.ptr()) ? carried : nb::object();
}

HostValue named(PythonHost& host, PyObject* object, const std::string& name, const std::string& path) {
  HostValue value;
  value.type = ir::named_type(name);
  value.handle = host.handle_of(object);
  value.path = path;
  return value;
}

HostValue with_handle(PythonHost& host, PyObject* object, const char* what, const std::string& path) {
  return named(host, object, what + std::to_string(host.handle_of(object)), path);
}

// Classes that a module has under their own name are found there by any process.
std::string path_of_class(PyObject* object, const std::string& path) {
  const nb::object module = attribute_or_none(object, "__module__");
  const nb::object name = attribute_or_none(object, "__qualname__");
  if (!module.is_valid() || !name.is_valid()) {
    return path;
  }
  const std::string own = text_of(module.ptr()) + ":" + text_of(name.ptr());
  if (own.find('<') != std::string::npos || own.compare(0, 9, "__main__:") == 0) {
    return path; // local to a function, or to a program that other processes don't import
  }
  try {
    return resolve_path(nullptr, own).is(nb::handle(object)) ? own : path;
  } catch (const base::Diagnostic&) {
    return path;
  }
}

void tuple_value(PythonHost& host, PyObject* tuple, Dialect dialect, HostValue* out) {
  std::vector<ir::TypeRef> types;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) {
    out->items.push_back(host_value(host, PyTuple_GET_ITEM(tuple, i), out->path + "[" + std::to_string(i) + "]", dialect));
    types.push_back(out->items.back().type);
  }
  auto* cls = reinterpret_cast<PyObject*>(Py_TYPE(tuple));
  out->type = ir::tuple_type(std::move(types), PyTuple_CheckExact(tuple) ? std::string() : name_of_named_tuple_class(cls));
}

void slice_value(PythonHost& host, PyObject* object, Dialect dialect, HostValue* out) {
  const auto* slice = reinterpret_cast<PySliceObject*>(object);
  out->type = type_of(object, dialect);
  out->items.push_back(host_value(host, slice->start, out->path + ".start", dialect));
  out->items.push_back(host_value(host, slice->stop, out->path + ".stop", dialect));
  out->items.push_back(host_value(host, slice->step, out->path + ".step", dialect));
}

// None where the object is no scalar, string, tuple or slice.
bool plain_value(PythonHost& host, PyObject* object, Dialect dialect, HostValue* out) {
  if (PyTuple_Check(object) && (PyTuple_CheckExact(object) || is_named_tuple_class(reinterpret_cast<PyObject*>(Py_TYPE(object))))) {
    tuple_value(host, object, dialect, out);
    return true;
  }
  if (PySlice_Check(object)) {
    slice_value(host, object, dialect, out);
    return true;
  }
  if (PyUnicode_CheckExact(object)) {
    out->text = literal_of(object).text;
    out->type = ir::named_type("literal:" + out->text);
    return true;
  }
  const bool is_int = PyLong_Check(object) && !PyBool_Check(object);
  if (is_int ? (!PyLong_CheckExact(object) && !is_int_enum(object)) || width_of(object) == IntWidth::kLarger
             : !PyBool_Check(object) && !PyFloat_CheckExact(object) && !PyComplex_CheckExact(object) && object != Py_None &&
                   object != Py_Ellipsis) {
    return false;
  }
  out->type = type_of(object, dialect);
  if (!ir::is_number(out->type)) {
    return true;
  }
  out->constant.type = out->type;
  if (PyLong_Check(object)) {
    out->constant.i = static_cast<int64_t>(PyLong_AsUnsignedLongLongMask(object));
  } else if (PyFloat_Check(object)) {
    out->constant.re = PyFloat_AS_DOUBLE(object);
  } else if (PyComplex_Check(object)) {
    out->constant.re = PyComplex_RealAsDouble(object);
    out->constant.im = PyComplex_ImagAsDouble(object);
  }
  return true;
}

void scalar_constant(PyObject* object, ir::TypeRef type, ir::Constant* out) {
  out->type = type;
  if (type->kind == ir::Kind::kDatetime) {
    out->i = reinterpret_cast<PyDatetimeScalarObject*>(object)->obval;
    return;
  }
  const nb::object plain = nb::steal(PyObject_CallMethod(object, "item", nullptr));
  if (!plain.is_valid()) {
    throw diagnostic_of_python_error("a NumPy scalar can't be read");
  }
  if (ir::is_integral(type)) {
    out->i = static_cast<int64_t>(PyLong_AsUnsignedLongLongMask(plain.ptr()));
  } else {
    out->re = PyComplex_RealAsDouble(plain.ptr());
    out->im = PyComplex_ImagAsDouble(plain.ptr());
  }
}

// NumPy's scalars, arrays and dtypes. An array that has no type is left to be a host object.
bool numpy_value(PythonHost& host, PyObject* object, HostValue* out) {
  if (!find_numpy()) {
    return false;
  }
  if (ir::TypeRef scalar = type_of_scalar_class(Py_TYPE(object))) {
    out->type = scalar->kind == ir::Kind::kDatetime ? type_of(object, Dialect::kNumba) : scalar;
    scalar_constant(object, out->type, &out->constant);
    return true;
  }
  try {
    if (PyArray_Check(object)) {
      out->type = type_of(object, Dialect::kNumba);
      out->handle = host.handle_of(object);
      return true;
    }
    if (PyArray_DescrCheck(object)) {
      *out = named(host, object, "descriptor:" + type_of_dtype(object)->text, out->path);
      return true;
    }
  } catch (const base::Diagnostic&) {
    return false;
  }
  ir::TypeRef item = PyType_Check(object) ? type_of_scalar_class(reinterpret_cast<PyTypeObject*>(object)) : nullptr;
  if (item == nullptr) {
    return false;
  }
  const std::string name = item->kind == ir::Kind::kDatetime ? std::string(array::name_of(item->dtype)) : item->text;
  *out = named(host, object, "dtype:" + name, out->path);
  return true;
}

// What an object of a class with __hasten_dtype__ converts to: the types of hasten.numba.
std::string dtype_meant_by(PyObject* object) {
  const nb::object declared = attribute_or_none(reinterpret_cast<PyObject*>(Py_TYPE(object)), "__hasten_dtype__");
  const nb::object name = declared.is_valid() ? attribute_or_none(object, "__hasten_dtype__") : nb::object();
  return name.is_valid() && PyUnicode_Check(name.ptr()) ? text_of(name.ptr()) : std::string();
}

bool is_exception_class(PyObject* object) {
  return PyType_Check(object) &&
         PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(object), reinterpret_cast<PyTypeObject*>(PyExc_BaseException)) != 0;
}

// A class of namedtuples, with the defaults of its last fields.
HostValue named_tuple_class_value(PythonHost& host, PyObject* cls, const std::string& path, Dialect dialect) {
  HostValue value = named(host, cls, "namedtuple:" + name_of_named_tuple_class(cls), path);
  const nb::object defaults = attribute_or_none(cls, "_field_defaults");
  PyObject* name = nullptr;
  PyObject* item = nullptr;
  Py_ssize_t position = 0;
  while (defaults.is_valid() && PyDict_Check(defaults.ptr()) && PyDict_Next(defaults.ptr(), &position, &name, &item) != 0) {
    value.items.push_back(host_value(host, item, path + "._field_defaults[" + text_of(name) + "]", dialect));
  }
  return value;
}

} // namespace

HostValue host_value(PythonHost& host, PyObject* object, const std::string& path, Dialect dialect) {
  HostValue value;
  value.path = path;
  if (plain_value(host, object, dialect, &value) || numpy_value(host, object, &value)) {
    return value;
  }
  if (const std::string dtype = dtype_meant_by(object); !dtype.empty()) {
    return named(host, object, "dtype:" + dtype, path);
  }
  if (is_value_channel(object)) {
    value.type = type_of_channel(object);
    value.handle = host.handle_of(object);
    return value;
  }
  const std::string& library_name = LibraryNames::instance().find(object);
  if (!library_name.empty()) {
    return named(host, object, "function:" + library_name, path);
  }
  if (is_named_tuple_class(object)) {
    return named_tuple_class_value(host, object, path, dialect);
  }
  if (const nb::object ufunc = compiled_ufunc_behind(object); ufunc.is_valid()) {
    return with_handle(host, ufunc.ptr(), "ufunc:", path);
  }
  if (PyModule_Check(object)) {
    return named(host, object, "module:" + text_of(attribute_or_none(object, "__name__").ptr()), path);
  }
  if (is_exception_class(object)) {
    return with_handle(host, object, "exception:", path_of_class(object, path));
  }
  const nb::object dispatcher = dispatcher_behind(object);
  if (dispatcher.is_valid()) {
    return with_handle(host, dispatcher.ptr(), "callable:", path);
  }
  return with_handle(host, object, "host:", path);
}

PyObject* function_behind(PyObject* callable) {
  const nb::object dispatcher = dispatcher_behind(callable);
  if (dispatcher.is_valid()) {
    return dispatcher_hooks().function(dispatcher.ptr());
  }
  return PyFunction_Check(callable) ? callable : nullptr;
}

infer::Options options_of(PyObject* callable) {
  const nb::object dispatcher = dispatcher_behind(callable);
  return dispatcher.is_valid() ? dispatcher_hooks().options(dispatcher.ptr()) : infer::Options{};
}

bool has_constant_attributes(PyObject* object) {
  if (PyModule_Check(object) || PyType_Check(object)) {
    return true;
  }
  const std::string_view name = Py_TYPE(object)->tp_name;
  return name == "finfo" || name == "iinfo";
}

} // namespace hasten::bindings
