// The claim word of a task slot: who may run a task is decided here, by compare-and-swap. docs/shm-protocol.md has the table.
#pragma once

#include <atomic>
#include <cstdint>

namespace hasten::pool::shm {

enum class State : uint8_t { kEmpty, kReady, kRunning, kDone, kRecalled, kKilling };

struct Claim {
  uint32_t ticket = 0;
  uint32_t item = 0; // below kMostItems
  State state = State::kEmpty;

  bool operator==(const Claim&) const = default;
};

constexpr uint32_t kMostItems = 1U << 24;

constexpr uint64_t pack(Claim claim) {
  return uint64_t{claim.ticket} << 32 | uint64_t{claim.item} << 8 | static_cast<uint64_t>(claim.state);
}

constexpr Claim unpack(uint64_t word) {
  return {static_cast<uint32_t>(word >> 32), static_cast<uint32_t>(word >> 8) & (kMostItems - 1), static_cast<State>(word & 0xff)};
}

// How far `ticket` is ahead of `other`; tickets wrap around.
constexpr int32_t ahead(uint32_t ticket, uint32_t other) { return static_cast<int32_t>(ticket - other); }

class ClaimWord {
public:
  Claim load() const { return unpack(word_.load(std::memory_order_seq_cst)); }

  // The parent's: the slot and the payload are written.
  void publish(uint32_t ticket, uint32_t first) { word_.store(pack({ticket, first, State::kReady}), std::memory_order_seq_cst); }
  bool recall(uint32_t ticket, uint32_t first) { return change({ticket, first, State::kReady}, {ticket, first, State::kRecalled}); }
  bool kill(uint32_t ticket, uint32_t item) { return change({ticket, item, State::kRunning}, {ticket, item, State::kKilling}); }

  // The worker's.
  bool claim(uint32_t ticket, uint32_t first) { return change({ticket, first, State::kReady}, {ticket, first, State::kRunning}); }
  bool advance(uint32_t ticket, uint32_t item) { return change({ticket, item, State::kRunning}, {ticket, item + 1, State::kRunning}); }
  bool finish(uint32_t ticket, uint32_t item) { return change({ticket, item, State::kRunning}, {ticket, item, State::kDone}); }

private:
  bool change(Claim from, Claim to) {
    uint64_t expected = pack(from);
    return word_.compare_exchange_strong(expected, pack(to), std::memory_order_seq_cst);
  }

  std::atomic<uint64_t> word_;
};

// What a worker finds at its cursor.
enum class Glance : uint8_t { kNothing, kReady, kSkip };

constexpr Glance glance(Claim claim, uint32_t cursor) {
  const int32_t distance = ahead(claim.ticket, cursor);
  if (claim.state == State::kEmpty || distance < 0) {
    return Glance::kNothing;
  }
  return distance == 0 && claim.state == State::kReady ? Glance::kReady : Glance::kSkip;
}

} // namespace hasten::pool::shm
