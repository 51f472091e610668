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
      memory_(*reinterpret_cast<LaneMemory*>(segment_.data())), parent_bell_(reinterpret_cast<shm::Doorbell*>(bell_segment_.data())),
      inflow_(memory_.inflow_indices, memory_.inflow.data(), kRingBytes),
      outflow_(memory_.outflow_indices, memory_.outflow.data(), kRingBytes),
      left_(most_tasks > 0 ? most_tasks : std::numeric_limits<uint64_t>::max()) {
  if (segment_.size() < sizeof(LaneMemory) || memory_.magic != LaneMemory::kMagic) {
    throw base::Diagnostic(base::Fault::kMachine, "The parent's pool is of another version of Hasten",
                           "let the parent and its workers use one installation");
  }
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
    for (shm::Glance glance = look(); glance != shm::Glance::kNothing; glance = look()) {
      if (glance == shm::Glance::kReady && claim_at_cursor()) {
        return Found::kTask;
      }
      ++ticket_;
    }
    if (memory_.stop.load(std::memory_order_seq_cst) != 0 && !is_there()) {
      return Found::kStop;
    }
    if (has_waited) {
      return Found::kNothing;
    }
    if (!spinner_.spin(is_there)) {
      memory_.worker_bell.sleep(patience, is_there_or_stop);
    }
  }
}

bool WorkerLane::claim_at_cursor() {
  // Read before the claim only to name the item in it: if the parent changes the slot meanwhile, the claim fails.
  const uint32_t first = task().claim.load().item;
  memory_.claim_clock.store(shm::now(), std::memory_order_relaxed);
  if (!task().claim.claim(ticket_, first)) {
    return false;
  }
  item_ = first;
  end_ = task().end;
  is_quiet_ = task().is_quiet != 0;
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
  if (!has_room()) {
    ring_parent();
  }
  if (!has_room() && !spinner_.spin(has_room)) {
    memory_.worker_bell.sleep(kPatience, has_room);
  }
  return has_room();
}

void WorkerLane::write_record(uint8_t tag, const char* data, size_t size, bool is_last) {
  static constexpr std::array<char, 8> kPadding{};
  const RecordHeader header{
      .ticket = ticket_, .item = item_, .length = static_cast<uint32_t>(size), .tag = tag, .is_last = is_last, .reserved = 0};
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
    write_record(tag, data + *sent, piece, is_last);
    *sent += piece;
    if (is_last && !advance()) {
      return Sent::kKilled;
    }
    outflow_.commit();
    if (is_worth_a_ring(is_last)) {
      ring_parent();
    }
    if (is_last) {
      return Sent::kDone;
    }
  }
}

bool WorkerLane::is_worth_a_ring(bool is_last) {
  if (!is_quiet_ || !is_last || item_ == end_) {
    return true;
  }
  // Once when the ring is half full: until the parent wakes, many more results follow.
  const bool is_half_full = outflow_.room() < kRingBytes / 2;
  return !std::exchange(was_half_full_, is_half_full) && is_half_full;
}

bool WorkerLane::advance() {
  if (task().is_timed != 0) {
    memory_.claim_clock.store(shm::now(), std::memory_order_relaxed);
  }
  const bool is_ours = item_ + 1 < end_ ? task().claim.advance(ticket_, item_) : task().claim.finish(ticket_, item_);
  ++item_;
  return is_ours;
}

} // namespace hasten::pool
