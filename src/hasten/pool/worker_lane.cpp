#include "hasten/pool/worker_lane.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "hasten/base/diagnostic.h"

namespace hasten::pool {
namespace {

// How long one wait for the parent lasts before the caller is asked whether a signal came.
constexpr int64_t kPatience = 100'000'000;

} // namespace

WorkerLane::WorkerLane(base::FileDescriptor lane, base::FileDescriptor bell, uint64_t most_tasks)
    : segment_(shm::Segment::adopt(std::move(lane))), bell_segment_(shm::Segment::adopt(std::move(bell))),
      memory_(*reinterpret_cast<LaneMemory*>(segment_.data())), parent_(reinterpret_cast<ParentPost*>(bell_segment_.data())),
      inflow_(memory_.inflow_indices, memory_.inflow.data(), kRingBytes),
      outflow_(memory_.outflow_indices, memory_.outflow.data(), kRingBytes),
      left_(most_tasks > 0 ? most_tasks : std::numeric_limits<uint64_t>::max()) {
  if (segment_.size() < sizeof(LaneMemory) || memory_.magic != LaneMemory::kMagic) {
    throw base::Diagnostic(base::Fault::kMachine, "The parent's pool is of another version of Hasten",
                           "let the parent and its workers use one installation");
  }
  memory_.is_attached.store(1);
}

bool WorkerLane::claim_next() {
  for (shm::Glance glance = look(); glance != shm::Glance::kNothing; glance = look()) {
    if (glance == shm::Glance::kReady && claim_at_cursor()) {
      return true;
    }
    ++ticket_;
  }
  return false;
}

bool WorkerLane::has_next() const {
  const uint32_t next = ticket_ + (has_task_ ? 1 : 0);
  return left_ > 0 && shm::glance(memory_.slots[next % kSlots].claim.load(), next) != shm::Glance::kNothing;
}

WorkerLane::Found WorkerLane::take(int64_t patience) {
  if (has_task_) {
    has_task_ = false;
    ++ticket_;
  }
  if (left_ == 0) {
    return Found::kStop;
  }
  const auto is_there = [&] { return look() != shm::Glance::kNothing; };
  const auto is_there_or_stop = [&] { return is_there() || memory_.stop.load(std::memory_order_seq_cst) != 0; };
  for (bool has_waited = false;; has_waited = true) {
    if (claim_next()) {
      return Found::kTask;
    }
    if (memory_.stop.load(std::memory_order_seq_cst) != 0 && !is_there()) {
      return Found::kStop;
    }
    if (has_waited || patience == 0) {
      return Found::kNothing;
    }
    memory_.has_waited.store(1, std::memory_order_seq_cst);
    if (!spinner_.spin(is_there)) {
      ring_parent(); // others may have tasks that nobody has claimed
      memory_.worker_bell.sleep(patience, is_there_or_stop);
      spinner_.wake_up();
    }
  }
}

bool WorkerLane::claim_at_cursor() {
  const uint32_t first = task().claim.load().item;
  const bool is_timed = task().is_timed.load(std::memory_order_relaxed) != 0;
  if (is_timed) {
    memory_.claim_clock.store(shm::now(), std::memory_order_relaxed);
  }
  if (!task().claim.claim(ticket_, first)) {
    return false;
  }
  item_ = first;
  end_ = task().end;
  is_timed_ = is_timed;
  group_ = task().group.load(std::memory_order_relaxed);
  consumed_ = 0;
  has_task_ = true;
  --left_;
  if (task().is_streamed != 0) {
    ring_parent();
  }
  return true;
}

size_t WorkerLane::read_payload(char* into, size_t size) {
  size = std::min(size, task().size - consumed_);
  if (task().is_streamed == 0) {
    std::memcpy(into, memory_.area.data() + task().offset + consumed_, size);
    consumed_ += size;
    return size;
  }
  const auto is_there = [&] { return inflow_.available() > 0; };
  if (!is_there() && !spinner_.spin(is_there)) {
    memory_.worker_bell.sleep(kPatience, is_there);
  }
  const auto available = std::min<uint64_t>(inflow_.available(), kRingBytes);
  size = std::min<size_t>(size, available);
  if (size > 0) {
    inflow_.read(into, size);
    inflow_.release();
    consumed_ += size;
    ring_parent();
  }
  return size;
}

bool WorkerLane::wait_for_room(size_t size) {
  const auto has_room = [&] { return outflow_.room() >= size; };
  if (outflow_.has_room(size)) {
    return true;
  }
  ring_parent();
  if (!has_room() && !spinner_.spin(has_room)) {
    memory_.worker_bell.sleep(kPatience, has_room);
  }
  return has_room();
}

void WorkerLane::write_inline(uint8_t tag, const char* data, size_t size) {
  RecordHeader header{.ticket = static_cast<uint16_t>(ticket_), .tag = tag, .flags = RecordHeader::inline_flags(size), .length = 0};
  if (size > 0) {
    std::memcpy(&header.length, data, size);
  }
  outflow_.write(&header, sizeof header);
}

void WorkerLane::write_record(uint8_t tag, const char* data, size_t size, bool is_last) {
  static constexpr std::array<char, 8> kPadding{};
  const RecordHeader header{.ticket = static_cast<uint16_t>(ticket_),
                            .tag = tag,
                            .flags = is_last ? RecordHeader::kLast : uint8_t{0},
                            .length = static_cast<uint32_t>(size)};
  outflow_.write(&header, sizeof header);
  outflow_.write(data, size);
  outflow_.write(kPadding.data(), padded(size) - size);
}

WorkerLane::Sent WorkerLane::send(uint8_t tag, const char* data, size_t size, size_t* sent) {
  for (;;) {
    const size_t piece = std::min(size - *sent, kMostInRecord);
    const bool is_last = *sent + piece == size;
    if (!wait_for_room(sizeof(RecordHeader) + padded(piece))) {
      return Sent::kAgain;
    }
    if (size <= RecordHeader::kMostInline) {
      write_inline(tag, data, size);
    } else {
      write_record(tag, data + *sent, piece, is_last);
    }
    *sent += piece;
    if (is_last && !advance()) {
      return Sent::kKilled;
    }
    if (!is_last || is_worth_a_ring()) {
      outflow_.commit();
      ring_parent();
    } else {
      outflow_.commit_without_ring();
    }
    if (is_last) {
      return Sent::kDone;
    }
  }
}

bool WorkerLane::is_worth_a_ring() {
  if (group_ == 0) {
    return true;
  }
  // Once when the ring is half full: until the parent wakes, many more results follow.
  const bool is_half_full = !outflow_.has_room(kRingBytes / 2);
  if (std::exchange(was_half_full_, is_half_full) != is_half_full && is_half_full) {
    return true;
  }
  if (item_ < end_) {
    return false;
  }
  // Nobody can be waiting for this one alone; but what follows may take any time, and is nobody's concern who waits for this group.
  const Slot& next = memory_.slots[(ticket_ + 1) % kSlots];
  const bool goes_on =
      shm::glance(next.claim.load(), ticket_ + 1) == shm::Glance::kReady && next.group.load(std::memory_order_relaxed) == group_;
  return !goes_on || has_few_tasks();
}

// Whether there are few tasks, for the first time since there were many.
bool WorkerLane::has_few_tasks() {
  const uint32_t later = ticket_ + kFewTasks;
  const bool has_few = shm::glance(memory_.slots[later % kSlots].claim.load(), later) == shm::Glance::kNothing;
  return !std::exchange(had_few_tasks_, has_few) && has_few;
}

bool WorkerLane::advance() {
  const uint32_t item = item_++;
  if (item + 1 == end_) {
    return task().claim.finish(ticket_, is_timed_ ? item : task().first);
  }
  // Only a time limit needs to know the item; after a death, the number of results tells it.
  if (!is_timed_) {
    return true;
  }
  memory_.claim_clock.store(shm::now(), std::memory_order_relaxed);
  return task().claim.advance(ticket_, item);
}

} // namespace hasten::pool
