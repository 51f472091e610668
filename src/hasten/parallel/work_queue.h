// What the workers of a pool have to do, and which of them sleep.
//
// A job that many workers can share stays at the front until nothing of it is left to claim, so a thousand short tasks are one entry. Only
// one worker is summoned at a time; it summons the next when it arrives and finds more to do than it takes itself. So a burst of short
// tasks wakes one or two workers, and tasks that block still get a worker each.
//
// Locks nothing: the caller serialises.
#pragma once

#include "hasten/parallel/ring.h"
#include "hasten/parallel/wait_list.h"

namespace hasten::parallel {

template <typename Job> class WorkQueue {
public:
  bool empty() const { return jobs_.empty(); }
  size_t size() const { return jobs_.size(); }
  Job front() const { return jobs_[0]; }
  Job operator[](size_t index) const { return jobs_[index]; }

  // False where there is no memory left.
  bool push(Job job) { return jobs_.push_back(job) && summon(); }
  bool push_first(Job job) { return jobs_.push_front(job) && summon(); }
  Job pop() { return jobs_.pop_front(); }
  void release() { jobs_.release(); }

  // Wakes a sleeping worker where there is work and none is on its way. Always true.
  bool summon() {
    if (!is_summoned_ && !jobs_.empty()) {
      is_summoned_ = sleepers_.wake_one();
    }
    return true;
  }

  // Called by a worker that has been woken.
  void arrive() { is_summoned_ = false; }

  WaitList& sleepers() { return sleepers_; }

private:
  Ring<Job> jobs_;
  WaitList sleepers_;
  bool is_summoned_ = false;
};

} // namespace hasten::parallel
