// Wakes one sleeper at a time; docs/shm-protocol.md says why no wake-up is lost for longer than a timer.
#pragma once

#include <atomic>
#include <cstdint>

namespace hasten::pool::shm {

// Lies in shared memory. What is waited for must be published by a sequentially consistent operation before ring().
struct Bell {
  std::atomic<uint32_t> rung;
  std::atomic<uint32_t> sleepers;
  std::atomic<uint32_t> signalled; // somebody was woken and hasn't looked yet

  // Wakes one who sleeps, unless one is on its way.
  void ring() {
    if (sleepers.load(std::memory_order_seq_cst) != 0 && signalled.exchange(1, std::memory_order_seq_cst) == 0) {
      wake(1);
    }
  }
  void ring_all();

  // Sleeps until the bell rings, a signal comes, `nanoseconds` pass or `is_there()` is true at the second look. Who then leaves without
  // what it waited for calls ring(), if it is there, for another one.
  template <typename Condition> void sleep(int64_t nanoseconds, Condition is_there) {
    const uint32_t seen = lie_down();
    if (!is_there()) {
      wait_while(seen, nanoseconds);
    }
    get_up();
  }

  // What sleep() begins and ends with, for who sleeps on several bells at once. Between them comes a look, then a wait while `rung` is what
  // lie_down() returned.
  uint32_t lie_down() {
    sleepers.fetch_add(1, std::memory_order_seq_cst);
    const uint32_t seen = rung.load(std::memory_order_seq_cst);
    // A ringer may have seen this or another sleeper that had left when it came to this word; who rings later must not rely on it. One
    // that comes to it from here on changes `rung` after it was read.
    signalled.exchange(0, std::memory_order_seq_cst);
    return seen;
  }
  void get_up() {
    sleepers.fetch_sub(1, std::memory_order_seq_cst);
    signalled.exchange(0, std::memory_order_seq_cst);
  }

private:
  void wake(int count);
  void wait_while(uint32_t seen, int64_t nanoseconds);
};

} // namespace hasten::pool::shm
