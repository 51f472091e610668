#include "hasten/pool/shm/ready_descriptor.h"

#include <sys/eventfd.h>
#include <system_error>

#include "hasten/base/signals.h"
#include "hasten/pool/shm/queue_wait.h"

namespace hasten::pool::shm {

ReadyDescriptor::ReadyDescriptor(Queue& queue)
    : queue_(queue), event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), generation_(fork_generation()) {
  if (!event_) {
    base::system_error("Can't make an eventfd for a queue");
  }
  refresh();
  const base::SignalsBlocked blocked;
  try {
    thread_ = std::make_unique<std::thread>([this] { run(); });
  } catch (const std::system_error& error) {
    base::system_error("Can't start a thread that watches a queue", error.code().value());
  }
}

ReadyDescriptor::~ReadyDescriptor() {
  if (!is_mine()) {
    [[maybe_unused]] const std::thread* absent = thread_.release(); // there is nothing to join
    return;
  }
  is_over_.store(true, std::memory_order_seq_cst);
  queue_.ring_watchers();
  thread_->join();
}

// Looks once more after each change: what comes later is then seen by the thread, which compares with what is set here.
void ReadyDescriptor::refresh() {
  const std::lock_guard lock(mutex_);
  for (bool has_news = queue_.has_news(); has_news != is_set_.load(std::memory_order_seq_cst); has_news = queue_.has_news()) {
    is_set_.store(has_news, std::memory_order_seq_cst);
    eventfd_t count = 0;
    if (has_news) {
      eventfd_write(event_.get(), 1);
    } else {
      eventfd_read(event_.get(), &count);
    }
  }
}

// Whether there is something to do, or the thread sleeps at the wrong bell.
bool ReadyDescriptor::is_changed(bool was_set) const {
  const bool is_set = is_set_.load(std::memory_order_seq_cst);
  return is_set != was_set || queue_.has_news() != is_set || is_over_.load(std::memory_order_seq_cst);
}

void ReadyDescriptor::run() {
  while (!is_over_.load(std::memory_order_seq_cst)) {
    refresh();
    const bool was_set = is_set_.load(std::memory_order_seq_cst);
    queue_.watch(was_set, [&] { return is_changed(was_set); });
  }
}

} // namespace hasten::pool::shm
