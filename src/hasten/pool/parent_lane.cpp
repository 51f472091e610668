#include "hasten/pool/parent_lane.h"

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <limits>
#include <new>
#include <span>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

namespace hasten::pool {
namespace {

LaneMemory& prepare(const shm::Segment& segment) {
  // The memory is zeros, which is what every part of it starts with.
  auto* memory = new (segment.data()) LaneMemory;
  memory->magic = LaneMemory::kMagic;
  return *memory;
}

} // namespace

ParentLane::ParentLane(uint64_t id, uint64_t most_tasks)
    : id_(id), budget_(most_tasks > 0 ? most_tasks : std::numeric_limits<uint64_t>::max()),
      segment_(shm::Segment::create("hasten-pool-lane", sizeof(LaneMemory))), memory_(prepare(segment_)),
      inflow_(memory_.inflow_indices, memory_.inflow.data(), kRingBytes),
      outflow_(memory_.outflow_indices, memory_.outflow.data(), kRingBytes) {}

// --- tasks ---

uint64_t ParentLane::area_position(size_t size) const {
  const uint64_t offset = area_head_ % kAreaBytes;
  return offset + size <= kAreaBytes ? area_head_ : area_head_ + (kAreaBytes - offset);
}

bool ParentLane::accepts(const Task& task) {
  front(); // what was recalled gives its slot and its room back
  if (!is_open() || placed_.size() >= kSlots) {
    return false;
  }
  const size_t size = task.size();
  return size > kMostInArea || area_position(padded(size)) + padded(size) - area_tail_ <= kAreaBytes;
}

size_t ParentLane::room_for_small() {
  front();
  if (!is_open()) {
    return 0;
  }
  const uint64_t in_area = (kAreaBytes - (area_head_ - area_tail_)) / kSmall;
  const uint64_t apart_from_the_end = in_area > 0 ? in_area - 1 : 0; // a task isn't divided
  return std::min({kSlots - placed_.size(), static_cast<size_t>(budget_), static_cast<size_t>(apart_from_the_end)});
}

void ParentLane::place(std::unique_ptr<Task> task) {
  const uint32_t ticket = next_ticket_++;
  const size_t size = task->size();
  Slot& into = slot(ticket);
  into.first = task->first;
  into.end = task->end;
  into.size = size;
  into.is_timed.store(task->timeout > 0 ? 1 : 0, std::memory_order_relaxed);
  into.group.store(task->group, std::memory_order_relaxed);
  into.is_streamed = size > kMostInArea;
  if (into.is_streamed == 0) {
    const uint64_t position = area_position(padded(size));
    into.offset = position % kAreaBytes;
    task->copy_payload(memory_.area.data() + into.offset, 0, size);
    area_head_ = position + padded(size);
  }
  const uint32_t first = task->first;
  placed_.push_back({.task = std::move(task), .ticket = ticket, .area_end = area_head_});
  ++live_;
  --budget_;
  into.claim.publish(ticket, first);
  memory_.worker_bell.ring();
}

bool ParentLane::is_idle() const {
  for (auto placed = placed_.rbegin(); placed != placed_.rend(); ++placed) {
    if (placed->task != nullptr) {
      return slot(placed->ticket).claim.load().state == shm::State::kDone;
    }
  }
  return true;
}

size_t ParentLane::unclaimed() const {
  size_t count = 0;
  for (auto placed = placed_.rbegin(); placed != placed_.rend(); ++placed) {
    if (placed->task != nullptr) {
      if (slot(placed->ticket).claim.load().state != shm::State::kReady) {
        break;
      }
      ++count;
    }
  }
  return count;
}

bool ParentLane::recalls(const Placed& placed) const {
  // The first look keeps away from a task that runs, whose items another thread counts.
  shm::ClaimWord& word = slot(placed.ticket).claim;
  return word.load().state == shm::State::kReady && word.recall(placed.ticket, placed.task->first);
}

std::unique_ptr<Task> ParentLane::recall_newest() {
  for (auto placed = placed_.rbegin(); placed != placed_.rend(); ++placed) {
    if (placed->task != nullptr) {
      if (!recalls(*placed)) {
        return nullptr; // what is older was claimed before
      }
      ++budget_;
      --live_;
      return std::move(placed->task);
    }
  }
  return nullptr;
}

std::vector<std::unique_ptr<Task>> ParentLane::recall_of(const void* owner, bool spares_first) {
  const Placed* spared = spares_first ? front() : nullptr;
  std::vector<std::unique_ptr<Task>> recalled;
  for (auto placed = placed_.rbegin(); placed != placed_.rend(); ++placed) {
    const bool is_wanted = placed->task != nullptr && (owner == nullptr || placed->task->owner == owner);
    if (is_wanted && &*placed != spared && recalls(*placed)) {
      ++budget_;
      --live_;
      recalled.push_back(std::move(placed->task));
    }
  }
  return recalled;
}

bool ParentLane::is_waiting(const void* owner) const {
  return std::any_of(placed_.begin(), placed_.end(), [&](const Placed& placed) {
    return placed.task != nullptr && placed.task->owner == owner && slot(placed.ticket).claim.load().state == shm::State::kReady;
  });
}

void ParentLane::stop() {
  memory_.stop.store(1, std::memory_order_seq_cst);
  memory_.worker_bell.ring();
}

// --- results ---

void ParentLane::pop_front() {
  area_tail_ = placed_.front().area_end;
  placed_.pop_front();
  streamed_ = 0;
}

ParentLane::Placed* ParentLane::front() {
  while (!placed_.empty() && placed_.front().task == nullptr) {
    pop_front();
  }
  return placed_.empty() ? nullptr : &placed_.front();
}

bool ParentLane::finds_stream_room() {
  const Placed* placed = front();
  if (placed == nullptr || placed->task->size() <= kMostInArea || streamed_ == placed->task->size()) {
    return false;
  }
  return slot(placed->ticket).claim.load().state == shm::State::kRunning && inflow_.room() > 0;
}

void ParentLane::stream() {
  if (is_dead || !finds_stream_room()) {
    return;
  }
  const Task& task = *front()->task;
  for (size_t left = std::min(inflow_.room(), task.size() - streamed_); left > 0;) {
    const std::span<char> space = inflow_.space(left);
    task.copy_payload(space.data(), streamed_, space.size());
    inflow_.advance(space.size());
    streamed_ += space.size();
    left -= space.size();
  }
  inflow_.commit();
  memory_.worker_bell.ring();
}

bool ParentLane::find_current() {
  if (current_ == nullptr) {
    const Placed* placed = front();
    if (placed == nullptr || slot(placed->ticket).claim.load().state == shm::State::kReady) {
      return false;
    }
    current_ = placed->task.get();
    current_ticket_ = placed->ticket;
  }
  return true;
}

ParentLane::Read ParentLane::read_record(RecordHeader* header) {
  const uint64_t available = outflow_.available();
  if (available == 0 || is_broken_) {
    return Read::kEmpty;
  }
  bool makes_sense = available >= sizeof *header && available <= kRingBytes && find_current();
  if (makes_sense) {
    inline_data_ = outflow_.peek(sizeof *header) + offsetof(RecordHeader, length);
    outflow_.read(header, sizeof *header);
    const bool fits = header->is_inline() ? header->inline_size() <= RecordHeader::kMostInline && pieces_.empty()
                                          : header->length <= kMostInRecord && padded(header->length) <= available - sizeof *header;
    makes_sense = fits && header->ticket == static_cast<uint16_t>(current_ticket_);
  }
  if (!makes_sense) {
    is_broken_ = true;
    kill_worker();
    return Read::kEmpty;
  }
  was_started_ = true;
  ++results_;
  return Read::kRecord;
}

ParentLane::Read ParentLane::read(Record* record) {
  RecordHeader header{};
  while (read_record(&header) == Read::kRecord) {
    if (header.is_inline()) {
      *record = {.task = current_, .item = current_->first++, .tag = header.tag, .data = inline_data_, .size = header.inline_size()};
      return Read::kRecord;
    }
    const char* data = header.is_last() && pieces_.empty() ? outflow_.peek(header.length) : nullptr;
    if (data != nullptr) {
      outflow_.skip(padded(header.length));
      *record = {.task = current_, .item = current_->first++, .tag = header.tag, .data = data, .size = header.length};
      return Read::kRecord;
    }
    read_piece(header.length);
    if (header.is_last()) {
      scratch_ = std::exchange(pieces_, {});
      *record = {.task = current_, .item = current_->first++, .tag = header.tag, .data = scratch_.data(), .size = scratch_.size()};
      return Read::kRecord;
    }
    release();
  }
  return Read::kEmpty;
}

void ParentLane::read_piece(size_t size) {
  const size_t before = pieces_.size();
  pieces_.resize(before + size);
  outflow_.read(pieces_.data() + before, size);
  outflow_.skip(padded(size) - size);
}

std::unique_ptr<Task> ParentLane::take_finished() {
  if (current_ == nullptr || current_->first < current_->end) {
    return nullptr;
  }
  std::unique_ptr<Task> task = std::move(front()->task);
  current_ = nullptr;
  --live_;
  pop_front();
  return task;
}

void ParentLane::release() {
  outflow_.release();
  memory_.worker_bell.ring();
}

// --- how it gets on ---

void ParentLane::judge(int64_t now, int64_t limit) {
  if (results_ != judged_results_) {
    judged_results_ = results_;
    is_stalled_ = false;
    since_ = now;
  } else if (outstanding() == 0) {
    since_ = 0;
  } else if (since_ == 0) {
    since_ = now;
  } else {
    is_stalled_ = is_stalled_ || now - since_ >= limit;
  }
}

// --- the worker's life ---

void ParentLane::watch(pid_t pid, base::FileDescriptor pidfd) {
  pid_ = pid;
  pidfd_ = std::move(pidfd);
}

void ParentLane::kill_worker() {
  if (pidfd_) {
    syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  }
}

int64_t ParentLane::time_left(int64_t now, int64_t unless) const {
  int64_t least = unless;
  for (const Placed& placed : placed_) {
    if (placed.task != nullptr && placed.task->timeout > 0) {
      const bool is_running = slot(placed.ticket).claim.load().state == shm::State::kRunning;
      const int64_t since = is_running ? memory_.claim_clock.load(std::memory_order_relaxed) : now;
      least = std::min(least, std::max<int64_t>(0, since + placed.task->timeout - now));
    }
  }
  return least;
}

bool ParentLane::kill_overdue(int64_t now) {
  for (const Placed& placed : placed_) {
    if (placed.task == nullptr || placed.task->timeout == 0) {
      continue;
    }
    shm::ClaimWord& word = slot(placed.ticket).claim;
    const shm::Claim claim = word.load();
    const int64_t since = memory_.claim_clock.load(std::memory_order_relaxed);
    if (claim.state == shm::State::kRunning && now - since >= placed.task->timeout && word.kill(claim.ticket, claim.item)) {
      kill_worker();
      return true;
    }
  }
  return false;
}

std::vector<ParentLane::Left> ParentLane::bury() {
  std::vector<Left> left;
  for (Placed& placed : placed_) {
    if (placed.task == nullptr) {
      continue;
    }
    const shm::State state = slot(placed.ticket).claim.load().state;
    const bool is_touched = state != shm::State::kReady;
    was_started_ = was_started_ || is_touched;
    const Loss other = exceeds_memory ? Loss::kMemory : Loss::kDied;
    left.push_back({std::move(placed.task), is_touched, state == shm::State::kKilling ? Loss::kTimedOut : other});
  }
  placed_.clear();
  current_ = nullptr;
  live_ = 0;
  return left;
}

} // namespace hasten::pool
