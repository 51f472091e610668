#include "hasten/bindings/class_table.h"

#include <nanobind/nanobind.h>

#include "hasten/bindings/numpy_api.h"
#include "hasten/bindings/numpy_bridge.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

constexpr array::DType kScalars[] = {array::DType::kBool,      array::DType::kInt8,      array::DType::kUInt8,   array::DType::kInt16,
                                     array::DType::kUInt16,    array::DType::kInt32,     array::DType::kUInt32,  array::DType::kInt64,
                                     array::DType::kUInt64,    array::DType::kFloat16,   array::DType::kFloat32, array::DType::kFloat64,
                                     array::DType::kComplex64, array::DType::kComplex128};
static_assert(kFirstScalarId + std::size(kScalars) <= 32);

} // namespace

ClassTable::ClassTable() {
  add(Py_TYPE(Py_None), ClassShape::kNone, kNoneId);
  add(&PyBool_Type, ClassShape::kBool, kBoolId);
  add(&PyLong_Type, ClassShape::kInt, kIntId);
  add(&PyFloat_Type, ClassShape::kFloat, kFloatId);
  add(&PyComplex_Type, ClassShape::kComplex, kComplexId);
  add(&PyUnicode_Type, ClassShape::kStr, kStrId);
  add(&PyEllipsis_Type, ClassShape::kEllipsis, kEllipsisId);
  add(&PyTuple_Type, ClassShape::kTuple);
  add(&PySlice_Type, ClassShape::kSlice);
  add(&PyRange_Type, ClassShape::kRange);
  for (PyTypeObject* type : {&PyFunction_Type, &PyCFunction_Type, &PyModule_Type, &PyType_Type}) {
    add(type, ClassShape::kObject);
  }
}

bool ClassTable::add_numpy() {
  if (has_numpy_ || !find_numpy()) {
    return false;
  }
  has_numpy_ = true;
  uint8_t id = kFirstScalarId;
  for (const array::DType dtype : kScalars) {
    const nb::object type = nb::steal(PyArray_TypeObjectFromType(static_cast<int>(dtype)));
    add(reinterpret_cast<PyTypeObject*>(type.ptr()), ClassShape::kScalar, id++, dtype); // a static type
  }
  // long long has classes of its own, and the ids of what it is.
  add(&PyLongLongArrType_Type, ClassShape::kScalar, find(&PyLongArrType_Type)->id, array::DType::kInt64);
  add(&PyULongLongArrType_Type, ClassShape::kScalar, find(&PyULongArrType_Type)->id, array::DType::kUInt64);
  add(&PyDatetimeArrType_Type, ClassShape::kDatetime, 0, array::DType::kDatetime64);
  add(&PyTimedeltaArrType_Type, ClassShape::kDatetime, 0, array::DType::kTimedelta64);
  add(&PyArray_Type, ClassShape::kArray);
  add(&PyUFunc_Type, ClassShape::kObject);
  return true;
}

void ClassTable::add(PyTypeObject* type, ClassShape shape, uint8_t id, array::DType dtype) {
  size_t slot = start(type);
  while (rows_[slot].type != nullptr) {
    slot = (slot + 1) % kSlots;
  }
  rows_[slot] = {type, shape, id, dtype};
}

ClassTable class_table;

IntWidth width_of(PyObject* integer) {
  int overflow = 0;
  PyLong_AsLongLongAndOverflow(integer, &overflow);
  if (overflow == 0) {
    return IntWidth::kInt64;
  }
  return overflow > 0 && _PyLong_NumBits(integer) <= 64 ? IntWidth::kUInt64 : IntWidth::kLarger;
}

bool is_int_enum(PyObject* value) {
  const nb::object module = nb::steal(PyImport_ImportModule("enum"));
  const nb::object base = nb::steal(module.is_valid() ? PyObject_GetAttrString(module.ptr(), "Enum") : nullptr);
  const bool is_member = base.is_valid() && PyLong_Check(value) && PyObject_IsInstance(value, base.ptr()) == 1;
  PyErr_Clear();
  return is_member;
}

} // namespace hasten::bindings
