#include "hasten/bindings/type_of.h"

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

#include "hasten/base/diagnostic.h"
#include "hasten/bindings/class_table.h"
#include "hasten/bindings/errors.h"
#include "hasten/bindings/host.h"
#include "hasten/bindings/named_tuples.h"
#include "hasten/bindings/numpy_api.h"
#include "hasten/bindings/numpy_bridge.h"
#include "hasten/bindings/python_error.h"
#include "hasten/bindings/thread_channel.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

using infer::Dialect;

[[noreturn]] void refuse(const std::string& what, const std::string& way_out) {
  throw base::Diagnostic(base::Fault::kUser, "compiled code has no type for " + what, way_out);
}

ir::TypeRef weak_or_strong(ir::TypeRef weak, Dialect dialect) { return dialect == Dialect::kNumba ? ir::strong(weak) : weak; }

ir::TypeRef type_of_int(PyObject* value, Dialect dialect) {
  switch (width_of(value)) {
  case IntWidth::kInt64:
    return weak_or_strong(ir::int_type(), dialect);
  case IntWidth::kUInt64:
    return ir::scalar_type(array::DType::kUInt64);
  default:
    refuse("the integer " + text_of(value) + ", which doesn't fit 64 bits", "Use a float, or leave this computation to Python.");
  }
}

ir::TypeRef type_of_tuple(PyObject* value, Dialect dialect) {
  std::vector<ir::TypeRef> items;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); ++i) {
    items.push_back(type_of(PyTuple_GET_ITEM(value, i), dialect));
  }
  const bool is_plain = PyTuple_CheckExact(value);
  return ir::tuple_type(std::move(items),
                        is_plain ? std::string() : name_of_named_tuple_class(reinterpret_cast<PyObject*>(Py_TYPE(value))));
}

ir::TypeRef type_of_slice(PyObject* value, Dialect dialect) {
  const auto* slice = reinterpret_cast<const PySliceObject*>(value);
  ir::TypeRef parts[3];
  PyObject* const values[] = {slice->start, slice->stop, slice->step};
  for (int i = 0; i < 3; ++i) {
    parts[i] = type_of(values[i], dialect);
    const bool is_part = ir::is_integral(parts[i]) || parts[i]->kind == ir::Kind::kNone;
    if (!is_part && dialect == Dialect::kNumba) {
      throw_python(PyExc_TypeError, "slice parts must be integers or None, not " + ir::display(parts[i])); // as numba converts slices
    }
    if (!is_part) {
      refuse("a slice from, to or by a " + ir::display(parts[i]), "The parts of a slice must be integers or None.");
    }
  }
  return ir::slice_type(parts[0], parts[1], parts[2]);
}

ir::TypeRef type_of_range(PyObject* value, Dialect dialect) {
  for (const char* name : {"start", "stop", "step"}) {
    const nb::object part = nb::steal(PyObject_GetAttrString(value, name));
    if (!part.is_valid() || width_of(part.ptr()) != IntWidth::kInt64) {
      PyErr_Clear();
      refuse("a range beyond 64 bits", "Use bounds between -2**63 and 2**63 - 1.");
    }
  }
  return ir::range_type(dialect == Dialect::kPython);
}

std::string unit_text(const PyArray_DatetimeMetaData& unit) {
  static constexpr const char* kUnits[] = {"Y", "M", "W", "", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "generic"};
  return (unit.num == 1 ? "" : std::to_string(unit.num)) + kUnits[unit.base];
}

ir::TypeRef type_of_datetime(PyObject* value, array::DType dtype) {
  return ir::datetime_type(dtype, unit_text(reinterpret_cast<PyDatetimeScalarObject*>(value)->obmeta));
}

[[noreturn]] void refuse_dtype(PyArray_Descr* dtype) {
  const std::string name = "the dtype " + text_of(reinterpret_cast<PyObject*>(dtype));
  if (dtype->type_num == NPY_OBJECT) {
    refuse("arrays of Python objects (dtype object)", "Give the array a number type: a.astype(np.float64).");
  }
  if (dtype->type_num == NPY_LONGDOUBLE || dtype->type_num == NPY_CLONGDOUBLE) {
    refuse(name, "Use float64 or complex128: a.astype(np.float64).");
  }
  if (dtype->type_num == NPY_VOID) {
    refuse(name, "Pass the fields of a structured array one by one: a['x'], a['y'].");
  }
  if (dtype->type_num == NPY_STRING || dtype->type_num == NPY_UNICODE) {
    refuse(name, "Pass numbers that stand for the strings, as from np.unique(a, return_inverse=True).");
  }
  refuse(name, "Convert the array to a number type: a.astype(np.float64).");
}

ir::TypeRef type_of_array(PyArrayObject* array) {
  ir::TypeRef item = type_of_dtype(reinterpret_cast<PyObject*>(PyArray_DESCR(array)));
  if (!PyArray_ISALIGNED(array)) {
    refuse("an array whose items don't lie at multiples of their size", "Pass a copy: a.copy().");
  }
  const ir::Layout layout = PyArray_IS_C_CONTIGUOUS(array)   ? ir::Layout::kC
                            : PyArray_IS_F_CONTIGUOUS(array) ? ir::Layout::kF
                                                             : ir::Layout::kAny;
  return ir::array_type(item, PyArray_NDIM(array), layout, !PyArray_ISWRITEABLE(array));
}

// "list", "numpy.matrix"
std::string class_name(PyObject* value) {
  const nb::object qualified = nb::steal(PyType_GetQualName(Py_TYPE(value)));
  const nb::object module = nb::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(value)), "__module__"));
  PyErr_Clear();
  const std::string name = qualified.is_valid() ? text_of(qualified.ptr()) : Py_TYPE(value)->tp_name;
  const std::string space = module.is_valid() ? text_of(module.ptr()) : std::string();
  return space.empty() || space == "builtins" ? name : space + "." + name;
}

