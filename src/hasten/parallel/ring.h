// A double-ended queue in one block of memory that doubles when it is full.
//
// Holds plain values, throws nothing, locks nothing. All bits zero are an empty ring. Its memory is given back by `release`, not by a
// destructor, so that it can lie inside objects of other languages.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <type_traits>

namespace hasten::parallel {

template <typename T> class Ring {
  static_assert(std::is_trivially_copyable_v<T>);

public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const T& operator[](size_t index) const { return items_[(head_ + index) & (capacity_ - 1)]; }
  T& operator[](size_t index) { return items_[(head_ + index) & (capacity_ - 1)]; }

  // False where there is no memory left.
  bool push_back(const T& item) {
    if (!make_room()) {
      return false;
    }
    items_[(head_ + size_++) & (capacity_ - 1)] = item;
    return true;
  }

  bool push_front(const T& item) {
    if (!make_room()) {
      return false;
    }
    head_ = (head_ - 1) & (capacity_ - 1);
    items_[head_] = item;
    ++size_;
    return true;
  }

  T pop_front() {
    const T item = items_[head_];
    head_ = (head_ + 1) & (capacity_ - 1);
    take_away();
    return item;
  }

  T pop_back() {
    const T item = items_[(head_ + size_ - 1) & (capacity_ - 1)];
    take_away();
    return item;
  }

  // Forgets the items and gives the memory back.
  void release() {
    std::free(static_cast<void*>(items_));
    *this = Ring();
  }

private:
  static constexpr size_t kFirstCapacity = 8;
  static constexpr size_t kKept = 4096; // an empty ring keeps no more items' room than this

  bool make_room() {
    if (size_ < capacity_) {
      return true;
    }
    const size_t larger = capacity_ == 0 ? kFirstCapacity : 2 * capacity_;
    T* items = static_cast<T*>(std::malloc(larger * sizeof(T)));
    if (items == nullptr) {
      return false;
    }
    for (size_t i = 0; i < size_; ++i) {
      items[i] = (*this)[i];
    }
    std::free(static_cast<void*>(items_));
    items_ = items;
    capacity_ = larger;
    head_ = 0;
    return true;
  }

  void take_away() {
    if (--size_ == 0 && capacity_ > kKept) {
      release();
    }
  }

  T* items_ = nullptr;
  size_t capacity_ = 0; // a power of two, or 0
  size_t head_ = 0;
  size_t size_ = 0;
};

} // namespace hasten::parallel
