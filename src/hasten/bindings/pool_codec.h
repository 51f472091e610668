// How tasks and results travel: plain scalars and small arrays as they lie in memory, everything else pickled, with large buffers in a
// parcel, in the lane or in a block of shared memory. All functions need the GIL.
//
// A task's payload is the head that all tasks of a call share, and the body, its items. The head, made by `encode_function` of
// hasten._pool.pickling, is a byte, the function's size, and the function. The body is what encode_plainly writes where the head's byte
// says so, else what hasten._pool.pickling makes of it.
#pragma once

#include <Python.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hasten::bindings {

// Bits of the head's first byte.
constexpr uint8_t kHeadMode = 0x07;    // how to call: see hasten._pool.pickling
constexpr uint8_t kHeadIsNamed = 0x08; // the function goes by name, so that the worker may remember what the head means
constexpr uint8_t kHeadIsPlain = 0x10; // so is the body

// How a function is called: f(item), f(*item), or f(*args, **kwargs) once.
enum class PoolMode : uint8_t { kMap, kStarmap, kApply };

enum class PoolTag : uint8_t {
  kNone,
  kTrue,
  kFalse,
  kSmallInt,
  kInt,
  kFloat,
  kText,
  kBytes,
  kTuple,
  kPickle,
  kFailure,
  kParcel,
  kBlock,
  kArray,
  kArrayInBlock // the record is the reference and the array's description
};

struct PoolScalar {
  PoolTag tag;
  const char* data;
  size_t size;
  std::array<char, 8> own; // what `data` may point to
};

// Whether the value is a plain scalar; then `scalar` refers to it. Sets no error.
bool encode_scalar(PyObject* value, PoolScalar* scalar);

// The value of a scalar's tag; null with an error set where it can't be made.
PyObject* decode_scalar(PoolTag tag, const char* data, size_t size);

// Appends objects to a body as a tuple, where all of them are plain scalars, small arrays or tuples of such; else leaves it as it was. Sets
// no error.
bool encode_plainly(PyObject* const* objects, size_t count, std::string* body);

// The tuple that encode_plainly wrote; null with an error set where the bytes are no such thing.
PyObject* decode_plain(std::string_view body);

} // namespace hasten::bindings
