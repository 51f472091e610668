#include "hasten/pool/shm/bell.h"

#include <climits>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hasten::pool::shm {

void Bell::wake(int count) {
  rung.fetch_add(1, std::memory_order_seq_cst);
  syscall(SYS_futex, &rung, FUTEX_WAKE, count, nullptr, nullptr, 0);
}

void Bell::ring_all() {
  if (sleepers.load(std::memory_order_seq_cst) != 0) {
    wake(INT_MAX);
  }
}

void Bell::wait_while(uint32_t seen, int64_t nanoseconds) {
  constexpr int64_t kSecond = 1'000'000'000;
  const timespec limit{.tv_sec = nanoseconds / kSecond, .tv_nsec = nanoseconds % kSecond};
  syscall(SYS_futex, &rung, FUTEX_WAIT, seen, &limit, nullptr, 0);
}

} // namespace hasten::pool::shm
