// Who waits for something, in the order in which they came.
//
// Neither class locks: the caller serialises, by a lock of its own or by Python's GIL. All bits zero are an empty list. After a fork the
// child finds every list empty, since the threads that waited were not copied.
#pragma once

#include <cstdint>

#include "hasten/parallel/parker.h"

namespace hasten::parallel {

class WaitList;

// Lives where its owner wants; leaves its list when it is destroyed.
class Waiter {
public:
  Waiter() = default;
  virtual ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  bool is_listed() const { return list_ != nullptr; }
  void leave();

private:
  friend class WaitList;
  // Called after it has left the list; may use the list again.
  virtual void wake() = 0;

  WaitList* list_ = nullptr;
  Waiter* next_ = nullptr;
  Waiter* previous_ = nullptr;
};

// A thread that sleeps at a parker, which it may share with waiters in other lists.
class ThreadWaiter final : public Waiter {
public:
  explicit ThreadWaiter(Parker& parker) : parker_(parker) {}

private:
  void wake() override { parker_.unpark(); }

  Parker& parker_;
};

class WaitList {
public:
  bool empty() const { return first_ == nullptr || generation_ != process_generation(); }
  void add(Waiter& waiter);
  void remove(Waiter& waiter);
  // Wakes the one that has waited longest. False where nobody waits.
  bool wake_one();
  // Wakes those that wait now; not those that come while it wakes.
  void wake_all();

private:
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  uint32_t generation_ = 0;
};

inline void Waiter::leave() {
  if (list_ != nullptr) {
    list_->remove(*this);
  }
}

inline Waiter::~Waiter() { leave(); }

} // namespace hasten::parallel
