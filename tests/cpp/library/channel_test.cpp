#include "hasten/channel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace hasten {
namespace {

using std::chrono::milliseconds;

TEST(Channel, ItemsComeInOrderUntilItIsClosedAndEmpty) {
  Channel<std::string> channel(4);
  channel.put("a");
  channel.put("b");
  EXPECT_EQ(channel.size(), 2U);
  channel.close();
  EXPECT_TRUE(channel.is_closed());
  EXPECT_FALSE(channel.is_drained());
  EXPECT_EQ(channel.get(), "a");
  EXPECT_EQ(channel.get(), "b");
  EXPECT_EQ(channel.get(), std::nullopt);
  EXPECT_TRUE(channel.is_drained());
  EXPECT_THROW(channel.put("c"), ChannelClosed);
}

TEST(Channel, HoldsExactlyItsCapacity) {
  for (const size_t capacity : {1, 2, 3, 5, 8}) {
    Channel<size_t> channel(capacity);
    for (size_t round = 0; round < 3; ++round) {
      for (size_t i = 0; i < capacity; ++i) {
        EXPECT_TRUE(channel.try_put(i));
      }
      EXPECT_FALSE(channel.try_put(99));
      EXPECT_EQ(channel.size(), capacity);
      for (size_t i = 0; i < capacity; ++i) {
        EXPECT_EQ(channel.try_get(), i);
      }
      EXPECT_EQ(channel.try_get(), std::nullopt);
    }
  }
  EXPECT_THROW(Channel<int>{0}, Error);
  EXPECT_THROW(Channel<int>{std::numeric_limits<size_t>::max()}, Error);
}

TEST(Channel, TakesWhatCanOnlyBeMoved) {
  Channel<std::unique_ptr<int>> channel(1);
  channel.put(std::make_unique<int>(1));
  auto second = std::make_unique<int>(2);
  EXPECT_FALSE(channel.try_put(std::move(second)));
  ASSERT_NE(second, nullptr); // NOLINT(bugprone-use-after-move): it is unharmed
  EXPECT_FALSE(channel.put_for(std::move(second), milliseconds(1)));
  EXPECT_EQ(**channel.get(), 1);
  EXPECT_TRUE(channel.put_for(std::move(second), milliseconds(1)));
}

TEST(Channel, TimedCallsEnd) {
  Channel<int> channel(1);
  EXPECT_EQ(channel.get_for(milliseconds(1)), std::nullopt);
  EXPECT_EQ(channel.get_for(milliseconds(-1)), std::nullopt);
  channel.put(1);
  EXPECT_FALSE(channel.put_for(2, milliseconds(1)));
  EXPECT_EQ(channel.get_for(std::chrono::hours::min()), 1);
  std::thread producer([&] {
    std::this_thread::sleep_for(milliseconds(20));
    channel.put(2);
  });
  EXPECT_EQ(channel.get_for(std::chrono::hours::max()), 2);
  producer.join();
}

TEST(Channel, ClosingWakesAllWhoWait) {
  Channel<int> full(1);
  full.put(0);
  Channel<int> empty(1);
  std::atomic<int> ended{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      EXPECT_THROW(full.put(1), ChannelClosed);
      EXPECT_EQ(empty.get(), std::nullopt);
      ++ended;
    });
  }
  full.close();
  empty.close();
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(ended, 3);
}

// Tiny capacities make nearly every call wait.
TEST(Channel, EveryItemComesOutOnceWhoeverPutsAndGets) {
  for (const size_t capacity : {1, 3, 64}) {
    constexpr int kThreads = 3;
    constexpr int kItems = 4000;
    Channel<int> channel(capacity);
    std::atomic<int64_t> sum{0};
    std::atomic<int> count{0};
    std::vector<std::thread> getters;
    for (int t = 0; t < kThreads; ++t) {
      getters.emplace_back([&] {
        for (const int item : channel) {
          sum += item;
          ++count;
        }
      });
    }
    std::vector<std::thread> putters;
    for (int t = 0; t < kThreads; ++t) {
      putters.emplace_back([&, t] {
        for (int i = 0; i < kItems; ++i) {
          channel.put(t * kItems + i);
        }
      });
    }
    for (std::thread& thread : putters) {
      thread.join();
    }
    channel.close();
    for (std::thread& thread : getters) {
      thread.join();
    }
    constexpr int64_t kAll = kThreads * kItems;
    EXPECT_EQ(count, kAll);
    EXPECT_EQ(sum, kAll * (kAll - 1) / 2);
  }
}

TEST(Channel, TwoThreadsAnswerEachOther) {
  Channel<int> there(1);
  Channel<int> back(1);
  std::thread other([&] {
    for (const int item : there) {
      back.put(item + 1);
    }
    back.close();
  });
  int value = 0;
  for (int i = 0; i < 2000; ++i) {
    there.put(value);
    value = back.get().value();
  }
  there.close();
  EXPECT_EQ(back.get(), std::nullopt);
  other.join();
  EXPECT_EQ(value, 2000);
}

TEST(Channel, TimedGettersLoseNothing) {
  constexpr int kItems = 3000;
  Channel<int> channel(2);
  std::atomic<int> got{0};
  std::vector<std::thread> getters;
  for (int t = 0; t < 2; ++t) {
    getters.emplace_back([&] {
      while (!channel.is_drained()) {
        got += channel.get_for(std::chrono::microseconds(20)).has_value();
      }
    });
  }
  for (int i = 0; i < kItems; ++i) {
    channel.put(i);
  }
  channel.close();
  for (std::thread& thread : getters) {
    thread.join();
  }
  EXPECT_EQ(got, kItems);
}

TEST(Channel, DestroysWhatIsLeft) {
  const auto item = std::make_shared<int>(0);
  {
    Channel<std::shared_ptr<int>> channel(3);
    channel.put(item);
    channel.put(item);
    channel.get();
    EXPECT_EQ(item.use_count(), 2);
  }
  EXPECT_EQ(item.use_count(), 1);
}

struct Fragile {
  explicit Fragile(int v) : value(v) {}
  Fragile(Fragile&& other) : value(other.value) { // NOLINT(performance-noexcept-move-constructor): that is what is tried
    if (value == throwing) {
      throw std::runtime_error("fragile");
    }
  }
  int value;
  static inline int throwing = 0;
};

TEST(Channel, AMoveThatThrowsLeavesTheChannelAsItWas) {
  Channel<Fragile> channel(4);
  Fragile first(1);
  Fragile second(2);
  EXPECT_TRUE(channel.try_put(std::move(first)));
  Fragile::throwing = 2;
  EXPECT_THROW((void)channel.try_put(std::move(second)), std::runtime_error);
  EXPECT_EQ(channel.size(), 1U);
  Fragile::throwing = 1;
  EXPECT_THROW(channel.try_get(), std::runtime_error);
  EXPECT_EQ(channel.size(), 1U);
  Fragile::throwing = 0;
  EXPECT_EQ(channel.get()->value, 1);
}

} // namespace
} // namespace hasten
