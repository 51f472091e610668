// The part of the scheduler that decides which worker gets a task.
#include <algorithm>
#include <iterator>
#include <utility>

#include "hasten/pool/scheduler.h"

namespace hasten::pool {

void Scheduler::place(ParentLane& lane, std::unique_ptr<Task> task) {
  lane.set_turn(++turns_);
  lane.place(std::move(task));
}

// Waking a worker costs more than most tasks: one that has nothing to do and is awake comes first, then one that sleeps, then the one whose
// turn it is, as in next_in_turn().
ParentLane* Scheduler::choose_lane(const Task& task) const {
  ParentLane* sleeping = nullptr;
  ParentLane* next = nullptr;
  for (const auto& lane : lanes_) {
    if (lane->is_open() && (next == nullptr || lane->turn() < next->turn())) {
      next = lane.get();
    }
    if (lane->is_idle() && lane->accepts(task)) {
      if (!lane->is_asleep()) {
        return lane.get();
      }
      sleeping = sleeping != nullptr ? sleeping : lane.get();
    }
  }
  if (sleeping != nullptr) {
    return sleeping;
  }
  return next != nullptr && next->accepts(task) ? next : nullptr;
}

// Whose latest task is the oldest comes first.
void Scheduler::sort_by_turn(std::vector<ParentLane*>& lanes) {
  std::sort(lanes.begin(), lanes.end(), [](const ParentLane* one, const ParentLane* other) {
    return std::pair(one->turn(), one->id()) < std::pair(other->turn(), other->id());
  });
}

// The lane whose turn it is: whose latest task is the oldest. So neighbours among the tasks go to different lanes, in the order in which
// they came, and tasks that wait for others less than the number of workers away meet them, as they do where all workers take from one
// queue. What is full keeps its turn, but for a lane that has nothing at all to do. `lanes` are sorted, and stay so.
ParentLane* Scheduler::next_in_turn(std::vector<ParentLane*>& lanes, const Task& task) {
  bool is_anybody_full = false;
  for (auto at = lanes.begin(); at != lanes.end(); ++at) {
    ParentLane* lane = *at;
    if (!lane->accepts(task)) {
      is_anybody_full = is_anybody_full || lane->is_open();
    } else if (!is_anybody_full || lane->outstanding() == 0) {
      std::rotate(at, at + 1, lanes.end());
      return lane;
    }
  }
  return nullptr;
}

// Gives all lanes the same number of tasks in turn, where they have room for several: one lane after the other gets its share of these, so
// that its worker finds many at once and doesn't wait for each that the parent writes. Returns whether it did.
bool Scheduler::deal(const std::vector<ParentLane*>& lanes) {
  const size_t width = lanes.size();
  size_t share = std::min(kMostAtOnce, pending_.size() / width);
  for (ParentLane* lane : lanes) {
    share = std::min(share, lane->room_for_small());
  }
  for (size_t i = 0; i < share * width; ++i) {
    const Task& task = *pending_[i];
    if (task.group != pending_.front()->group || task.size() > ParentLane::kSmall || task.first == task.end) {
      share = i / width;
    }
  }
  if (share < 2) {
    return false;
  }
  for (size_t turn = 0; turn < width; ++turn) {
    for (size_t i = turn; i < share * width; i += width) {
      pending_[i]->is_pending = false;
      place(*lanes[turn], std::move(pending_[i]));
    }
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(share * width));
  return true;
}

// With tasks for every lane, no lane's own words are read: after its worker wrote there, each look costs as much as a short task. Returns
// whether all got what they accept.
bool Scheduler::spread() {
  if (pending_.size() < lanes_.size()) {
    return false;
  }
  std::vector<ParentLane*> all = all_lanes();
  sort_by_turn(all);
  while (pending_.size() >= all.size()) {
    const Task* next = next_pending();
    if (next != nullptr && deal(all)) {
      continue;
    }
    ParentLane* lane = next != nullptr ? next_in_turn(all, *next) : nullptr;
    if (lane == nullptr) {
      return true;
    }
    place(*lane, take_pending());
  }
  return false;
}

std::vector<ParentLane*> Scheduler::all_lanes() const {
  std::vector<ParentLane*> all;
  std::transform(lanes_.begin(), lanes_.end(), std::back_inserter(all), [](const auto& lane) { return lane.get(); });
  return all;
}

// The workers that short tasks are kept to: those at work come first, then those that are awake.
std::vector<ParentLane*> Scheduler::few_lanes() const {
  std::vector<ParentLane*> few;
  const auto add = [&](auto is_wanted) {
    for (auto lane = lanes_.begin(); lane != lanes_.end() && few.size() < narrowing_.few(); ++lane) {
      const bool may_get_on = (*lane)->is_open() && !(*lane)->is_stalled();
      if (may_get_on && is_wanted(**lane) && std::find(few.begin(), few.end(), lane->get()) == few.end()) {
        few.push_back(lane->get());
      }
    }
  };
  add([](const ParentLane& lane) { return lane.outstanding() > 0; });
  add([](const ParentLane& lane) { return lane.is_at_hand() && !lane.is_asleep(); });
  add([](const ParentLane&) { return true; });
  sort_by_turn(few);
  return few;
}

// Whether the next tasks are kept to a few workers; then these have got what they accept.
bool Scheduler::feed_few() {
  std::vector<ParentLane*> few = narrowing_.is_on() ? few_lanes() : std::vector<ParentLane*>();
  if (few.empty()) {
    narrowing_.end();
    return false;
  }
  if (std::all_of(few.begin(), few.end(), [](const ParentLane* lane) { return lane->is_idle(); })) {
    narrowing_.restart();
  }
  for (const Task* next = next_pending(); next != nullptr; next = next_pending()) {
    narrowing_.begin(*next, pending_.size(), lanes_.size());
    if (!narrowing_.is_on()) {
      return false;
    }
    if (deal(few)) {
      continue;
    }
    ParentLane* lane = next_in_turn(few, *next);
    if (lane == nullptr) {
      return true;
    }
    place(*lane, take_pending());
  }
  return true;
}

void Scheduler::feed() {
  if (next_pending() == nullptr) {
    return;
  }
  narrowing_.begin(*pending_.front(), pending_.size(), lanes_.size());
  if (feed_few()) {
    return;
  }
  if (!lanes_.empty() && spread()) {
    return;
  }
  while (const Task* next = next_pending()) {
    ParentLane* lane = choose_lane(*next);
    if (lane == nullptr) {
      return;
    }
    place(*lane, take_pending());
  }
}

// Divides what a lane has and nobody has claimed, in turn: its oldest goes to the idle one, which is where it would go if all workers took
// from one queue, the next stays, and so on. Returns how much is left of it.
size_t Scheduler::share(ParentLane& busy, ParentLane& idle) {
  std::vector<std::unique_ptr<Task>> divided; // the newest first
  while (auto task = busy.recall_newest()) {
    divided.push_back(std::move(task));
  }
  size_t left = 0;
  for (bool is_for_idle = true; !divided.empty(); is_for_idle = !is_for_idle) {
    const Task& task = *divided.back();
    const bool is_taken = is_for_idle ? idle.accepts(task) : !busy.accepts(task) && idle.accepts(task);
    if (!is_taken && !busy.accepts(task)) {
      break;
    }
    left += is_taken ? 0 : 1;
    place(is_taken ? idle : busy, std::move(divided.back()));
    divided.pop_back();
  }
  for (auto& task : divided) {
    task->is_pending = true;
    pending_.push_front(std::move(task));
  }
  return left;
}

// Gives workers that have nothing to do tasks that nobody has claimed. These are counted once for all of them: with many workers, many are
// idle at once.
void Scheduler::steal() {
  const std::vector<ParentLane*> takers = narrowing_.is_on() ? few_lanes() : all_lanes();
  std::vector<size_t> unclaimed;
  for (ParentLane* idle : takers) {
    if (idle->outstanding() > 0 || idle->is_dead || !idle->is_at_hand()) {
      continue;
    }
    if (unclaimed.empty()) {
      std::transform(lanes_.begin(), lanes_.end(), std::back_inserter(unclaimed), [](const auto& lane) { return lane->unclaimed(); });
    }
    size_t left = 0;
    while (left == 0 && idle->outstanding() == 0) {
      const auto most = std::max_element(unclaimed.begin(), unclaimed.end());
      if (*most == 0) {
        return;
      }
      left = share(*lanes_[static_cast<size_t>(most - unclaimed.begin())], *idle);
      *most = left;
    }
  }
}

} // namespace hasten::pool
