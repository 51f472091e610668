#include "hasten/pool/shm/doorbell.h"

#include <climits>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hasten::pool::shm {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

} // namespace

void Doorbell::ring() {
  if (sleepers.load(std::memory_order_seq_cst) != 0) {
    rung.fetch_add(1, std::memory_order_seq_cst);
    syscall(SYS_futex, &rung, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
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

void Spinner::relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

} // namespace hasten::pool::shm
