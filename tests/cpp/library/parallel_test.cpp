#include "hasten/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <limits>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace hasten {
namespace {

TEST(ParallelFor, EveryIndexIsVisitedOnce) {
  for (const int n : {0, 1, 7, 1000, 100'000}) {
    std::vector<std::atomic<int>> visits(static_cast<size_t>(n));
    parallel_for(0, n, [&](int i) { ++visits[static_cast<size_t>(i)]; });
    for (const auto& count : visits) {
      ASSERT_EQ(count, 1);
    }
  }
  parallel_for(5, 3, [](int) { FAIL(); });
}

TEST(ParallelFor, GivesPiecesToWhoWantsThem) {
  std::atomic<int64_t> sum{0};
  parallel_for(int8_t{-100}, int8_t{100}, [&](int8_t first, int8_t last) { sum += last - first; });
  EXPECT_EQ(sum, 200);
  std::atomic<uint64_t> unsigned_sum{0};
  parallel_for(size_t{10}, size_t{20}, [&](size_t i) { unsigned_sum += i; });
  EXPECT_EQ(unsigned_sum, 145U);
}

TEST(ParallelFor, KeepsToTheGrain) {
  std::atomic<int> pieces{0};
  parallel_for(0, 1000, [&](int, int) { ++pieces; }, 1000);
  EXPECT_EQ(pieces, 1);
  pieces = 0;
  parallel_for(0, 1000, [&](int, int) { ++pieces; }, 250);
  EXPECT_LE(pieces, 4);
}

TEST(ParallelFor, UsesSeveralThreads) {
  if (concurrency() == 1) {
    GTEST_SKIP() << "one core";
  }
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::atomic<int> waiting{0};
  parallel_for(0, 2, [&](int) { // each waits for the other one
    ++waiting;
    while (waiting < 2) {
      std::this_thread::yield();
    }
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(threads.size(), 2U);
}

TEST(ParallelFor, TheExceptionOfTheLowestIterationIsThrown) {
  for (int round = 0; round < 50; ++round) {
    std::atomic<bool> is_late{false};
    try {
      parallel_for(0, 2, [&](int i) {
        if (i == 0) {
          for (int turn = 0; turn < 1000 && !is_late; ++turn) {
            std::this_thread::yield();
          }
        }
        is_late = true;
        throw std::out_of_range("at " + std::to_string(i));
      });
      FAIL();
    } catch (const std::out_of_range& error) {
      EXPECT_STREQ(error.what(), "at 0");
    }
  }
}

TEST(ParallelFor, LoopsInLoopsRunInTheirThread) {
  parallel_for(0, 4, [&](int) {
    EXPECT_EQ(concurrency(), 1);
    const auto outer = std::this_thread::get_id();
    parallel_for(0, 100, [&](int) { EXPECT_EQ(std::this_thread::get_id(), outer); });
  });
}

TEST(ParallelReduce, JoinsInOrder) {
  const auto text = parallel_reduce(0, 2000, std::string(), [](int i) { return std::to_string(i) + ","; }, std::plus<>());
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    expected += std::to_string(i) + ",";
  }
  EXPECT_EQ(text, expected);
}

TEST(ParallelReduce, GivesTheSameBitsInEveryRun) {
  const auto sum = [] { return parallel_reduce(0, 100'000, 0.0F, [](int i) { return 1.0F / static_cast<float>(i + 1); }, std::plus<>()); };
  const float first = sum();
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(sum(), first);
  }
}

TEST(ParallelReduce, TakesPiecesAndTypesWithoutADefault) {
  struct Range {
    explicit Range(int l, int h) : low(l), high(h) {}
    int low;
    int high;
  };
  const auto map = [](int first, int last) { return Range(first, last - 1); };
  const auto join = [](Range a, Range b) { return Range(std::min(a.low, b.low), std::max(a.high, b.high)); };
  const Range all = parallel_reduce(10, 5000, Range(std::numeric_limits<int>::max(), std::numeric_limits<int>::min()), map, join);
  EXPECT_EQ(all.low, 10);
  EXPECT_EQ(all.high, 4999);
  EXPECT_EQ(parallel_reduce(3, 3, 7, [](int) { return 1; }, std::plus<>()), 7);
}

TEST(ParallelReduce, ExceptionsComeThrough) {
  const auto map = [](int i) { return i == 1500 ? throw std::domain_error("1500") : i; };
  EXPECT_THROW(parallel_reduce(0, 2000, 0, map, std::plus<>()), std::domain_error);
}

} // namespace
} // namespace hasten