// Subclasses of ndarray give other answers than arrays do (matrix), or hold more than an array holds (a mask). A memmap is an array.
ir::TypeRef type_of_array_subclass(PyObject* value) {
  const nb::object memmap = nb::steal(PyObject_GetAttrString(nb::steal(PyImport_ImportModule("numpy")).ptr(), "memmap"));
  if (memmap.ptr() == reinterpret_cast<PyObject*>(Py_TYPE(value))) {
    return type_of_array(reinterpret_cast<PyArrayObject*>(value));
  }
  PyErr_Clear();
  refuse("values of class " + class_name(value), "Pass a plain array: np.asarray(x).");
}

// A member of an IntEnum or IntFlag is the int that it is; other subclasses may behave in any way.
ir::TypeRef type_of_int_subclass(PyObject* value, Dialect dialect) {
  if (!is_int_enum(value)) {
    refuse("values of class " + class_name(value), "Pass a plain int: int(x).");
  }
  return type_of_int(value, dialect);
}

[[noreturn]] void refuse_object(PyObject* value) {
  const std::string what = "values of class " + class_name(value);
  if (PyList_Check(value)) {
    refuse(what, "Pass an array, np.array(x), or a tuple.");
  }
  if (PyDict_Check(value) || PyAnySet_Check(value)) {
    refuse(what, "Pass its contents as arrays or tuples.");
  }
  if (PyFloat_Check(value) || PyComplex_Check(value) || PyUnicode_Check(value) || PyTuple_Check(value)) {
    refuse(what, "Subclasses may behave in any way; pass a plain float, complex, str or tuple.");
  }
  refuse(what, "Pass numbers, strings, tuples or arrays.");
}

ir::TypeRef type_of_object(PyObject* value, Dialect dialect) {
  if (PyLong_Check(value)) {
    return type_of_int_subclass(value, dialect);
  }
  if (find_numpy() && PyArray_Check(value)) {
    return type_of_array_subclass(value);
  }
  if (is_value_channel(value)) {
    return type_of_channel(value);
  }
  if (PyTuple_Check(value) && is_named_tuple_class(reinterpret_cast<PyObject*>(Py_TYPE(value)))) {
    return type_of_tuple(value, dialect);
  }
  const infer::HostValue known = PythonHost::instance().value_of(value, {}, dialect);
  if (known.type != nullptr && known.type->kind == ir::Kind::kNamed && (!ir::is_named(known.type, "host:") || PyFunction_Check(value))) {
    return known.type;
  }
  refuse_object(value);
}

ir::TypeRef type_of_row(PyObject* value, const ClassRow& row, Dialect dialect) {
  switch (row.shape) {
  case ClassShape::kNone:
    return ir::none_type();
  case ClassShape::kBool:
    return weak_or_strong(ir::bool_type(), dialect);
  case ClassShape::kInt:
    return type_of_int(value, dialect);
  case ClassShape::kFloat:
    return weak_or_strong(ir::float_type(), dialect);
  case ClassShape::kComplex:
    return weak_or_strong(ir::complex_type(), dialect);
  case ClassShape::kStr:
    return ir::string_type();
  case ClassShape::kEllipsis:
    return ir::ellipsis_type();
  case ClassShape::kTuple:
    return type_of_tuple(value, dialect);
  case ClassShape::kSlice:
    return type_of_slice(value, dialect);
  case ClassShape::kRange:
    return type_of_range(value, dialect);
  case ClassShape::kScalar:
    return ir::scalar_type(row.dtype);
  case ClassShape::kDatetime:
    return type_of_datetime(value, row.dtype);
  case ClassShape::kArray:
    return type_of_array(reinterpret_cast<PyArrayObject*>(value));
  case ClassShape::kObject:
    return type_of_object(value, dialect);
  }
  return nullptr;
}

} // namespace

ir::TypeRef type_of(PyObject* value, Dialect dialect) {
  const ClassRow* row = class_table.find(Py_TYPE(value));
  if (row == nullptr && class_table.add_numpy()) {
    row = class_table.find(Py_TYPE(value));
  }
  return row != nullptr ? type_of_row(value, *row, dialect) : type_of_object(value, dialect);
}

ir::TypeRef type_of_dtype(PyObject* dtype) {
  auto* descr = reinterpret_cast<PyArray_Descr*>(dtype);
  array::DType number{};
  if (!dtype_of_type_num(descr->type_num, &number)) {
    refuse_dtype(descr);
  }
  if (!PyDataType_ISNOTSWAPPED(descr)) {
    refuse("swapped bytes (the dtype " + text_of(dtype) + ")", "Convert to the machine's order: a.astype(a.dtype.newbyteorder('=')).");
  }
  if (number == array::DType::kDatetime64 || number == array::DType::kTimedelta64) {
    return ir::datetime_type(number, unit_text(reinterpret_cast<PyArray_DatetimeDTypeMetaData*>(PyDataType_C_METADATA(descr))->meta));
  }
  return ir::scalar_type(number);
}

ir::TypeRef type_of_scalar_class(PyTypeObject* scalar_class) {
  class_table.add_numpy();
  const ClassRow* row = class_table.find(scalar_class);
  const bool is_scalar = row != nullptr && (row->shape == ClassShape::kScalar || row->shape == ClassShape::kDatetime);
  return is_scalar ? ir::scalar_type(row->dtype) : nullptr;
}

} // namespace hasten::bindings
