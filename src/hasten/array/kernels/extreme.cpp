#include "hasten/array/kernels/extreme.h"

#include <cstring>
#include <type_traits>

#include "hasten/array/kernels/isa.h"

#if defined(__x86_64__)
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the deliberately undefined operands of its own intrinsics for mistakes.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#endif

namespace hasten::array {
namespace {

template <class T, bool kGreatest> HASTEN_INLINE T better(T a, T b) { return (kGreatest ? a >= b : a <= b) || a != a ? a : b; }

template <class T, bool kGreatest> HASTEN_INLINE T extreme_of_rest(const T* items, int64_t begin, int64_t n, T best) {
  for (int64_t i = begin; i < n; ++i) {
    best = better<T, kGreatest>(best, items[i]);
  }
  return best;
}

// Accumulators enough for the compiler to use several vectors, so that their latency is hidden.
template <class T, bool kGreatest> HASTEN_INLINE T extreme_lanes(const T* items, int64_t n) {
  constexpr int64_t kLanes = 256 / sizeof(T);
  if (n < kLanes) {
    return extreme_of_rest<T, kGreatest>(items, 1, n, items[0]);
  }
  T lanes[kLanes];
  std::memcpy(lanes, items, sizeof lanes);
  int64_t i = kLanes;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t k = 0; k < kLanes; ++k) {
      const T item = items[i + k];
      lanes[k] = (kGreatest ? lanes[k] < item : item < lanes[k]) ? item : lanes[k];
    }
  }
  T best = lanes[0];
  for (int64_t k = 1; k < kLanes; ++k) {
    best = better<T, kGreatest>(best, lanes[k]);
  }
  return extreme_of_rest<T, kGreatest>(items, i, n, best);
}

template <class T, bool kGreatest> T extreme_base(const T* items, int64_t n) {
  if constexpr (std::is_floating_point_v<T>) {
    return extreme_of_rest<T, kGreatest>(items, 1, n, items[0]);
  } else {
    return extreme_lanes<T, kGreatest>(items, n);
  }
}

#if defined(__x86_64__)

// Floats: the machine's maximum gives its second operand where one is NaN, so accumulators stay free of NaN, which is looked for apart.
#define HASTEN_EXTREME_FLOAT(isa, target, type, vector, width, load, op_max, op_min, unordered)                                            \
  template <bool kGreatest> target type extreme_float_##isa(const type* items, int64_t n) {                                                \
    constexpr int64_t kStep = 4 * (width);                                                                                                 \
    if (n < kStep) {                                                                                                                       \
      return extreme_of_rest<type, kGreatest>(items, 1, n, items[0]);                                                                      \
    }                                                                                                                                      \
    vector lanes[4] = {load(items), load(items + (width)), load(items + 2 * (width)), load(items + 3 * (width))};                          \
    bool nan = unordered(lanes[0], lanes[1]) || unordered(lanes[2], lanes[3]);                                                             \
    int64_t i = kStep;                                                                                                                     \
    for (; i + kStep <= n && !nan; i += kStep) {                                                                                           \
      const vector a = load(items + i), b = load(items + i + (width));                                                                     \
      const vector c = load(items + i + 2 * (width)), d = load(items + i + 3 * (width));                                                   \
      nan = unordered(a, b) || unordered(c, d);                                                                                            \
      lanes[0] = kGreatest ? op_max(a, lanes[0]) : op_min(a, lanes[0]);                                                                    \
      lanes[1] = kGreatest ? op_max(b, lanes[1]) : op_min(b, lanes[1]);                                                                    \
      lanes[2] = kGreatest ? op_max(c, lanes[2]) : op_min(c, lanes[2]);                                                                    \
      lanes[3] = kGreatest ? op_max(d, lanes[3]) : op_min(d, lanes[3]);                                                                    \
    }                                                                                                                                      \
    if (nan) {                                                                                                                             \
      return extreme_of_rest<type, kGreatest>(items, 1, n, items[0]);                                                                      \
    }                                                                                                                                      \
    type each[kStep];                                                                                                                      \
    std::memcpy(each, lanes, sizeof each);                                                                                                 \
    return extreme_of_rest<type, kGreatest>(items, i, n, extreme_of_rest<type, kGreatest>(each, 1, kStep, each[0]));                       \
  }

HASTEN_AVX2 inline bool unordered_pd256(__m256d a, __m256d b) { return _mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_UNORD_Q)) != 0; }
HASTEN_AVX2 inline bool unordered_ps256(__m256 a, __m256 b) { return _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_UNORD_Q)) != 0; }
HASTEN_AVX512 inline bool unordered_pd512(__m512d a, __m512d b) { return _mm512_cmp_pd_mask(a, b, _CMP_UNORD_Q) != 0; }
HASTEN_AVX512 inline bool unordered_ps512(__m512 a, __m512 b) { return _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q) != 0; }

