// Reductions of whole arrays and along an axis, in NumPy's order of additions.
#pragma once

#include <cstdint>

#include "hasten/abi/ewise.h"
#include "hasten/array/kernels/nest.h"
#include "hasten/array/kernels/reducer.h"

namespace hasten::array {

// Reduces all items of an array into `accumulator`, which has been started and is of dtype `out`.
abi::Status reduce_all(abi::Env* env, const Reducer& reducer, const abi::ArrayView& in, DType out, abi::ReduceKind kind, char* accumulator,
                       bool parallel);

// Divides `count` sums by n, as NumPy's mean does. The dtype is a float or complex one.
void divide_by_count(char* sums, DType dtype, int64_t count, int64_t n);

// ValueError for a minimum or maximum of nothing.
abi::Status no_identity(abi::Env* env, abi::ReduceKind kind);

} // namespace hasten::array

extern "C" {
// out = kind over `axis` (0 <= axis < in->ndim). kind: abi::ReduceKind. keepdims: nonzero keeps the axis with length 1; out->ndim is set
// accordingly. out->dtype says the type of the accumulator, as reducer.h allows; for kMean it is a float or complex type.
int32_t hst_reduce_axis(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* in, int64_t axis, int64_t kind,
                        int64_t keepdims);
// The variance of all items with `ddof` degrees of freedom taken off; *out is double, or float where `in` is float32, complex64 or float16
// (for which NumPy's result is rounded to float16 in the end). hst_std: its square root.
int32_t hst_var(hasten::abi::Env* env, void* out, const hasten::abi::ArrayView* in, int64_t ddof);
int32_t hst_std(hasten::abi::Env* env, void* out, const hasten::abi::ArrayView* in, int64_t ddof);
}
