#include "hasten/parallel/threads.h"

#include <algorithm>
#include <cstdlib>

#include "hasten/abi/parallel.h"
#include "hasten/base/cores.h"

namespace hasten::parallel {
namespace {

constexpr int kMostThreads = 1024;

int configured_threads() {
  const char* text = std::getenv("HASTEN_NUM_THREADS");
  return text != nullptr ? static_cast<int>(std::clamp(std::strtol(text, nullptr, 10), 0L, long{kMostThreads})) : 0;
}

} // namespace

int max_threads() {
  static const int threads = [] {
    const int configured = configured_threads();
    return std::clamp(configured > 0 ? configured : base::available_cores(), 1, kMostThreads);
  }();
  return threads;
}

Place& place() {
  static thread_local Place here;
  return here;
}

int thread_limit() {
  const int limit = place().limit;
  return limit > 0 ? limit : max_threads();
}

} // namespace hasten::parallel

using namespace hasten;

extern "C" {

int32_t hst_get_num_threads() { return parallel::thread_limit(); }

int32_t hst_set_num_threads(abi::Env* env, int64_t n) {
  if (n < 1 || n > parallel::max_threads()) {
    return static_cast<int32_t>(
        abi::fail(env, abi::ErrorKind::kValueError, "The number of threads must be between 1 and %d", parallel::max_threads()));
  }
  parallel::place().limit = static_cast<int>(n);
  return 0;
}

int32_t hst_get_thread_id() { return parallel::place().seat; }
}
