// Large contents on their way between a parent and its workers, in slabs of shared memory: arguments in one slab that the parent fills and
// the workers map privately, results in a slab of each worker, which the parent views. Both ends may be used by any thread. Nothing here
// waits: where there is no room, the caller sends a copy through the lane.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "hasten/base/posix.h"
#include "hasten/pool/shm/segment.h"
#include "hasten/pool/shm/slab.h"

namespace hasten::pool {

// The beginning of the slab of arguments, which every worker maps.
struct ArgumentsHeader {
  static constexpr uint64_t kMagic = 0x68737470'61726702;
  uint64_t magic;
  uint64_t most_kept; // bytes of memory of its own that a worker may keep for later
  shm::Budget budget;
  std::atomic<uint64_t> held; // bytes of results that the parent holds; its own
  // By index: the generation of the block that workers may keep decoded, 0: none.
  std::array<std::atomic<uint32_t>, shm::kMostBlocks> kept;
};

// The beginning of the slab of a worker's results.
struct ResultsHeader {
  static constexpr uint64_t kMagic = 0x68737470'72657301;
  uint64_t magic;
  uint32_t owner;
  shm::ReturnRing returns;
  shm::Ledger ledger;
};

// --- the parent's end ---

class Exchange;

// A block of arguments. It is used again when this object and all mappings of workers are gone.
class Cargo {
public:
  Cargo(std::shared_ptr<Exchange> exchange, const shm::BlockRef& block) : exchange_(std::move(exchange)), block_(block) {}
  ~Cargo();
  Cargo(const Cargo&) = delete;
  Cargo& operator=(const Cargo&) = delete;

  const shm::BlockRef& block() const { return block_; }
  // Call it for every byte, and then is_whole(); what is not whole is lost.
  bool write(size_t offset, const void* data, size_t size) const;
  void is_whole() { is_whole_ = true; }
  // Lets workers keep what they decode from the block, until this object is gone.
  void let_keep();
  const char* data() const;

private:
  std::shared_ptr<Exchange> exchange_;
  shm::BlockRef block_;
  bool is_whole_ = false;
};

// A worker's slab of results as the parent sees it; lives until the worker is gone and nobody views any of it.
class Results;

// A result that the parent owns alone. Gives its block back at the end, unless it is another process's copy, or was isolated by a fork.
class Delivery {
public:
  Delivery(std::shared_ptr<Results> results, const shm::BlockRef& block);
  ~Delivery();
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  char* data() const;
  size_t size() const { return block_.size; }

private:
  friend class Results;
  std::shared_ptr<Results> results_;
  shm::BlockRef block_;
  bool is_isolated_ = false; // guarded by the results' mutex
};

class Exchange : public std::enable_shared_from_this<Exchange> {
public:
  // `most`: bytes of memory that all slabs may have; `most_kept`: what a worker may keep of its own. Throws where there is no memory, or
  // there are no addresses.
  explicit Exchange(uint64_t most, uint64_t most_kept = 0);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // A block for arguments; null where there is no room.
  std::shared_ptr<Cargo> put(size_t size);

  struct Ends {
    uint32_t owner;
    int arguments_fd; // both stay the exchange's
    int results_fd;
  };
  // Nothing where there is no room for one more.
  std::optional<Ends> add_worker();
  // The worker is dead, and all that it committed was received.
  void drop_worker(uint32_t owner);

  // The result that a worker sent; null where that is nonsense.
  std::shared_ptr<Delivery> receive(const shm::BlockRef& block);
  // Whether the parent holds so many results that it should copy the one it received last, and give it back.
  bool should_copy() const;

  // Bytes written into blocks of arguments, ever.
  uint64_t bytes_sent() const { return bytes_sent_.load(); }
  uint64_t bytes_used() const { return header().budget.total(); }

  // Called in this process before it forks: gives the parent a mapping of its own of all results that it holds, so that neither process
  // sees what the other changes, and no worker uses their blocks again.
  static void before_fork();

private:
  friend class Cargo;
  ArgumentsHeader& header() const { return *reinterpret_cast<ArgumentsHeader*>(segment_->data()); }
  bool is_owner() const;
  void free(const shm::BlockRef& block, bool is_whole);
  void reclaim();

  const int pid_;
  std::shared_ptr<shm::Segment> segment_; // of the arguments
  std::mutex mutex_;                      // guards what follows
  shm::Slab slab_;
  std::vector<shm::BlockRef> limbo_; // freed, but for workers that may have mapped them
  shm::Ledger::Pinned pinned_;       // by workers that died
  std::map<uint32_t, std::shared_ptr<Results>> workers_;
  std::vector<std::weak_ptr<Results>> owners_;
  std::atomic<uint64_t> bytes_sent_{0};
};

// --- the worker's end ---

class WorkerExchange;

// A block of arguments, mapped so that what is written to it is seen by nobody else.
class Opened {
public:
  Opened(std::shared_ptr<WorkerExchange> exchange, const shm::BlockRef& block, bool is_writable);
  ~Opened();
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  char* data() const { return data_; }
  size_t size() const { return block_.size; }

private:
  std::shared_ptr<WorkerExchange> exchange_;
  shm::BlockRef block_;
  char* data_ = nullptr;
};

class WorkerExchange : public std::enable_shared_from_this<WorkerExchange> {
public:
  // Takes the descriptors over.
  WorkerExchange(base::FileDescriptor arguments, base::FileDescriptor results);

  // Maps a block of the parent's. Throws where there are no addresses for it.
  std::shared_ptr<Opened> open(const shm::BlockRef& block, bool is_writable);
  // Whether what was decoded from a block may still be kept.
  bool may_keep(const shm::BlockRef& block) const;

  // A block for a result; nothing where there is no room.
  std::optional<shm::BlockRef> allocate(size_t size);
  bool write(const shm::BlockRef& block, size_t offset, const void* data, size_t size) { return slab_.write(block, offset, data, size); }
  // The block is not going to be sent.
  void lose(const shm::BlockRef& block);
  // Gives back memory that results no longer need.
  void trim();

  // Whether this process is the worker, and no copy of it.
  bool is_owner() const;
  // What the worker keeps of memory of its own counts as that of its slab. It may keep more where all slabs together have but half of what
  // they may have.
  uint64_t most_kept() const { return arguments().most_kept; }
  bool keep_more(uint64_t bytes);
  void keep_less(uint64_t bytes) { arguments().budget.shrink(results().owner, bytes); }

  // Called in this process before it forks: the parent learns that a copy will have what is mapped now.
  void before_fork();

private:
  friend class Opened;
  void hold(const shm::BlockRef& block);
  void drop(const shm::BlockRef& block);
  ArgumentsHeader& arguments() const { return *reinterpret_cast<ArgumentsHeader*>(arguments_.data()); }
  ResultsHeader& results() const { return *reinterpret_cast<ResultsHeader*>(results_.data()); }

  struct Held {
    shm::BlockRef block;
    uint32_t times = 0;
    bool is_pinned = false;
  };

  const int pid_;
  shm::Segment arguments_; // its header alone
  shm::Segment results_;
  std::mutex mutex_; // guards what follows
  shm::Slab slab_;
  std::map<uint32_t, Held> held_; // by index
};

} // namespace hasten::pool
