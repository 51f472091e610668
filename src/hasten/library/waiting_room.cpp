#include "hasten/detail/waiting_room.h"

#include <algorithm>
#include <mutex>

#include "hasten/base/thread.h"
#include "hasten/parallel/parker.h"
#include "hasten/parallel/wait_list.h"

namespace hasten::detail {
namespace {

// Looks before sleeping, each after a pause, so that what is published can pile up meanwhile. Waking a thread takes as long as some
// hundred looks.
constexpr int kMostLooks = 256;
constexpr int kFewestLooks = 4;
constexpr int kPauses = 16;

int64_t as_steady_nanoseconds(Moment moment) {
  return moment == kNever ? parallel::kForever : std::chrono::duration_cast<std::chrono::nanoseconds>(moment.time_since_epoch()).count();
}

} // namespace

struct WaitingRoom::State {
  std::mutex mutex;
  parallel::WaitList sleepers;
};

WaitingRoom::WaitingRoom() : patience_(kMostLooks), state_(std::make_unique<State>()) {}
WaitingRoom::~WaitingRoom() = default;

void WaitingRoom::wake_the_first() {
  const std::lock_guard lock(state_->mutex);
  if (state_->sleepers.wake_one()) {
    waiting_.fetch_sub(1, std::memory_order_seq_cst);
  }
}

void WaitingRoom::wake_all() {
  const std::lock_guard lock(state_->mutex);
  state_->sleepers.wake_all();
  waiting_.store(0, std::memory_order_seq_cst);
}

// Longer where that has lately been worth it: with more threads than processors it never is.
bool WaitingRoom::spin(Look is_there, const void* condition) {
  const int looks = patience_.load(std::memory_order_relaxed);
  for (int i = 0; i < looks; ++i) {
    if (is_there(condition)) {
      patience_.store(std::min(2 * looks, kMostLooks), std::memory_order_relaxed);
      return true;
    }
    for (int pause = 0; pause < kPauses; ++pause) {
      base::pause_cpu();
    }
  }
  patience_.store(std::max(looks / 2, kFewestLooks), std::memory_order_relaxed);
  return false;
}

bool WaitingRoom::wait_for(Moment deadline, Look is_there, const void* condition) {
  if (spin(is_there, condition)) {
    return true;
  }
  parallel::Parker parker;
  parallel::ThreadWaiter waiter(parker);
  {
    const std::lock_guard lock(state_->mutex);
    state_->sleepers.add(waiter);
    waiting_.fetch_add(1, std::memory_order_seq_cst);
  }
  bool in_time = is_there(condition);
  while (!in_time) {
    const parallel::Parker::End end = parker.park(as_steady_nanoseconds(deadline));
    in_time = end == parallel::Parker::End::kUnparked;
    if (end == parallel::Parker::End::kTimedOut) {
      break;
    }
  }
  const std::lock_guard lock(state_->mutex);
  if (waiter.is_listed()) {
    state_->sleepers.remove(waiter);
    waiting_.fetch_sub(1, std::memory_order_seq_cst);
  }
  return in_time;
}

} // namespace hasten::detail
