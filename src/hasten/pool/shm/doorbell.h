// How processes wait for each other without losing a wake-up; docs/shm-protocol.md says why it holds.
#pragma once

#include <atomic>
#include <cstdint>

namespace hasten::pool::shm {

// Lies in shared memory. What is waited for must be published by a sequentially consistent operation before ring().
struct alignas(64) Doorbell {
  std::atomic<uint32_t> rung;
  std::atomic<uint32_t> awaited; // the value of `rung` that lets the latest sleepers go; it only grows
  std::atomic<uint32_t> woken;   // all who awaited this value, or an earlier one, were woken; it only grows

  // Wakes all who sleep. Returns whether anybody may have gone to sleep since the last time; if not, it costs two loads.
  bool ring();

  // Whether somebody may be asleep.
  bool is_awaited() const;

  // Sleeps until the doorbell rings, a signal comes, `nanoseconds` pass (negative: no limit) or `is_there()` is true at the second look.
  template <typename Condition> void sleep(int64_t nanoseconds, Condition is_there) {
    const uint32_t seen = rung.load(std::memory_order_seq_cst);
    raise(awaited, seen + 1);
    if (!is_there()) {
      wait_while(seen, nanoseconds);
    }
  }

private:
  static void raise(std::atomic<uint32_t>& word, uint32_t value);
  void wait_while(uint32_t seen, int64_t nanoseconds);
};

static_assert(sizeof(Doorbell) == 64);
static_assert(std::atomic<uint32_t>::is_always_lock_free && std::atomic<uint64_t>::is_always_lock_free);

// Nanoseconds of the clock that all processes share.
int64_t now();

// Looks for a while without sleeping, if what is waited for usually comes so soon that sleeping and waking would take longer. Others that
// want the processor meanwhile get it. One object for each waiting thread.
class Spinner {
public:
  // Whether `is_there()` became true. If not, and the caller slept, wake_up() follows.
  template <typename Condition> bool spin(Condition is_there) {
    start_ = now();
    const int64_t limit = start_ + (usual_ <= kWorthIt ? 2 * usual_ : kLeast);
    do {
      for (int turn = 0; turn < kTurns; ++turn) {
        if (is_there()) {
          learn();
          return true;
        }
        relax();
      }
      yield();
    } while (now() < limit);
    return false;
  }
  void wake_up() { learn(); }

private:
  static constexpr int kTurns = 32;
  static constexpr int64_t kLeast = 2'000;     // nanoseconds
  static constexpr int64_t kWorthIt = 100'000; // about what it takes to wake a process
  static constexpr int64_t kLongest = 300'000; // longer waits count as this, so that short ones are soon noticed again
  static void relax();
  static void yield();
  void learn() {
    const int64_t taken = now() - start_;
    usual_ = (3 * usual_ + (taken < kLongest ? taken : kLongest)) / 4;
  }

  int64_t start_ = 0;
  int64_t usual_ = kWorthIt / 4; // how long a wait has lately been
};

} // namespace hasten::pool::shm
