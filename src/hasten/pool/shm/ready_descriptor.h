// For whoever waits with poll() and its like: a descriptor that is readable as long as a queue has something for get().
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

#include "hasten/base/posix.h"
#include "hasten/pool/shm/queue.h"

namespace hasten::pool::shm {

// Its thread sleeps until the queue gets an item or its last one is taken, by whatever process. Any thread may call anything; the queue
// outlives it. A fork's copy has no thread, and the descriptor that it has is the parent's: is_mine() tells, and it may only be destroyed.
class ReadyDescriptor {
public:
  // Throws a Diagnostic where there is no descriptor, or no thread, to be had.
  explicit ReadyDescriptor(Queue& queue);
  ~ReadyDescriptor();
  ReadyDescriptor(const ReadyDescriptor&) = delete;
  ReadyDescriptor& operator=(const ReadyDescriptor&) = delete;

  bool is_mine() const { return generation_ == fork_generation(); }
  int fd() const { return event_.get(); }
  // For who has just put or taken something: the descriptor tells at once, not only when the thread has woken.
  void refresh();

private:
  void run();
  bool is_changed(bool was_set) const;

  Queue& queue_;
  base::FileDescriptor event_; // an eventfd that counts 0 or 1
  const uint32_t generation_;
  std::mutex mutex_;
  std::atomic<bool> is_set_{false}; // changed under mutex_
  std::atomic<bool> is_over_{false};
  std::unique_ptr<std::thread> thread_;
};

} // namespace hasten::pool::shm
