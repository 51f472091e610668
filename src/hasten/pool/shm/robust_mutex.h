// A mutex among processes that outlives its holder: whoever locks it after a death is told so.
#pragma once

#include <pthread.h>

#include <cstdint>

namespace hasten::pool::shm {

enum class Locked : uint8_t { kYes, kAfterDeath, kNo };

// Lies in shared memory. Not recursive. Who locks it after a death mends what it guards before unlocking.
class RobustMutex {
public:
  // Once, by who makes the memory.
  void init();

  Locked try_lock();
  // Until that moment of now(); a moment that is past makes it one try.
  Locked lock_until(int64_t deadline);
  void unlock();

private:
  Locked outcome(int error);

  pthread_mutex_t mutex_;
};

} // namespace hasten::pool::shm
