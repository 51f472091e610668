// Copies, reshaped and flattened arrays.
#pragma once

#include <cstdint>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"

namespace hasten::array {

// Writes `in`, broadcast, to `out`. The two don't clash, and items have the same size.
void copy_view(const abi::ArrayView& out, const abi::ArrayView& in, int64_t item);

} // namespace hasten::array

extern "C" {
// out = a new array with in's items; C order, or Fortran order where fortran_order is nonzero. out->ndim == in->ndim, same dtype.
int32_t hst_copy(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* in, int64_t fortran_order);
// out = in where it shares no memory with `written`, or is the very same view, else a new array with in's items. out->ndim == in->ndim,
// same dtype.
int32_t hst_apart(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* in,
                  const hasten::abi::ArrayView* written);
// out = in.ravel(): 1-d, C order; a view of in's memory where that is possible.
int32_t hst_ravel(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* in);
// out = in.reshape(dims), C order; dims: 1-d int64 with out->ndim items, one of which may be -1. A view of in's memory where possible.
int32_t hst_reshape(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* in,
                    const hasten::abi::ArrayView* dims);
}
