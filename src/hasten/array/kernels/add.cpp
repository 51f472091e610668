#include "hasten/array/kernels/add.h"

#include "hasten/array/kernels/isa.h"

namespace hasten::array {
namespace {

template <class T> HASTEN_INLINE uint64_t sum_in(const T* items, int64_t n) {
  constexpr int64_t kLanes = 32;
  uint64_t lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t k = 0; k < kLanes; ++k) {
      lanes[k] += static_cast<uint64_t>(items[i + k]);
    }
  }
  uint64_t sum = 0;
  for (int64_t k = 0; k < kLanes; ++k) {
    sum += lanes[k];
  }
  for (; i < n; ++i) {
    sum += static_cast<uint64_t>(items[i]);
  }
  return sum;
}

template <class T> uint64_t sum_base(const T* items, int64_t n) { return sum_in(items, n); }
template <class T> HASTEN_AVX2 uint64_t sum_avx2(const T* items, int64_t n) { return sum_in(items, n); }
template <class T> HASTEN_AVX512 uint64_t sum_avx512(const T* items, int64_t n) { return sum_in(items, n); }

template <class T> HASTEN_INLINE void add_in(T* __restrict sums, const T* __restrict items, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    sums[i] += items[i];
  }
}

template <class T> void add_base(T* sums, const T* items, int64_t n) { add_in(sums, items, n); }
template <class T> HASTEN_AVX2 void add_avx2(T* sums, const T* items, int64_t n) { add_in(sums, items, n); }
template <class T> HASTEN_AVX512 void add_avx512(T* sums, const T* items, int64_t n) { add_in(sums, items, n); }

template <class T> void add_best(T* sums, const T* items, int64_t n) {
  static const auto best = pick_isa(add_base<T>, add_avx2<T>, add_avx512<T>);
  best(sums, items, n);
}

} // namespace

template <class T> uint64_t sum_integers(const T* items, int64_t n) {
  static const auto best = pick_isa(sum_base<T>, sum_avx2<T>, sum_avx512<T>);
  return best(items, n);
}

template uint64_t sum_integers(const bool*, int64_t);
template uint64_t sum_integers(const int8_t*, int64_t);
template uint64_t sum_integers(const uint8_t*, int64_t);
template uint64_t sum_integers(const int16_t*, int64_t);
template uint64_t sum_integers(const uint16_t*, int64_t);
template uint64_t sum_integers(const int32_t*, int64_t);
template uint64_t sum_integers(const uint32_t*, int64_t);
template uint64_t sum_integers(const int64_t*, int64_t);
template uint64_t sum_integers(const uint64_t*, int64_t);

void add_numbers(float* sums, const float* items, int64_t n) { add_best(sums, items, n); }
void add_numbers(double* sums, const double* items, int64_t n) { add_best(sums, items, n); }

} // namespace hasten::array
