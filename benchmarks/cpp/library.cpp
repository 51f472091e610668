// Measures one way to do one thing: library SUBJECT WAY prints the nanoseconds of one operation.
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <iostream>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <queue>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <hasten/channel.h>
#include <hasten/lru_cache.h>
#include <hasten/parallel.h>

namespace {

using Clock = std::chrono::steady_clock;

// What everybody writes first: a queue, a mutex and two conditions.
class LockedQueue {
public:
  explicit LockedQueue(size_t capacity) : capacity_(capacity) {}

  void put(int64_t item) {
    std::unique_lock lock(mutex_);
    has_room_.wait(lock, [this] { return items_.size() < capacity_; });
    items_.push(item);
    has_items_.notify_one();
  }

  std::optional<int64_t> get() {
    std::unique_lock lock(mutex_);
    has_items_.wait(lock, [this] { return !items_.empty() || is_closed_; });
    if (items_.empty()) {
      return std::nullopt;
    }
    const int64_t item = items_.front();
    items_.pop();
    has_room_.notify_one();
    return item;
  }

  void close() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    has_items_.notify_all();
  }

private:
  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable has_room_;
  std::condition_variable has_items_;
  std::queue<int64_t> items_;
  bool is_closed_ = false;
};

// The textbook's cache: a list in order of use, and a map into it.
class ListCache {
public:
  explicit ListCache(size_t max_size) : max_size_(max_size) {}

  std::optional<int64_t> get(int64_t key) {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(key);
    if (found == places_.end()) {
      return std::nullopt;
    }
    used_.splice(used_.begin(), used_, found->second);
    return found->second->second;
  }

  void put(int64_t key, int64_t value) {
    const std::lock_guard lock(mutex_);
    if (used_.size() == max_size_) {
      places_.erase(used_.back().first);
      used_.pop_back();
    }
    used_.emplace_front(key, value);
    places_[key] = used_.begin();
  }

private:
  const size_t max_size_;
  std::mutex mutex_;
  std::list<std::pair<int64_t, int64_t>> used_;
  std::unordered_map<int64_t, std::list<std::pair<int64_t, int64_t>>::iterator> places_;
};

double nanoseconds_each(Clock::time_point start, int64_t operations) {
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count() / static_cast<double>(operations);
}

void must(bool holds, const char* what) {
  if (!holds) {
    std::cerr << "wrong: " << what << '\n';
    std::exit(1);
  }
}

// One thread puts, one gets, item by item.
template <class Queue> double two_stages() {
  constexpr int64_t kItems = 10'000'000;
  Queue queue(1024);
  const auto start = Clock::now();
  std::jthread producer([&] {
    for (int64_t i = 0; i < kItems; ++i) {
      queue.put(i);
    }
    queue.close();
  });
  int64_t sum = 0;
  while (const std::optional<int64_t> item = queue.get()) {
    sum += *item;
  }
  const double taken = nanoseconds_each(start, kItems);
  must(sum == kItems * (kItems - 1) / 2, "every item comes out once");
  return taken;
}

constexpr int64_t kPoints = 4'000'000;

double height(int64_t i) { return std::sqrt(static_cast<double>(i)) * std::log1p(static_cast<double>(i)); }

template <class Loop> double filled(const Loop& loop) {
  std::vector<double> heights(kPoints);
  loop(heights);
  const auto start = Clock::now();
  loop(heights);
  const double taken = nanoseconds_each(start, kPoints);
  must(heights[kPoints - 1] == height(kPoints - 1), "every point is computed");
  return taken;
}

template <class Sum> double summed(const Sum& sum) {
  sum();
  const auto start = Clock::now();
  const double total = sum();
  const double taken = nanoseconds_each(start, kPoints);
  must(total > 0, "the sum is positive");
  return taken;
}

template <class Cache> double hits() {
  constexpr int64_t kKeys = 1000;
  constexpr int64_t kCalls = 2'000'000;
  Cache cache(kKeys);
  for (int64_t key = 0; key < kKeys; ++key) {
    cache.put(key, key);
  }
  const auto start = Clock::now();
  int64_t sum = 0;
  for (int64_t i = 0; i < kCalls; ++i) {
    sum += *cache.get(i * 7 % kKeys);
  }
  const double taken = nanoseconds_each(start, kCalls);
  must(sum > 0, "all are hits");
  return taken;
}

template <class Cache> double misses() {
  constexpr int64_t kCalls = 500'000;
  Cache cache(1000);
  const auto start = Clock::now();
  for (int64_t key = 0; key < kCalls; ++key) {
    must(!cache.get(key), "all are misses");
    cache.put(key, key);
  }
  return nanoseconds_each(start, kCalls);
}

const std::map<std::string, std::map<std::string, std::function<double()>>> kSubjects{
    {"channel", {{"hasten", two_stages<hasten::Channel<int64_t>>}, {"locked", two_stages<LockedQueue>}}},
    {"for",
     {{"hasten",
       [] {
         return filled([](auto& heights) {
           hasten::parallel_for(int64_t{0}, kPoints, [&](int64_t i) { heights[static_cast<size_t>(i)] = height(i); });
         });
       }},
      {"openmp",
       [] {
         return filled([](auto& heights) {
#pragma omp parallel for
           for (int64_t i = 0; i < kPoints; ++i) {
             heights[static_cast<size_t>(i)] = height(i);
           }
         });
       }},
      {"serial",
       [] {
         return filled([](auto& heights) {
           for (int64_t i = 0; i < kPoints; ++i) {
             heights[static_cast<size_t>(i)] = height(i);
           }
         });
       }}}},
    {"reduce",
     {{"hasten", [] { return summed([] { return hasten::parallel_reduce(int64_t{0}, kPoints, 0.0, height, std::plus<>()); }); }},
      {"openmp",
       [] {
         return summed([] {
           double sum = 0;
#pragma omp parallel for reduction(+ : sum)
           for (int64_t i = 0; i < kPoints; ++i) {
             sum += height(i);
           }
           return sum;
         });
       }},
      {"serial",
       [] {
         return summed([] {
           double sum = 0;
           for (int64_t i = 0; i < kPoints; ++i) {
             sum += height(i);
           }
           return sum;
         });
       }}}},
    {"hit", {{"hasten", hits<hasten::LruCache<int64_t, int64_t>>}, {"list", hits<ListCache>}}},
    {"miss", {{"hasten", misses<hasten::LruCache<int64_t, int64_t>>}, {"list", misses<ListCache>}}},
};

} // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: library SUBJECT WAY\n";
    return 2;
  }
  std::cout << kSubjects.at(argv[1]).at(argv[2])() << '\n';
}
