#include "hasten/lru_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace hasten {
namespace {

TEST(LruCache, GivesUpTheLeastRecentlyUsed) {
  LruCache<std::string, int> cache(2);
  cache.put("a", 1);
  cache.put("b", 2);
  EXPECT_EQ(cache.get("a"), 1);
  cache.put("c", 3);
  EXPECT_FALSE(cache.contains("b"));
  EXPECT_EQ(cache.get("b"), std::nullopt);
  EXPECT_EQ(cache.get("c"), 3);
  const CacheInfo info = cache.info();
  EXPECT_EQ(info.hits, 2U);
  EXPECT_EQ(info.misses, 1U);
  EXPECT_EQ(info.size, 2U);
  EXPECT_EQ(info.max_size, 2U);
}

TEST(LruCache, ReplacesErasesAndClears) {
  LruCache<int, std::string> cache(4);
  cache.put(1, "one");
  cache.put(1, "uno");
  EXPECT_EQ(cache.get(1), "uno");
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_TRUE(cache.erase(1));
  EXPECT_FALSE(cache.erase(1));
  cache.put(2, "two");
  cache.clear();
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.get(2), std::nullopt);
}

TEST(LruCache, PoliciesDiffer) {
  LruCache<int, int> often({.max_size = 2, .eviction = Eviction::kLfu});
  often.put(1, 1);
  often.get(1);
  often.get(1);
  often.put(2, 2);
  often.get(2);
  often.put(3, 3); // 2 was used less often than 1, though later
  EXPECT_TRUE(often.contains(1));
  EXPECT_FALSE(often.contains(2));

  LruCache<int, int> scanned({.max_size = 20, .eviction = Eviction::kS3Fifo});
  for (int i = 0; i < 10; ++i) {
    scanned.put(i, i);
    scanned.get(i);
  }
  for (int i = 100; i < 200; ++i) {
    scanned.put(i, i);
  }
  EXPECT_TRUE(scanned.contains(0));
}

TEST(LruCache, ValuesExpire) {
  LruCache<int, int> cache({.max_size = 4, .ttl = std::chrono::nanoseconds(1)});
  cache.put(1, 1);
  EXPECT_EQ(cache.get(1), std::nullopt);
  EXPECT_EQ(cache.size(), 0U);
  LruCache<int, int> lasting({.max_size = 4, .ttl = std::chrono::hours(1)});
  lasting.put(1, 1);
  EXPECT_EQ(lasting.get(1), 1);
}

TEST(LruCache, RefusesWhatMakesNoSense) {
  EXPECT_THROW((LruCache<int, int>(size_t{0})), Error);
  EXPECT_THROW((LruCache<int, int>({.ttl = std::chrono::seconds(0)})), Error);
}

TEST(LruCache, TakesHashesAndEqualityOfTheUsers) {
  struct LengthHash {
    size_t operator()(const std::string& text) const { return text.size(); }
  };
  LruCache<std::string, int, LengthHash> cache(8);
  cache.put("aa", 1);
  cache.put("bb", 2); // the same hash
  EXPECT_EQ(cache.get("aa"), 1);
  EXPECT_EQ(cache.get("bb"), 2);
}

// A value that uses the cache when it is destroyed.
struct Talkative {
  LruCache<int, std::shared_ptr<Talkative>>* cache;
  ~Talkative() { cache->contains(1); }
};

TEST(LruCache, ValuesAreDestroyedWithoutTheLock) {
  LruCache<int, std::shared_ptr<Talkative>> cache(1);
  cache.put(1, std::make_shared<Talkative>(&cache));
  cache.put(2, std::make_shared<Talkative>(&cache));
  cache.put(2, nullptr);
  cache.put(3, std::make_shared<Talkative>(&cache));
  cache.clear();
  EXPECT_EQ(cache.size(), 0U);
}

TEST(LruCache, ComputesOnceForAllWhoAskAtTheSameTime) {
  LruCache<int, int> cache(4);
  constexpr int kThreads = 4;
  std::latch ready(kThreads);
  std::atomic<int> computed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      ready.arrive_and_wait();
      const int value = cache.get_or_compute(7, [&] {
        ++computed;
        while (cache.info().misses < kThreads) {
          std::this_thread::yield(); // the others are on their way
        }
        return 49;
      });
      EXPECT_EQ(value, 49);
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(computed, 1);
  EXPECT_EQ(cache.get(7), 49);
}

TEST(LruCache, ExceptionsAreNotRemembered) {
  LruCache<int, int> cache(4);
  EXPECT_THROW(cache.get_or_compute(1, []() -> int { throw std::domain_error("no"); }), std::domain_error);
  EXPECT_EQ(cache.get_or_compute(1, [] { return 5; }), 5);
  EXPECT_EQ(cache.get_or_compute(1, []() -> int { throw std::domain_error("not called"); }), 5);
}

TEST(LruCache, WhoWouldWaitForItselfComputes) {
  LruCache<int, int> cache(4);
  EXPECT_EQ(cache.get_or_compute(1, [&] { return 1 + cache.get_or_compute(1, [] { return 10; }); }), 11);
}

TEST(LruCache, NobodyWaitsInACircle) {
  LruCache<int, int> left(4);
  LruCache<int, int> right(4);
  std::latch both(2);
  const auto crossed = [&](auto& own, auto& other) {
    return own.get_or_compute(1, [&] {
      both.arrive_and_wait();
      return 1 + other.get_or_compute(1, [] { return 10; });
    });
  };
  std::thread thread([&] { EXPECT_GE(crossed(left, right), 11); });
  EXPECT_GE(crossed(right, left), 11);
  thread.join();
}

TEST(LruCache, ManyThreadsUseOneCache) {
  LruCache<int, int> cache(16);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5000; ++i) {
        const int key = (i * 7 + t) % 40;
        EXPECT_EQ(cache.get_or_compute(key, [&] { return key * key; }), key * key);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_LE(cache.size(), 16U);
}

} // namespace
} // namespace hasten
