#include <algorithm>
#include <vector>

#include "hasten/array/kernels/copy.h"
#include "hasten/array/kernels/element.h"
#include "hasten/array/kernels/gather.h"
#include "hasten/array/kernels/reduce.h"

namespace hasten::array {
namespace {

using abi::ArrayView;
using abi::Env;
using abi::ReduceKind;
using abi::Status;

// The strides of `out` by the axes of `in`: 0 for the reduced one.
void strides_by_input_axis(const ArrayView& out, int input_ndim, int axis, int64_t* strides) {
  for (int i = 0; i < input_ndim; ++i) {
    const bool kept_length_one = out.ndim == input_ndim;
    strides[i] = i == axis ? 0 : out.strides[kept_length_one || i < axis ? i : i - 1];
  }
}

// Starts the accumulators: with the identity, or with the first items along the axis.
void start_accumulators(const Reducer& reducer, const ArrayView& out, const ArrayView& in, int axis, ReduceKind kind) {
  if (kind == ReduceKind::kMin || kind == ReduceKind::kMax) {
    int64_t strides[kMostDims];
    int64_t shape[kMostDims];
    std::copy_n(in.shape, in.ndim, shape);
    shape[axis] = 1;
    strides_by_input_axis(out, in.ndim, axis, strides);
    copy_view(ArrayView{nullptr, out.data, shape, strides, in.ndim, out.dtype},
              ArrayView{nullptr, in.data, shape, in.strides, in.ndim, in.dtype}, reducer.in_item);
    return;
  }
  if (const int64_t items = count_items(out)) {
    reducer.start(out.data, nullptr);
    pad_with_last(out.data, 1, items, reducer.accumulator_item);
  }
}

Status poll(Env* env) { return --env->fuel < 0 ? static_cast<Status>(hst_poll(env)) : Status::kOk; }

Status accumulate(Env* env, const Reducer& reducer, const ArrayView& out, const ArrayView& in, int axis) {
  int64_t strides[kMostDims];
  strides_by_input_axis(out, in.ndim, axis, strides);
  Nest nest(2, in.ndim, in.shape);
  nest.set_operand(0, in.data, in.ndim, in.shape, in.strides);
  nest.sort_axes();
  nest.set_sorted_operand(1, out.data, strides);
  nest.merge_axes();
  const int64_t row = nest.inner_size();
  const int64_t in_stride = nest.inner_stride(0);
  const int64_t out_stride = nest.inner_stride(1);
  for (int64_t at = 0; at < nest.size(); at += row) {
    auto* accumulators = const_cast<char*>(nest.item(1, at));
    if (out_stride == 0) {
      reducer.reduce(accumulators, nest.item(0, at), row, in_stride);
    } else {
      reducer.combine(accumulators, out_stride, nest.item(0, at), in_stride, row);
    }
    if (const Status status = poll(env); status != Status::kOk) {
      return status;
    }
  }
  return Status::kOk;
}

void set_result_shape(ArrayView* out, const ArrayView& in, int axis, bool keepdims) {
  int to = 0;
  for (int i = 0; i < in.ndim; ++i) {
    if (i != axis) {
      out->shape[to++] = in.shape[i];
    } else if (keepdims) {
      out->shape[to++] = 1;
    }
  }
  out->ndim = to;
}

// The mean of float16 is summed in float32.
Status half_mean(Env* env, const ArrayView& out, const ArrayView& in, int axis) {
  std::vector<float> sums(static_cast<size_t>(count_items(out)));
  int64_t strides[kMostDims];
  ArrayView wide{nullptr, reinterpret_cast<char*>(sums.data()), out.shape, strides, out.ndim, DType::kFloat32};
  set_c_strides(&wide, sizeof(float));
  const Status status = accumulate(env, *find_reducer(ReduceKind::kSum, DType::kFloat16, DType::kFloat32), wide, in, axis);
  for (size_t i = 0; i < sums.size(); ++i) {
    const float mean = sums[i] / static_cast<float>(in.shape[axis]);
    store_item(out.data + 2 * i, Half{float_to_half(mean)});
  }
  return status;
}

Status reduce_axis(Env* env, ArrayView* out, const ArrayView& in, int axis, ReduceKind kind, bool keepdims) {
  const Reducer* reducer = find_reducer(kind, in.dtype, out->dtype);
  if (reducer == nullptr) {
    return abi::fail(env, abi::ErrorKind::kTypeError, "this reduction does not take items of dtype %s",
                     std::string(name_of(in.dtype)).c_str());
  }
  set_result_shape(out, in, axis, keepdims);
  if (in.shape[axis] == 0 && count_items(*out) > 0 && (kind == ReduceKind::kMin || kind == ReduceKind::kMax)) {
    return no_identity(env, kind);
  }
  if (const Status status = allocate(env, out, reducer->accumulator_item); status != Status::kOk) {
    return status;
  }
  Status status = Status::kOk;
  if (kind == ReduceKind::kMean && in.dtype == DType::kFloat16 && out->dtype == DType::kFloat16) {
    status = half_mean(env, *out, in, axis);
  } else {
    start_accumulators(*reducer, *out, in, axis, kind);
    status = accumulate(env, *reducer, *out, in, axis);
    if (kind == ReduceKind::kMean) {
      divide_by_count(out->data, out->dtype, count_items(*out), in.shape[axis]);
    }
  }
  if (status != Status::kOk) {
    abi::hst_block_release(out->block);
    out->block = nullptr;
  }
  return status;
}

} // namespace
} // namespace hasten::array

using namespace hasten;

extern "C" int32_t hst_reduce_axis(abi::Env* env, abi::ArrayView* out, const abi::ArrayView* in, int64_t axis, int64_t kind,
                                   int64_t keepdims) {
  return static_cast<int32_t>(array::reduce_axis(env, out, *in, static_cast<int>(axis), static_cast<abi::ReduceKind>(kind), keepdims != 0));
}