HASTEN_EXTREME_FLOAT(avx2, HASTEN_AVX2, double, __m256d, 4, _mm256_loadu_pd, _mm256_max_pd, _mm256_min_pd, unordered_pd256)
HASTEN_EXTREME_FLOAT(avx2, HASTEN_AVX2, float, __m256, 8, _mm256_loadu_ps, _mm256_max_ps, _mm256_min_ps, unordered_ps256)
HASTEN_EXTREME_FLOAT(avx512, HASTEN_AVX512, double, __m512d, 8, _mm512_loadu_pd, _mm512_max_pd, _mm512_min_pd, unordered_pd512)
HASTEN_EXTREME_FLOAT(avx512, HASTEN_AVX512, float, __m512, 16, _mm512_loadu_ps, _mm512_max_ps, _mm512_min_ps, unordered_ps512)

template <class T, bool kGreatest> HASTEN_AVX2 T extreme_avx2(const T* items, int64_t n) {
  if constexpr (std::is_floating_point_v<T>) {
    return extreme_float_avx2<kGreatest>(items, n);
  } else {
    return extreme_lanes<T, kGreatest>(items, n);
  }
}

template <class T, bool kGreatest> HASTEN_AVX512 T extreme_avx512(const T* items, int64_t n) {
  if constexpr (std::is_floating_point_v<T>) {
    return extreme_float_avx512<kGreatest>(items, n);
  } else {
    return extreme_lanes<T, kGreatest>(items, n);
  }
}

#else

template <class T, bool kGreatest> T extreme_avx2(const T* items, int64_t n) { return extreme_base<T, kGreatest>(items, n); }
template <class T, bool kGreatest> T extreme_avx512(const T* items, int64_t n) { return extreme_base<T, kGreatest>(items, n); }

#endif

template <class T, bool kGreatest> T best_of(const T* items, int64_t n) {
  static const auto best = pick_isa(extreme_base<T, kGreatest>, extreme_avx2<T, kGreatest>, extreme_avx512<T, kGreatest>);
  return best(items, n);
}

// bests[i] becomes the better of itself and items[i].
template <class T, bool kGreatest> HASTEN_INLINE void keep_better_in(T* __restrict bests, const T* __restrict items, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    bests[i] = better<T, kGreatest>(bests[i], items[i]);
  }
}

template <class T, bool kGreatest> void keep_better_base(T* bests, const T* items, int64_t n) {
  keep_better_in<T, kGreatest>(bests, items, n);
}
template <class T, bool kGreatest> HASTEN_AVX2 void keep_better_avx2(T* bests, const T* items, int64_t n) {
  keep_better_in<T, kGreatest>(bests, items, n);
}
template <class T, bool kGreatest> HASTEN_AVX512 void keep_better_avx512(T* bests, const T* items, int64_t n) {
  keep_better_in<T, kGreatest>(bests, items, n);
}

template <class T, bool kGreatest> void keep_better_of(T* bests, const T* items, int64_t n) {
  static const auto best = pick_isa(keep_better_base<T, kGreatest>, keep_better_avx2<T, kGreatest>, keep_better_avx512<T, kGreatest>);
  best(bests, items, n);
}

} // namespace

template <class T> T extreme(const T* items, int64_t n, bool greatest) {
  return greatest ? best_of<T, true>(items, n) : best_of<T, false>(items, n);
}

template <class T> void keep_better(T* bests, const T* items, int64_t n, bool greatest) {
  greatest ? keep_better_of<T, true>(bests, items, n) : keep_better_of<T, false>(bests, items, n);
}

#define HASTEN_INSTANTIATE(type)                                                                                                           \
  template type extreme(const type*, int64_t, bool);                                                                                       \
  template void keep_better(type*, const type*, int64_t, bool);

HASTEN_INSTANTIATE(int8_t)
HASTEN_INSTANTIATE(uint8_t)
HASTEN_INSTANTIATE(int16_t)
HASTEN_INSTANTIATE(uint16_t)
HASTEN_INSTANTIATE(int32_t)
HASTEN_INSTANTIATE(uint32_t)
HASTEN_INSTANTIATE(int64_t)
HASTEN_INSTANTIATE(uint64_t)
HASTEN_INSTANTIATE(float)
HASTEN_INSTANTIATE(double)

} // namespace hasten::array
