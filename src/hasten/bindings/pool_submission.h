// How the items of a call become tasks of the scheduler.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "hasten/bindings/pool_batch.h"
#include "hasten/pool/scheduler.h"
#include "hasten/pool/shm/doorbell.h"
#include "hasten/pool/task.h"

namespace hasten::bindings {

// Tasks on their way to the scheduler, many at a time, and all of them though an exception ends the making of more.
class PoolSubmission {
public:
  explicit PoolSubmission(pool::Scheduler& scheduler) : scheduler_(scheduler), most_(scheduler.least_at_first()) {}
  ~PoolSubmission() { send(); }
  PoolSubmission(const PoolSubmission&) = delete;
  PoolSubmission& operator=(const PoolSubmission&) = delete;

  void add(std::unique_ptr<pool::Task> task) { tasks_.push_back(std::move(task)); }
  void send() { scheduler_.submit(std::exchange(tasks_, {})); }
  // Whether there were so many, or have waited so long, that they were sent.
  bool send_if_due() {
    if (tasks_.size() < next_look_) {
      return false;
    }
    next_look_ = tasks_.size() + kSubmittedAtOnce;
    if (tasks_.size() < most_ && pool::shm::now() - sent_ < kLongest) {
      return false;
    }
    send();
    next_look_ = kSubmittedAtOnce;
    most_ = scheduler_.most_at_once();
    sent_ = pool::shm::now();
    return true;
  }

private:
  static constexpr size_t kSubmittedAtOnce = 512;
  static constexpr int64_t kLongest = 1'000'000; // nanoseconds that tasks wait for others, so that each lane gets many at once

  pool::Scheduler& scheduler_;
  std::vector<std::unique_ptr<pool::Task>> tasks_;
  size_t next_look_ = kSubmittedAtOnce; // when there are so many
  size_t most_;
  int64_t sent_ = pool::shm::now(); // when tasks were sent the last time
};

// Some of the items of a list or tuple.
struct PoolItems {
  size_t first; // among the items
  size_t count;
  uint64_t index; // of the first for the batch
};

// Submits items as one task, or one by one where they can't be encoded together: only those that can't be by themselves fail. Returns the
// bytes of the last task. Throws what isn't an Exception of Python's.
size_t submit_range(PoolSubmission& submission, const PoolCall& call, const nanobind::object& batch, const nanobind::object& items,
                    PoolItems range);

// The task refers to the batch once for each of its items.
void own(pool::Task& task, const nanobind::object& batch);

// Makes a task's payload; false with a Python error set.
bool encode_with(const PoolCall& call, const nanobind::object& items, pool::Task& task);

// Some items can't be encoded, as the Python error that is set says. One like KeyboardInterrupt is the caller's, too: it is thrown.
void refuse(const nanobind::object& batch, size_t base, size_t count);

} // namespace hasten::bindings
