#pragma once

#include <time.h>

#include <cstdint>

namespace hasten::parallel {

// Nanoseconds of the steady clock.
inline int64_t steady_now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

} // namespace hasten::parallel
