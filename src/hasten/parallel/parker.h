// Sleeping and waking of single threads, without locks.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

namespace hasten::parallel {

constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

// How many forks lie between this process and the first one that loaded the engine. A fork copies one thread: whatever waited in another
// one waits no more.
uint32_t process_generation();

// One thread sleeps, others wake it. A wake that comes first is not lost. Used once.
class Parker {
public:
  enum class End : uint8_t { kUnparked, kTimedOut, kInterrupted };

  // Until unparked, until this moment of the steady clock (ns), or until a signal has come: kInterrupted. The process's first thread also
  // returns so after a while, since a signal that comes just before the kernel lets it sleep doesn't wake it.
  End park(int64_t deadline);
  void unpark();
  // Not 0 once it is unparked, which wakes who sleeps on it as on a futex of this process: for who sleeps at other words as well.
  const std::atomic<uint32_t>& word() const { return word_; }
  bool is_unparked() const { return word_.load(std::memory_order_acquire) != 0; }

private:
  std::atomic<uint32_t> word_{0};
};

} // namespace hasten::parallel
