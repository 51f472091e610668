#include "hasten/array/kernels/broadcast.h"

#include <algorithm>

namespace hasten::array {

abi::Status broadcast(abi::Env* env, Shape* shape, const int64_t* dims, int ndim) {
  Shape wide;
  wide.ndim = std::max(shape->ndim, ndim);
  for (int i = 1; i <= wide.ndim; ++i) {
    const int64_t a = i <= shape->ndim ? shape->dims[shape->ndim - i] : 1;
    const int64_t b = i <= ndim ? dims[ndim - i] : 1;
    if (a != b && a != 1 && b != 1) {
      return abi::fail(env, abi::ErrorKind::kValueError, "operands could not be broadcast together with shapes %s %s ",
                       shape_text(shape->dims, shape->ndim).c_str(), shape_text(dims, ndim).c_str());
    }
    wide.dims[wide.ndim - i] = a == 1 ? b : a;
  }
  shape->ndim = wide.ndim;
  std::copy_n(wide.dims, wide.ndim, shape->dims);
  return abi::Status::kOk;
}

abi::Status check_assignable(abi::Env* env, const Shape& from, const int64_t* dims, int ndim) {
  bool fits = true;
  for (int i = 1; i <= from.ndim; ++i) {
    const int64_t length = from.dims[from.ndim - i];
    fits = fits && (length == 1 || (i <= ndim && length == dims[ndim - i]));
  }
  if (fits) {
    return abi::Status::kOk;
  }
  return abi::fail(env, abi::ErrorKind::kValueError, "could not broadcast input array from shape %s into shape %s",
                   shape_text(from.dims, from.ndim).c_str(), shape_text(dims, ndim).c_str());
}

} // namespace hasten::array
