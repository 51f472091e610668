// Memory of a worker's own that large arrays have freed and later ones take again, since memory that is new to a process, or to the machine
// that the system runs on, costs several times what writing to it does.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "hasten/pool/exchange.h"

namespace hasten::pool {

// Any thread; a fork's copy keeps and gives nothing. Never waits: who finds it in use does without.
class KeptMemory {
public:
  // Smaller blocks are left to malloc, which keeps them itself.
  static constexpr size_t kLeast = size_t{1} << 20;

  // What is kept counts as memory of the exchange's.
  explicit KeptMemory(std::shared_ptr<WorkerExchange> exchange) : exchange_(std::move(exchange)) {}
  ~KeptMemory() { drop(); }
  KeptMemory(const KeptMemory&) = delete;
  KeptMemory& operator=(const KeptMemory&) = delete;

  // A block of at least so many bytes, and not many more, which is the caller's to keep() or free(); null where there is none.
  void* take(size_t size);
  // Takes over what malloc gave; false where the caller is to free it.
  bool keep(void* block);
  // Frees all.
  void drop();
  bool is_empty() const;

private:
  struct Block {
    void* data;
    size_t size;
  };
  void drop_oldest();

  std::shared_ptr<WorkerExchange> exchange_;
  mutable std::mutex mutex_;  // guards what follows
  std::vector<Block> blocks_; // the oldest first
  size_t bytes_ = 0;
};

} // namespace hasten::pool
