// What lies where in the memory that a parent and one worker share. docs/shm-protocol.md describes it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "hasten/pool/shm/claim.h"
#include "hasten/pool/shm/doorbell.h"
#include "hasten/pool/shm/ring.h"

namespace hasten::pool {

constexpr uint32_t kSlots = 256;
// A worker that has fewer tasks left than this lets the parent know, so that it gets more before it has none.
constexpr uint32_t kFewTasks = 64;
constexpr size_t kAreaBytes = size_t{256} << 10;
constexpr size_t kRingBytes = size_t{256} << 10;
// Larger tasks travel through the inflow ring, larger results in several records.
constexpr size_t kMostInArea = kAreaBytes / 4;
constexpr size_t kMostInRecord = kRingBytes / 4;

// One task: a call, or a chunk of calls. All but the claim word is the parent's, and constant while the task is in the slot. What a worker
// may read before it has claimed the task, or without, is atomic; if the parent changes it meanwhile, the claim fails.
struct alignas(64) Slot {
  shm::ClaimWord claim;
  std::atomic<uint32_t> is_timed; // whether the worker keeps the clock
  std::atomic<uint32_t> group;    // tasks of one group have their results wanted all together; 0: somebody may wait for each
  uint32_t first;                 // the items to run: [first, end)
  uint32_t end;
  uint64_t offset; // of the payload in the task area, unless it is streamed
  uint64_t size;
  uint32_t is_streamed;
};

// What a worker writes before each result. Up to four bytes have their place in the header itself.
struct RecordHeader {
  static constexpr size_t kMostInline = 4;
  static constexpr uint8_t kLast = 1;   // of this item
  static constexpr uint8_t kInline = 2; // the data lies where the length would be; their size in the upper bits of `flags`

  static constexpr uint8_t inline_flags(size_t size) { return static_cast<uint8_t>(kLast | kInline | size << 4); }
  constexpr bool is_last() const { return (flags & kLast) != 0; }
  constexpr bool is_inline() const { return (flags & kInline) != 0; }
  constexpr size_t inline_size() const { return flags >> 4; }

  uint16_t ticket; // its lower bits, to know nonsense
  uint8_t tag;     // what the bytes mean, to those who encode and decode them
  uint8_t flags;
  uint32_t length; // of this record, without header and padding
};
static_assert(sizeof(RecordHeader) == 8);

constexpr size_t padded(size_t size) { return (size + 7) & ~size_t{7}; }

struct LaneMemory {
  static constexpr uint64_t kMagic = 0x68737470'6f6f6c03; // the last byte is the version

  uint64_t magic;
  alignas(64) std::atomic<uint32_t> stop; // the worker leaves when nothing is left to claim
  std::atomic<uint32_t> is_attached;      // the worker has come as far as its lane; it only grows
  std::atomic<uint32_t> has_waited;       // it has looked for tasks and found none; it only grows
  alignas(64) std::atomic<int64_t> claim_clock;
  shm::Doorbell worker_bell;
  shm::RingIndices inflow_indices;
  shm::RingIndices outflow_indices;
  std::array<Slot, kSlots> slots;
  alignas(64) std::array<char, kAreaBytes> area;
  std::array<char, kRingBytes> inflow;
  std::array<char, kRingBytes> outflow;
};

// What all workers of a pool share with the parent.
struct ParentPost {
  std::atomic<uint32_t> has_news; // set before the doorbell rings, reset before the lanes are read
  shm::Doorbell bell;

  // After what the parent is to see was published, sequentially consistent.
  void ring() {
    // A reset that comes later reads the lanes later, too.
    if (has_news.load(std::memory_order_seq_cst) == 0) {
      has_news.store(1, std::memory_order_seq_cst);
    }
    bell.ring();
  }
};

} // namespace hasten::pool
