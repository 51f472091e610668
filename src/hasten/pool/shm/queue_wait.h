// How a queue's calls wait: shared by the parts of its implementation.
#pragma once

#include <algorithm>
#include <cstdint>

#include "hasten/pool/shm/doorbell.h"
#include "hasten/pool/shm/queue.h"

namespace hasten::pool::shm {

constexpr int64_t kFirstSlice = 100'000'000; // how long a sleeper sleeps before it looks after the others
constexpr int64_t kLongestSlice = 400'000'000;
constexpr int64_t kLockSlice = 100'000'000;
constexpr int64_t kShortLock = 5'000'000;

inline thread_local Spinner queue_spinner;

inline int64_t slice_of(const Patience& patience, int64_t longest) { return std::min(patience.deadline, now() + longest); }

// Of a lock that is held to copy an item: who may not wait at all waits for that.
inline int64_t lock_slice_of(const Patience& patience) { return std::max(slice_of(patience, kLockSlice), now() + kShortLock); }

inline bool is_over(const Patience& patience) { return patience.deadline != kForever && now() >= patience.deadline; }

inline bool is_interrupted(const Patience& patience) {
  return patience.is_interrupted != nullptr && patience.is_interrupted(patience.context);
}

template <typename Condition> Queue::Wait Queue::wait(Bell& bell, const Patience& patience, Condition is_there) {
  if (patience.deadline == 0) {
    return is_there() ? Wait::kReady : Wait::kTimedOut;
  }
  if (queue_spinner.spin(is_there)) {
    return Wait::kReady;
  }
  for (int64_t slice = kFirstSlice;;) {
    if (is_over(patience)) {
      return Wait::kTimedOut;
    }
    const int64_t start = now();
    bell.sleep(slice_of(patience, slice) - start, is_there);
    if (is_there()) {
      return Wait::kReady;
    }
    if (is_interrupted(patience)) {
      if (is_there()) {
        bell.ring(); // somebody else is woken for what this thread was woken for
      }
      return Wait::kInterrupted;
    }
    if (now() - start >= slice) {
      look_after_others();
      slice = std::min(2 * slice, kLongestSlice);
    }
  }
}

template <typename Condition> void Queue::watch(bool for_the_last, Condition is_over) {
  wait(for_the_last ? memory().watched.emptied : memory().watched.filled, Patience{}, is_over);
}

} // namespace hasten::pool::shm
