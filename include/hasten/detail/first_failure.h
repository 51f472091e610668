// Keeps, of the exceptions that threads throw at the same time, the one that a serial loop would have thrown.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <limits>
#include <mutex>

#include "hasten/base/export.h"

namespace hasten::detail {

// Any thread may call anything.
class HASTEN_API FirstFailure {
public:
  // The exception that is being handled stopped the loop at iteration `at`.
  void note(int64_t at) noexcept;
  // Whether iteration `at` would not have been reached.
  bool is_before(int64_t at) const noexcept { return at_.load(std::memory_order_relaxed) < at; }
  // Throws what was noted for the lowest iteration, if anything was.
  void rethrow();

private:
  std::mutex mutex_;
  std::atomic<int64_t> at_{std::numeric_limits<int64_t>::max()};
  std::exception_ptr exception_;
};

} // namespace hasten::detail
