// Where threads sleep until something that they wait for is published, at the cost of one load for who publishes while nobody sleeps.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "hasten/base/export.h"

namespace hasten::detail {

using Moment = std::chrono::steady_clock::time_point;
constexpr Moment kNever = Moment::max();

// The moment so long from now; never, where that can't be told.
template <class Rep, class Period> Moment after(const std::chrono::duration<Rep, Period>& duration) {
  // In floating point, where the longest duration of any unit fits.
  using Exact = std::chrono::duration<long double, Moment::period>;
  const Moment now = std::chrono::steady_clock::now();
  if (Exact(duration) >= Exact(kNever - now)) {
    return kNever;
  }
  return Exact(duration) <= Exact::zero() ? now : now + std::chrono::duration_cast<Moment::duration>(duration);
}

// Threads are woken in the order in which they came. Any thread may call anything. What is waited for must be published by a sequentially
// consistent operation before wake_one(), and read by one in `is_there`.
class HASTEN_API WaitingRoom {
public:
  WaitingRoom();
  ~WaitingRoom();
  WaitingRoom(const WaitingRoom&) = delete;
  WaitingRoom& operator=(const WaitingRoom&) = delete;

  void wake_one() {
    if (waiting_.load(std::memory_order_seq_cst) != 0) {
      wake_the_first();
    }
  }
  void wake_all();

  // Until `is_there()`, somebody woke this thread, or the deadline, where it returns false. The caller looks again in each case: it may
  // have been woken for something that is there still, and others may have been quicker.
  template <class Condition> bool wait(Moment deadline, const Condition& is_there) {
    return wait_for(deadline, [](const void* condition) { return (*static_cast<const Condition*>(condition))(); }, &is_there);
  }

private:
  using Look = bool (*)(const void* condition);
  struct State;

  void wake_the_first();
  bool wait_for(Moment deadline, Look is_there, const void* condition);
  bool spin(Look is_there, const void* condition);

  std::atomic<uint32_t> waiting_{0};
  std::atomic<int> patience_;
  std::unique_ptr<State> state_;
};

} // namespace hasten::detail
