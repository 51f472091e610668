// Pairwise sums of numbers that are computed piece by piece, and of big arrays in parallel: NumPy's tree of additions, whoever computes its
// parts.
#pragma once

#include <complex>
#include <cstdint>

#include "hasten/abi/env.h"
#include "hasten/array/kernels/element.h"
#include "hasten/array/kernels/pairwise.h"
#include "hasten/parallel/loop.h"

namespace hasten::array {

// The items in [begin, begin + n) whose sum is one number of the tree.
template <class T> int64_t tree_split(int64_t n) { return kIsComplex<T> ? pairwise_split(2 * n) / 2 : pairwise_split(n); }

// sum(Env*, begin, n, T*) -> abi::Status gives the pairwise sum of a part; parts have at most `most` items (at least 128) unless they can't
// be split.
template <class T, class Sum> abi::Status tree_sum(abi::Env* env, int64_t begin, int64_t n, int64_t most, T* result, Sum&& sum) {
  const int64_t half = n <= most ? 0 : tree_split<T>(n);
  if (half == 0) {
    return sum(env, begin, n, result);
  }
  T right;
  abi::Status status = tree_sum(env, begin, half, most, result, sum);
  if (status == abi::Status::kOk) {
    status = tree_sum(env, begin + half, n - half, most, &right, sum);
  }
  if (status == abi::Status::kOk) {
    *result += right;
  }
  return status;
}

// The same, with the parts of a big sum shared among threads. `cost`: ns an item.
template <class T, class Sum> abi::Status tree_sum_parallel(abi::Env* env, int64_t n, int64_t most, float cost, T* result, Sum&& sum) {
  constexpr int64_t kParts = 64;
  struct Part {
    int64_t begin;
    int64_t n;
    T sum;
  };
  Part parts[2 * kParts];
  int64_t count = 0;
  const int64_t part_items = std::max(most, n / kParts);
  const auto note = [&](abi::Env*, int64_t begin, int64_t items, T* unused) {
    parts[count++] = Part{begin, items, T{}};
    *unused = T{};
    return abi::Status::kOk;
  };
  abi::Status status = tree_sum(env, 0, n, part_items, result, note);
  if (status == abi::Status::kOk) {
    status = parallel::parallel_for(env, count, cost * static_cast<float>(part_items), [&](abi::Env* e, int64_t begin, int64_t end) {
      abi::Status s = abi::Status::kOk;
      for (int64_t i = begin; i < end && s == abi::Status::kOk; ++i) {
        s = tree_sum(e, parts[i].begin, parts[i].n, most, &parts[i].sum, sum);
      }
      return s;
    });
  }
  if (status != abi::Status::kOk) {
    return status;
  }
  count = 0;
  return tree_sum(env, 0, n, part_items, result, [&](abi::Env*, int64_t, int64_t, T* part) {
    *part = parts[count++].sum;
    return abi::Status::kOk;
  });
}

} // namespace hasten::array
