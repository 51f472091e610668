#include "hasten/pool/shm/doorbell.h"

#include <climits>
#include <ctime>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hasten/base/thread.h"

namespace hasten::pool::shm {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

// The counts wrap around.
bool is_ahead(uint32_t count, uint32_t other) { return static_cast<int32_t>(count - other) > 0; }

} // namespace

bool Doorbell::is_awaited() const { return is_ahead(awaited.load(std::memory_order_seq_cst), woken.load(std::memory_order_seq_cst)); }

bool Doorbell::ring() {
  if (!is_awaited()) {
    return false;
  }
  const uint32_t now_rung = rung.fetch_add(1, std::memory_order_seq_cst) + 1;
  syscall(SYS_futex, &rung, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  // Only now, so that a process that dies before it woke the sleepers leaves that to the next one that rings.
  raise(woken, now_rung);
  return true;
}

void Doorbell::raise(std::atomic<uint32_t>& word, uint32_t value) {
  uint32_t before = word.load(std::memory_order_seq_cst);
  while (is_ahead(value, before) && !word.compare_exchange_weak(before, value, std::memory_order_seq_cst)) {
  }
}

void Doorbell::wait_while(uint32_t seen, int64_t nanoseconds) {
  timespec limit{};
  if (nanoseconds >= 0) {
    limit.tv_sec = nanoseconds / kSecond;
    limit.tv_nsec = nanoseconds % kSecond;
  }
  syscall(SYS_futex, &rung, FUTEX_WAIT, seen, nanoseconds >= 0 ? &limit : nullptr, nullptr, 0);
}

int64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

void Spinner::yield() { sched_yield(); }

void Spinner::relax() { base::pause_cpu(); }

} // namespace hasten::pool::shm
