// The part of the scheduler that decides which worker gets a task.
#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>
#include <queue>
#include <utility>

#include "hasten/pool/scheduler.h"

namespace hasten::pool {

// Waking a worker costs more than most tasks: one that has nothing to do and is awake comes first, then one that sleeps, then the one that
// has the least.
ParentLane* Scheduler::choose_lane(const Task& task) const {
  ParentLane* best = nullptr;
  size_t least = std::numeric_limits<size_t>::max();
  for (const auto& lane : lanes_) {
    if (!lane->accepts(task)) {
      continue;
    }
    const bool is_idle = lane->is_idle();
    if (is_idle && !lane->is_asleep()) {
      return lane.get();
    }
    const size_t load = is_idle ? 0 : lane->outstanding();
    if (load < least) {
      best = lane.get();
      least = load;
    }
  }
  return best;
}

// With tasks for every lane, no lane's own words are read: after its worker wrote there, each look costs as much as a short task.
void Scheduler::spread() {
  using Load = std::pair<size_t, size_t>; // tasks, and whose: the place among the lanes
  const size_t most = std::clamp<size_t>(pending_.size() / lanes_.size(), 1, kMostAtOnce);
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (size_t place = 0; place < lanes_.size(); ++place) {
    loads.emplace(lanes_[place]->outstanding(), place);
  }
  while (pending_.size() >= lanes_.size() && !loads.empty()) {
    const size_t place = loads.top().second;
    loads.pop();
    ParentLane& lane = *lanes_[place];
    const size_t before = lane.outstanding();
    place_next(lane, most);
    if (lane.outstanding() > before) { // otherwise it is full
      loads.emplace(lane.outstanding(), place);
    }
  }
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
  return few;
}

// Whether the next tasks are kept to a few workers; then these have got what they accept.
bool Scheduler::feed_few() {
  const std::vector<ParentLane*> few = narrowing_.is_on() ? few_lanes() : std::vector<ParentLane*>();
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
    ParentLane* least = nullptr;
    for (ParentLane* lane : few) {
      if (lane->accepts(*next) && (least == nullptr || lane->outstanding() < least->outstanding())) {
        least = lane;
      }
    }
    if (least == nullptr) {
      return true;
    }
    place_next(*least, kMostAtOnce);
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
  if (!lanes_.empty() && pending_.size() >= lanes_.size()) {
    spread();
  }
  while (const Task* next = next_pending()) {
    ParentLane* lane = choose_lane(*next);
    if (lane == nullptr) {
      return;
    }
    place_next(*lane, 1);
  }
}

// Gives a lane the next tasks of one group, as far as it accepts them.
void Scheduler::place_next(ParentLane& lane, size_t most) {
  const Task* next = next_pending();
  for (const uint32_t group = next != nullptr ? next->group : 0; most > 0 && next != nullptr && next->group == group; --most) {
    if (!lane.accepts(*next)) {
      return;
    }
    lane.place(take_pending());
    next = next_pending();
  }
}

// Moves the newer half of what a lane has and nobody has claimed; returns how much is left of it.
size_t Scheduler::share(ParentLane& busy, ParentLane& idle, size_t unclaimed) {
  for (size_t count = (unclaimed + 1) / 2; count > 0; --count) {
    std::unique_ptr<Task> task = busy.recall_newest();
    if (task == nullptr) {
      return 0; // its worker was faster
    }
    if (!idle.accepts(*task)) {
      if (busy.accepts(*task)) {
        busy.place(std::move(task));
      } else {
        task->is_pending = true;
        pending_.push_front(std::move(task));
      }
      return unclaimed;
    }
    idle.place(std::move(task));
    --unclaimed;
  }
  return unclaimed;
}

// Gives workers that have nothing to do tasks that nobody has claimed. These are counted once for all of them: with many workers, many are
// idle at once.
void Scheduler::steal() {
  std::vector<ParentLane*> takers;
  if (narrowing_.is_on()) {
    takers = few_lanes();
  } else {
    std::transform(lanes_.begin(), lanes_.end(), std::back_inserter(takers), [](const auto& lane) { return lane.get(); });
  }
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
      left = share(*lanes_[static_cast<size_t>(most - unclaimed.begin())], *idle, *most);
      *most = left;
    }
  }
}

} // namespace hasten::pool
