#include "hasten/bindings/pool_array.h"

#include <nanobind/nanobind.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

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

PyObject* refuse() {
  PyErr_SetString(PyExc_ValueError, "an array of another process came in an unknown form");
  return nullptr;
}

struct Description {
  ArrayHeader header;
  std::array<npy_intp, NPY_MAXDIMS> shape;
};

// Takes it from the beginning of the bytes; false with an error set where it is no such thing, or there is no NumPy.
bool take_description(std::string_view* bytes, Description* found) {
  if (!try_import_numpy()) {
    return false;
  }
  ArrayHeader& header = found->header;
  if (bytes->size() >= sizeof header) {
    std::memcpy(&header, bytes->data(), sizeof header);
    bytes->remove_prefix(sizeof header);
    const size_t size = header.dimensions * sizeof(npy_intp);
    if (header.dimensions <= found->shape.size() && bytes->size() >= size && is_number(header.type)) {
      std::memcpy(found->shape.data(), bytes->data(), size);
      bytes->remove_prefix(size);
      return true;
    }
  }
  refuse();
  return false;
}

// `elements`: where they lie; null: in memory of the array's own, whose elements are unknown. Empty with an error set where they have not
// that many bytes.
nb::object make_array(Description& described, char* elements, size_t size) {
  const ArrayHeader& header = described.header;
  const int order = header.is_fortran ? NPY_ARRAY_F_CONTIGUOUS : NPY_ARRAY_C_CONTIGUOUS;
  const int flags = elements == nullptr ? order & NPY_ARRAY_F_CONTIGUOUS : order | NPY_ARRAY_ALIGNED | NPY_ARRAY_WRITEABLE;
  nb::object made =
      nb::steal(PyArray_New(&PyArray_Type, header.dimensions, described.shape.data(), header.type, nullptr, elements, 0, flags, nullptr));
  if (made.is_valid() && array_size(made.ptr()) != size) {
    refuse();
    return nb::object();
  }
  return made;
}

// The array as it was where it came from.
PyObject* finish(nb::object made, const ArrayHeader& header) {
  if (!header.is_writeable) {
    PyArray_CLEARFLAGS(as_array(made.ptr()), NPY_ARRAY_WRITEABLE);
  }
  return made.release().ptr();
}

} // namespace

bool is_plain_array(PyObject* value) {
  // The name first: for most values it answers, without a look at the modules.
  if (std::strcmp(Py_TYPE(value)->tp_name, "numpy.ndarray") != 0 || !find_numpy() || !PyArray_CheckExact(value)) {
    return false;
  }
  PyArrayObject* array = as_array(value);
  return is_number(PyArray_TYPE(array)) && PyArray_ISNOTSWAPPED(array) && PyDataType_METADATA(PyArray_DESCR(array)) == nullptr;
}

size_t array_size(PyObject* array) { return static_cast<size_t>(PyArray_NBYTES(as_array(array))); }

bool is_dense(PyObject* array) { return PyArray_IS_C_CONTIGUOUS(as_array(array)) || PyArray_IS_F_CONTIGUOUS(as_array(array)); }

std::string_view array_elements(PyObject* array) {
  return is_dense(array) ? std::string_view(static_cast<const char*>(PyArray_DATA(as_array(array))), array_size(array))
                         : std::string_view();
}

void append_description(PyObject* value, std::string* body) {
  PyArrayObject* array = as_array(value);
  const ArrayHeader header{.type = static_cast<uint8_t>(PyArray_TYPE(array)),
                           .dimensions = static_cast<uint8_t>(PyArray_NDIM(array)),
                           .is_fortran = !PyArray_IS_C_CONTIGUOUS(array),
                           .is_writeable = PyArray_ISWRITEABLE(array) != 0};
  body->append(reinterpret_cast<const char*>(&header), sizeof header);
  body->append(reinterpret_cast<const char*>(PyArray_DIMS(array)), header.dimensions * sizeof(npy_intp));
}

bool append_array(PyObject* value, std::string* body) {
  nb::object dense = nb::borrow(value);
  if (!is_dense(value)) {
    dense = nb::steal(PyArray_NewCopy(as_array(value), NPY_CORDER));
    if (!dense.is_valid()) {
      PyErr_Clear();
      return false;
    }
  }
  append_description(dense.ptr(), body);
  body->append(array_elements(dense.ptr()));
  return true;
}

PyObject* decode_array(std::string_view bytes) {
  Description described{};
  nb::object made = take_description(&bytes, &described) ? make_array(described, nullptr, bytes.size()) : nb::object();
  if (!made.is_valid()) {
    return nullptr;
  }
  std::memcpy(PyArray_DATA(as_array(made.ptr())), bytes.data(), bytes.size());
  return finish(std::move(made), described.header);
}

PyObject* new_array(std::string_view description, size_t size, char** elements) {
  Description described{};
  nb::object made = take_description(&description, &described) ? make_array(described, nullptr, size) : nb::object();
  if (!made.is_valid()) {
    return nullptr;
  }
  *elements = PyArray_BYTES(as_array(made.ptr()));
  return made.release().ptr();
}

PyObject* view_array(std::string_view description, char* elements, size_t size, PyObject* owner) {
  Description described{};
  nb::object made = take_description(&description, &described) ? make_array(described, elements, size) : nb::object();
  if (!made.is_valid() || PyArray_SetBaseObject(as_array(made.ptr()), Py_NewRef(owner)) != 0) {
    return nullptr;
  }
  return finish(std::move(made), described.header);
}

} // namespace hasten::bindings
