#include "hasten/bindings/pool_array.h"

#include <nanobind/nanobind.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "hasten/base/diagnostic.h"
#include "hasten/bindings/numpy_api.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

// What stands before the elements, followed by the sizes of the dimensions.
struct ArrayHeader {
  uint8_t type; // NumPy's number of it
  uint8_t dimensions;
  bool is_fortran;
  bool is_writeable;
};

PyArrayObject* as_array(PyObject* value) { return reinterpret_cast<PyArrayObject*>(value); }

constexpr bool is_number(int type) { return (type >= NPY_BOOL && type <= NPY_CLONGDOUBLE) || type == NPY_HALF; }

void append_contiguous(PyArrayObject* array, std::string* body) {
  const ArrayHeader header{.type = static_cast<uint8_t>(PyArray_TYPE(array)),
                           .dimensions = static_cast<uint8_t>(PyArray_NDIM(array)),
                           .is_fortran = !PyArray_IS_C_CONTIGUOUS(array),
                           .is_writeable = PyArray_ISWRITEABLE(array) != 0};
  body->append(reinterpret_cast<const char*>(&header), sizeof header);
  body->append(reinterpret_cast<const char*>(PyArray_DIMS(array)), header.dimensions * sizeof(npy_intp));
  body->append(static_cast<const char*>(PyArray_DATA(array)), static_cast<size_t>(PyArray_NBYTES(array)));
}

// Whether NumPy's functions may be called from now on; else an error is set.
bool provide_numpy() {
  try {
    import_numpy();
    return true;
  } catch (const base::Diagnostic& failure) {
    PyErr_SetString(PyExc_ImportError, failure.what());
    return false;
  }
}

PyObject* refuse() {
  PyErr_SetString(PyExc_ValueError, "an array of the pool came in an unknown form");
  return nullptr;
}

} // namespace

bool is_plain_array(PyObject* value) {
  // The name first: for most values it answers, without a look at the modules.
  if (std::strcmp(Py_TYPE(value)->tp_name, "numpy.ndarray") != 0 || !find_numpy() || !PyArray_CheckExact(value)) {
    return false;
  }
  PyArrayObject* array = as_array(value);
  return is_number(PyArray_TYPE(array)) && PyArray_ISNOTSWAPPED(array) && PyDataType_METADATA(PyArray_DESCR(array)) == nullptr &&
         static_cast<size_t>(PyArray_NBYTES(array)) <= kMostArrayBytes;
}

bool append_array(PyObject* value, std::string* body) {
  PyArrayObject* array = as_array(value);
  if (PyArray_IS_C_CONTIGUOUS(array) || PyArray_IS_F_CONTIGUOUS(array)) {
    append_contiguous(array, body);
    return true;
  }
  const nb::object copy = nb::steal(PyArray_NewCopy(array, NPY_CORDER));
  if (!copy.is_valid()) {
    PyErr_Clear();
    return false;
  }
  append_contiguous(as_array(copy.ptr()), body);
  return true;
}

PyObject* decode_array(std::string_view bytes) {
  ArrayHeader header{};
  std::array<npy_intp, NPY_MAXDIMS> shape{};
  if (bytes.size() < sizeof header || !provide_numpy()) {
    return PyErr_Occurred() != nullptr ? nullptr : refuse();
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  bytes.remove_prefix(sizeof header);
  const size_t shape_bytes = header.dimensions * sizeof(npy_intp);
  if (header.dimensions > shape.size() || bytes.size() < shape_bytes || !is_number(header.type)) {
    return refuse();
  }
  std::memcpy(shape.data(), bytes.data(), shape_bytes);
  bytes.remove_prefix(shape_bytes);
  const int order = header.is_fortran ? NPY_ARRAY_F_CONTIGUOUS : 0;
  nb::object made =
      nb::steal(PyArray_New(&PyArray_Type, header.dimensions, shape.data(), header.type, nullptr, nullptr, 0, order, nullptr));
  if (!made.is_valid()) {
    return nullptr;
  }
  PyArrayObject* array = as_array(made.ptr());
  if (static_cast<size_t>(PyArray_NBYTES(array)) != bytes.size()) {
    return refuse();
  }
  std::memcpy(PyArray_DATA(array), bytes.data(), bytes.size());
  if (!header.is_writeable) {
    PyArray_CLEARFLAGS(array, NPY_ARRAY_WRITEABLE);
  }
  return made.release().ptr();
}

} // namespace hasten::bindings
