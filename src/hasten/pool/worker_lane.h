// The worker's end of a lane. One thread uses it; no function needs the GIL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hasten/base/posix.h"
#include "hasten/pool/lane.h"
#include "hasten/pool/shm/segment.h"

namespace hasten::pool {

class WorkerLane {
public:
  enum class Found : uint8_t { kTask, kStop, kNothing };

  // Takes the descriptors over. `most_tasks`: how many may be claimed before take() says kStop; 0: any number.
  WorkerLane(base::FileDescriptor lane, base::FileDescriptor bell, uint64_t most_tasks);

  // Claims the next task; waits at most `patience` nanoseconds, less where a signal comes.
  Found take(int64_t patience);
  // Whether take() would not have to wait.
  bool has_next() const;

  // Of the task that was claimed.
  uint32_t first() const { return task().first; }
  uint32_t end() const { return end_; }
  size_t payload_size() const { return task().size; }
  // The payload in place, valid until the last item's result is sent; empty where it is streamed.
  std::string_view payload() const {
    const Slot& slot = task();
    return slot.is_streamed != 0 ? std::string_view() : std::string_view(memory_.area.data() + slot.offset, slot.size);
  }
  // Reads up to `size` more bytes of the payload, and returns how many: none where a signal came, or the parent was too slow.
  size_t read_payload(char* into, size_t size);

  // The item that runs; the first at first.
  uint32_t item() const { return item_; }
  // Publishes the result of the item that runs, and claims the next. Large results need several calls: `sent` says how far they are, and
  // the answer is kAgain after a signal.
  enum class Sent : uint8_t { kDone, kAgain, kKilled };
  Sent send(uint8_t tag, const char* data, size_t size, size_t* sent);

  // Whether send() would not have to wait.
  bool has_room(size_t size) { return size <= kMostInRecord && outflow_.has_room(sizeof(RecordHeader) + padded(size)); }

private:
  Slot& task() const { return memory_.slots[ticket_ % kSlots]; }
  shm::Glance look() const { return shm::glance(task().claim.load(), ticket_); }
  bool claim_at_cursor();
  bool claim_next();
  bool wait_for_room(size_t size);
  void write_inline(uint8_t tag, const char* data, size_t size);
  void write_record(uint8_t tag, const char* data, size_t size, bool is_last);
  bool advance();
  bool is_worth_a_ring();
  bool has_few_tasks();
  void ring_parent() { parent_->ring(); }

  shm::Segment segment_;
  shm::Segment bell_segment_;
  LaneMemory& memory_;
  ParentPost* parent_;
  shm::RingConsumer inflow_;
  shm::RingProducer outflow_;
  shm::Spinner spinner_;
  uint64_t left_; // tasks that may still be claimed
  uint32_t ticket_ = 0;
  uint32_t item_ = 0;
  uint32_t end_ = 0;
  uint32_t group_ = 0;
  size_t consumed_ = 0; // of the payload
  bool is_timed_ = false;
  bool was_half_full_ = false;
  bool had_few_tasks_ = false;
  bool has_task_ = false;
};

} // namespace hasten::pool
