#include "hasten/pool/exchange.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <set>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

#include "hasten/base/diagnostic.h"

namespace hasten::pool {

using shm::BlockRef;

namespace {

// What lies at the beginning of new shared memory, all of which is 0. A constructor would write, and have the system map, each page of it.
template <typename Header> Header* header_of_zeros(const shm::Segment& segment) {
  auto* header = std::launder(reinterpret_cast<Header*>(segment.data()));
  header->magic = Header::kMagic;
  return header;
}

} // namespace

// --- Results ---

class Results {
public:
  Results(uint32_t owner, uint64_t most, std::shared_ptr<shm::Segment> arguments)
      : pid_(getpid()), arguments_(std::move(arguments)),
        segment_(shm::Segment::reserve("hasten-pool-results", shm::whole_pages(sizeof(ResultsHeader)) + most)), owner_(owner) {
    if (const int failed = segment_.allocate(0, shm::whole_pages(sizeof(ResultsHeader))); failed != 0) {
      base::system_error("Can't allocate shared memory for results", failed);
    }
    header_of_zeros<ResultsHeader>(segment_)->owner = owner;
    const std::lock_guard lock(all_mutex());
    all().insert(this);
  }
  ~Results() {
    // In a fork's copy, the memory's words and the list belong to the parent, and a lock may be held for ever.
    if (getpid() == pid_) {
      const std::lock_guard lock(all_mutex());
      all().erase(this);
      budget().used[owner_].store(0);
    }
  }
  Results(const Results&) = delete;
  Results& operator=(const Results&) = delete;

  int fd() const { return segment_.fd(); }
  uint32_t owner() const { return owner_; }
  char* data() const { return segment_.data(); }
  const shm::Ledger& ledger() const { return header().ledger; }
  bool has(const BlockRef& block) const {
    return block.offset >= sizeof(ResultsHeader) && block.offset % shm::kPage == 0 && block.index < shm::kMostBlocks &&
           block.size <= segment_.size() && block.offset <= segment_.size() - block.size;
  }

  void enter(Delivery& delivery) {
    arguments().held.fetch_add(delivery.size());
    const std::lock_guard lock(mutex_);
    live_.emplace(delivery.block_.offset, &delivery);
  }
  void leave(const Delivery& delivery) {
    if (getpid() != pid_) {
      return;
    }
    arguments().held.fetch_sub(delivery.size());
    const std::lock_guard lock(mutex_);
    live_.erase(delivery.block_.offset);
    if (!delivery.is_isolated_) {
      header().returns.give(delivery.block_);
    }
  }

  static void isolate_all() {
    const std::lock_guard lock(all_mutex());
    for (Results* results : all()) {
      if (results->pid_ == getpid()) {
        results->isolate();
      }
    }
  }

private:
  static std::mutex& all_mutex() {
    static auto* mutex = new std::mutex;
    return *mutex;
  }
  static std::set<Results*>& all() {
    static auto* results = new std::set<Results*>;
    return *results;
  }

  void isolate() {
    const std::lock_guard lock(mutex_);
    for (auto next = live_.begin(); next != live_.end();) {
      const uint64_t begin = next->first;
      uint64_t end = begin;
      for (; next != live_.end() && next->first <= end && !next->second->is_isolated_; ++next) {
        next->second->is_isolated_ = true;
        end = next->first + shm::whole_pages(next->second->size());
      }
      if (end > begin) {
        // Where the system refuses, the mapping stays shared, and the blocks are not used again all the same.
        [[maybe_unused]] const void* mapped = mmap(segment_.data() + begin, end - begin, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
                                                   segment_.fd(), static_cast<off_t>(begin));
      } else {
        ++next;
      }
    }
  }

  ResultsHeader& header() const { return *reinterpret_cast<ResultsHeader*>(segment_.data()); }
  ArgumentsHeader& arguments() const { return *reinterpret_cast<ArgumentsHeader*>(arguments_->data()); }
  shm::Budget& budget() const { return arguments().budget; }

