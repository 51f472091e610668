// A ring of bytes with one producer and one consumer. Neither end waits: full and empty are answers, waiting is the doorbell's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hasten::pool::shm {

// Lies in shared memory. Both count bytes and only grow.
struct RingIndices {
  alignas(64) std::atomic<uint64_t> head; // stored by the producer: what is committed
  alignas(64) std::atomic<uint64_t> tail; // stored by the consumer: what is given back
};

// One thread at a time. What is written is seen by the consumer after commit() alone.
class RingProducer {
public:
  // The capacity is a power of two.
  RingProducer(RingIndices& indices, char* bytes, size_t capacity);

  size_t capacity() const { return capacity_; }
  // Bytes that can be written now.
  size_t room();
  // Whether so many can; looks at the consumer's index only where it has to.
  bool has_room(size_t size) { return capacity_ - (written_ - seen_tail_) >= size || room() >= size; }
  // Whether the consumer read everything that was committed.
  bool is_drained() const { return indices_.tail.load(std::memory_order_seq_cst) == indices_.head.load(std::memory_order_relaxed); }
  // Needs room for them.
  void write(const void* data, size_t size);
  // Where the next bytes go, at most `size` and not beyond the end of the memory; advance() counts them as written.
  std::span<char> space(size_t size);
  void advance(size_t size) { written_ += size; }
  void commit() { indices_.head.store(written_, std::memory_order_seq_cst); }
  // The same where no doorbell is rung after it.
  void commit_without_ring() { indices_.head.store(written_, std::memory_order_release); }

private:
  RingIndices& indices_;
  char* bytes_;
  size_t capacity_;
  uint64_t written_;
  uint64_t seen_tail_; // at the last look: the consumer's index or a smaller one
};

// One thread at a time. What is read may be overwritten after release() alone.
class RingConsumer {
public:
  RingConsumer(RingIndices& indices, char* bytes, size_t capacity);

  // Bytes that can be read now; more than the capacity where the producer wrote nonsense.
  uint64_t available() const { return indices_.head.load(std::memory_order_seq_cst) - read_; }
  // Needs as many available.
  void read(void* data, size_t size);
  // The next bytes in place, or null where they wrap around.
  const char* peek(size_t size) const;
  void skip(size_t size) { read_ += size; }
  void release() { indices_.tail.store(read_, std::memory_order_seq_cst); }

private:
  RingIndices& indices_;
  char* bytes_;
  size_t capacity_;
  uint64_t read_;
};

} // namespace hasten::pool::shm
