#include "hasten/abi/block.h"

#include <cstdlib>

#include <atomic>

#include "hasten/abi/large_memory.h"

namespace hasten::abi {
namespace {

constexpr int64_t kAlignment = 64;
constexpr int64_t kLargeBytes = 64 * 1024;
constexpr int64_t kMostBytes = int64_t{1} << 60; // sizes can be rounded up without overflow

struct Counts {
  std::atomic<int64_t> allocated{0};
  std::atomic<int64_t> freed{0};
  std::atomic<int64_t> live_bytes{0};
};

constinit Counts counts;

void count_allocation(int64_t bytes) {
  counts.allocated.fetch_add(1, std::memory_order_relaxed);
  counts.live_bytes.fetch_add(bytes, std::memory_order_relaxed);
}

void count_free(int64_t bytes) {
  counts.freed.fetch_add(1, std::memory_order_relaxed);
  counts.live_bytes.fetch_sub(bytes, std::memory_order_relaxed);
}

void destroy_small(Block* block) {
  count_free(block->bytes);
  std::free(block);
}

// The header of a large block stands behind its data, which thus begins at a page: a result a few bytes further into its page than the
// operands (NumPy's begin 16 bytes into theirs) makes the processor take loads for reads of what was just stored.
int64_t header_offset(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

int64_t large_size(int64_t bytes) { return header_offset(bytes) + static_cast<int64_t>(sizeof(Block)); }

void destroy_large(Block* block) {
  const int64_t bytes = block->bytes;
  count_free(bytes);
  free_large(block->data, large_size(bytes));
}

Block* new_small(int64_t bytes, bool zero) {
  // malloc aligns to 16, so the data begins at most 48 bytes behind the header's end.
  const size_t size = static_cast<size_t>(bytes) + sizeof(Block) + kAlignment - 1;
  auto* block = static_cast<Block*>(zero ? std::calloc(1, size) : std::malloc(size));
  if (block == nullptr) {
    return nullptr;
  }
  const auto after = reinterpret_cast<uintptr_t>(block + 1);
  auto* data = reinterpret_cast<char*>((after + kAlignment - 1) & ~static_cast<uintptr_t>(kAlignment - 1));
  *block = Block{1, destroy_small, nullptr, data, bytes};
  return block;
}

Block* new_large(int64_t bytes, bool zero) {
  auto* data = static_cast<char*>(allocate_large(large_size(bytes), zero));
  if (data == nullptr) {
    return nullptr;
  }
  auto* block = reinterpret_cast<Block*>(data + header_offset(bytes));
  *block = Block{1, destroy_large, nullptr, data, bytes};
  return block;
}

} // namespace

extern "C" {

// So many counts that unbalanced, racing changes by borrowers never reach zero.
Block hst_immortal_block = {INT64_MAX / 2, nullptr, nullptr, nullptr, 0};

Block* hst_block_new(int64_t bytes, int32_t zero) {
  if (bytes < 0 || bytes > kMostBytes) {
    return nullptr;
  }
  Block* block = bytes < kLargeBytes ? new_small(bytes, zero != 0) : new_large(bytes, zero != 0);
  if (block != nullptr) {
    count_allocation(bytes);
  }
  return block;
}

void hst_block_release(Block* block) {
  if (--block->refs == 0) {
    block->destroy(block);
  }
}

void hst_block_retain_atomic(Block* block) { std::atomic_ref<int64_t>(block->refs).fetch_add(1, std::memory_order_relaxed); }

void hst_block_release_atomic(Block* block) {
  if (std::atomic_ref<int64_t>(block->refs).fetch_sub(1, std::memory_order_acq_rel) == 1) {
    block->destroy(block);
  }
}

void hst_block_counts(int64_t* allocated, int64_t* freed, int64_t* live_bytes) {
  *allocated = counts.allocated.load(std::memory_order_relaxed);
  *freed = counts.freed.load(std::memory_order_relaxed);
  *live_bytes = counts.live_bytes.load(std::memory_order_relaxed);
}
}

} // namespace hasten::abi
