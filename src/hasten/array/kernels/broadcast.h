// NumPy's broadcasting of shapes, with its messages.
#pragma once

#include <cstdint>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"
#include "hasten/array/kernels/views.h"

namespace hasten::array {

struct Shape {
  int ndim = 0;
  int64_t dims[kMostDims];
};

// Widens `shape` to the shape that it and (dims, ndim) broadcast to. ValueError "operands could not be broadcast together …".
abi::Status broadcast(abi::Env* env, Shape* shape, const int64_t* dims, int ndim);

// Whether `from` can be assigned to an array of shape `to`; leading axes of length 1 don't matter. ValueError "could not broadcast input
// array …".
abi::Status check_assignable(abi::Env* env, const Shape& from, const int64_t* dims, int ndim);

} // namespace hasten::array
