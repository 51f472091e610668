#include "hasten/pool/shm/ring.h"

#include <algorithm>
#include <cstring>

namespace hasten::pool::shm {

RingProducer::RingProducer(RingIndices& indices, char* bytes, size_t capacity)
    : indices_(indices), bytes_(bytes), capacity_(capacity), written_(indices.head.load(std::memory_order_relaxed)),
      seen_tail_(indices.tail.load(std::memory_order_relaxed)) {}

size_t RingProducer::room() {
  const uint64_t used = written_ - indices_.tail.load(std::memory_order_seq_cst);
  if (used > capacity_) {
    return 0; // the consumer wrote nonsense
  }
  seen_tail_ = written_ - used;
  return capacity_ - used;
}

void RingProducer::write(const void* data, size_t size) {
  if (size == 0) {
    return;
  }
  const size_t at = written_ & (capacity_ - 1);
  const size_t first = std::min(size, capacity_ - at);
  std::memcpy(bytes_ + at, data, first);
  std::memcpy(bytes_, static_cast<const char*>(data) + first, size - first);
  written_ += size;
}

std::span<char> RingProducer::space(size_t size) {
  const size_t at = written_ & (capacity_ - 1);
  return {bytes_ + at, std::min(size, capacity_ - at)};
}

RingConsumer::RingConsumer(RingIndices& indices, char* bytes, size_t capacity)
    : indices_(indices), bytes_(bytes), capacity_(capacity), read_(indices.tail.load(std::memory_order_relaxed)) {}

void RingConsumer::read(void* data, size_t size) {
  if (size == 0) {
    return;
  }
  const size_t at = read_ & (capacity_ - 1);
  const size_t first = std::min(size, capacity_ - at);
  std::memcpy(data, bytes_ + at, first);
  std::memcpy(static_cast<char*>(data) + first, bytes_, size - first);
  read_ += size;
}

const char* RingConsumer::peek(size_t size) const {
  const size_t at = read_ & (capacity_ - 1);
  return at + size <= capacity_ ? bytes_ + at : nullptr;
}

} // namespace hasten::pool::shm