  const int pid_;
  std::shared_ptr<shm::Segment> arguments_; // has the budget
  shm::Segment segment_;
  const uint32_t owner_;
  std::mutex mutex_;                   // guards what follows, and the producer's end of the ring
  std::map<uint64_t, Delivery*> live_; // by offset
};

Delivery::Delivery(std::shared_ptr<Results> results, const BlockRef& block) : results_(std::move(results)), block_(block) {
  results_->enter(*this);
}

Delivery::~Delivery() { results_->leave(*this); }

char* Delivery::data() const { return results_->data() + block_.offset; }

// --- Cargo ---

Cargo::~Cargo() { exchange_->free(block_, is_whole_); }

bool Cargo::write(size_t offset, const void* data, size_t size) const {
  exchange_->bytes_sent_.fetch_add(size, std::memory_order_relaxed);
  return exchange_->slab_.write(block_, offset, data, size);
}

void Cargo::let_keep() { exchange_->header().kept[block_.index].store(block_.generation); }

const char* Cargo::data() const { return exchange_->segment_->data() + block_.offset; }

// --- Exchange ---

namespace {

std::shared_ptr<shm::Segment> reserve_arguments(uint64_t most, uint64_t most_kept) {
  constexpr size_t kHeader = shm::whole_pages(sizeof(ArgumentsHeader));
  auto segment = std::make_shared<shm::Segment>(shm::Segment::reserve("hasten-pool-arguments", kHeader + most));
  if (const int failed = segment->allocate(0, kHeader); failed != 0) {
    base::system_error("Can't allocate shared memory for arguments", failed);
  }
  auto* header = header_of_zeros<ArgumentsHeader>(*segment);
  header->most_kept = most_kept;
  header->budget.limit.store(most);
  return segment;
}

} // namespace

// The parent's own slab is the budget's owner 0.
Exchange::Exchange(uint64_t most, uint64_t most_kept)
    : pid_(getpid()), segment_(reserve_arguments(shm::whole_pages(most), most_kept)),
      slab_(*segment_, sizeof(ArgumentsHeader), header().budget, 0), owners_(1) {}

Exchange::~Exchange() = default;

bool Exchange::is_owner() const { return getpid() == pid_; }

std::shared_ptr<Cargo> Exchange::put(size_t size) {
  std::optional<BlockRef> block;
  {
    const std::lock_guard lock(mutex_);
    reclaim();
    block = slab_.allocate(size);
  }
  return block ? std::make_shared<Cargo>(shared_from_this(), *block) : nullptr;
}

void Exchange::free(const BlockRef& block, bool is_whole) {
  if (!is_owner()) {
    return;
  }
  header().kept[block.index].store(0);
  const std::lock_guard lock(mutex_);
  if (is_whole) {
    limbo_.push_back(block);
  } else {
    slab_.lose(block);
  }
}

void Exchange::reclaim() {
  std::erase_if(limbo_, [this](const BlockRef& block) {
    const bool is_held = std::any_of(workers_.begin(), workers_.end(), [&](const auto& one) { return one.second->ledger().holds(block); });
    // What a dead worker's forks may still read is never used again. It stays counted, since it stays allocated.
    if (!is_held && !pinned_.contains({block.index, block.generation})) {
      slab_.free(block);
    }
    return !is_held;
  });
}

std::optional<Exchange::Ends> Exchange::add_worker() {
  const std::lock_guard lock(mutex_);
  auto place = std::find_if(owners_.begin() + 1, owners_.end(), [](const auto& one) { return one.expired(); });
  if (place == owners_.end()) {
    if (owners_.size() == shm::Budget::kMostOwners) {
      return std::nullopt;
    }
    place = owners_.insert(place, std::weak_ptr<Results>());
  }
  const auto owner = static_cast<uint32_t>(place - owners_.begin());
  const uint64_t most = header().budget.limit.load();
  std::shared_ptr<Results> results;
  try {
    results = std::make_shared<Results>(owner, most, segment_);
  } catch (const base::Diagnostic&) {
    return std::nullopt; // this worker copies through its lane
  }
  *place = results;
  workers_[owner] = results;
  return Ends{.owner = owner, .arguments_fd = segment_->fd(), .results_fd = results->fd()};
}

void Exchange::drop_worker(uint32_t owner) {
  std::shared_ptr<Results> results;
  const std::lock_guard lock(mutex_);
  const auto found = workers_.find(owner);
  if (found == workers_.end()) {
    return;
  }
  results = std::move(found->second);
  workers_.erase(found);
  results->ledger().collect_pinned(&pinned_);
}

std::shared_ptr<Delivery> Exchange::receive(const BlockRef& block) {
  std::shared_ptr<Results> results;
  {
    const std::lock_guard lock(mutex_);
    const auto found = workers_.find(block.owner);
    if (found == workers_.end() || !found->second->has(block)) {
      return nullptr;
    }
    results = found->second;
  }
  return std::make_shared<Delivery>(std::move(results), block);
}

bool Exchange::should_copy() const { return header().held.load() > header().budget.limit.load() / 2; }

void Exchange::before_fork() { Results::isolate_all(); }

// --- the worker's end ---

Opened::Opened(std::shared_ptr<WorkerExchange> exchange, const BlockRef& block, bool is_writable)
    : exchange_(std::move(exchange)), block_(block) {
  exchange_->hold(block);
  const int access = is_writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void* mapped = mmap(nullptr, block.size, access, MAP_PRIVATE, exchange_->arguments_.fd(), static_cast<off_t>(block.offset));
  if (mapped == MAP_FAILED) {
    const int failed = errno;
    exchange_->drop(block);
    base::system_error("Can't map " + std::to_string(block.size) + " bytes of arguments", failed);
  }
  data_ = static_cast<char*>(mapped);
}

Opened::~Opened() {
  munmap(data_, block_.size);
  exchange_->drop(block_);
}

WorkerExchange::WorkerExchange(base::FileDescriptor arguments, base::FileDescriptor results)
    : pid_(getpid()), arguments_(shm::Segment::adopt(std::move(arguments), sizeof(ArgumentsHeader))),
      results_(shm::Segment::adopt(std::move(results))),
      slab_(results_, sizeof(ResultsHeader), this->arguments().budget, this->results().owner) {
  if (this->arguments().magic != ArgumentsHeader::kMagic || this->results().magic != ResultsHeader::kMagic) {
    throw base::Diagnostic(base::Fault::kMachine, "The parent's pool is of another version of Hasten",
                           "let the parent and its workers use one installation");
  }
}

bool WorkerExchange::is_owner() const { return getpid() == pid_; }

bool WorkerExchange::keep_more(uint64_t bytes) {
  shm::Budget& budget = arguments().budget;
  return budget.total() + bytes <= budget.limit.load(std::memory_order_relaxed) / 2 && budget.grow(results().owner, bytes);
}

std::shared_ptr<Opened> WorkerExchange::open(const BlockRef& block, bool is_writable) {
  return std::make_shared<Opened>(shared_from_this(), block, is_writable);
}

bool WorkerExchange::may_keep(const BlockRef& block) const { return arguments().kept[block.index].load() == block.generation; }

void WorkerExchange::hold(const BlockRef& block) {
  const std::lock_guard lock(mutex_);
  Held& held = held_[block.index];
  if (held.times++ == 0 && !held.is_pinned) {
    held.block = block;
    results().ledger.hold(block);
  }
}

void WorkerExchange::drop(const BlockRef& block) {
  if (!is_owner()) {
    return; // a fork's copy
  }
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(block.index);
  if (--found->second.times == 0 && !found->second.is_pinned) {
    results().ledger.drop(block);
    held_.erase(found);
  }
}

void WorkerExchange::before_fork() {
  if (!is_owner()) {
    return;
  }
  const std::lock_guard lock(mutex_);
  for (auto& [index, held] : held_) {
    if (held.times > 0) {
      held.is_pinned = true;
      results().ledger.pin(held.block);
    }
  }
}

std::optional<BlockRef> WorkerExchange::allocate(size_t size) {
  if (!is_owner()) {
    return std::nullopt;
  }
  const std::lock_guard lock(mutex_);
  slab_.reclaim(results().returns);
  return slab_.allocate(size);
}

void WorkerExchange::lose(const BlockRef& block) {
  const std::lock_guard lock(mutex_);
  slab_.lose(block);
}

void WorkerExchange::trim() {
  const std::lock_guard lock(mutex_);
  slab_.reclaim(results().returns);
  slab_.trim();
}

} // namespace hasten::pool
