#pragma once

#include <cstddef>
#include <memory>

namespace hasten::array {

// An uninitialised array of a size known at run time; up to N items need no allocation.
template <class T, size_t N> class SmallArray {
public:
  explicit SmallArray(size_t size) : heap_(size > N ? new T[size] : nullptr) {}

  T* data() { return heap_ ? heap_.get() : inline_; }
  const T* data() const { return heap_ ? heap_.get() : inline_; }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }

private:
  std::unique_ptr<T[]> heap_;
  alignas(64) T inline_[N];
};

} // namespace hasten::array
