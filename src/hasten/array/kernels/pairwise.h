// Sums in NumPy's order of additions: pairwise over halves, down to blocks of at most 128 numbers that are added with eight accumulators.
//
// Complex numbers are pairs of numbers whose parts are added apart, 64 of them in a block.
#pragma once

#include <complex>
#include <cstdint>

namespace hasten::array {

// The sum of n items `stride` bytes apart. -0.0 where n is 0, for adding to an accumulator.
float pairwise_sum_f32(const char* items, int64_t n, int64_t stride);
double pairwise_sum_f64(const char* items, int64_t n, int64_t stride);
std::complex<float> pairwise_sum_c64(const char* items, int64_t n, int64_t stride);
std::complex<double> pairwise_sum_c128(const char* items, int64_t n, int64_t stride);
// float16 is added up in float32.
float pairwise_sum_f16(const char* items, int64_t n, int64_t stride);

// Where NumPy cuts a sum of n numbers (of twice as many for complex items) in two; 0: it is one block.
inline int64_t pairwise_split(int64_t numbers) { return numbers <= 128 ? 0 : numbers / 2 - numbers / 2 % 8; }

template <class T> inline T join_accumulators(const T* r) { return ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7])); }

// The sum of get(begin) … get(begin + n - 1).
template <class T, class Get> T pairwise_by(int64_t begin, int64_t n, const Get& get) {
  if (n < 8) {
    T sum = static_cast<T>(-0.0);
    for (int64_t i = 0; i < n; ++i) {
      sum += get(begin + i);
    }
    return sum;
  }
  if (const int64_t half = pairwise_split(n)) {
    return pairwise_by<T>(begin, half, get) + pairwise_by<T>(begin + half, n - half, get);
  }
  T r[8];
  for (int64_t k = 0; k < 8; ++k) {
    r[k] = get(begin + k);
  }
  int64_t i = 8;
  for (; i + 8 <= n; i += 8) {
    for (int64_t k = 0; k < 8; ++k) {
      r[k] += get(begin + i + k);
    }
  }
  T sum = join_accumulators(r);
  for (; i < n; ++i) {
    sum += get(begin + i);
  }
  return sum;
}

} // namespace hasten::array
