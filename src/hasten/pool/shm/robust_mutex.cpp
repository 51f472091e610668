#include "hasten/pool/shm/robust_mutex.h"

#include <cerrno>
#include <ctime>
#include <sched.h>

#include "hasten/base/posix.h"
#include "hasten/pool/shm/doorbell.h"

namespace hasten::pool::shm {

void RobustMutex::init() {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK); // a signal handler that comes back to it must not wait for itself
  const int failed = pthread_mutex_init(&mutex_, &attributes);
  pthread_mutexattr_destroy(&attributes);
  if (failed != 0) {
    base::system_error("Can't make a mutex for several processes", failed);
  }
}

Locked RobustMutex::outcome(int error) {
  if (error == EOWNERDEAD) {
    pthread_mutex_consistent(&mutex_);
    return Locked::kAfterDeath;
  }
  return error == 0 ? Locked::kYes : Locked::kNo;
}

Locked RobustMutex::try_lock() { return outcome(pthread_mutex_trylock(&mutex_)); }

Locked RobustMutex::lock_until(int64_t deadline) {
#if defined(__SANITIZE_THREAD__) // which doesn't know locking by this clock
  Locked locked = try_lock();
  for (; locked == Locked::kNo && now() < deadline; locked = try_lock()) {
    sched_yield();
  }
  return locked;
#else
  constexpr int64_t kSecond = 1'000'000'000;
  const timespec until{.tv_sec = deadline / kSecond, .tv_nsec = deadline % kSecond};
  return outcome(pthread_mutex_clocklock(&mutex_, CLOCK_MONOTONIC, &until));
#endif
}

void RobustMutex::unlock() { pthread_mutex_unlock(&mutex_); }

} // namespace hasten::pool::shm
