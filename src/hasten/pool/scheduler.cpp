#include "hasten/pool/scheduler.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace hasten::pool {
namespace {

// Results of one lane that are read before the next lane has its turn.
constexpr size_t kMostInTurn = 512;

} // namespace

Scheduler::Ends Scheduler::add_lane(uint64_t most_tasks) {
  const std::lock_guard lock(mutex_);
  auto lane = std::make_shared<ParentLane>(next_lane_++, most_tasks);
  lanes_.push_back(lane);
  return {.lane = lane->id(), .lane_fd = lane->fd(), .bell_fd = post_segment_.fd()};
}

void Scheduler::drop_lane(uint64_t id) {
  const std::lock_guard lock(mutex_);
  for (const auto& lane : lanes_) {
    if (lane->id() == id) {
      lane->is_dead.store(true);
      post_.ring();
    }
  }
}

void Scheduler::stop_workers() {
  const std::lock_guard lock(mutex_);
  for (const auto& lane : lanes_) {
    lane->stop();
  }
}

size_t Scheduler::live_lanes() const {
  const std::lock_guard lock(mutex_);
  return static_cast<size_t>(std::count_if(lanes_.begin(), lanes_.end(), [](const auto& lane) { return !lane->is_dead; }));
}

bool Scheduler::has_lane(uint64_t id) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(lanes_.begin(), lanes_.end(), [&](const auto& lane) { return lane->id() == id; });
}

// Those that there may be something to read of.
Scheduler::Lanes Scheduler::lanes_at_work() const {
  const std::lock_guard lock(mutex_);
  Lanes found;
  std::copy_if(lanes_.begin(), lanes_.end(), std::back_inserter(found),
               [](const auto& lane) { return lane->outstanding() > 0 || lane->is_dead; });
  return found;
}

// --- tasks ---

Task* Scheduler::next_pending() {
  while (!pending_.empty() && pending_.front()->first == pending_.front()->end) {
    pending_.pop_front();
  }
  return pending_.empty() ? nullptr : pending_.front().get();
}

// Needs next_pending().
std::unique_ptr<Task> Scheduler::take_pending() {
  std::unique_ptr<Task> task = std::move(pending_.front());
  pending_.pop_front();
  task->is_pending = false;
  return task;
}

bool Scheduler::has_backlog() const {
  const std::lock_guard lock(mutex_);
  return !pending_.empty();
}

size_t Scheduler::least_at_first() const {
  const std::lock_guard lock(mutex_);
  return Narrowing::kEnough * lanes_.size();
}

size_t Scheduler::most_at_once() const {
  const std::lock_guard lock(mutex_);
  return kMostAtOnce * (narrowing_.is_on() ? narrowing_.few() : lanes_.size());
}

// More workers than a few have room for much, and what is sent to them in smaller parts wakes them more often.
bool Scheduler::wants_drain() const {
  const std::lock_guard lock(mutex_);
  return narrowing_.is_on() || (!pending_.empty() && lanes_.size() <= narrowing_.few());
}

void Scheduler::submit(std::unique_ptr<Task> task) {
  std::vector<std::unique_ptr<Task>> tasks;
  tasks.push_back(std::move(task));
  submit(std::move(tasks));
}

void Scheduler::submit(std::vector<std::unique_ptr<Task>> tasks) {
  const bool is_timed = std::any_of(tasks.begin(), tasks.end(), [](const auto& task) { return task->timeout > 0; });
  {
    const std::lock_guard lock(mutex_);
    is_timed_ = is_timed_ || is_timed;
    for (auto& task : tasks) {
      task->is_pending = true;
      pending_.push_back(std::move(task));
    }
    feed();
  }
  if (is_timed) {
    wake_supervisor();
  }
}

std::vector<std::unique_ptr<Task>> Scheduler::recall(const void* owner, bool spares_first) {
  const std::lock_guard lock(mutex_);
  std::vector<std::unique_ptr<Task>> recalled;
  for (const auto& lane : lanes_) {
    for (auto& task : lane->recall_of(owner, spares_first)) {
      recalled.push_back(std::move(task));
    }
  }
  std::deque<std::unique_ptr<Task>> others;
  for (auto& task : pending_) {
    if (owner == nullptr || task->owner == owner) {
      task->is_pending = false;
      recalled.push_back(std::move(task));
    } else {
      others.push_back(std::move(task));
    }
  }
  pending_ = std::move(others);
  return recalled;
}

bool Scheduler::is_waiting(const void* owner) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(lanes_.begin(), lanes_.end(), [owner](const auto& lane) { return lane->is_waiting(owner); }) ||
         std::any_of(pending_.begin(), pending_.end(), [owner](const auto& task) { return task->owner == owner; });
}

std::unique_ptr<Task> Scheduler::recall_only(Task& task) {
  const std::lock_guard lock(mutex_);
  if (task.is_pending) {
    auto recalled = std::make_unique<Task>(task);
    recalled->is_pending = false;
    task.owner = nullptr;
    task.first = task.end; // nothing is left of it where it is
    return recalled;
  }
  for (const auto& lane : lanes_) {
    for (auto& recalled : lane->recall_of(task.owner)) {
      return std::move(recalled);
    }
  }
  return nullptr;
}

