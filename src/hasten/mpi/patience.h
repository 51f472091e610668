// Waiting for what only MPI can tell, by asking it again and again: MPI moves data only while it is asked.
#pragma once

#include <sched.h>
#include <time.h>

#include <cstdint>

#include "hasten/abi/env.h"

namespace hasten::mpi {

// Who waits: asks without a pause first, then lets other threads of this core run, and at last sleeps between questions.
class Patience {
public:
  explicit Patience(abi::Env* env) : env_(env) {}

  // Between two questions. Nonzero: the thread was interrupted, or its loop is cancelled.
  int32_t pause() {
    if (++questions_ < kEager) {
      return 0;
    }
    const int64_t now = steady_now();
    if (begin_ == 0) {
      begin_ = last_look_ = now;
    }
    if (now - last_look_ > kLook) {
      last_look_ = now;
      env_->last_poll = 1; // hst_poll is to look now
      if (const int32_t status = hst_poll(env_)) {
        return status;
      }
    }
    if (now - begin_ < kLook) {
      sched_yield();
    } else {
      const timespec nap{0, kNap};
      nanosleep(&nap, nullptr);
    }
    return 0;
  }

private:
  static constexpr int kEager = 100;           // questions; each takes 0.1 to 1 us
  static constexpr int64_t kLook = 10'000'000; // ns between two looks for signals; waits beyond it are not hurt by a nap
  static constexpr int64_t kNap = 50'000;      // ns

  static int64_t steady_now() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }

  abi::Env* env_;
  int64_t questions_ = 0;
  int64_t begin_ = 0;
  int64_t last_look_ = 0;
};

// Calls `is_done(&flag)` until it sets its flag. Nonzero: it failed, or the thread was interrupted.
template <typename IsDone> int32_t wait_until(abi::Env* env, IsDone is_done) {
  Patience patience(env);
  for (;;) {
    bool flag = false;
    if (const int32_t status = is_done(&flag)) {
      return status;
    }
    if (flag) {
      return 0;
    }
    if (const int32_t status = patience.pause()) {
      return status;
    }
  }
}

} // namespace hasten::mpi
