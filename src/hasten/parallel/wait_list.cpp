#include "hasten/parallel/wait_list.h"

namespace hasten::parallel {

void WaitList::add(Waiter& waiter) {
  if (generation_ != process_generation()) {
    first_ = nullptr;
    last_ = nullptr;
    generation_ = process_generation();
  }
  waiter.list_ = this;
  waiter.next_ = nullptr;
  waiter.previous_ = last_;
  (last_ == nullptr ? first_ : last_->next_) = &waiter;
  last_ = &waiter;
}

void WaitList::remove(Waiter& waiter) {
  if (generation_ == process_generation()) {
    (waiter.previous_ == nullptr ? first_ : waiter.previous_->next_) = waiter.next_;
    (waiter.next_ == nullptr ? last_ : waiter.next_->previous_) = waiter.previous_;
  }
  waiter.list_ = nullptr;
}

bool WaitList::wake_one() {
  if (empty()) {
    return false;
  }
  Waiter& waiter = *first_;
  remove(waiter);
  waiter.wake();
  return true;
}

void WaitList::wake_all() {
  const Waiter* last = empty() ? nullptr : last_;
  while (last != nullptr && !empty()) {
    const Waiter* woken = first_;
    wake_one();
    if (woken == last) {
      break;
    }
  }
}

} // namespace hasten::parallel
