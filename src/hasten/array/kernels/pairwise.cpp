#include "hasten/array/kernels/pairwise.h"

#include <cstring>

#include "hasten/array/kernels/half.h"
#include "hasten/array/kernels/isa.h"

namespace hasten::array {
namespace {

template <class T> struct Lanes {
  using Vector [[gnu::vector_size(8 * sizeof(T))]] = T;
  Vector sums;

  HASTEN_INLINE void load(const T* a) { std::memcpy(&sums, a, sizeof sums); }
  HASTEN_INLINE void add(const T* a) {
    Vector next;
    std::memcpy(&next, a, sizeof next);
    sums += next;
  }
};

// How eight accumulators and the numbers behind the last eight become one sum.
struct Numbers {
  template <class T> using Sum = T;

  template <class T> static HASTEN_INLINE T zero() { return static_cast<T>(-0.0); }
  template <class T> static HASTEN_INLINE T join(const Lanes<T>& lanes) {
    T r[8];
    std::memcpy(r, &lanes.sums, sizeof r);
    return join_accumulators(r);
  }
  template <class T> static HASTEN_INLINE T add_rest(T sum, const T* a, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      sum += a[i];
    }
    return sum;
  }
};

// The same for pairs: even numbers are real parts, odd ones imaginary parts.
struct Pairs {
  template <class T> using Sum = std::complex<T>;

  template <class T> static HASTEN_INLINE std::complex<T> zero() { return {static_cast<T>(-0.0), static_cast<T>(-0.0)}; }
  template <class T> static HASTEN_INLINE std::complex<T> join(const Lanes<T>& lanes) {
    T r[8];
    std::memcpy(r, &lanes.sums, sizeof r);
    return {(r[0] + r[2]) + (r[4] + r[6]), (r[1] + r[3]) + (r[5] + r[7])};
  }
  template <class T> static HASTEN_INLINE std::complex<T> add_rest(std::complex<T> sum, const T* a, int64_t begin, int64_t end) {
    T real = sum.real();
    T imag = sum.imag();
    for (int64_t i = begin; i < end; i += 2) {
      real += a[i];
      imag += a[i + 1];
    }
    return {real, imag};
  }
};

// A block of at most 128 numbers.
template <class Kind, class T> HASTEN_INLINE auto one_block(const T* a, int64_t n) {
  if (n < 8) {
    return Kind::add_rest(Kind::template zero<T>(), a, 0, n);
  }
  Lanes<T> lanes;
  lanes.load(a);
  int64_t i = 8;
  for (; i + 8 <= n; i += 8) {
    lanes.add(a + i);
  }
  return Kind::add_rest(Kind::join(lanes), a, i, n);
}

// One function for each type and instruction set: the recursion must stay within its own target.
#define HASTEN_PAIRWISE(name, type, kind, target)                                                                                          \
  target kind::Sum<type> name(const type* a, int64_t n) {                                                                                  \
    const int64_t half = pairwise_split(n);                                                                                                \
    return half == 0 ? one_block<kind>(a, n) : name(a, half) + name(a + half, n - half);                                                   \
  }
#define HASTEN_PAIRWISE_ALL(name, type, kind)                                                                                              \
  HASTEN_PAIRWISE(name##_base, type, kind, )                                                                                               \
  HASTEN_PAIRWISE(name##_avx2, type, kind, HASTEN_AVX2)                                                                                    \
  HASTEN_PAIRWISE(name##_avx512, type, kind, HASTEN_AVX512)                                                                                \
  kind::Sum<type> name(const type* a, int64_t n) {                                                                                         \
    static const auto best = pick_isa(name##_base, name##_avx2, name##_avx512);                                                            \
    return best(a, n);                                                                                                                     \
  }

HASTEN_PAIRWISE_ALL(sum_f32, float, Numbers)
HASTEN_PAIRWISE_ALL(sum_f64, double, Numbers)
HASTEN_PAIRWISE_ALL(sum_c64, float, Pairs)
HASTEN_PAIRWISE_ALL(sum_c128, double, Pairs)

template <class T> std::complex<T> strided_pairs(int64_t begin, int64_t n, const char* items, int64_t stride) {
  if (const int64_t half = pairwise_split(2 * n) / 2) {
    return strided_pairs<T>(begin, half, items, stride) + strided_pairs<T>(begin + half, n - half, items, stride);
  }
  T block[128];
  for (int64_t i = 0; i < n; ++i) {
    std::memcpy(block + 2 * i, items + (begin + i) * stride, 2 * sizeof(T));
  }
  return one_block<Pairs>(block, 2 * n);
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
