// Work that several threads may want at the same time is done by the first of them; the others wait for it.
//
// A thread never waits for itself, nor in a circle with others: it is told to do the work a second time instead. So compiling may run
// Python code that compiles.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace hasten::bindings {

// Thread-safe; holds no lock while work is done.
template <typename Key, typename Result> class InFlight {
public:
  struct Work {
    std::thread::id worker;
    bool done = false;
    std::shared_ptr<Result> result; // null where it failed
  };

  // The work to be waited for, or null: then the caller does it, and ends it with `finish`, whatever comes of it.
  std::shared_ptr<Work> join(const Key& key) {
    const std::lock_guard lock(mutex_);
    const auto found = works_.find(key);
    if (found == works_.end()) {
      auto work = std::make_shared<Work>();
      work->worker = std::this_thread::get_id();
      works_.emplace(key, std::move(work));
      return nullptr;
    }
    return leads_back_here(*found->second) ? nullptr : found->second;
  }

  void finish(const Key& key, std::shared_ptr<Result> result) {
    const std::lock_guard lock(mutex_);
    const auto found = works_.find(key);
    if (found != works_.end() && found->second->worker == std::this_thread::get_id()) {
      found->second->done = true;
      found->second->result = std::move(result);
      works_.erase(found);
      finished_.notify_all();
    }
  }

  // Waits for at most `patience`. True where the work is done.
  bool wait(const std::shared_ptr<Work>& work, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    waiting_[std::this_thread::get_id()] = work.get();
    const bool done = finished_.wait_for(lock, patience, [&] { return work->done; });
    waiting_.erase(std::this_thread::get_id());
    return done;
  }

private:
  // Whether the work's thread is this one, or waits for one that is, over any number of others.
  bool leads_back_here(const Work& work) const {
    const Work* next = &work;
    while (next->worker != std::this_thread::get_id()) {
      const auto waiting = waiting_.find(next->worker);
      if (waiting == waiting_.end()) {
        return false;
      }
      next = waiting->second;
    }
    return true;
  }

  std::mutex mutex_;
  std::condition_variable finished_;
  std::map<Key, std::shared_ptr<Work>> works_;
  std::map<std::thread::id, const Work*> waiting_;
};

} // namespace hasten::bindings
