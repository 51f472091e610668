// Running sums and products, and positions of extremes.
#pragma once

#include <cstdint>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"

extern "C" {
// out (1-d, dtype as reducer.h allows) = the running sum (kind: ReduceKind::kSum) or product (kProd) of in's items in C order.
int32_t hst_cumulate(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* in, int64_t kind);
// *out = the position, in C order, of the first greatest (is_max) or least item; of the first NaN where there is one. ValueError if `in` is
// empty.
int32_t hst_argreduce(hasten::abi::Env* env, int64_t* out, const hasten::abi::ArrayView* in, int64_t is_max);
// The same along `axis` (0 <= axis < in->ndim): out is int64 with one axis less.
int32_t hst_argreduce_axis(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* in, int64_t axis,
                           int64_t is_max);
}
