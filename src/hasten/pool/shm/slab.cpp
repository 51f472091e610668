#include "hasten/pool/shm/slab.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace hasten::pool::shm {

namespace {

// Smaller ranges are mapped by the few faults that they take.
constexpr size_t kLeastMapped = 16 * kPage;

} // namespace

// --- what lies in shared memory ---

uint64_t Budget::total() const {
  return std::accumulate(used.begin(), used.end(), uint64_t{0},
                         [](uint64_t sum, const auto& one) { return sum + one.load(std::memory_order_seq_cst); });
}

bool Budget::grow(uint32_t owner, uint64_t bytes) {
  used[owner].fetch_add(bytes, std::memory_order_seq_cst);
  if (total() <= limit.load(std::memory_order_relaxed)) {
    return true;
  }
  shrink(owner, bytes);
  return false;
}

void ReturnRing::give(const BlockRef& block) {
  const uint64_t at = head.load(std::memory_order_relaxed);
  entries[at % kMostBlocks].store(uint64_t{block.generation} << 32 | block.index, std::memory_order_relaxed);
  head.store(at + 1, std::memory_order_release);
}

void Ledger::collect_pinned(Pinned* pinned) const {
  for (uint32_t index = 0; index < kMostBlocks; ++index) {
    const uint32_t word = held[index].load(std::memory_order_seq_cst);
    if ((word & 1) != 0) {
      pinned->emplace(index, word >> 1);
    }
  }
}

// --- Extents ---

void Extents::insert(uint64_t offset, uint64_t size) {
  by_offset_.emplace(offset, size);
  by_size_.emplace(size, offset);
}

void Extents::erase(Range range) {
  by_size_.erase({range->second, range->first});
  by_offset_.erase(range);
}

std::optional<uint64_t> Extents::take(uint64_t size) {
  const auto found = by_size_.lower_bound({size, 0});
  if (found == by_size_.end()) {
    return std::nullopt;
  }
  const auto [whole, offset] = *found;
  erase(by_offset_.find(offset));
  if (whole > size) {
    insert(offset + size, whole - size);
  }
  return offset;
}

uint64_t Extents::missing(uint64_t size) const {
  if (by_offset_.empty()) {
    return size;
  }
  const auto& [offset, last] = *by_offset_.rbegin();
  return offset + last == end_ && last < size ? size - last : size;
}

uint64_t Extents::extend(uint64_t size) {
  const uint64_t missed = missing(size);
  if (missed < size) {
    erase(std::prev(by_offset_.end()));
  }
  end_ += missed;
  return end_ - size;
}

void Extents::give(uint64_t offset, uint64_t size) {
  const auto next = by_offset_.lower_bound(offset);
  if (next != by_offset_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      offset = before->first;
      size += before->second;
      erase(before);
    }
  }
  if (next != by_offset_.end() && offset + size == next->first) {
    size += next->second;
    erase(next);
  }
  insert(offset, size);
}

std::pair<uint64_t, uint64_t> Extents::cut() {
  if (by_offset_.empty()) {
    return {end_, 0};
  }
  const auto last = std::prev(by_offset_.end());
  const auto [offset, size] = *last;
  if (offset + size != end_) {
    return {end_, 0};
  }
  erase(last);
  end_ = offset;
  return {offset, size};
}

// --- Slab ---

Slab::Slab(Segment& segment, size_t begin, Budget& budget, uint32_t owner)
    : segment_(segment), budget_(budget), owner_(owner), extents_(whole_pages(begin)) {
  slots_.reserve(kMostBlocks); // write() reads slots while others are made
}

uint32_t Slab::free_slot() {
  if (!free_.empty()) {
    const uint32_t index = free_.back();
    free_.pop_back();
    return index;
  }
  slots_.emplace_back();
  return static_cast<uint32_t>(slots_.size() - 1);
}

std::optional<BlockRef> Slab::allocate(size_t size) {
  if (free_.empty() && slots_.size() == kMostBlocks) {
    return std::nullopt;
  }
  const uint64_t pages = whole_pages(std::max<size_t>(size, 1));
  const uint64_t fresh_from = extents_.end();
  std::optional<uint64_t> offset = extents_.take(pages);
  if (!offset) {
    const uint64_t missed = extents_.missing(pages);
    if (missed > segment_.size() - fresh_from || !budget_.grow(owner_, missed)) {
      return std::nullopt;
    }
    offset = extents_.extend(pages);
  }
  const uint32_t index = free_slot();
  Slot& slot = slots_[index];
  slot.offset = *offset;
  slot.size = pages;
  slot.fresh_from = fresh_from;
  slot.generation = slot.generation % ((1U << 31) - 1) + 1;
  slot.is_live = true;
  return BlockRef{.owner = owner_, .index = index, .generation = slot.generation, .reserved = 0, .offset = *offset, .size = size};
}

bool Slab::write(const BlockRef& block, size_t offset, const void* data, size_t size) const {
  const uint64_t at = block.offset + offset;
  const uint64_t fresh_from = slots_[block.index].fresh_from;
  const size_t warm = at >= fresh_from ? 0 : std::min<uint64_t>(size, fresh_from - at);
  if (warm > 0) {
    std::memcpy(segment_.data() + at, data, warm);
  }
  if (warm == size) {
    return true;
  }
  if (!segment_.write(at + warm, static_cast<const char*>(data) + warm, size - warm)) {
    return false;
  }
  if (size - warm >= kLeastMapped) {
    segment_.map(at + warm, size - warm);
  }
  return true;
}

bool Slab::is_live(const BlockRef& block) const {
  return block.owner == owner_ && block.index < slots_.size() && slots_[block.index].is_live &&
         slots_[block.index].generation == block.generation;
}

void Slab::free(const BlockRef& block) {
  if (is_live(block)) {
    Slot& slot = slots_[block.index];
    slot.is_live = false;
    extents_.give(slot.offset, slot.size);
    free_.push_back(block.index);
  }
}

void Slab::lose(const BlockRef& block) {
  if (is_live(block)) {
    Slot& slot = slots_[block.index];
    slot.is_live = false;
    segment_.discard(slot.offset, slot.size);
    budget_.shrink(owner_, slot.size);
    free_.push_back(block.index);
  }
}

void Slab::reclaim(const ReturnRing& ring) {
  const uint64_t head = ring.head.load(std::memory_order_acquire);
  for (; returned_ != head; ++returned_) {
    const uint64_t entry = ring.entries[returned_ % kMostBlocks].load(std::memory_order_relaxed);
    free({.owner = owner_,
          .index = static_cast<uint32_t>(entry),
          .generation = static_cast<uint32_t>(entry >> 32),
          .reserved = 0,
          .offset = 0,
          .size = 0});
  }
}

void Slab::trim() {
  const auto [offset, size] = extents_.cut();
  if (size > 0) {
    segment_.discard(offset, size);
    budget_.shrink(owner_, size);
  }
}

} // namespace hasten::pool::shm
