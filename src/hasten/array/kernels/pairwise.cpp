#include "hasten/array/kernels/pairwise.h"

#include <cstring>

#include "hasten/array/kernels/half.h"
#include "hasten/array/kernels/isa.h"

namespace hasten::array {
namespace {

constexpr int64_t kAhead = 128; // numbers that are fetched early: the processor's own guess ends with each page

// One block of at most 128 numbers in a row; the eight accumulators are the lanes of a vector.
template <class T> HASTEN_INLINE T contiguous_block(const T* a, int64_t n) {
  if (n < 8) {
    T sum = static_cast<T>(-0.0);
    for (int64_t i = 0; i < n; ++i) {
      sum += a[i];
    }
    return sum;
  }
  typedef T Lanes __attribute__((vector_size(8 * sizeof(T))));
  Lanes lanes;
  std::memcpy(&lanes, a, sizeof lanes);
  int64_t i = 8;
  for (; i + 8 <= n; i += 8) {
    __builtin_prefetch(a + i + kAhead);
    Lanes next;
    std::memcpy(&next, a + i, sizeof next);
    lanes += next;
  }
  T r[8];
  std::memcpy(r, &lanes, sizeof r);
  T sum = join_accumulators(r);
  for (; i < n; ++i) {
    sum += a[i];
  }
  return sum;
}

// The same for pairs: even numbers are real parts, odd ones imaginary parts.
template <class T> HASTEN_INLINE std::complex<T> contiguous_pairs(const T* a, int64_t n) {
  if (n < 8) {
    T real = static_cast<T>(-0.0);
    T imag = static_cast<T>(-0.0);
    for (int64_t i = 0; i < n; i += 2) {
      real += a[i];
      imag += a[i + 1];
    }
    return {real, imag};
  }
  typedef T Lanes __attribute__((vector_size(8 * sizeof(T))));
  Lanes lanes;
  std::memcpy(&lanes, a, sizeof lanes);
  int64_t i = 8;
  for (; i + 8 <= n; i += 8) {
    __builtin_prefetch(a + i + kAhead);
    Lanes next;
    std::memcpy(&next, a + i, sizeof next);
    lanes += next;
  }
  T r[8];
  std::memcpy(r, &lanes, sizeof r);
  T real = (r[0] + r[2]) + (r[4] + r[6]);
  T imag = (r[1] + r[3]) + (r[5] + r[7]);
  for (; i < n; i += 2) {
    real += a[i];
    imag += a[i + 1];
  }
  return {real, imag};
}

// One function for each type and instruction set: the recursion must stay within its own target.
#define HASTEN_PAIRWISE(name, type, result, block, target)                                                                                 \
  target result name(const type* a, int64_t n) {                                                                                          \
    const int64_t half = pairwise_split(n);                                                                                               \
    return half == 0 ? block<type>(a, n) : name(a, half) + name(a + half, n - half);                                                      \
  }
#define HASTEN_PAIRWISE_ALL(name, type, result, block)                                                                                     \
  HASTEN_PAIRWISE(name##_base, type, result, block, )                                                                                      \
  HASTEN_PAIRWISE(name##_avx2, type, result, block, HASTEN_AVX2)                                                                           \
  HASTEN_PAIRWISE(name##_avx512, type, result, block, HASTEN_AVX512)                                                                       \
  result name(const type* a, int64_t n) {                                                                                                  \
    static const auto best = pick_isa(name##_base, name##_avx2, name##_avx512);                                                            \
    return best(a, n);                                                                                                                     \
  }

HASTEN_PAIRWISE_ALL(sum_f32, float, float, contiguous_block)
HASTEN_PAIRWISE_ALL(sum_f64, double, double, contiguous_block)
HASTEN_PAIRWISE_ALL(sum_c64, float, std::complex<float>, contiguous_pairs)
HASTEN_PAIRWISE_ALL(sum_c128, double, std::complex<double>, contiguous_pairs)

template <class T> std::complex<T> strided_pairs(int64_t begin, int64_t n, const char* items, int64_t stride) {
  if (const int64_t half = pairwise_split(2 * n) / 2) {
    return strided_pairs<T>(begin, half, items, stride) + strided_pairs<T>(begin + half, n - half, items, stride);
  }
  T block[128];
  for (int64_t i = 0; i < n; ++i) {
    std::memcpy(block + 2 * i, items + (begin + i) * stride, 2 * sizeof(T));
  }
  return contiguous_pairs<T>(block, 2 * n);
}

template <class T> T load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

} // namespace

float pairwise_sum_f32(const char* items, int64_t n, int64_t stride) {
  if (stride == sizeof(float)) {
    return sum_f32(reinterpret_cast<const float*>(items), n);
  }
  return pairwise_by<float>(0, n, [&](int64_t i) { return load<float>(items + i * stride); });
}

double pairwise_sum_f64(const char* items, int64_t n, int64_t stride) {
  if (stride == sizeof(double)) {
    return sum_f64(reinterpret_cast<const double*>(items), n);
  }
  return pairwise_by<double>(0, n, [&](int64_t i) { return load<double>(items + i * stride); });
}

std::complex<float> pairwise_sum_c64(const char* items, int64_t n, int64_t stride) {
  if (stride == 2 * sizeof(float)) {
    return sum_c64(reinterpret_cast<const float*>(items), 2 * n);
  }
  return strided_pairs<float>(0, n, items, stride);
}

std::complex<double> pairwise_sum_c128(const char* items, int64_t n, int64_t stride) {
  if (stride == 2 * sizeof(double)) {
    return sum_c128(reinterpret_cast<const double*>(items), 2 * n);
  }
  return strided_pairs<double>(0, n, items, stride);
}

float pairwise_sum_f16(const char* items, int64_t n, int64_t stride) {
  return pairwise_by<float>(0, n, [&](int64_t i) { return half_to_float(load<uint16_t>(items + i * stride)); });
}

} // namespace hasten::array
