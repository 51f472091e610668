// Arrays of numbers that travel through pools and queues as they lie in memory, without a pickle. All functions need the GIL.
#pragma once

#include <Python.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace hasten::bindings {

// Larger ones are worth a block of shared memory each, which costs a system call or two and no copy.
constexpr size_t kMostArrayBytes = size_t{64} << 10;

// Whether the value is a plain array: an ndarray and no instance of a subclass, of a numeric type of NumPy's own in the machine's byte
// order. Sets no error, and does not import NumPy.
bool is_plain_array(PyObject* value);

// --- of plain arrays ---

// The bytes of its elements.
size_t array_size(PyObject* array);

// Whether its elements lie in memory without gaps, in one order or the other.
bool is_dense(PyObject* array);

// Its elements, as they lie in memory; none where it isn't dense.
std::string_view array_elements(PyObject* array);

// Appends type, shape and order of a dense array.
void append_description(PyObject* array, std::string* body);

// Appends the same of any array, and its elements. False where there is no memory for it; sets no error.
bool append_array(PyObject* array, std::string* body);

// --- back again ---

// An array with memory of its own from what append_array wrote; null with an error set where the bytes are no such thing.
PyObject* decode_array(std::string_view bytes);

// An array with memory of its own for elements of that many bytes, which come later and may be written to; else as decode_array.
PyObject* new_array(std::string_view description, size_t size, char** elements);

// An array of elements that lie elsewhere, in memory that `owner` keeps; else as decode_array.
PyObject* view_array(std::string_view description, char* elements, size_t size, PyObject* owner);

} // namespace hasten::bindings
