// Numbers and arrays on their way from thread to thread, in order, until the channel is closed. Neither side needs Python.
//
// Any number of threads may put and get. An array is copied when it is put, so that what its owner does to it afterwards stays with the
// owner, and whoever gets it is the only one that holds it. After a fork, parent and child have a channel each.
#pragma once

#include <cstdint>
#include <mutex>

#include "hasten/abi/array_view.h"
#include "hasten/parallel/ring.h"
#include "hasten/parallel/wait_list.h"

namespace hasten::parallel {

// What one channel hands over: numbers (ndim 0), or arrays of so many dimensions, all of one dtype.
struct ItemType {
  abi::TypeNum dtype;
  int32_t item_bytes; // of a number
  int32_t ndim;
};

class ValueChannel {
public:
  // A number in its first bytes; of an array the block, whose data ends with the shape.
  struct Item {
    uint64_t words[2];
    int64_t bytes;
  };

  enum class End : uint8_t {
    kDone,
    kClosed,      // nothing can be put any more, or nothing more will come
    kTimedOut,    // still full, or still empty, at the deadline
    kInterrupted, // a signal has come
    kNoMemory,
  };

  // A bound of 0 is none. An item that is larger than `most_bytes` travels alone.
  ValueChannel(ItemType type, int64_t most_items, int64_t most_bytes);
  ~ValueChannel();
  ValueChannel(const ValueChannel&) = delete;
  ValueChannel& operator=(const ValueChannel&) = delete;

  // Waits for room until the deadline of the steady clock (0: not at all; kForever). Not kDone: the item is still the caller's.
  End put(const Item& item, int64_t deadline);
  // Waits for an item, which is the caller's then.
  End get(Item* item, int64_t deadline);
  void close(bool discard);

  ItemType type() const { return type_; }
  int64_t most_items() const { return most_items_; }
  int64_t most_bytes() const { return most_bytes_; }
  int64_t size() const;
  int64_t bytes() const;
  bool is_closed() const;

  // For whoever waits elsewhere: a waiter is told once when there may be an item, or room. It is woken by any thread, with the channel
  // locked, so `wake` may do no more than ring. The waiter has to be taken out before it ends.
  void watch(Waiter& waiter, bool for_room);
  void unwatch(Waiter& waiter);
  // Wakes somebody else, where somebody was woken who does not come.
  void pass_on();

  // An array as an item: a copy in C order. False where there is no memory.
  bool copied(const abi::ArrayView& array, Item* item) const;
  // The view of an array that was got; takes over its block. `view` has room for shape and strides.
  void open(const Item& item, abi::ArrayView* view) const;
  // Gives up an item that nobody wants.
  void drop(const Item& item) const;

private:
  friend class ForkGuard;

  bool has_room(int64_t more_bytes) const;
  End wait(WaitList& list, int64_t deadline);

  const ItemType type_;
  const int64_t most_items_;
  const int64_t most_bytes_;
  mutable std::mutex mutex_;
  Ring<Item> items_;
  WaitList getters_;
  WaitList putters_;
  int64_t bytes_ = 0;
  bool is_closed_ = false;
  ValueChannel* next_ = nullptr; // of all that live, for forks
  ValueChannel* previous_ = nullptr;
};

} // namespace hasten::parallel
