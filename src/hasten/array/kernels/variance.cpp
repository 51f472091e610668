#include <cmath>

#include "hasten/array/kernels/gather.h"
#include "hasten/array/kernels/reduce.h"
#include "hasten/array/kernels/tree_sum.h"

namespace hasten::array {
namespace {

using abi::ArrayView;
using abi::Env;
using abi::ReduceKind;
using abi::Status;

// What NumPy computes the mean and the squares of `T` in.
template <class T> struct VarianceOf {
  using Mean = double;
  using Square = double;
};
template <> struct VarianceOf<float> {
  using Mean = float;
  using Square = float;
};
template <> struct VarianceOf<Half> {
  using Mean = float;
  using Square = float;
};
template <class P> struct VarianceOf<std::complex<P>> {
  using Mean = std::complex<P>;
  using Square = P;
};

template <class T> constexpr DType kMeanDType = DType::kFloat64;
template <> constexpr DType kMeanDType<float> = DType::kFloat32;
template <> constexpr DType kMeanDType<Half> = DType::kFloat32;
template <> constexpr DType kMeanDType<std::complex<float>> = DType::kComplex64;
template <> constexpr DType kMeanDType<std::complex<double>> = DType::kComplex128;

template <class Mean, class T> auto squared_distance(T value, Mean mean) {
  if constexpr (kIsComplex<T>) {
    const auto real = value.real() - mean.real();
    const auto imag = value.imag() - mean.imag();
    return real * real + imag * imag;
  } else {
    const Mean distance = static_cast<Mean>(widened(value)) - mean;
    return distance * distance;
  }
}

template <class T> Status variance(Env* env, const ArrayView& in, int64_t ddof, typename VarianceOf<T>::Square* out) {
  using Mean = typename VarianceOf<T>::Mean;
  using Square = typename VarianceOf<T>::Square;
  const int64_t n = count_items(in);
  Mean mean{};
  const Reducer* reducer = find_reducer(ReduceKind::kMean, in.dtype, kMeanDType<T>);
  if (const Status status = reduce_all(env, *reducer, in, kMeanDType<T>, ReduceKind::kMean, reinterpret_cast<char*>(&mean), false);
      status != Status::kOk) {
    return status;
  }
  divide_by_count(reinterpret_cast<char*>(&mean), kMeanDType<T>, 1, n);
  Nest nest(1, in.ndim, in.shape);
  nest.set_operand(0, in.data, in.ndim, in.shape, in.strides);
  nest.sort_axes();
  nest.merge_axes();
  constexpr int64_t kPart = 512;
  Square sum{};
  const Status status =
      n == 0 ? Status::kOk : tree_sum<Square>(env, 0, n, kPart, &sum, [&](Env*, int64_t begin, int64_t count, Square* part) {
        T items[kPart];
        Square squares[kPart];
        gather(nest, 0, begin, count, sizeof(T), reinterpret_cast<char*>(items));
        for (int64_t i = 0; i < count; ++i) {
          squares[i] = squared_distance(items[i], mean);
        }
        *part = pairwise_by<Square>(0, count, [&](int64_t i) { return squares[i]; });
        return Status::kOk;
      });
  *out = (Square{} + sum) / static_cast<Square>(std::max<int64_t>(n - ddof, 0));
  return status;
}

// Calls finish on the variance, which may be double or float, and stores it.
template <class Finish> Status compute_variance(Env* env, void* out, const ArrayView& in, int64_t ddof, Finish&& finish) {
  return visit_dtype(in.dtype, [&](auto item) {
    using T = decltype(item);
    if constexpr (std::is_same_v<T, Time>) {
      return abi::fail(env, abi::ErrorKind::kTypeError, "no variance of dates");
    } else {
      typename VarianceOf<T>::Square value;
      const Status status = variance<T>(env, in, ddof, &value);
      if constexpr (std::is_same_v<T, Half>) { // both steps are rounded
        value = half_to_float(float_to_half(value));
        value = half_to_float(float_to_half(finish(value)));
      } else {
        value = finish(value);
      }
      store_item(static_cast<char*>(out), value);
      return status;
    }
  });
}

} // namespace
} // namespace hasten::array

using namespace hasten;

extern "C" {

int32_t hst_var(abi::Env* env, void* out, const abi::ArrayView* in, int64_t ddof) {
  return static_cast<int32_t>(array::compute_variance(env, out, *in, ddof, [](auto value) { return value; }));
}

int32_t hst_std(abi::Env* env, void* out, const abi::ArrayView* in, int64_t ddof) {
  return static_cast<int32_t>(array::compute_variance(env, out, *in, ddof, [](auto value) { return std::sqrt(value); }));
}
}
