// Arrays at the border: NumPy arrays into slots without a copy, arrays of compiled code into NumPy arrays without a copy.
//
// All functions need the GIL.
#pragma once

#include <cstring>

#include "hasten/abi/block.h"
#include "hasten/bindings/numpy_api.h"
#include "hasten/compiler/ir/type.h"

namespace hasten::bindings {

// What the block of an argument does where its count reaches zero, which only a mistake in compiled code can bring about: the call itself
// holds one count, on its stack. Also tells such a block from one of ours.
void destroy_borrowed(abi::Block*);

// The lowest address and the extent of an array whose strides are not those of C.
void strided_extent(PyArrayObject* array, abi::Block* block);

// Makes `block` stand for the memory of `array` and writes the slots of the array; returns the slot behind them. Borrows `array`.
inline uint64_t* unbox_array(PyArrayObject* array, abi::Block* block, uint64_t* slots) {
  const int ndim = PyArray_NDIM(array);
  block->refs = 1;
  block->destroy = destroy_borrowed;
  block->owner = array;
  if (PyArray_IS_C_CONTIGUOUS(array)) [[likely]] {
    block->data = PyArray_BYTES(array);
    int64_t bytes = PyArray_ITEMSIZE(array);
    for (int axis = 0; axis < ndim; ++axis) {
      bytes *= PyArray_DIM(array, axis);
    }
    block->bytes = bytes;
  } else {
    strided_extent(array, block);
  }
  slots[0] = reinterpret_cast<uint64_t>(block);
  slots[1] = reinterpret_cast<uint64_t>(PyArray_DATA(array));
  for (int axis = 0; axis < ndim; ++axis) {
    slots[2 + axis] = static_cast<uint64_t>(PyArray_DIM(array, axis));
    slots[2 + ndim + axis] = static_cast<uint64_t>(PyArray_STRIDE(array, axis));
  }
  return slots + 2 + 2 * ndim;
}

// A new reference to a NumPy array for the array in the slots, whose count it takes over, on failure too (null, with a Python exception
// set). An argument that comes back unchanged is the same object; a view of an argument has the argument as its base.
PyObject* box_array(ir::TypeRef type, const uint64_t* slots);

// Gives back the count of the array in the slots.
void release_array(const uint64_t* slots);

// A new reference to the dtype, with the unit of datetime64 and timedelta64. Null with a Python exception set.
PyArray_Descr* make_descriptor(ir::TypeRef scalar);

// Makes the type of the objects that keep blocks alive under NumPy arrays. Called once, from module.cpp; false with an exception set.
bool init_array_boxing(PyObject* module);

} // namespace hasten::bindings
