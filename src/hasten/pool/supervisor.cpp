// The part of the scheduler that runs in a thread of its own: the ends of processes, time limits, memory limits.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <new>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

#include "hasten/base/signals.h"
#include "hasten/pool/scheduler.h"

namespace hasten::pool {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kMemoryPeriod = 50 * kMillisecond;
constexpr int64_t kNever = 3600'000 * kMillisecond;

uint64_t resident_bytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  uint64_t all = 0;
  uint64_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

} // namespace

Scheduler::Scheduler(uint8_t failure_tag, size_t few)
    : failure_tag_(failure_tag), post_segment_(shm::Segment::create("hasten-pool-post", static_cast<size_t>(sysconf(_SC_PAGESIZE)))),
      post_(*new (post_segment_.data()) ParentPost), narrowing_(few), supervisor_wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!supervisor_wake_) {
    base::system_error("Can't make an eventfd for a pool");
  }
  const base::SignalsBlocked blocked;
  supervisor_ = std::thread([this] { supervise(); });
}

Scheduler::~Scheduler() {
  is_over_.store(true);
  wake_supervisor();
  supervisor_.join();
}

void Scheduler::wake_supervisor() {
  const uint64_t one = 1;
  if (write(supervisor_wake_.get(), &one, sizeof one) < 0) {
    return; // full: it is awake
  }
}

void Scheduler::watch(uint64_t id, pid_t pid, uint64_t most_memory) {
  base::FileDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd && errno != ESRCH) {
    base::system_error("Can't watch process " + std::to_string(pid));
  }
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(lanes_.begin(), lanes_.end(), [&](const auto& lane) { return lane->id() == id; });
    if (found == lanes_.end()) {
      return;
    }
    if (!pidfd) {
      (*found)->is_dead.store(true); // it ended and was waited for already
      post_.ring();
      return;
    }
    (*found)->watch(pid, std::move(pidfd));
    watched_.push_back({*found, most_memory});
  }
  wake_supervisor();
}

void Scheduler::supervise() {
  int64_t patience = kNever;
  while (!is_over_) {
    std::vector<pollfd> polled{{.fd = supervisor_wake_.get(), .events = POLLIN, .revents = 0}};
    Lanes alive;
    {
      const std::lock_guard lock(mutex_);
      for (const Watched& watched : watched_) {
        if (!watched.lane->is_dead) {
          polled.push_back({.fd = watched.lane->pidfd(), .events = POLLIN, .revents = 0});
          alive.push_back(watched.lane);
        }
      }
    }
    patience = check_clocks();
    poll(polled.data(), polled.size(), static_cast<int>((patience + kMillisecond - 1) / kMillisecond));
    uint64_t count = 0;
    if (polled.front().revents != 0 && read(supervisor_wake_.get(), &count, sizeof count) < 0) {
      continue; // somebody else read it
    }
    for (size_t i = 0; i < alive.size(); ++i) {
      if (polled[i + 1].revents != 0) {
        alive[i]->is_dead.store(true);
        post_.ring();
      }
    }
    check_memory();
  }
}

// Kills what is overdue; returns how long nothing can be.
int64_t Scheduler::check_clocks() {
  const std::lock_guard lock(mutex_);
  int64_t least = kNever;
  const int64_t time = shm::now();
  for (const Watched& watched : watched_) {
    if (is_timed_ && !watched.lane->is_dead) {
      watched.lane->kill_overdue(time);
      least = std::min(least, watched.lane->time_left(time, kNever));
    }
    if (watched.most_memory > 0) {
      least = std::min(least, kMemoryPeriod);
    }
  }
  return least;
}

void Scheduler::check_memory() {
  const std::lock_guard lock(mutex_);
  for (const Watched& watched : watched_) {
    const bool is_checked = watched.most_memory > 0 && !watched.lane->is_dead;
    if (is_checked && resident_bytes(watched.lane->pid()) > watched.most_memory) {
      watched.lane->exceeds_memory.store(true);
      watched.lane->kill_worker();
    }
  }
}

} // namespace hasten::pool
