#pragma once

#include <atomic>
#include <memory>

namespace hasten::bindings {

// A value of the whole process that Python helps to make, made at its first use and never freed. Not a static variable of a function: its
// guard would be held while Python runs, which may hand the GIL to a thread that then waits for the guard, or fork. Two threads may both
// make the value; the first to finish wins.
template <typename T> class MadeOnce {
public:
  // `make` returns a unique_ptr<T>.
  template <typename Make> T& get(Make make) {
    T* value = value_.load(std::memory_order_acquire);
    if (value != nullptr) {
      return *value;
    }
    std::unique_ptr<T> made = make();
    if (value_.compare_exchange_strong(value, made.get(), std::memory_order_acq_rel, std::memory_order_acquire)) {
      value = made.release();
    }
    return *value;
  }

private:
  std::atomic<T*> value_{nullptr};
};

} // namespace hasten::bindings
