// The parent's side of a pool: gives tasks to lanes, takes them back for idle workers, reads results, copes with deaths and time-outs.
//
// submit, recall and watch: any thread. drain and wait: one thread at a time (the leader; who that is the caller settles). No lock is held
// while a Sink is called, so it may run Python, which may submit. A supervisor thread watches processes and clocks; it blocks all signals
// and calls nothing of the caller's. After a fork the child must leave a scheduler alone, and never destroy it.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "hasten/base/cores.h"
#include "hasten/base/posix.h"
#include "hasten/pool/narrowing.h"
#include "hasten/pool/parent_lane.h"
#include "hasten/pool/shm/segment.h"
#include "hasten/pool/task.h"

namespace hasten::pool {

class Scheduler {
public:
  // Tasks that a lane gets at once, where there are many for each; the others are free to take them back.
  static constexpr size_t kMostAtOnce = 32;

  // `failure_tag`: marks a result as a failure, to which Task::retries applies.
  // `few`: how many workers get short tasks of a group.
  explicit Scheduler(uint8_t failure_tag, size_t few = static_cast<size_t>(base::available_cores()));
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // --- workers ---
  struct Ends {
    uint64_t lane;
    int lane_fd; // both stay the scheduler's
    int bell_fd;
  };
  Ends add_lane(uint64_t most_tasks);
  // The worker of a lane runs as `pid`; `most_memory`: bytes that it may have resident, 0: any.
  void watch(uint64_t lane, pid_t pid, uint64_t most_memory);
  // No worker came to be.
  void drop_lane(uint64_t lane);
  // Lets all workers leave when they have done what they have.
  void stop_workers();
  size_t live_lanes() const;
  // False once the end of its worker was told.
  bool has_lane(uint64_t lane) const;

  // --- tasks ---
  void submit(std::unique_ptr<Task> task);
  void submit(std::vector<std::unique_ptr<Task>> tasks);
  // Whether there are tasks that no lane has room for.
  bool has_backlog() const;
  // How many tasks of a group are worth a call of submit(), the first and later ones.
  size_t least_at_first() const;
  size_t most_at_once() const;
  // Whether somebody who submits a group should drain() in between.
  bool wants_drain() const;
  // Takes back what nobody has claimed, of an owner or (null) of all; the caller settles it with the owner.
  // `spares_first`: but for one task of each worker that has begun nothing.
  std::vector<std::unique_ptr<Task>> recall(const void* owner, bool spares_first = false);
  // Whether a task of this owner is there that nobody has claimed.
  bool is_waiting(const void* owner) const;
  // The same for the only task of an owner, of which no result was read yet. However many tasks there are, it takes no longer.
  std::unique_ptr<Task> recall_only(Task& task);
  bool is_waiting(const Task& task) const;

  // --- results ---
  // Reads what is there, and gives lanes more to do. Whether there was anything.
  bool drain(Sink& sink);
  // Waits until drain() would find something that is worth it, interrupt() was called, a signal came, or the time is over.
  void wait(int64_t nanoseconds);
  void interrupt();

private:
  struct Watched {
    std::shared_ptr<ParentLane> lane;
    uint64_t most_memory;
  };
  using Lanes = std::vector<std::shared_ptr<ParentLane>>;

  bool read_next(ParentLane& lane, ParentLane::Record* record);
  size_t drain_lane(ParentLane& lane, Sink& sink);
  void bury(const std::shared_ptr<ParentLane>& lane, Sink& sink);
  void run_again(const Task& task, uint32_t item);
  bool may_fail_again(Task& task, uint32_t item) const;
  Task* next_pending();
  std::unique_ptr<Task> take_pending();
  void judge(size_t results);
  bool has_tasks() const;
  bool is_judging() const;
  void place(ParentLane& lane, std::unique_ptr<Task> task);
  static void sort_by_turn(std::vector<ParentLane*>& lanes);
  static ParentLane* next_in_turn(std::vector<ParentLane*>& lanes, const Task& task);
  bool deal(const std::vector<ParentLane*>& lanes);
  bool spread();
  std::vector<ParentLane*> all_lanes() const;
  std::vector<ParentLane*> few_lanes() const;
  bool feed_few();
  void feed();
  size_t share(ParentLane& busy, ParentLane& idle);
  void steal();
  ParentLane* choose_lane(const Task& task) const;
  bool has_news() const { return is_interrupted_ || post_.has_news.load(std::memory_order_seq_cst) != 0; }
  Lanes lanes_at_work() const;

  void supervise();
  void wake_supervisor();
  int64_t check_clocks();
  void check_memory();

  const uint8_t failure_tag_;
  shm::Segment post_segment_;
  ParentPost& post_;
  shm::Spinner spinner_;
  mutable std::mutex mutex_; // guards what follows; never held across a call of a Sink
  Lanes lanes_;
  std::deque<std::unique_ptr<Task>> pending_; // by next_pending(): among them are tasks without items, which were recalled
  Narrowing narrowing_;
  uint64_t next_lane_ = 0;
  uint64_t turns_ = 0;    // tasks that were placed
  bool is_timed_ = false; // whether any task ever had a time limit
  std::vector<Watched> watched_;
  // --- not guarded ---
  std::atomic<bool> is_interrupted_{false};
  std::atomic<bool> is_over_{false};
  base::FileDescriptor supervisor_wake_;
  std::thread supervisor_;
};

} // namespace hasten::pool
