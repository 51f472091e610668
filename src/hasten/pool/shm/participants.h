// The processes that use a queue: who they are, what they do, and whether they live.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "hasten/pool/shm/robust_mutex.h"

namespace hasten::pool::shm {

// How many forks lie between this process and the one that loaded the library: what a process entered, its child did not.
uint32_t fork_generation();

// A process, told from any other one that has its pid before or after it. Never 0.
uint64_t identity_of_this_process();
bool is_alive(uint64_t identity);

enum Role : uint32_t { kProducer = 1, kConsumer = 2 };

struct Participant {
  std::atomic<uint64_t> identity; // 0: nobody
  std::atomic<uint32_t> roles;
  std::atomic<uint32_t> spilled; // items put that aren't in the ring yet
};

// Lies in shared memory. Entries change under the mutex, but for `spilled`, which its own process changes.
class Participants {
public:
  static constexpr size_t kMost = 1024;

  void init() { mutex_.init(); }

  // The entry of this process, made if there is none, with these roles added; null where there are too many.
  Participant* enter(uint64_t identity, uint32_t roles);
  void leave(uint64_t identity);
  // Takes out the dead. Before that, sets `broken`, if one is given, where a producer died or the last consumer.
  void reap(std::atomic<uint32_t>* broken);

  // Of all that are entered.
  uint64_t spilled() const;

private:
  void lock();

  RobustMutex mutex_;
  std::atomic<uint32_t> used_; // entries from here on were never used
  std::array<Participant, kMost> entries_;
};

} // namespace hasten::pool::shm
