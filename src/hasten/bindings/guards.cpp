#include "hasten/bindings/guards.h"

#include <bit>

#include "hasten/bindings/numpy_api.h"
#include "hasten/bindings/numpy_bridge.h"

namespace hasten::bindings {
namespace {

bool same_bits(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }

bool same_numpy_scalar(PyObject* a, PyObject* b) {
  PyArray_Descr* const types[] = {PyArray_DescrFromScalar(a), PyArray_DescrFromScalar(b)};
  alignas(16) char bytes[2][32] = {};
  bool same = types[0] != nullptr && types[1] != nullptr && PyArray_EquivTypes(types[0], types[1]) != 0 && !PyDataType_REFCHK(types[0]) &&
              PyDataType_ELSIZE(types[0]) <= static_cast<npy_intp>(sizeof bytes[0]) && !PyDataType_ISFLEXIBLE(types[0]);
  if (same) {
    PyArray_ScalarAsCtype(a, bytes[0]);
    PyArray_ScalarAsCtype(b, bytes[1]);
    same = std::memcmp(bytes[0], bytes[1], sizeof bytes[0]) == 0;
  }
  Py_XDECREF(types[0]);
  Py_XDECREF(types[1]);
  return same;
}

bool same_items(PyObject* a, PyObject* b) {
  if (PyTuple_GET_SIZE(a) != PyTuple_GET_SIZE(b)) {
    return false;
  }
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(a); ++i) {
    if (!is_same_value(PyTuple_GET_ITEM(a, i), PyTuple_GET_ITEM(b, i))) {
      return false;
    }
  }
  return true;
}

} // namespace

bool is_same_value(PyObject* a, PyObject* b) {
  if (a == b) {
    return true;
  }
  if (a == nullptr || b == nullptr || Py_TYPE(a) != Py_TYPE(b)) {
    return false;
  }
  if (PyFloat_CheckExact(a)) {
    return same_bits(PyFloat_AS_DOUBLE(a), PyFloat_AS_DOUBLE(b));
  }
  if (PyComplex_CheckExact(a)) {
    const Py_complex x = PyComplex_AsCComplex(a);
    const Py_complex y = PyComplex_AsCComplex(b);
    return same_bits(x.real, y.real) && same_bits(x.imag, y.imag);
  }
  if (PyLong_CheckExact(a) || PyUnicode_CheckExact(a) || PyBytes_CheckExact(a)) {
    return PyObject_RichCompareBool(a, b, Py_EQ) == 1;
  }
  if (PyTuple_CheckExact(a)) {
    return same_items(a, b);
  }
  return has_numpy() && PyArray_IsScalar(a, Generic) && same_numpy_scalar(a, b);
}

void Guards::add_name(nb::dict names, nb::str name, Expected expected) {
  for (DictWatch& watch : dicts_) {
    if (watch.names.is(names)) {
      watch.entries.push_back({std::move(name), std::move(expected)});
      return;
    }
  }
  dicts_.push_back({std::move(names), 0, {}});
  dicts_.back().entries.push_back({std::move(name), std::move(expected)});
}

void Guards::add_cell(nb::object cell, Expected expected) { cells_.push_back({std::move(cell), std::move(expected)}); }

bool Guards::compare(DictWatch& watch) {
  for (const Entry& entry : watch.entries) {
    PyObject* current = PyDict_GetItemWithError(watch.names.ptr(), entry.name.ptr());
    if (current == nullptr && PyErr_Occurred() != nullptr) {
      PyErr_Clear();
      return false;
    }
    if (!entry.expected.is_met_by(current)) {
      return false;
    }
  }
  watch.version = version_of(watch.names);
  return true;
}

bool Guards::cells_hold() const {
  for (const CellWatch& watch : cells_) {
    if (!watch.expected.is_met_by(PyCell_GET(watch.cell.ptr()))) {
      return false;
    }
  }
  return true;
}

int Expected::traverse(visitproc visit, void* arg) const {
  Py_VISIT(value.ptr());
  Py_VISIT(undecorated.ptr());
  return 0;
}

int Guards::traverse(visitproc visit, void* arg) const {
  for (const DictWatch& watch : dicts_) {
    Py_VISIT(watch.names.ptr());
    for (const Entry& entry : watch.entries) {
      if (const int stop = entry.expected.traverse(visit, arg)) {
        return stop;
      }
    }
  }
  for (const CellWatch& watch : cells_) {
    Py_VISIT(watch.cell.ptr());
    if (const int stop = watch.expected.traverse(visit, arg)) {
      return stop;
    }
  }
  return 0;
}

} // namespace hasten::bindings
