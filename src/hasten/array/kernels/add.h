// Additions of contiguous runs that have no order to keep.
#pragma once

#include <cstdint>

namespace hasten::array {

// The sum of n items, wrapping in 64 bits. Instantiated for bool and the integers of one to eight bytes.
template <class T> uint64_t sum_integers(const T* items, int64_t n);

// sums[i] += items[i].
void add_numbers(float* sums, const float* items, int64_t n);
void add_numbers(double* sums, const double* items, int64_t n);

} // namespace hasten::array
