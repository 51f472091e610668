#include "hasten/parallel/value_channel.h"

#include <pthread.h>

#include <algorithm>
#include <cstring>

#include "hasten/parallel/clock.h"

namespace hasten::parallel {

// A fork waits until nobody is in the middle of changing a channel: the child has no other thread that would finish that.
class ForkGuard {
public:
  static void add(ValueChannel& channel) {
    static const int installed = pthread_atfork(lock_all, unlock_all, unlock_all);
    (void)installed;
    const std::lock_guard lock(mutex_);
    channel.next_ = first_;
    if (first_ != nullptr) {
      first_->previous_ = &channel;
    }
    first_ = &channel;
  }

  static void remove(ValueChannel& channel) {
    const std::lock_guard lock(mutex_);
    (channel.previous_ == nullptr ? first_ : channel.previous_->next_) = channel.next_;
    if (channel.next_ != nullptr) {
      channel.next_->previous_ = channel.previous_;
    }
  }

private:
  static void lock_all() {
    mutex_.lock();
    for (ValueChannel* channel = first_; channel != nullptr; channel = channel->next_) {
      channel->mutex_.lock();
    }
  }

  static void unlock_all() {
    for (ValueChannel* channel = first_; channel != nullptr; channel = channel->next_) {
      channel->mutex_.unlock();
    }
    mutex_.unlock();
  }

  static inline std::mutex mutex_;
  static inline ValueChannel* first_ = nullptr;
};

namespace {

abi::Block* block_of(const ValueChannel::Item& item) { return reinterpret_cast<abi::Block*>(item.words[0]); }

int64_t aligned(int64_t bytes) { return (bytes + 7) / 8 * 8; }

// Copies axis by axis into C order; returns the end of what was written.
char* copy_axes(char* to, const char* from, const abi::ArrayView& array, int axis, int64_t item_bytes) {
  const int64_t length = array.shape[axis];
  const int64_t stride = array.strides[axis];
  const bool is_last = axis + 1 == array.ndim;
  if (is_last && stride == item_bytes) {
    std::memcpy(to, from, static_cast<size_t>(length * item_bytes));
    return to + length * item_bytes;
  }
  for (int64_t i = 0; i < length; ++i) {
    if (is_last) {
      std::memcpy(to, from + i * stride, static_cast<size_t>(item_bytes));
      to += item_bytes;
    } else {
      to = copy_axes(to, from + i * stride, array, axis + 1, item_bytes);
    }
  }
  return to;
}

} // namespace

ValueChannel::ValueChannel(ItemType type, int64_t most_items, int64_t most_bytes)
    : type_(type), most_items_(most_items), most_bytes_(most_bytes) {
  ForkGuard::add(*this);
}

ValueChannel::~ValueChannel() {
  ForkGuard::remove(*this);
  while (!items_.empty()) {
    drop(items_.pop_front());
  }
  items_.release();
}

// ---------------------------------------------------------------- put and get

bool ValueChannel::has_room(int64_t more_bytes) const {
  const bool fits = most_bytes_ <= 0 || bytes_ + more_bytes <= most_bytes_ || items_.empty();
  return fits && (most_items_ <= 0 || static_cast<int64_t>(items_.size()) < most_items_);
}

// Locked before and after. kDone: something may have changed.
ValueChannel::End ValueChannel::wait(WaitList& list, int64_t deadline) {
  if (deadline == 0) {
    return End::kTimedOut;
  }
  Parker parker;
  ThreadWaiter waiter(parker);
  list.add(waiter);
  mutex_.unlock();
  const Parker::End end = parker.park(deadline);
  mutex_.lock();
  if (end == Parker::End::kInterrupted) {
    if (!waiter.is_listed()) {
      list.wake_one(); // whoever waits behind takes over what this thread was woken for
    }
    return End::kInterrupted;
  }
  return end == Parker::End::kTimedOut && waiter.is_listed() ? End::kTimedOut : End::kDone;
}

ValueChannel::End ValueChannel::put(const Item& item, int64_t deadline) {
  const std::lock_guard lock(mutex_);
  while (!is_closed_ && !has_room(item.bytes)) {
    const End end = wait(putters_, deadline);
    if (end != End::kDone && !(end == End::kTimedOut && (is_closed_ || has_room(item.bytes)))) {
      return end;
    }
  }
  if (is_closed_) {
    return End::kClosed;
  }
  if (!items_.push_back(item)) {
    return End::kNoMemory;
  }
  bytes_ += item.bytes;
  getters_.wake_one();
  if (has_room(1)) {
    putters_.wake_one();
  }
  return End::kDone;
}

ValueChannel::End ValueChannel::get(Item* item, int64_t deadline) {
  const std::lock_guard lock(mutex_);
  while (items_.empty()) {
    if (is_closed_) {
      return End::kClosed;
    }
    const End end = wait(getters_, deadline);
    if (end != End::kDone && !(end == End::kTimedOut && (is_closed_ || !items_.empty()))) {
      return end;
    }
  }
  *item = items_.pop_front();
  bytes_ -= item->bytes;
  putters_.wake_one();
  if (is_closed_ && items_.empty()) {
    getters_.wake_all();
  }
  return End::kDone;
}

void ValueChannel::close(bool discard) {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  while (discard && !items_.empty()) {
    const Item item = items_.pop_front();
    bytes_ -= item.bytes;
    drop(item);
  }
  putters_.wake_all();
  getters_.wake_all();
}

int64_t ValueChannel::size() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int64_t>(items_.size());
}

