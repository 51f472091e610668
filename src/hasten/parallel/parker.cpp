#include "hasten/parallel/parker.h"

#include <algorithm>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hasten/parallel/clock.h"

namespace hasten::parallel {
namespace {

constexpr int64_t kLongestDeafness = 200'000'000; // ns

std::atomic<uint32_t> generation{0};
[[maybe_unused]] const int at_fork = pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });

int64_t futex(std::atomic<uint32_t>* word, int operation, uint32_t value, const timespec* until) {
  return syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, until, nullptr, FUTEX_BITSET_MATCH_ANY);
}

bool is_first_thread() { return getpid() == gettid(); }

} // namespace

uint32_t process_generation() { return generation.load(std::memory_order_relaxed); }

Parker::End Parker::park(int64_t deadline) {
  const int64_t look = is_unparked() || !is_first_thread() ? kForever : steady_now() + kLongestDeafness;
  const int64_t limit = std::min(deadline, look);
  const timespec until{limit / 1'000'000'000, limit % 1'000'000'000};
  while (!is_unparked()) {
    if (futex(&word_, FUTEX_WAIT_BITSET, 0, limit == kForever ? nullptr : &until) == 0 || errno == EAGAIN) {
      continue;
    }
    if (is_unparked()) {
      break;
    }
    return errno == ETIMEDOUT && limit == deadline ? End::kTimedOut : End::kInterrupted;
  }
  return End::kUnparked;
}

void Parker::unpark() {
  word_.store(1, std::memory_order_release);
  futex(&word_, FUTEX_WAKE, 1, nullptr);
}

} // namespace hasten::parallel
