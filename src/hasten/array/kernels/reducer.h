// Reductions of items of one dtype to an accumulator of another, as functions on memory.
#pragma once

#include <cstdint>

#include "hasten/abi/ewise.h"
#include "hasten/array/dtype.h"

namespace hasten::array {

struct Reducer {
  int64_t in_item;
  int64_t accumulator_item;
  // Sets an accumulator to the identity; for minimum and maximum, which have none, to the item at `first`.
  void (*start)(char* accumulator, const char* first);
  // Reduces n items into one accumulator, in the order of NumPy's inner loop.
  void (*reduce)(char* accumulator, const char* items, int64_t n, int64_t stride);
  // accumulators[i] = accumulators[i] op items[i].
  void (*combine)(char* accumulators, int64_t accumulator_stride, const char* items, int64_t stride, int64_t n);
};

// Sums, products, minima, maxima, any, all. kMean is kSum here. Null where NumPy has no such reduction (or casts in a way that we don't).
//
// sum, prod: bool and integers to int64, uint64 or themselves; floats and complex to themselves; bool and integers to float64 and float16
// to float32 for means. min, max: to themselves. any, all: to bool.
const Reducer* find_reducer(abi::ReduceKind kind, DType in, DType accumulator);

// Items that NumPy converts at a time where a sum needs a conversion to another float: each such part is summed pairwise.
constexpr int64_t kConvertedItems = 8192;

} // namespace hasten::array
