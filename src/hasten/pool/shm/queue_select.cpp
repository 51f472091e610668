// Waiting for several queues at once.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "hasten/pool/shm/queue_wait.h"

namespace hasten::pool::shm {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kShortSleep = 1'000'000; // where the kernel is older than 5.16, or a container forbids it

timespec time_of(int64_t nanoseconds) { return {.tv_sec = nanoseconds / kSecond, .tv_nsec = nanoseconds % kSecond}; }

void sleep_on(std::vector<futex_waitv>& words, int64_t deadline) {
  const timespec until = time_of(deadline);
  if (syscall(SYS_futex_waitv, words.data(), words.size(), 0, &until, CLOCK_MONOTONIC) >= 0) {
    return;
  }
  const bool is_refused = errno != EAGAIN && errno != ETIMEDOUT && errno != EINTR;
  if (is_refused) {
    const timespec pause = time_of(std::min(kShortSleep, std::max<int64_t>(deadline - now(), 0)));
    nanosleep(&pause, nullptr);
  }
}

} // namespace

void Queue::wait_for_any(const std::vector<Queue*>& queues, const std::atomic<uint32_t>& other, int64_t nanoseconds) {
  const auto is_there = [&] {
    return other.load(std::memory_order_acquire) != 0 ||
           std::any_of(queues.begin(), queues.end(), [](const Queue* one) { return one->has_news(); });
  };
  const int64_t start = now();
  if (nanoseconds <= 0 || queue_spinner.spin(is_there)) {
    return;
  }
  std::vector<futex_waitv> words{
      {.val = 0, .uaddr = reinterpret_cast<uint64_t>(&other), .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG, .__reserved = 0}};
  for (Queue* queue : queues) {
    Bell& bell = queue->memory().head.bell;
    words.push_back({.val = bell.lie_down(), .uaddr = reinterpret_cast<uint64_t>(&bell.rung), .flags = FUTEX_32, .__reserved = 0});
  }
  if (!is_there()) {
    sleep_on(words, start + nanoseconds);
  }
  const bool is_late = now() - start >= nanoseconds;
  for (Queue* queue : queues) {
    Bell& bell = queue->memory().head.bell;
    bell.get_up();
    if (queue->has_news()) {
      bell.ring(); // this thread takes one item of one of them
    }
    if (is_late) {
      queue->look_after_others();
    }
  }
}

} // namespace hasten::pool::shm
