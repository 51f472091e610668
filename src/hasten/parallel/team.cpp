#include "hasten/parallel/team.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "hasten/base/signals.h"
#include "hasten/base/thread.h"
#include "hasten/parallel/clock.h"

namespace hasten::parallel {
namespace {

constexpr int64_t kLongestSpin = 100'000; // ns
constexpr int64_t kShortestSpin = 2'000;
constexpr int kMostSteered = 8; // threads; each costs two calls of the system
constexpr auto kIdleInterval = std::chrono::milliseconds(5);

std::atomic<Team*> current{nullptr};

// The child has the forking thread only: the parent's team stays behind, with its locks in whatever state they were.
[[maybe_unused]] const int at_fork = pthread_atfork(nullptr, nullptr, [] { current.store(nullptr, std::memory_order_relaxed); });

} // namespace

// A thread that waits for work. Lies on its own stack; guarded by the team's mutex.
struct Team::Sleeper {
  pid_t thread;
  Sleeper* next;
  bool is_steered = false;
  cpu_set_t usual{}; // the processors that it may use, where it is steered
};

struct Team::State {
  std::mutex mutex;
  std::condition_variable work;
  std::condition_variable done;
  Job* jobs = nullptr;
  int threads = 0;
  Sleeper* sleepers = nullptr;
};

Team::Team() : state_(new State) {}

Team& Team::get() {
  Team* team = current.load(std::memory_order_acquire);
  if (team == nullptr) {
    auto* fresh = new Team;
    if (current.compare_exchange_strong(team, fresh, std::memory_order_acq_rel)) {
      return *fresh;
    }
    delete fresh->state_;
    delete fresh;
  }
  return *team;
}

void Team::start_threads(int wanted) {
  const base::SignalsBlocked blocked;
  while (state_->threads < wanted) {
    pthread_t thread;
    const auto run = [](void* team) -> void* {
      static_cast<Team*>(team)->thread_main();
      return nullptr;
    };
    if (pthread_create(&thread, nullptr, run, this) != 0) {
      return; // the machine denies more threads: those that are there do the work
    }
    pthread_setname_np(thread, "hasten-loop");
    pthread_detach(thread);
    ++state_->threads;
  }
}

// Keeps threads that are about to be woken off this processor, where they would wait for the caller to be interrupted: milliseconds.
// Systems think that the idle processors of a virtual machine are busy elsewhere, and wake threads where the waker runs. The mutex is held.
void Team::steer_away() {
  const int here = sched_getcpu();
  int left = kMostSteered;
  for (Sleeper* sleeper = state_->sleepers; sleeper != nullptr && here >= 0 && left > 0; sleeper = sleeper->next, --left) {
    if (sleeper->is_steered || sched_getaffinity(sleeper->thread, sizeof sleeper->usual, &sleeper->usual) != 0) {
      continue;
    }
    cpu_set_t others = sleeper->usual;
    CPU_CLR(static_cast<size_t>(here), &others);
    sleeper->is_steered = CPU_COUNT(&others) > 0 && sched_setaffinity(sleeper->thread, sizeof others, &others) == 0;
  }
}

void Team::publish(Job& job) {
  bool wake = false;
  {
    const std::lock_guard lock(state_->mutex);
    job.next_ = state_->jobs;
    state_->jobs = &job;
    start_threads(job.seats() - 1);
    wake = state_->sleepers != nullptr;
    steer_away();
    epoch_.fetch_add(1, std::memory_order_release);
  }
  if (wake) {
    state_->work.notify_all();
  }
}

void Team::retire(Job& job, const std::function<void()>& idle) {
  {
    const std::lock_guard lock(state_->mutex);
    Job** link = &state_->jobs;
    while (*link != &job) {
      link = &(*link)->next_;
    }
    *link = job.next_;
  }
  const int64_t start = steady_now();
  while (job.active_.load(std::memory_order_acquire) != 0 && steady_now() - start < kLongestSpin) {
    base::pause_cpu();
  }
  std::unique_lock lock(state_->mutex);
  while (job.active_.load(std::memory_order_acquire) != 0) {
    if (state_->done.wait_for(lock, kIdleInterval) == std::cv_status::timeout) {
      lock.unlock();
      idle();
      lock.lock();
    }
  }
}

Job* Team::join_any(int* seat) {
  for (Job* job = state_->jobs; job != nullptr; job = job->next_) {
    if (job->taken_ < job->seats() && job->has_work()) {
      *seat = job->taken_++;
      job->active_.fetch_add(1, std::memory_order_relaxed);
      return job;
    }
  }
  return nullptr;
}

bool Team::spin(uint32_t seen, int64_t* budget) {
  spinning_.fetch_add(1, std::memory_order_relaxed);
  const int64_t start = steady_now();
  bool found = false;
  while (!found && steady_now() - start < *budget) {
    for (int i = 0; i < 16 && !found; ++i) {
      base::pause_cpu();
      found = epoch_.load(std::memory_order_acquire) != seen;
    }
  }
  spinning_.fetch_sub(1, std::memory_order_relaxed);
  *budget = found ? std::min(*budget * 2, kLongestSpin) : std::max(*budget / 2, kShortestSpin);
  return found;
}

void Team::thread_main() {
  int64_t budget = kLongestSpin;
  std::unique_lock lock(state_->mutex);
  while (true) {
    const uint32_t seen = epoch_.load(std::memory_order_relaxed);
    int seat = 0;
    if (Job* job = join_any(&seat)) {
      lock.unlock();
      job->work(seat);
      lock.lock();
      // Under the lock, so that the publisher can't miss it between its look and its sleep; the job may be gone right after.
      if (job->active_.fetch_sub(1, std::memory_order_release) == 1) {
        state_->done.notify_all();
      }
      continue;
    }
    lock.unlock();
    const bool found = spin(seen, &budget);
    lock.lock();
    if (!found && epoch_.load(std::memory_order_relaxed) == seen) {
      sleep(lock, seen);
    }
  }
}

void Team::sleep(std::unique_lock<std::mutex>& lock, uint32_t seen) {
  Sleeper self{gettid(), state_->sleepers};
  state_->sleepers = &self;
  state_->work.wait(lock, [&] { return epoch_.load(std::memory_order_relaxed) != seen; });
  Sleeper** link = &state_->sleepers;
  while (*link != &self) {
    link = &(*link)->next;
  }
  *link = self.next;
  if (self.is_steered) {
    sched_setaffinity(0, sizeof self.usual, &self.usual);
  }
}

} // namespace hasten::parallel
