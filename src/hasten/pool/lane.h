// What lies where in the memory that a parent and one worker share. docs/shm-protocol.md describes it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "hasten/pool/shm/claim.h"
#include "hasten/pool/shm/doorbell.h"
#include "hasten/pool/shm/ring.h"

namespace hasten::pool {

constexpr uint32_t kSlots = 64;
constexpr size_t kAreaBytes = size_t{256} << 10;
constexpr size_t kRingBytes = size_t{256} << 10;
// Larger tasks travel through the inflow ring, larger results in several records.
constexpr size_t kMostInArea = kAreaBytes / 4;
constexpr size_t kMostInRecord = kRingBytes / 4;

// One task: a call, or a chunk of calls. All but the claim word is the parent's, and constant while the task is in the slot.
struct alignas(64) Slot {
  shm::ClaimWord claim;
  uint32_t first; // the items to run: [first, end)
  uint32_t end;
  uint64_t offset; // of the payload in the task area, unless it is streamed
  uint64_t size;
  uint32_t is_streamed;
  uint32_t is_timed; // whether the worker keeps the clock
  uint32_t is_quiet; // whether nobody waits for single items
};

// What a worker writes before each result.
struct RecordHeader {
  uint32_t ticket;
  uint32_t item;
  uint32_t length; // of this record, without header and padding
  uint8_t tag;     // what the bytes mean, to those who encode and decode them
  uint8_t is_last; // of this item
  uint16_t reserved;
};
static_assert(sizeof(RecordHeader) == 16);

constexpr size_t padded(size_t size) { return (size + 7) & ~size_t{7}; }

struct LaneMemory {
  static constexpr uint64_t kMagic = 0x68737470'6f6f6c01; // the last byte is the version

  uint64_t magic;
  alignas(64) std::atomic<uint32_t> stop; // the worker leaves when nothing is left to claim
  alignas(64) std::atomic<int64_t> claim_clock;
  shm::Doorbell worker_bell;
  shm::RingIndices inflow_indices;
  shm::RingIndices outflow_indices;
  std::array<Slot, kSlots> slots;
  alignas(64) std::array<char, kAreaBytes> area;
  std::array<char, kRingBytes> inflow;
  std::array<char, kRingBytes> outflow;
};

} // namespace hasten::pool
