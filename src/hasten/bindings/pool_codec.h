// How results travel: plain scalars as they lie in memory, everything else pickled. All functions need the GIL.
#pragma once

#include <Python.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace hasten::bindings {

enum class PoolTag : uint8_t { kNone, kTrue, kFalse, kInt, kFloat, kText, kBytes, kPickle, kFailure };

struct PoolScalar {
  PoolTag tag;
  const char* data;
  size_t size;
  std::array<char, 8> own; // what `data` may point to
};

// Whether the value is a plain scalar; then `scalar` refers to it. Sets no error.
bool encode_scalar(PyObject* value, PoolScalar* scalar);

// The value of any tag but kPickle and kFailure; null with an error set where it can't be made.
PyObject* decode_scalar(PoolTag tag, const char* data, size_t size);

} // namespace hasten::bindings
