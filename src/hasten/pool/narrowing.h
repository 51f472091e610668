// Whether the tasks that come next go to a few workers only. Short ones keep all processors busy there, and wake no more workers than that
// takes: so each of them costs the same however many workers there are.
//
// Not thread-safe; who owns it says who may call what: see Scheduler.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hasten/pool/task.h"

namespace hasten::pool {

class Narrowing {
public:
  // Nanoseconds after which a worker that sends no result is thought to be busy with a long task, or to wait for another one.
  static constexpr int64_t kStall = 200'000;

  // Tasks for each worker, below which each may be long enough to wake one for it.
  static constexpr size_t kEnough = 8;

  // `few`: how many workers keep the processors busy.
  explicit Narrowing(size_t few) : few_(few) {}

  size_t few() const { return few_; }
  bool is_on() const { return is_on_; }

  // `next` is given to a worker next, the first of so many tasks.
  void begin(const Task& next, size_t tasks, size_t workers);
  // The workers had nothing to do: what they have done until now says nothing about the tasks.
  void restart();
  // So many results came. Where that is few for the time since the last look, and tasks are left, these are for all workers.
  void judge(size_t results, bool has_tasks, int64_t now);
  void end() { is_on_ = false; }

private:
  static constexpr int64_t kShort = kStall / 100; // nanoseconds from one result to the next, whosever they are
  static constexpr int64_t kAway = 5 * kStall;    // between two looks; results that came meanwhile don't tell how quickly they could

  size_t few_;
  bool is_on_ = false;
  uint32_t group_ = 0; // the latest
  int64_t since_ = 0;  // when judge() was first called after restart(); 0: not yet
  int64_t looked_ = 0; // when it was called last
  size_t results_ = 0; // since then
};

} // namespace hasten::pool
