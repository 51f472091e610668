#include "hasten/base/cores.h"

#include <sched.h>

#include <algorithm>
#include <thread>

namespace hasten::base {

int available_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) {
    return std::max(1, CPU_COUNT(&cores));
  }
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

} // namespace hasten::base
