#include "hasten/bindings/array_boxing.h"

#include <cassert>

#include "hasten/bindings/numpy_bridge.h"
#include "hasten/bindings/python_type.h"

namespace hasten::bindings {
namespace {

// The base of a NumPy array over a block of ours: holds one count of the block.
struct BlockOwner {
  PyObject_HEAD abi::Block* block;
};

PyTypeObject* block_owner_type = nullptr;

void block_owner_dealloc(PyObject* self) {
  hst_block_release(reinterpret_cast<BlockOwner*>(self)->block);
  free_object(self);
}

PyObject* block_owner_repr(PyObject* self) {
  return PyUnicode_FromFormat("<%lld bytes of Hasten's memory>", static_cast<long long>(reinterpret_cast<BlockOwner*>(self)->block->bytes));
}

PyObject* block_owner_refcount(PyObject* self, void*) { return PyLong_FromLongLong(reinterpret_cast<BlockOwner*>(self)->block->refs); }

PyGetSetDef block_owner_attributes[] = {
    {"refcount", block_owner_refcount, nullptr, "How many owners the memory has.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

bool is_borrowed(const abi::Block* block) { return block->destroy == destroy_borrowed; }

// The array in the slots, taken apart.
struct ArraySlots {
  explicit ArraySlots(ir::TypeRef type, const uint64_t* slots)
      : ndim(type->ndim), block(reinterpret_cast<abi::Block*>(slots[0])), data(reinterpret_cast<char*>(slots[1])),
        shape(reinterpret_cast<const npy_intp*>(slots + 2)), strides(reinterpret_cast<const npy_intp*>(slots + 2 + type->ndim)) {}

  int ndim;
  abi::Block* block;
  char* data;
  const npy_intp* shape;
  const npy_intp* strides;
};

// Units of datetime64 are part of the dtype, but not of its number.
bool has_unit_of(PyArrayObject* array, ir::TypeRef scalar) {
  if (scalar->kind != ir::Kind::kDatetime) {
    return true;
  }
  PyArray_Descr* wanted = make_descriptor(scalar);
  const bool equal = wanted != nullptr && PyArray_EquivTypes(PyArray_DESCR(array), wanted) != 0;
  Py_XDECREF(wanted);
  PyErr_Clear();
  return equal;
}

bool is_same_array(PyArrayObject* argument, ir::TypeRef type, const ArraySlots& a) {
  return PyArray_DATA(argument) == a.data && PyArray_NDIM(argument) == a.ndim &&
         PyArray_TYPE(argument) == static_cast<int>(type->elem->dtype) &&
         std::memcmp(PyArray_DIMS(argument), a.shape, sizeof(npy_intp) * a.ndim) == 0 &&
         std::memcmp(PyArray_STRIDES(argument), a.strides, sizeof(npy_intp) * a.ndim) == 0 && has_unit_of(argument, type->elem);
}

// Takes over `base`.
PyObject* make_array(ir::TypeRef type, const ArraySlots& a, PyObject* base, bool writeable) {
  PyArray_Descr* descriptor = make_descriptor(type->elem);
  if (descriptor == nullptr) {
    Py_DECREF(base);
    return nullptr;
  }
  // NumPy would allocate where the address is null, as it may be in an array without items.
  alignas(16) static char nothing[16];
  char* data = a.data != nullptr ? a.data : nothing;
  PyObject* array =
      PyArray_NewFromDescr(&PyArray_Type, descriptor, a.ndim, a.shape, a.strides, data, writeable ? NPY_ARRAY_WRITEABLE : 0, nullptr);
  if (array == nullptr) {
    Py_DECREF(base);
    return nullptr;
  }
  if (PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(array), base) < 0) { // steals `base`, on failure too
    Py_DECREF(array);
    return nullptr;
  }
  return array;
}

} // namespace

void destroy_borrowed(abi::Block* block) {
  (void)block;
  assert(!"compiled code released an argument that it had borrowed");
}

void strided_extent(PyArrayObject* array, abi::Block* block) {
  char* low = PyArray_BYTES(array);
  int64_t bytes = PyArray_ITEMSIZE(array);
  for (int axis = 0; axis < PyArray_NDIM(array); ++axis) {
    const int64_t steps = PyArray_DIM(array, axis) - 1;
    if (steps < 0) {
      bytes = 0;
      break;
    }
    const int64_t reach = steps * PyArray_STRIDE(array, axis);
    low += reach < 0 ? reach : 0;
    bytes += reach < 0 ? -reach : reach;
  }
  block->data = bytes == 0 ? PyArray_BYTES(array) : low;
  block->bytes = bytes;
}

PyObject* box_array(ir::TypeRef type, const uint64_t* slots) {
  import_numpy();
  const ArraySlots a(type, slots);
  if (is_borrowed(a.block)) {
    --a.block->refs;
    auto* argument = static_cast<PyObject*>(a.block->owner);
    auto* array = reinterpret_cast<PyArrayObject*>(argument);
    const bool writeable = PyArray_ISWRITEABLE(array) && !type->readonly;
    if (is_same_array(array, type, a) && writeable == static_cast<bool>(PyArray_ISWRITEABLE(array))) {
      return Py_NewRef(argument);
    }
    return make_array(type, a, Py_NewRef(argument), writeable);
  }
  auto* owner = reinterpret_cast<BlockOwner*>(block_owner_type->tp_alloc(block_owner_type, 0));
  if (owner == nullptr) {
    hst_block_release(a.block);
    return nullptr;
  }
  owner->block = a.block;
  return make_array(type, a, reinterpret_cast<PyObject*>(owner), !type->readonly);
}

void release_array(const uint64_t* slots) {
  auto* block = reinterpret_cast<abi::Block*>(slots[0]);
  if (block != nullptr) {
    hst_block_release(block);
  }
}

PyArray_Descr* make_descriptor(ir::TypeRef scalar) {
  if (scalar->kind != ir::Kind::kDatetime || scalar->name.empty()) {
    return PyArray_DescrFromType(static_cast<int>(scalar->dtype));
  }
  const char* code = scalar->dtype == array::DType::kDatetime64 ? "M8" : "m8";
  PyObject* text = PyUnicode_FromFormat("%s[%s]", code, scalar->name.c_str());
  PyArray_Descr* descriptor = nullptr;
  if (text != nullptr) {
    PyArray_DescrConverter(text, &descriptor);
    Py_DECREF(text);
  }
  return descriptor;
}

bool init_array_boxing(PyObject* module) {
  static PyType_Slot slots[] = {
      {Py_tp_dealloc, reinterpret_cast<void*>(block_owner_dealloc)},
      {Py_tp_repr, reinterpret_cast<void*>(block_owner_repr)},
      {Py_tp_getset, block_owner_attributes},
      {Py_tp_doc, const_cast<char*>("Memory of compiled code that NumPy arrays lie in: the `base` of such arrays.")},
      {0, nullptr},
  };
  static PyType_Spec spec = {"hasten._core.BlockOwner", sizeof(BlockOwner), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE, slots};
  block_owner_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return block_owner_type != nullptr && PyModule_AddObjectRef(module, "BlockOwner", reinterpret_cast<PyObject*>(block_owner_type)) == 0;
}

} // namespace hasten::bindings