bool Scheduler::is_waiting(const Task& task) const {
  const std::lock_guard lock(mutex_);
  return task.is_pending || std::any_of(lanes_.begin(), lanes_.end(), [&task](const auto& lane) { return lane->is_waiting(task.owner); });
}

// --- results ---

bool Scheduler::may_fail_again(Task& task, uint32_t item) const { return task.retries > 0 && task.attempts[item]++ < task.retries; }

void Scheduler::run_again(const Task& task, uint32_t item) {
  auto again = std::make_unique<Task>(task);
  again->first = item;
  again->end = item + 1;
  again->is_pending = true;
  const std::lock_guard lock(mutex_);
  pending_.push_back(std::move(again));
}

bool Scheduler::read_next(ParentLane& lane, ParentLane::Record* record) {
  std::unique_lock lock(mutex_, std::defer_lock);
  if (lane.read_needs_tasks()) {
    lock.lock();
    lane.stream();
  }
  return lane.read(record) == ParentLane::Read::kRecord;
}

size_t Scheduler::drain_lane(ParentLane& lane, Sink& sink) {
  size_t turn = 0;
  ParentLane::Record record{};
  for (; turn < kMostInTurn && read_next(lane, &record); ++turn) {
    if (record.tag == failure_tag_ && may_fail_again(*record.task, record.item)) {
      run_again(*record.task, record.item);
    } else {
      sink.result(*record.task, record.item, record.tag, record.data, record.size);
    }
    if (record.item + 1 == record.task->end) {
      const std::lock_guard lock(mutex_);
      lane.take_finished();
    }
  }
  if (turn > 0) {
    lane.release();
    const std::lock_guard lock(mutex_);
    if (!narrowing_.is_on()) {
      feed();
    }
  }
  if (turn == kMostInTurn) {
    post_.has_news.store(1, std::memory_order_seq_cst); // there may be more
  }
  return turn;
}

void Scheduler::bury(const std::shared_ptr<ParentLane>& lane, Sink& sink) {
  std::vector<ParentLane::Left> left;
  bool starts_work = false;
  {
    const std::lock_guard lock(mutex_);
    left = lane->bury();
    starts_work =
        std::any_of(lanes_.begin(), lanes_.end(), [&](const auto& one) { return one->was_started() && (one == lane || !one->is_dead); });
    std::erase(lanes_, lane);
    std::erase_if(watched_, [&](const Watched& watched) { return watched.lane == lane; });
  }
  const bool was_killed =
      lane->exceeds_memory || std::any_of(left.begin(), left.end(), [](const auto& one) { return one.why == Loss::kTimedOut; });
  sink.worker_ended(lane->id(), {.was_attached = lane->was_attached(), .starts_work = starts_work, .was_killed = was_killed});
  std::vector<std::unique_ptr<Task>> again;
  for (auto& [task, is_touched, why] : left) {
    if (is_touched && !may_fail_again(*task, task->first)) {
      sink.lost(*task, task->first, why, lane->id());
      ++task->first;
    }
    if (task->first < task->end) {
      again.push_back(std::move(task));
    }
  }
  const std::lock_guard lock(mutex_);
  for (auto task = again.rbegin(); task != again.rend(); ++task) {
    (*task)->is_pending = true;
    pending_.push_front(std::move(*task));
  }
}

bool Scheduler::drain(Sink& sink) {
  bool found = is_interrupted_.exchange(false);
  size_t results = 0;
  post_.has_news.store(0, std::memory_order_seq_cst); // what is published from here on may be seen twice, but is not missed
  for (const auto& lane : lanes_at_work()) {
    // The death is looked for first: what the worker committed before it is read after.
    const bool is_dead = lane->is_dead;
    results += drain_lane(*lane, sink);
    if (is_dead) {
      while (drain_lane(*lane, sink) > 0) {
      }
      bury(lane, sink);
      found = true;
    }
  }
  const std::lock_guard lock(mutex_);
  judge(results);
  feed();
  steal();
  return found || results > 0;
}

bool Scheduler::has_tasks() const {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->outstanding() > 0; });
}

// Looks how the workers get on that tasks are kept to.
void Scheduler::judge(size_t results) {
  if (narrowing_.is_on()) {
    const int64_t now = shm::now();
    for (const auto& lane : lanes_) {
      lane->judge(now, Narrowing::kStall);
    }
    narrowing_.judge(results, has_tasks(), now);
  }
}

bool Scheduler::is_judging() const {
  const std::lock_guard lock(mutex_);
  return narrowing_.is_on() && has_tasks();
}

void Scheduler::wait(int64_t nanoseconds) {
  const auto is_there = [this] { return has_news(); };
  if ((nanoseconds < 0 || nanoseconds > Narrowing::kStall) && is_judging()) {
    nanoseconds = Narrowing::kStall;
  }
  if (nanoseconds != 0 && !spinner_.spin(is_there)) {
    post_.bell.sleep(nanoseconds, is_there);
    spinner_.wake_up();
  }
}

void Scheduler::interrupt() {
  is_interrupted_.store(true);
  post_.ring();
}

} // namespace hasten::pool
