#include "hasten/parallel/parker.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace hasten::parallel {
namespace {

std::atomic<uint32_t> generation{0};
[[maybe_unused]] const int at_fork = pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });

int64_t futex(std::atomic<uint32_t>* word, int operation, uint32_t value, const timespec* until) {
  return syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, until, nullptr, FUTEX_BITSET_MATCH_ANY);
}

} // namespace

uint32_t process_generation() { return generation.load(std::memory_order_relaxed); }

Parker::End Parker::park(int64_t deadline) {
  const timespec until{deadline / 1'000'000'000, deadline % 1'000'000'000};
  while (!is_unparked()) {
    if (futex(&word_, FUTEX_WAIT_BITSET, 0, deadline == kForever ? nullptr : &until) == 0 || errno == EAGAIN) {
      continue;
    }
    if (is_unparked()) {
      break;
    }
    return errno == ETIMEDOUT ? End::kTimedOut : End::kInterrupted;
  }
  return End::kUnparked;
}

void Parker::unpark() {
  word_.store(1, std::memory_order_release);
  futex(&word_, FUTEX_WAKE, 1, nullptr);
}

} // namespace hasten::parallel
