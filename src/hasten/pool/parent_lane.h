// The parent's end of a lane: puts tasks in, takes them back, reads results, and knows after a death what came of each task.
//
// Not thread-safe; who owns it says who may call what: see Scheduler.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include "hasten/base/posix.h"
#include "hasten/pool/lane.h"
#include "hasten/pool/shm/segment.h"
#include "hasten/pool/task.h"

namespace hasten::pool {

class ParentLane {
public:
  // `most_tasks`: how many the worker claims before it leaves; 0: any number.
  ParentLane(uint64_t id, uint64_t most_tasks);

  uint64_t id() const { return id_; }
  int fd() const { return segment_.fd(); }

  // --- tasks ---
  size_t outstanding() const { return live_; }
  size_t unclaimed() const;
  // Whether the worker has done all it has, though results may not have been read.
  bool is_idle() const;
  // Whether a task would have to wake the worker.
  bool is_asleep() const { return memory_.worker_bell.is_awaited(); }
  // Whether the worker takes tasks when it gets some; one that is on its way may be on it for long.
  bool is_at_hand() const { return was_started_ || memory_.has_waited.load() != 0; }
  static constexpr size_t kSmall = 256;

  // Whether it accepts tasks, where there is room.
  bool is_open() const { return !is_dead && !is_broken_ && budget_ > 0; }
  bool accepts(const Task& task);
  // How many tasks of at most kSmall bytes it surely accepts.
  size_t room_for_small();
  void place(std::unique_ptr<Task> task); // needs accepts()
  // When it got its latest task, counted in tasks.
  uint64_t turn() const { return turn_; }
  void set_turn(uint64_t turn) { turn_ = turn; }
  // Take back what nobody claimed: the newest task, or null; those of an owner (null: of all).
  std::unique_ptr<Task> recall_newest();
  // `spares_first`: but for one that a worker which has begun nothing begins with.
  std::vector<std::unique_ptr<Task>> recall_of(const void* owner, bool spares_first = false);
  bool is_waiting(const void* owner) const; // whether there would be one
  // Lets the worker leave when it has done what it has.
  void stop();

  // --- results ---
  struct Record {
    Task* task;
    uint32_t item;
    uint8_t tag;
    const char* data;
    size_t size;
  };
  // The next whole result; valid until the next call. The last item of a task is followed by take_finished().
  enum class Read : uint8_t { kRecord, kEmpty };
  // Whether read() and what follows it touch the lane's list of tasks, which others may change meanwhile.
  bool read_needs_tasks() const { return current_ == nullptr; }
  Read read(Record* record);
  // After a record: the task, if that was its last item.
  std::unique_ptr<Task> take_finished();
  // Gives what was read back to the worker.
  void release();
  // Sends what fits of a task that is too large for the area.
  void stream();

  // --- how it gets on ---
  // Takes note of the results that were read since the last time. Where none were for `limit`, though it has tasks, it is stalled until
  // the next one is.
  void judge(int64_t now, int64_t limit);
  bool is_stalled() const { return is_stalled_; }

  // --- the worker's life ---
  void watch(pid_t pid, base::FileDescriptor pidfd);
  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  std::atomic<bool> is_dead{false}; // set by whoever saw the end of the process
  std::atomic<bool> exceeds_memory{false};
  bool was_started() const { return was_started_; }
  bool was_attached() const { return memory_.is_attached.load() != 0; }

  // Nanoseconds until the item that runs is overdue, at most `unless`; 0 where it is. Any thread that keeps place() and release() out.
  int64_t time_left(int64_t now, int64_t unless) const;
  // Marks the overdue item and kills the worker; false where the worker was faster.
  bool kill_overdue(int64_t now);
  void kill_worker();

  // Of a dead worker, with all results read: takes every task out, in order, each with what is known of it.
  struct Left {
    std::unique_ptr<Task> task;
    bool is_touched; // its item Task::first was being run
    Loss why;
  };
  std::vector<Left> bury();

private:
  struct Placed {
    std::unique_ptr<Task> task; // null where it was recalled
    uint32_t ticket;
    uint64_t area_end;
  };
  bool recalls(const Placed& placed) const;
  Slot& slot(uint32_t ticket) const { return memory_.slots[ticket % kSlots]; }
  uint64_t area_position(size_t size) const;
  Placed* front();
  bool finds_stream_room();
  Read read_record(RecordHeader* header);
  void read_piece(size_t size);
  void pop_front();
  bool find_current();

  uint64_t id_;
  uint64_t turn_ = 0;
  uint64_t budget_; // tasks that may still be placed
  shm::Segment segment_;
  LaneMemory& memory_;
  shm::RingProducer inflow_;
  shm::RingConsumer outflow_;
  std::deque<Placed> placed_; // by ticket
  uint32_t next_ticket_ = 0;
  size_t live_ = 0;         // placed and not recalled
  Task* current_ = nullptr; // whose results are being read; it is claimed, so nobody takes it back
  uint32_t current_ticket_ = 0;
  uint64_t area_head_ = 0;
  uint64_t area_tail_ = 0;
  size_t streamed_ = 0;               // bytes of the task at the front
  const char* inline_data_ = nullptr; // of the header that was read last
  std::string pieces_;                // of a large result
  std::string scratch_;
  uint64_t results_ = 0; // that were read
  uint64_t judged_results_ = 0;
  int64_t since_ = 0; // when it was judged for the first time after a result, or having nothing to do
  bool is_stalled_ = false;
  bool is_broken_ = false; // the worker wrote nonsense
  bool was_started_ = false;
  pid_t pid_ = 0;
  base::FileDescriptor pidfd_;
};

} // namespace hasten::pool
