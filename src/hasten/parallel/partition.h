// How a loop is cut into chunks: by its length and the number of threads alone, so that reductions give the same bits in every run.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hasten::parallel {

constexpr int kChunksPerThread = 8;

class Partition {
public:
  // `chunks` is between 1 and n.
  Partition(int64_t n, int32_t chunks)
      : n_(n), chunks_(chunks), first_(chunks == 1 ? n : std::max<int64_t>(1, n / chunks / 4)),
        size_(chunks == 1 ? 0 : (n - first_) / (chunks - 1)), longer_(chunks == 1 ? 0 : (n - first_) % (chunks - 1)) {}

  int32_t chunks() const { return chunks_; }
  int64_t size() const { return n_; }

  // Chunk k is [begin(k), begin(k + 1)). The first chunk is short: it is timed before others are asked to help.
  int64_t begin(int32_t k) const { return k == 0 ? 0 : first_ + (k - 1) * size_ + std::min<int64_t>(k - 1, longer_); }

private:
  int64_t n_;
  int32_t chunks_;
  int64_t first_;
  int64_t size_;
  int64_t longer_;
};

inline int32_t chunks_for(int64_t n, int threads) {
  if (threads <= 1) {
    return n > 0 ? 1 : 0;
  }
  return static_cast<int32_t>(std::clamp<int64_t>(n, 0, int64_t{threads} * kChunksPerThread));
}

} // namespace hasten::parallel