int64_t ValueChannel::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

bool ValueChannel::is_closed() const {
  const std::lock_guard lock(mutex_);
  return is_closed_;
}

// ---------------------------------------------------------------- watching

void ValueChannel::watch(Waiter& waiter, bool for_room) {
  const std::lock_guard lock(mutex_);
  WaitList& list = for_room ? putters_ : getters_;
  list.add(waiter);
  if (is_closed_ || (for_room ? has_room(1) : !items_.empty())) {
    list.wake_one();
  }
}

void ValueChannel::unwatch(Waiter& waiter) {
  const std::lock_guard lock(mutex_);
  waiter.leave();
}

void ValueChannel::pass_on() {
  const std::lock_guard lock(mutex_);
  if (!items_.empty()) {
    getters_.wake_one();
  }
  if (has_room(1)) {
    putters_.wake_one();
  }
}

// ---------------------------------------------------------------- arrays

bool ValueChannel::copied(const abi::ArrayView& array, Item* item) const {
  int64_t bytes = type_.item_bytes;
  for (int axis = 0; axis < array.ndim; ++axis) {
    bytes *= array.shape[axis];
  }
  const auto shape_bytes = static_cast<int64_t>(sizeof(int64_t)) * array.ndim;
  abi::Block* block = abi::hst_block_new(aligned(bytes) + shape_bytes, 0);
  if (block == nullptr) {
    return false;
  }
  if (bytes > 0) {
    copy_axes(block->data, array.data, array, 0, type_.item_bytes);
  }
  std::memcpy(block->data + aligned(bytes), array.shape, static_cast<size_t>(shape_bytes));
  *item = {{reinterpret_cast<uint64_t>(block), 0}, bytes};
  return true;
}

void ValueChannel::open(const Item& item, abi::ArrayView* view) const {
  abi::Block* block = block_of(item);
  view->block = block;
  view->data = block->data;
  std::memcpy(view->shape, block->data + aligned(item.bytes), sizeof(int64_t) * static_cast<size_t>(type_.ndim));
  int64_t stride = type_.item_bytes;
  for (int axis = type_.ndim - 1; axis >= 0; --axis) {
    view->strides[axis] = stride;
    stride *= std::max<int64_t>(view->shape[axis], 1);
  }
}

void ValueChannel::drop(const Item& item) const {
  if (type_.ndim > 0) {
    abi::hst_block_release(block_of(item));
  }
}

} // namespace hasten::parallel
