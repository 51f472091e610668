// Blocks of shared memory for large contents. One process allocates, another reads, and no lock is shared between them; who died with
// what is known from the blocks' owner and generation. docs/shm-protocol.md says how they are used again.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "hasten/pool/shm/segment.h"

namespace hasten::pool::shm {

constexpr size_t kPage = 4096;
constexpr uint32_t kMostBlocks = 1U << 14; // of one slab at a time

constexpr size_t whole_pages(size_t size) { return (size + kPage - 1) & ~(kPage - 1); }

// Names a block to another process.
struct BlockRef {
  uint32_t owner;      // whose slab it lies in
  uint32_t index;      // below kMostBlocks
  uint32_t generation; // of this index; below 2^31, never 0
  uint32_t reserved;
  uint64_t offset; // in the slab's segment
  uint64_t size;
};
static_assert(sizeof(BlockRef) == 32);

// How much memory some slabs may have together. Lies in shared memory; each slab's word is stored by its owner alone, and by whoever buries
// it. Two that grow at once may both be refused where one would have fitted, and never both be served beyond the limit.
struct Budget {
  static constexpr uint32_t kMostOwners = 500;

  std::atomic<uint64_t> limit;
  std::array<std::atomic<uint64_t>, kMostOwners> used;

  uint64_t total() const;
  bool grow(uint32_t owner, uint64_t bytes);
  void shrink(uint32_t owner, uint64_t bytes) { used[owner].fetch_sub(bytes, std::memory_order_seq_cst); }
};

// How the reader of blocks gives them back to their owner. Lies in shared memory; one thread at a time at each end. It is never full, since
// it has room for every block there is.
struct ReturnRing {
  alignas(64) std::atomic<uint64_t> head;
  std::array<std::atomic<uint64_t>, kMostBlocks> entries;

  void give(const BlockRef& block);
};

// Which blocks of others a process has mapped. Lies in shared memory; stored by that process alone.
struct Ledger {
  std::array<std::atomic<uint32_t>, kMostBlocks> held;

  void hold(const BlockRef& block) { held[block.index].store(block.generation << 1, std::memory_order_seq_cst); }
  // A copy of the process has it, too: nobody will ever know when that one drops it.
  void pin(const BlockRef& block) { held[block.index].store(block.generation << 1 | 1, std::memory_order_seq_cst); }
  void drop(const BlockRef& block) { held[block.index].store(0, std::memory_order_seq_cst); }
  bool holds(const BlockRef& block) const { return held[block.index].load(std::memory_order_seq_cst) >> 1 == block.generation; }
  using Pinned = std::set<std::pair<uint32_t, uint32_t>>; // index and generation
  void collect_pinned(Pinned* pinned) const;
};

// Ranges of whole pages that are free, between 0 and an end that moves.
class Extents {
public:
  explicit Extents(uint64_t begin) : end_(begin) {}

  uint64_t end() const { return end_; }
  // The smallest free range that is large enough; its offset.
  std::optional<uint64_t> take(uint64_t size);
  // How far the end must move for `size` more bytes, given what is free below it.
  uint64_t missing(uint64_t size) const;
  // Moves the end by missing(size), and returns the offset of the range.
  uint64_t extend(uint64_t size);
  void give(uint64_t offset, uint64_t size);
  // Moves the end below the free range in front of it; returns the range that is cut off.
  std::pair<uint64_t, uint64_t> cut();

private:
  using Range = std::map<uint64_t, uint64_t>::iterator;
  void insert(uint64_t offset, uint64_t size);
  void erase(Range range);

  uint64_t end_;
  std::map<uint64_t, uint64_t> by_offset_;          // size of each
  std::set<std::pair<uint64_t, uint64_t>> by_size_; // (size, offset)
};

// The owner's side: allocates blocks in a reserved segment, and fills them. Not thread-safe, but for write() into different blocks. Memory
// that was freed is kept for the next block, since fresh memory is three times as slow.
class Slab {
public:
  // Uses the segment from `begin` on, and counts what it has as `owner`'s.
  Slab(Segment& segment, size_t begin, Budget& budget, uint32_t owner);

  // Never waits; nothing where there is no room.
  std::optional<BlockRef> allocate(size_t size);
  // Writes into a block of this slab; false where the system has no memory for it: then the block must be lost.
  bool write(const BlockRef& block, size_t offset, const void* data, size_t size) const;
  // What is not, or no longer, this generation's is left alone.
  void free(const BlockRef& block);
  // Gives up a block for ever: its memory is not to be used again.
  void lose(const BlockRef& block);
  // Frees what was given back.
  void reclaim(const ReturnRing& ring);
  // Gives free memory at the end back to the system.
  void trim();

  // Whether the block is one that was allocated here and is not free.
  bool is_live(const BlockRef& block) const;
  size_t live_blocks() const { return slots_.size() - free_.size(); }

private:
  struct Slot {
    uint64_t offset = 0;
    uint64_t size = 0;
    uint64_t fresh_from = 0; // where the memory that nobody wrote to begins
    uint32_t generation = 0;
    bool is_live = false;
  };
  uint32_t free_slot();

  Segment& segment_;
  Budget& budget_;
  uint32_t owner_;
  Extents extents_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  uint64_t returned_ = 0; // entries of the ring that were read
};

} // namespace hasten::pool::shm
