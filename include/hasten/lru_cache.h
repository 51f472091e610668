// A cache in memory of at most so many values. When it is full, it gives up the value that was used least recently, or as its policy says.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "hasten/detail/circles.h"
#include "hasten/detail/waiting_room.h"
#include "hasten/errors.h"
#include "hasten/memo/table.h"

namespace hasten {

// Which value a full cache gives up.
enum class Eviction : uint8_t {
  kLru,    // the least recently used
  kLfu,    // the least often used
  kS3Fifo, // by three queues, for programs that also scan through much that they need once
};

struct CacheOptions {
  size_t max_size = 128;
  std::chrono::nanoseconds ttl = std::chrono::nanoseconds::max(); // how long a value is valid
  Eviction eviction = Eviction::kLru;
};

struct CacheInfo {
  uint64_t hits = 0;
  uint64_t misses = 0;
  size_t max_size = 0;
  size_t size = 0;
};

// Threads: all members may be called from any thread. Keys are hashed and compared under the cache's lock, so their functions must not use
// the cache; values are copied out under it (hold what is large by std::shared_ptr<const T>), computed and destroyed outside.
template <class Key, class Value, class Hash = std::hash<Key>, class Equal = std::equal_to<Key>> class LruCache {
public:
  // Throws Error where max_size is 0 or ttl is not positive.
  explicit LruCache(const CacheOptions& options) : options_(checked(options)), table_(policy_of(options.eviction), options.max_size) {}
  explicit LruCache(size_t max_size) : LruCache(CacheOptions{.max_size = max_size}) {}

  ~LruCache() {
    table_.clear([](memo::Node& node) { delete &entry_of(node); });
  }

  LruCache(const LruCache&) = delete;
  LruCache& operator=(const LruCache&) = delete;

  // Counts as a use of the value, and as a hit or a miss.
  std::optional<Value> get(const Key& key) {
    Dropped dropped;
    const std::lock_guard lock(mutex_);
    return look_up(key, dropped);
  }

  // Whether get() would find it. Counts as nothing.
  bool contains(const Key& key) {
    Dropped dropped;
    const std::lock_guard lock(mutex_);
    return find(key, hash_of(key), dropped) != nullptr;
  }

  // Inserts or replaces.
  void put(Key key, Value value) {
    auto fresh = std::make_unique<Entry>(std::move(key), std::move(value));
    Dropped dropped;
    const std::lock_guard lock(mutex_);
    insert(std::move(fresh), dropped);
  }

  // The value under the key, or compute(), which is kept. Of callers that want the same key at the same time one computes, the others wait
  // for it. An exception of compute() is thrown to all of them, and not remembered. Who would wait for itself, or in a circle with others,
  // computes once more instead.
  template <class Compute> Value get_or_compute(const Key& key, Compute&& compute) {
    std::promise<Value> promise;
    std::shared_ptr<const Flight> other;
    {
      Dropped dropped;
      const std::lock_guard lock(mutex_);
      if (std::optional<Value> found = look_up(key, dropped)) {
        return std::move(*found);
      }
      const auto [place, is_first] = flights_.try_emplace(key);
      if (is_first) {
        place->second = std::make_shared<Flight>(promise.get_future().share());
      } else {
        other = place->second;
      }
    }
    if (other == nullptr) {
      return compute_for_all(key, promise, std::forward<Compute>(compute));
    }
    const detail::WaitFor waiting(other->thread);
    return waiting.is_circle() ? Value(std::forward<Compute>(compute)()) : other->value.get();
  }

  // Whether there was one.
  bool erase(const Key& key) {
    Dropped dropped;
    const std::lock_guard lock(mutex_);
    Entry* entry = find(key, hash_of(key), dropped);
    if (entry != nullptr) {
      take_out(*entry, dropped);
    }
    return entry != nullptr;
  }

  void clear() {
    Dropped dropped;
    const std::lock_guard lock(mutex_);
    table_.clear([&](memo::Node& node) { dropped.add(entry_of(node)); });
  }

  CacheInfo info() const {
    const std::lock_guard lock(mutex_);
    return {hits_, misses_, options_.max_size, table_.size()};
  }
  // Values that have expired count until somebody asks for them, or their room is needed.
  size_t size() const { return info().size; }

private:
  struct Entry : memo::Node {
    Entry(Key k, Value v) : key(std::move(k)), value(std::move(v)) {}
    Key key;
    Value value;
    detail::Moment expires = detail::kNever;
  };

  // A value that somebody computes.
  struct Flight {
    explicit Flight(std::shared_future<Value> v) : value(std::move(v)) {}
    std::shared_future<Value> value;
    std::thread::id thread = std::this_thread::get_id();
  };

  // What was taken out. Declared before the lock, so that values are destroyed when it is released.
  class Dropped {
  public:
    Dropped() = default;
    Dropped(const Dropped&) = delete;
    Dropped& operator=(const Dropped&) = delete;
    ~Dropped() {
      while (first_ != nullptr) {
        delete std::exchange(first_, static_cast<Entry*>(first_->newer));
      }
    }
    void add(Entry& entry) {
      entry.newer = first_;
      first_ = &entry;
    }

  private:
    Entry* first_ = nullptr; // the others hang on it by `newer`
  };

  static CacheOptions checked(const CacheOptions& options) {
    if (options.max_size == 0) {
      throw Error("a cache's max_size must be at least 1, not 0");
    }
    if (options.ttl <= std::chrono::nanoseconds::zero()) {
      throw Error("a cache's ttl must be positive; leave it out where values never expire");
    }
    return options;
  }

  static memo::PolicyKind policy_of(Eviction eviction) {
    switch (eviction) {
    case Eviction::kLfu:
      return memo::PolicyKind::kLfu;
    case Eviction::kS3Fifo:
      return memo::PolicyKind::kS3Fifo;
    default:
      return memo::PolicyKind::kLru;
    }
  }

  static Entry& entry_of(memo::Node& node) { return static_cast<Entry&>(node); }
  static uint64_t hash_of(const Key& key) { return static_cast<uint64_t>(Hash()(key)); }
  bool expires() const { return options_.ttl != std::chrono::nanoseconds::max(); }

  Entry* find(const Key& key, uint64_t hash, Dropped& dropped) {
    const auto same = [&](memo::Node& node) { return Equal()(entry_of(node).key, key) ? memo::Match::kYes : memo::Match::kNo; };
    const memo::Found found = table_.find(hash, same);
    if (found.outcome != memo::Search::kFound) {
      return nullptr;
    }
    Entry& entry = entry_of(*found.node);
    if (expires() && std::chrono::steady_clock::now() >= entry.expires) {
      take_out(entry, dropped);
      return nullptr;
    }
    return &entry;
  }

  std::optional<Value> look_up(const Key& key, Dropped& dropped) {
    Entry* entry = find(key, hash_of(key), dropped);
    if (entry == nullptr) {
      ++misses_;
      return std::nullopt;
    }
    ++hits_;
    table_.used(*entry);
    return entry->value;
  }

  void insert(std::unique_ptr<Entry> fresh, Dropped& dropped) {
    fresh->hash = hash_of(fresh->key);
    fresh->expires = expires() ? detail::after(options_.ttl) : detail::kNever;
    if (Entry* old = find(fresh->key, fresh->hash, dropped)) {
      take_out(*old, dropped);
    }
    while (table_.size() >= options_.max_size) {
      take_out(entry_of(*table_.victim()), dropped);
    }
    table_.insert(*fresh);
    [[maybe_unused]] Entry* kept = fresh.release();
  }

  void take_out(Entry& entry, Dropped& dropped) {
    table_.erase(entry);
    dropped.add(entry);
  }

  template <class Compute> Value compute_for_all(const Key& key, std::promise<Value>& promise, Compute&& compute) {
    try {
      Value value(std::forward<Compute>(compute)());
      auto fresh = std::make_unique<Entry>(key, value);
      Dropped dropped;
      {
        const std::lock_guard lock(mutex_);
        insert(std::move(fresh), dropped);
        flights_.erase(key);
      }
      promise.set_value(value);
      return value;
    } catch (...) {
      {
        const std::lock_guard lock(mutex_);
        flights_.erase(key);
      }
      promise.set_exception(std::current_exception());
      throw;
    }
  }

  const CacheOptions options_;
  mutable std::mutex mutex_; // guards what follows
  memo::Table table_;
  std::unordered_map<Key, std::shared_ptr<const Flight>, Hash, Equal> flights_;
  uint64_t hits_ = 0;
  uint64_t misses_ = 0;
};

} // namespace hasten
