#include "hasten/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <pthread.h>
#include <string>
#include <system_error>
#include <thread>

#include "hasten/base/signals.h"
#include "hasten/detail/first_failure.h"
#include "hasten/parallel/parker.h"
#include "hasten/parallel/threads.h"
#include "hasten/parallel/work_queue.h"

namespace hasten {
namespace {

// The items of one map. Threads that come late find nothing to claim, and touch nothing of the caller's.
class Bulk {
public:
  Bulk(size_t count, void (*body)(void*, size_t), void* captures) : count_(count), body_(body), captures_(captures) {}

  void work() {
    for (size_t index = next_.fetch_add(1); index < count_; index = next_.fetch_add(1)) {
      if (!failure_.is_before(static_cast<int64_t>(index))) {
        run(index);
      }
      if (done_.fetch_add(1) + 1 == count_) {
        const std::lock_guard lock(mutex_);
        all_done_.notify_all();
      }
    }
  }

  void wait() {
    std::unique_lock lock(mutex_);
    all_done_.wait(lock, [this] { return done_.load() == count_; });
    failure_.rethrow();
  }

private:
  void run(size_t index) noexcept {
    try {
      body_(captures_, index);
    } catch (...) {
      failure_.note(static_cast<int64_t>(index));
    }
  }

  const size_t count_;
  void (*const body_)(void*, size_t);
  void* const captures_;
  std::atomic<size_t> next_{0};
  std::atomic<size_t> done_{0};
  detail::FirstFailure failure_;
  std::mutex mutex_;
  std::condition_variable all_done_;
};

class BulkWork final : public detail::Work {
public:
  explicit BulkWork(std::shared_ptr<Bulk> bulk) : bulk_(std::move(bulk)) {}
  void run() noexcept override { bulk_->work(); }
  bool cancel() noexcept override { return false; } // the caller does it alone

private:
  std::shared_ptr<Bulk> bulk_;
};

} // namespace

struct ThreadPool::State {
  mutable std::mutex mutex;
  parallel::WorkQueue<detail::Work*> queue;
  std::condition_variable idle;
  size_t unfinished = 0;
  bool is_closed = false;
  const uint32_t generation = parallel::process_generation();
  std::vector<std::thread> threads;

  ~State() { queue.release(); }
  bool is_copy_in_child() const { return generation != parallel::process_generation(); }
  void start(size_t wanted);
  void work();
  void sleep(std::unique_lock<std::mutex>& lock);
  void finish(size_t count);
};

void ThreadPool::State::start(size_t wanted) {
  const base::SignalsBlocked blocked;
  try {
    while (threads.size() < wanted) {
      threads.emplace_back([this] { work(); });
      pthread_setname_np(threads.back().native_handle(), "hasten-pool");
    }
  } catch (const std::system_error& error) {
    if (threads.empty()) {
      throw Error(std::string("the machine denies a pool its first thread: ") + error.what());
    } // else those that are there do the work
  }
}

void ThreadPool::State::sleep(std::unique_lock<std::mutex>& lock) {
  parallel::Parker parker;
  parallel::ThreadWaiter waiter(parker);
  queue.sleepers().add(waiter);
  lock.unlock();
  while (parker.park(parallel::kForever) != parallel::Parker::End::kUnparked) {
  }
  lock.lock();
  queue.arrive();
}

void ThreadPool::State::finish(size_t count) {
  unfinished -= count;
  if (unfinished == 0) {
    idle.notify_all();
  }
}

void ThreadPool::State::work() {
  std::unique_lock lock(mutex);
  for (;;) {
    while (queue.empty()) {
      if (is_closed) {
        return;
      }
      sleep(lock);
    }
    std::unique_ptr<detail::Work> work(queue.pop());
    queue.summon();
    lock.unlock();
    work->run();
    work.reset();
    lock.lock();
    finish(1);
  }
}

ThreadPool::ThreadPool(size_t threads) : state_(std::make_unique<State>()) {
  state_->start(threads > 0 ? threads : static_cast<size_t>(parallel::max_threads()));
}

ThreadPool::~ThreadPool() {
  if (state_->is_copy_in_child()) {
    [[maybe_unused]] State* left_behind = state_.release(); // its threads and locks are the parent's
    return;
  }
  close();
  for (std::thread& thread : state_->threads) {
    thread.join();
  }
}

void ThreadPool::push(std::unique_ptr<detail::Work> work) {
  if (state_->is_copy_in_child()) {
    throw Error("this pool's threads are in the parent of this process: make a pool of your own after fork()");
  }
  const std::lock_guard lock(state_->mutex);
  if (state_->is_closed) {
    throw Error("the pool is closed: it takes no more tasks");
  }
  if (!state_->queue.push(work.get())) {
    throw std::bad_alloc();
  }
  [[maybe_unused]] detail::Work* queued = work.release();
  ++state_->unfinished;
}

void ThreadPool::run_indices(size_t count, IndexBody body, void* captures) {
  if (count == 0) {
    return;
  }
  const auto bulk = std::make_shared<Bulk>(count, body, captures);
  try {
    for (size_t helpers = std::min(size(), count - 1); helpers > 0; --helpers) {
      push(std::make_unique<BulkWork>(bulk));
    }
  } catch (const std::exception&) { // closed, or no memory for more: those that are there do the work
  }
  bulk->work();
  bulk->wait();
}

void ThreadPool::wait() {
  std::unique_lock lock(state_->mutex);
  state_->idle.wait(lock, [this] { return state_->unfinished == 0; });
}

size_t ThreadPool::cancel() {
  std::vector<std::unique_ptr<detail::Work>> taken;
  {
    const std::lock_guard lock(state_->mutex);
    taken.reserve(state_->queue.size());
    while (!state_->queue.empty()) {
      taken.emplace_back(state_->queue.pop());
    }
  }
  const auto cancelled = std::ranges::count_if(taken, [](const auto& work) { return work->cancel(); });
  const std::lock_guard lock(state_->mutex);
  state_->finish(taken.size());
  return static_cast<size_t>(cancelled);
}

void ThreadPool::close() {
  const std::lock_guard lock(state_->mutex);
  state_->is_closed = true;
  state_->queue.sleepers().wake_all();
}

size_t ThreadPool::size() const { return state_->threads.size(); }

size_t ThreadPool::pending() const {
  const std::lock_guard lock(state_->mutex);
  return state_->unfinished;
}

} // namespace hasten
