// Arrays of numbers that travel through a pool as they lie in memory, without a pickle. All functions need the GIL.
#pragma once

#include <Python.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace hasten::bindings {

// Larger ones are worth a block of shared memory each, which costs a system call or two and no copy.
constexpr size_t kMostArrayBytes = size_t{64} << 10;

// Whether the value is a plain array: an ndarray and no instance of a subclass, of a numeric type of NumPy's own in the machine's byte
// order, with at most kMostArrayBytes. Sets no error, and does not import NumPy.
bool is_plain_array(PyObject* value);

// Appends type, shape, order and elements of a plain array. False where there is no memory for it; sets no error.
bool append_array(PyObject* value, std::string* body);

// An array with memory of its own from what append_array wrote; null with an error set where the bytes are no such thing.
PyObject* decode_array(std::string_view bytes);

} // namespace hasten::bindings
