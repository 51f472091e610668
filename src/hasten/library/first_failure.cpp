#include "hasten/detail/first_failure.h"

#include <utility>

namespace hasten::detail {

void FirstFailure::note(int64_t at) noexcept {
  const std::lock_guard lock(mutex_);
  if (at < at_.load(std::memory_order_relaxed)) {
    at_.store(at, std::memory_order_relaxed);
    exception_ = std::current_exception();
  }
}

void FirstFailure::rethrow() {
  const std::lock_guard lock(mutex_);
  if (exception_ != nullptr) {
    std::rethrow_exception(std::exchange(exception_, nullptr));
  }
}

} // namespace hasten::detail
