#include "hasten/parallel/value_channel.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

#include "hasten/parallel/clock.h"

namespace hasten::parallel {
namespace {

using End = ValueChannel::End;
using Item = ValueChannel::Item;

constexpr ItemType kNumber{abi::TypeNum::kInt64, 8, 0};
constexpr ItemType kMatrix{abi::TypeNum::kInt32, 4, 2};

Item number(uint64_t value) { return {{value, 0}, 8}; }

TEST(ValueChannel, HandsOverInOrderUntilItIsClosed) {
  ValueChannel channel(kNumber, 0, 0);
  for (uint64_t i = 0; i < 3; ++i) {
    ASSERT_EQ(channel.put(number(i), 0), End::kDone);
  }
  channel.close(false);
  EXPECT_EQ(channel.put(number(3), kForever), End::kClosed);
  Item item{};
  for (uint64_t i = 0; i < 3; ++i) {
    ASSERT_EQ(channel.get(&item, kForever), End::kDone);
    EXPECT_EQ(item.words[0], i);
  }
  EXPECT_EQ(channel.get(&item, kForever), End::kClosed);
}

TEST(ValueChannel, WaitsNoLongerThanTheDeadline) {
  ValueChannel channel(kNumber, 1, 0);
  Item item{};
  EXPECT_EQ(channel.get(&item, 0), End::kTimedOut);
  EXPECT_EQ(channel.get(&item, steady_now() + 1'000'000), End::kTimedOut);
  ASSERT_EQ(channel.put(number(1), 0), End::kDone);
  EXPECT_EQ(channel.put(number(2), 0), End::kTimedOut);
  EXPECT_EQ(channel.put(number(2), steady_now() + 1'000'000), End::kTimedOut);
  EXPECT_EQ(channel.size(), 1);
}

TEST(ValueChannel, BoundsItsBytesButLetsALargeItemTravelAlone) {
  ValueChannel channel(kNumber, 0, 20);
  ASSERT_EQ(channel.put({{1, 0}, 100}, 0), End::kDone);
  EXPECT_EQ(channel.put(number(2), 0), End::kTimedOut);
  Item item{};
  ASSERT_EQ(channel.get(&item, 0), End::kDone);
  EXPECT_EQ(channel.put(number(3), 0), End::kDone);
  EXPECT_EQ(channel.put(number(4), 0), End::kDone);
  EXPECT_EQ(channel.put(number(5), 0), End::kTimedOut);
  EXPECT_EQ(channel.bytes(), 16);
}

TEST(ValueChannel, ManyThreadsLoseNothing) {
  constexpr uint64_t kItems = 2000;
  constexpr size_t kThreads = 3;
  ValueChannel channel(kNumber, 4, 0);
  std::atomic<uint64_t> sum{0};
  std::atomic<uint64_t> count{0};
  std::vector<std::thread> producers;
  std::vector<std::thread> consumers;
  for (size_t i = 0; i < kThreads; ++i) {
    producers.emplace_back([&channel] {
      for (uint64_t value = 0; value < kItems; ++value) {
        ASSERT_EQ(channel.put(number(value), kForever), End::kDone);
      }
    });
    consumers.emplace_back([&] {
      Item item{};
      while (channel.get(&item, kForever) == End::kDone) {
        sum += item.words[0];
        ++count;
      }
    });
  }
  for (std::thread& producer : producers) {
    producer.join();
  }
  channel.close(false);
  for (std::thread& consumer : consumers) {
    consumer.join();
  }
  EXPECT_EQ(count, kThreads * kItems);
  EXPECT_EQ(sum, kThreads * (kItems * (kItems - 1) / 2));
}

TEST(ValueChannel, CopiesArraysIntoCOrder) {
  std::array<int32_t, 6> data{0, 1, 2, 3, 4, 5};
  std::array<int64_t, 2> shape{3, 2};
  std::array<int64_t, 2> strides{4, 12}; // the transpose of a 2×3 array
  const abi::ArrayView array{nullptr, reinterpret_cast<char*>(data.data()), shape.data(), strides.data(), 2, kMatrix.dtype};
  ValueChannel channel(kMatrix, 0, 0);
  Item item{};
  ASSERT_TRUE(channel.copied(array, &item));
  EXPECT_EQ(item.bytes, 24);
  data.fill(9);
  ASSERT_EQ(channel.put(item, 0), End::kDone);
  ASSERT_EQ(channel.get(&item, 0), End::kDone);
  std::array<int64_t, 2> got_shape{};
  std::array<int64_t, 2> got_strides{};
  abi::ArrayView got{nullptr, nullptr, got_shape.data(), got_strides.data(), 2, kMatrix.dtype};
  channel.open(item, &got);
  EXPECT_EQ(got_shape, shape);
  EXPECT_EQ(got_strides, (std::array<int64_t, 2>{8, 4}));
  const auto* items = reinterpret_cast<const int32_t*>(got.data);
  EXPECT_EQ(std::vector<int32_t>(items, items + 6), (std::vector<int32_t>{0, 3, 1, 4, 2, 5}));
  channel.drop(item);
}

TEST(ValueChannel, GivesUpWhatNobodyTook) {
  int64_t allocated = 0;
  int64_t freed = 0;
  int64_t before = 0;
  int64_t after = 0;
  abi::hst_block_counts(&allocated, &freed, &before);
  for (const bool discards : {false, true}) {
    std::array<int64_t, 2> shape{0, 5};
    std::array<int64_t, 2> strides{20, 4};
    const abi::ArrayView array{nullptr, nullptr, shape.data(), strides.data(), 2, kMatrix.dtype};
    ValueChannel channel(kMatrix, 0, 0);
    Item item{};
    ASSERT_TRUE(channel.copied(array, &item));
    ASSERT_EQ(channel.put(item, 0), End::kDone);
    channel.close(discards);
  }
  abi::hst_block_counts(&allocated, &freed, &after);
  EXPECT_EQ(before, after);
}

class Bell final : public Waiter {
public:
  int rings = 0;

private:
  void wake() override { ++rings; }
};

TEST(ValueChannel, TellsWatchersOnce) {
  ValueChannel channel(kNumber, 1, 0);
  Bell bell;
  channel.watch(bell, false);
  EXPECT_EQ(bell.rings, 0);
  ASSERT_EQ(channel.put(number(1), 0), End::kDone);
  EXPECT_EQ(bell.rings, 1);
  channel.watch(bell, false); // there is an item already
  EXPECT_EQ(bell.rings, 2);
  channel.watch(bell, true);
  channel.unwatch(bell);
  Item item{};
  ASSERT_EQ(channel.get(&item, 0), End::kDone);
  EXPECT_EQ(bell.rings, 2);
}

TEST(ValueChannel, AForkedChildHasAChannelOfItsOwn) {
  ValueChannel channel(kNumber, 0, 0);
  std::atomic<bool> stops{false};
  std::thread busy([&] {
    Item item{};
    while (!stops) {
      (void)channel.put(number(1), 0);
      (void)channel.get(&item, 0);
    }
  });
  for (int round = 0; round < 20; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      Item item{};
      while (channel.get(&item, 0) == End::kDone) {
      }
      const bool works = channel.put(number(7), 0) == End::kDone && channel.get(&item, 0) == End::kDone && item.words[0] == 7;
      _exit(works ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  stops = true;
  busy.join();
}

} // namespace
} // namespace hasten::parallel
