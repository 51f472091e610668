#include "hasten/detail/circles.h"

#include <mutex>
#include <unordered_map>

namespace hasten::detail {
namespace {

// Who waits for whom, in all caches of the process. A thread waits for one other at most.
struct Waits {
  std::mutex mutex;
  std::unordered_map<std::thread::id, std::thread::id> of;
};

Waits& waits() {
  static auto& all = *new Waits; // threads may outlive static objects
  return all;
}

} // namespace

WaitFor::WaitFor(std::thread::id other) : is_circle_(true) {
  Waits& all = waits();
  const std::thread::id self = std::this_thread::get_id();
  const std::lock_guard lock(all.mutex);
  std::thread::id last = other;
  while (last != self) {
    const auto next = all.of.find(last);
    if (next == all.of.end()) {
      all.of.emplace(self, other);
      is_circle_ = false;
      return;
    }
    last = next->second;
  }
}

WaitFor::~WaitFor() {
  if (!is_circle_) {
    Waits& all = waits();
    const std::lock_guard lock(all.mutex);
    all.of.erase(std::this_thread::get_id());
  }
}

} // namespace hasten::detail
