#include "hasten/pool/kept_memory.h"

#include <algorithm>
#include <cstdlib>
#include <malloc.h>

namespace hasten::pool {

void* KeptMemory::take(size_t size) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (size < kLeast || !lock.owns_lock() || !exchange_->is_owner()) {
    return nullptr;
  }
  auto best = blocks_.end();
  for (auto block = blocks_.begin(); block != blocks_.end(); ++block) {
    const bool fits = block->size >= size && block->size - size <= size / 8;
    if (fits && (best == blocks_.end() || block->size <= best->size)) {
      best = block;
    }
  }
  if (best == blocks_.end()) {
    return nullptr;
  }
  void* data = best->data;
  bytes_ -= best->size;
  exchange_->keep_less(best->size);
  blocks_.erase(best);
  return data;
}

bool KeptMemory::keep(void* block) {
  const size_t size = malloc_usable_size(block);
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (size < kLeast || !lock.owns_lock() || !exchange_->is_owner() || size > exchange_->most_kept()) {
    return false;
  }
  while (bytes_ + size > exchange_->most_kept()) {
    drop_oldest();
  }
  if (!exchange_->keep_more(size)) {
    return false;
  }
  blocks_.push_back({block, size});
  bytes_ += size;
  return true;
}

void KeptMemory::drop() {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  while (lock.owns_lock() && exchange_->is_owner() && !blocks_.empty()) {
    drop_oldest();
  }
}

void KeptMemory::drop_oldest() {
  const Block block = blocks_.front();
  blocks_.erase(blocks_.begin());
  bytes_ -= block.size;
  exchange_->keep_less(block.size);
  std::free(block.data);
}

bool KeptMemory::is_empty() const {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  return !lock.owns_lock() || blocks_.empty();
}

} // namespace hasten::pool
