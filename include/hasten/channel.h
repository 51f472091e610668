// A channel hands items from threads to threads, in order, and holds at most so many: who is faster waits for who is slower.
//
//   hasten::Channel<Image> images(64);
//   std::jthread reader([&] { for (auto& path : paths) images.put(load(path)); images.close(); });
//   for (Image& image : images) { ... }   // ends when the channel is closed and empty
#pragma once

#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "hasten/detail/waiting_room.h"
#include "hasten/errors.h"

namespace hasten {

// Any number of threads may put and get at the same time; an item comes out once. Items that are left are destroyed with the channel, which
// must outlive everybody's use of it. What T's constructors throw comes out of the call, and the channel stays as it was.
template <class T> class Channel {
  static_assert(std::is_object_v<T> && std::is_move_constructible_v<T>, "a channel holds objects that can be moved");

public:
  class Iterator;

  // Throws Error where the capacity is 0.
  explicit Channel(size_t capacity = kUsualCapacity)
      : capacity_(checked(capacity)), mask_(std::bit_ceil(capacity) - 1), slots_(std::allocator<T>().allocate(mask_ + 1)) {}

  ~Channel() {
    for (uint64_t i = head_.load(); i != tail_.load(); ++i) {
      std::destroy_at(slot(i));
    }
    std::allocator<T>().deallocate(slots_, mask_ + 1);
  }

  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Waits for room. Throws ChannelClosed.
  void put(T item) { put_before(detail::kNever, item); }
  // False, and the item unharmed, where there was no room in time. Throws ChannelClosed.
  [[nodiscard]] bool try_put(T&& item) { return offer(item); }
  [[nodiscard]] bool try_put(const T& item) {
    T copy(item);
    return offer(copy);
  }
  template <class Rep, class Period> [[nodiscard]] bool put_for(T&& item, const std::chrono::duration<Rep, Period>& patience) {
    return put_before(detail::after(patience), item);
  }

  // Waits for an item. Nothing: the channel is closed and empty.
  std::optional<T> get() { return get_before(detail::kNever); }
  // Nothing: there was no item in time, or the channel is closed and empty, which is_drained() tells.
  std::optional<T> try_get() {
    std::optional<T> item;
    take(item);
    return item;
  }
  template <class Rep, class Period> std::optional<T> get_for(const std::chrono::duration<Rep, Period>& patience) {
    return get_before(detail::after(patience));
  }

  // Nothing can be put any more; what is in comes out still. Those who wait in put() get ChannelClosed. Twice is as good as once.
  void close() {
    {
      const std::lock_guard lock(putting_.mutex); // no put is half done behind this point
      is_closed_.store(true, std::memory_order_seq_cst);
    }
    room_.wake_all();
    items_.wake_all();
  }

  bool is_closed() const { return is_closed_.load(std::memory_order_seq_cst); }
  // Closed and empty: nothing will come any more.
  bool is_drained() const { return is_closed() && is_empty(); }
  // A moment's truth, where others put and get.
  size_t size() const {
    const uint64_t head = head_.load(std::memory_order_seq_cst);
    return static_cast<size_t>(tail_.load(std::memory_order_seq_cst) - head);
  }
  size_t capacity() const { return capacity_; }

  // Gets items until the channel is closed and empty; several threads may iterate at once, and share the items.
  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() { return {}; }

private:
  static constexpr size_t kUsualCapacity = 1024;
  static constexpr size_t kCacheLine = 64;

  static size_t checked(size_t capacity) {
    constexpr size_t kMost = size_t{1} << 48;
    if (capacity == 0 || capacity > kMost) {
      throw Error("a channel's capacity must be between 1 and 2^48, not " + std::to_string(capacity));
    }
    return capacity;
  }

  T* slot(uint64_t index) const { return slots_ + (index & mask_); }
  bool is_empty() const { return tail_.load(std::memory_order_seq_cst) == head_.load(std::memory_order_seq_cst); }
  bool has_room() const {
    const uint64_t head = head_.load(std::memory_order_seq_cst);
    return tail_.load(std::memory_order_seq_cst) - head < capacity_;
  }

  // Moves the item in, if there is room.
  bool offer(T& item) {
    {
      const std::lock_guard lock(putting_.mutex);
      if (is_closed_.load(std::memory_order_relaxed)) {
        throw ChannelClosed();
      }
      const uint64_t tail = tail_.load(std::memory_order_relaxed);
      if (tail - putting_.seen >= capacity_) {
        putting_.seen = head_.load(std::memory_order_seq_cst);
        if (tail - putting_.seen >= capacity_) {
          return false;
        }
      }
      std::construct_at(slot(tail), std::move(item));
      tail_.store(tail + 1, std::memory_order_seq_cst);
    }
    items_.wake_one();
    return true;
  }

  enum class Taken : uint8_t { kItem, kNothing, kEnd };

  Taken take(std::optional<T>& item) {
    {
      const std::lock_guard lock(getting_.mutex);
      const uint64_t head = head_.load(std::memory_order_relaxed);
      if (head == getting_.seen) {
        const bool was_closed = is_closed(); // before the look: after it, an item may have come and the channel been closed
        getting_.seen = tail_.load(std::memory_order_seq_cst);
        if (head == getting_.seen) {
          return was_closed ? Taken::kEnd : Taken::kNothing;
        }
      }
      T& source = *slot(head);
      item.emplace(std::move(source));
      std::destroy_at(&source);
      head_.store(head + 1, std::memory_order_seq_cst);
    }
    room_.wake_one();
    return Taken::kItem;
  }

  bool put_before(detail::Moment deadline, T& item) {
    bool in_time = true;
    while (!offer(item)) {
      if (!in_time) {
        return false;
      }
      in_time = room_.wait(deadline, [this] { return has_room() || is_closed(); });
    }
    return true;
  }

  std::optional<T> get_before(detail::Moment deadline) {
    std::optional<T> item;
    bool in_time = true;
    while (take(item) == Taken::kNothing && in_time) {
      in_time = items_.wait(deadline, [this] { return !is_empty() || is_closed(); });
    }
    return item;
  }

  // One side of the channel. Each thread of it looks at the other side's index only when what was last seen of it is used up.
  struct alignas(kCacheLine) Side {
    std::mutex mutex;
    uint64_t seen = 0;
  };

  const size_t capacity_;
  const uint64_t mask_;
  T* const slots_;
  std::atomic<bool> is_closed_{false};
  Side putting_;
  alignas(kCacheLine) std::atomic<uint64_t> tail_{0}; // items that were put
  Side getting_;
  alignas(kCacheLine) std::atomic<uint64_t> head_{0}; // items that were taken out
  alignas(kCacheLine) detail::WaitingRoom items_;
  alignas(kCacheLine) detail::WaitingRoom room_;
};

// Holds the item that it stands at.
template <class T> class Channel<T>::Iterator {
public:
  using value_type = T;
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::input_iterator_tag;

  explicit Iterator(Channel& channel) : channel_(&channel), item_(channel.get()) {}

  T& operator*() const { return *item_; }
  Iterator& operator++() {
    item_ = channel_->get();
    return *this;
  }
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const { return !item_.has_value(); }

private:
  Channel* channel_;
  mutable std::optional<T> item_;
};

} // namespace hasten
