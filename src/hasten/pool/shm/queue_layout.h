// What lies in the segment of a queue between processes. docs/shm-protocol.md says who writes what when.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "hasten/pool/shm/bell.h"
#include "hasten/pool/shm/participants.h"
#include "hasten/pool/shm/robust_mutex.h"

namespace hasten::pool::shm {

// How much was ever put, or taken, modulo the width of each count: one word, so that one store commits both.
struct Position {
  static constexpr int kItemBits = 28;
  static constexpr uint64_t kItemMask = (1U << kItemBits) - 1;
  static constexpr uint64_t kUnitMask = (uint64_t{1} << (64 - kItemBits)) - 1;

  uint64_t units = 0; // of kUnit bytes
  uint64_t items = 0;

  bool operator==(const Position&) const = default;
  static constexpr Position unpack(uint64_t word) { return {word >> kItemBits, word & kItemMask}; }
  constexpr uint64_t pack() const { return units << kItemBits | items; }
  constexpr Position plus(uint64_t more_units, uint64_t more_items) const {
    return {(units + more_units) & kUnitMask, (items + more_items) & kItemMask};
  }
  constexpr uint64_t units_since(Position earlier) const { return (units - earlier.units) & kUnitMask; }
  constexpr uint64_t items_since(Position earlier) const { return (items - earlier.items) & kItemMask; }
};

constexpr size_t kUnit = 8;
constexpr uint64_t units_of(uint64_t bytes) { return (bytes + kUnit - 1) / kUnit; }

enum class Kind : uint8_t { kWhole, kBegin, kMiddle, kEnd, kAbort };

struct RecordHeader {
  uint32_t size =
      0; // of the bytes that follow: of a kBegin the size of the whole item's body (8 bytes), then the description, then the body
  uint16_t meta = 0; // of the description
  uint8_t tag = 0;
  Kind kind = Kind::kWhole;
};
static_assert(sizeof(RecordHeader) == kUnit);

enum class Closing : uint32_t { kOpen, kPutsRefused, kClosed };

struct QueueMemory {
  static constexpr uint64_t kMagic = 0x3265756575517348; // "HsQueue2"

  // Written before anybody else sees the memory.
  alignas(64) uint64_t magic;
  std::array<uint64_t, 2> name; // random
  uint64_t capacity;            // of the ring, a power of two
  uint64_t most_items;          // 0: any number
  uint64_t most_bytes;          // in the ring; 0: any number
  bool breaks;                  // whether deaths break it
  std::atomic<Closing> closing;
  std::atomic<uint32_t> broken;
  std::atomic<uint64_t> arrivals; // how often it was found by its name

  struct alignas(64) PutSide {
    RobustMutex mutex;
    std::atomic<uint64_t> known_tail; // a position that `tail` has reached
    std::atomic<uint64_t> allocated;  // bytes of the ring
    std::atomic<uint64_t> streaming;  // 1 + the number of the item whose pieces are being committed; 0: none
  } put;

  struct alignas(64) GetSide {
    RobustMutex mutex;
    std::atomic<uint64_t> known_head; // a position that `head` has reached
  } get;

  struct alignas(64) Index {
    std::atomic<uint64_t> word;
    Bell bell; // of those who wait for it to move
  };
  Index head;
  Index tail;
  Index done; // the word counts items

  // Of those who watch for others, in whose place nobody else may sleep: all of them are woken, and only by the change they wait for.
  struct alignas(64) Watched {
    Bell filled;
    Bell emptied;
  } watched;

  alignas(64) Participants participants;
};

} // namespace hasten::pool::shm
