#include "hasten/memo/table.h"

#include <bit>
#include <new>

namespace hasten::memo {

namespace {
constexpr size_t kFirstSlots = 16;
}

Table::Table(PolicyKind policy, size_t capacity) : slots_(empty_slots()), policy_(policy, capacity) {}

Table::~Table() { release(slots_); }

// A table without nodes has one empty slot, shared by all: find() needs no special case, and an unused cache no memory.
Table::Slot* Table::empty_slots() {
  static Slot empty{};
  return &empty;
}

void Table::release(Slot* slots) {
  if (slots != empty_slots()) {
    delete[] slots;
  }
}

void Table::reset() {
  slots_ = empty_slots();
  mask_ = 0;
  shift_ = 63;
  size_ = 0;
  ++version_;
  policy_.forget_all();
}

void Table::grow() {
  const size_t count = mask_ == 0 ? kFirstSlots : 2 * (mask_ + 1);
  Slot* const old = slots_;
  const size_t old_count = mask_ + 1;
  slots_ = new Slot[count]{};
  mask_ = count - 1;
  shift_ = 64 - std::countr_zero(count);
  for (size_t i = 0; i < old_count; ++i) {
    if (old[i].node != nullptr) {
      size_t at = home(old[i].hash);
      while (slots_[at].node != nullptr) {
        at = (at + 1) & mask_;
      }
      slots_[at] = old[i];
    }
  }
  release(old);
}

void Table::insert(Node& node) {
  if (2 * (size_ + 1) > mask_ + 1) { // at most half full: searches stay short
    grow();
  }
  size_t at = home(node.hash);
  while (slots_[at].node != nullptr) {
    at = (at + 1) & mask_;
  }
  slots_[at] = {node.hash, &node};
  ++size_;
  ++version_;
  policy_.inserted(node);
}

size_t Table::slot_of(const Node& node) const {
  size_t at = home(node.hash);
  while (slots_[at].node != &node) {
    at = (at + 1) & mask_;
  }
  return at;
}

// Moves back what a search would no longer reach over the gap; so there are no tombstones.
void Table::erase(Node& node) {
  size_t gap = slot_of(node);
  for (size_t at = (gap + 1) & mask_; slots_[at].node != nullptr; at = (at + 1) & mask_) {
    const size_t wanted = home(slots_[at].hash);
    if (((at - wanted) & mask_) >= ((at - gap) & mask_)) {
      slots_[gap] = slots_[at];
      gap = at;
    }
  }
  slots_[gap] = {};
  --size_;
  ++version_;
  policy_.erased(node);
}

} // namespace hasten::memo
