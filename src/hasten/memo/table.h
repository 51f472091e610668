// The table of a cache in memory: finds entries by hash, keeps them in the order in which they may be evicted. Knows nothing of keys and
// values, which belong to whoever derives from Node; it neither owns nor frees nodes.
//
// Equality is the caller's, and may do anything, also change this very table: after each comparison `find` looks at the version, and says
// so where the table changed meanwhile. No function throws but insert(), which may find no memory. Threads: the caller lets in one at a
// time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hasten/base/export.h"
#include "hasten/memo/policy.h"

namespace hasten::memo {

enum class Match : uint8_t { kNo, kYes, kFailed };

enum class Search : uint8_t { kAbsent, kFound, kChanged, kFailed };

struct Found {
  Search outcome;
  Node* node;
};

class HASTEN_API Table {
public:
  explicit Table(PolicyKind policy, size_t capacity);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // `same(Node&)` returns a Match. kChanged: the table is another one since a comparison; the search says nothing.
  template <typename Same> Found find(uint64_t hash, Same same) const {
    for (size_t at = home(hash);; at = (at + 1) & mask_) {
      const Slot slot = slots_[at];
      if (slot.node == nullptr) {
        return {Search::kAbsent, nullptr};
      }
      if (slot.hash != hash) {
        continue;
      }
      const uint64_t before = version_;
      const Match match = same(*slot.node);
      if (match == Match::kFailed) {
        return {Search::kFailed, nullptr};
      }
      if (version_ != before) [[unlikely]] {
        return {Search::kChanged, nullptr};
      }
      if (match == Match::kYes) {
        return {Search::kFound, slot.node};
      }
    }
  }

  void used(Node& node) {
    if (policy_.kind() == PolicyKind::kLru) [[likely]] {
      policy_.move_to_newest(node);
    } else {
      policy_.used(node);
    }
  }

  // Throws std::bad_alloc, and then nothing has changed.
  void insert(Node& node);
  void erase(Node& node);
  // The one to evict next; null where the table is empty.
  Node* victim() { return policy_.victim(); }
  // Forgets all nodes and calls visit(Node&) for each; visit may free the node, and must not touch the table.
  template <typename Visit> void clear(Visit visit) {
    Slot* const slots = slots_;
    const size_t count = mask_ + 1;
    reset();
    for (size_t i = 0; i < count; ++i) {
      if (slots[i].node != nullptr) {
        visit(*slots[i].node);
      }
    }
    release(slots);
  }
  // The visitor must not change the table. Ends early where it returns other than 0, and returns that.
  template <typename Visit> int each(Visit visit) const {
    for (size_t i = 0; i <= mask_; ++i) {
      if (slots_[i].node != nullptr) {
        if (const int status = visit(*slots_[i].node)) {
          return status;
        }
      }
    }
    return 0;
  }

  size_t size() const { return size_; }
  // Another one after each insert, erase and clear.
  uint64_t version() const { return version_; }
  // Of the table itself, nodes not counted.
  size_t bytes() const { return slots_ == empty_slots() ? 0 : (mask_ + 1) * sizeof(Slot); }

private:
  struct Slot {
    uint64_t hash;
    Node* node;
  };

  // Hashes of small integers are the integers, so the upper bits of a product choose the slot.
  size_t home(uint64_t hash) const { return (hash * 0x9E3779B97F4A7C15u) >> shift_ & mask_; }
  static Slot* empty_slots();
  static void release(Slot* slots);
  size_t slot_of(const Node& node) const;
  void reset();
  void grow();

  Slot* slots_;
  size_t mask_ = 0;
  int shift_ = 63;
  size_t size_ = 0;
  uint64_t version_ = 0;
  Policy policy_;
};

} // namespace hasten::memo
