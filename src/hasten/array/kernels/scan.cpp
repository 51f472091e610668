#include "hasten/array/kernels/scan.h"

#include "hasten/abi/ewise.h"
#include "hasten/array/kernels/element.h"
#include "hasten/array/kernels/extreme.h"
#include "hasten/array/kernels/nest.h"
#include "hasten/array/kernels/reducer.h"

namespace hasten::array {
namespace {

using abi::ArrayView;
using abi::Env;
using abi::ReduceKind;
using abi::Status;

Nest in_c_order(const ArrayView& in) {
  Nest nest(1, in.ndim, in.shape);
  nest.set_operand(0, in.data, in.ndim, in.shape, in.strides);
  nest.merge_axes();
  return nest;
}

Status cumulate(Env* env, ArrayView* out, const ArrayView& in, ReduceKind kind) {
  const Reducer* reducer = find_reducer(kind, in.dtype, out->dtype);
  if (reducer == nullptr) {
    return abi::fail(env, abi::ErrorKind::kTypeError, "items of dtype %s can't be accumulated", std::string(name_of(in.dtype)).c_str());
  }
  out->shape[0] = count_items(in);
  if (const Status status = allocate(env, out, reducer->accumulator_item); status != Status::kOk) {
    return status;
  }
  if (out->shape[0] == 0) {
    return Status::kOk;
  }
  char* target = out->data;
  alignas(16) char accumulator[16];
  reducer->start(accumulator, nullptr);
  in_c_order(in).for_each_run(0, 0, out->shape[0], [&](const char* items, int64_t stride, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      reducer->combine(accumulator, reducer->accumulator_item, items + i * stride, reducer->in_item, 1);
      std::memcpy(target, accumulator, static_cast<size_t>(reducer->accumulator_item));
      target += reducer->accumulator_item;
    }
  });
  return Status::kOk;
}

// The best item so far and its position.
template <class T> struct Best {
  T value;
  int64_t at;
  bool greatest;

  bool beaten_by(T other) const { return is_nan(other) || (greatest ? is_less(value, other) : is_less(other, value)); }

  // Looks at a run whose first item has position `position`.
  void look_at(const char* items, int64_t stride, int64_t count, int64_t position) {
    if (is_nan(value)) {
      return;
    }
    int64_t i = 0;
    if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
      if (stride == sizeof(T) && count > 16) { // finds the extreme first, then its place
        const T extreme_item = extreme(reinterpret_cast<const T*>(items), count, greatest);
        if (!beaten_by(extreme_item)) {
          return;
        }
        for (; i < count; ++i) {
          const T item = load_item<T>(items + i * static_cast<int64_t>(sizeof(T)));
          if (item == extreme_item || is_nan(item)) {
            break;
          }
        }
      }
    }
    for (; i < count; ++i) {
      const T item = load_item<T>(items + i * stride);
      if (beaten_by(item)) {
        value = item;
        at = position + i;
        if (is_nan(item)) {
          return;
        }
      }
    }
  }
};

Status empty_sequence(Env* env, bool greatest) {
  return abi::fail(env, abi::ErrorKind::kValueError, "attempt to get %s of an empty sequence", greatest ? "argmax" : "argmin");
}

Status argreduce(Env* env, int64_t* out, const ArrayView& in, bool greatest) {
  const int64_t n = count_items(in);
  if (n == 0) {
    return empty_sequence(env, greatest);
  }
  visit_dtype(in.dtype, [&](auto zero) {
    using T = decltype(zero);
    Best<T> best{load_item<T>(in.data), 0, greatest};
    int64_t position = 0;
    in_c_order(in).for_each_run(0, 0, n, [&](const char* items, int64_t stride, int64_t count) {
      best.look_at(items, stride, count, position);
      position += count;
    });
    *out = best.at;
  });
  return Status::kOk;
}

Status argreduce_axis(Env* env, ArrayView* out, const ArrayView& in, int axis, bool greatest) {
  int64_t strides[kMostDims];
  int kept = 0;
  for (int i = 0; i < in.ndim; ++i) {
    if (i != axis) {
      out->shape[kept] = in.shape[i];
      strides[kept++] = in.strides[i];
    }
  }
  out->ndim = kept;
  if (in.shape[axis] == 0) {
    return empty_sequence(env, greatest);
  }
  if (const Status status = allocate(env, out, sizeof(int64_t)); status != Status::kOk) {
    return status;
  }
  const int64_t items = count_items(*out);
  if (items == 0) {
    return Status::kOk;
  }
  visit_dtype(in.dtype, [&](auto zero) {
    using T = decltype(zero);
    char* target = out->data;
    in_c_order(ArrayView{nullptr, in.data, out->shape, strides, kept, in.dtype})
        .for_each_run(0, 0, items, [&](const char* first, int64_t stride, int64_t count) {
          for (int64_t i = 0; i < count; ++i) {
            Best<T> best{load_item<T>(first + i * stride), 0, greatest};
            best.look_at(first + i * stride, in.strides[axis], in.shape[axis], 0);
            store_item(target, best.at);
            target += sizeof(int64_t);
          }
        });
  });
  return Status::kOk;
}

} // namespace
} // namespace hasten::array

using namespace hasten;

extern "C" {

int32_t hst_cumulate(abi::Env* env, abi::ArrayView* out, const abi::ArrayView* in, int64_t kind) {
  return static_cast<int32_t>(array::cumulate(env, out, *in, static_cast<abi::ReduceKind>(kind)));
}

int32_t hst_argreduce(abi::Env* env, int64_t* out, const abi::ArrayView* in, int64_t is_max) {
  return static_cast<int32_t>(array::argreduce(env, out, *in, is_max != 0));
}

int32_t hst_argreduce_axis(abi::Env* env, abi::ArrayView* out, const abi::ArrayView* in, int64_t axis, int64_t is_max) {
  return static_cast<int32_t>(array::argreduce_axis(env, out, *in, static_cast<int>(axis), is_max != 0));
}
}
