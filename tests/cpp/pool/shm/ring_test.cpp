#include "hasten/pool/shm/ring.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "hasten/pool/shm/doorbell.h"

namespace hasten::pool::shm {
namespace {

constexpr size_t kCapacity = 64;

struct Memory {
  RingIndices indices{};
  Doorbell bell{};
  std::array<char, kCapacity> bytes{};
};

TEST(Ring, WhatIsNotCommittedWasNeverThere) {
  Memory memory;
  {
    RingProducer dying(memory.indices, memory.bytes.data(), kCapacity);
    dying.write("lost", 4);
  }
  RingConsumer consumer(memory.indices, memory.bytes.data(), kCapacity);
  EXPECT_EQ(consumer.available(), 0U);
  RingProducer producer(memory.indices, memory.bytes.data(), kCapacity);
  EXPECT_EQ(producer.room(), kCapacity);
  producer.write("kept", 4);
  producer.commit();
  ASSERT_EQ(consumer.available(), 4U);
  std::array<char, 4> read{};
  consumer.read(read.data(), 4);
  EXPECT_EQ(std::string(read.data(), 4), "kept");
}

TEST(Ring, WhatIsNotReleasedIsReadAgain) {
  Memory memory;
  RingProducer producer(memory.indices, memory.bytes.data(), kCapacity);
  producer.write("abcd", 4);
  producer.commit();
  {
    RingConsumer dying(memory.indices, memory.bytes.data(), kCapacity);
    dying.skip(4);
  }
  EXPECT_EQ(producer.room(), kCapacity - 4);
  RingConsumer consumer(memory.indices, memory.bytes.data(), kCapacity);
  EXPECT_EQ(consumer.available(), 4U);
  EXPECT_EQ(std::memcmp(consumer.peek(4), "abcd", 4), 0);
}

TEST(Ring, BytesWrapAround) {
  Memory memory;
  RingProducer producer(memory.indices, memory.bytes.data(), kCapacity);
  RingConsumer consumer(memory.indices, memory.bytes.data(), kCapacity);
  for (size_t turn = 0; turn < 200; ++turn) {
    const std::string sent(1 + turn % 50, static_cast<char>('a' + turn % 26));
    ASSERT_GE(producer.room(), sent.size());
    producer.write(sent.data(), sent.size());
    producer.commit();
    ASSERT_EQ(consumer.available(), sent.size());
    std::string got(sent.size(), '\0');
    consumer.read(got.data(), got.size());
    consumer.release();
    EXPECT_EQ(got, sent);
  }
}

TEST(Ring, AnIndexThatMakesNoSenseShowsAsMoreThanTheCapacity) {
  Memory memory;
  RingConsumer consumer(memory.indices, memory.bytes.data(), kCapacity);
  memory.indices.head.store(uint64_t{1} << 40);
  EXPECT_GT(consumer.available(), kCapacity);
  RingProducer producer(memory.indices, memory.bytes.data(), kCapacity);
  EXPECT_EQ(producer.room(), 0U);
}

// Both ends as threads over one mapping, so that the thread sanitizer sees every race.
TEST(Ring, TwoThreadsPassEverythingInOrder) {
  auto memory = std::make_unique<Memory>();
  Doorbell room_bell{};
  constexpr uint32_t kCount = 20000;
  std::thread reader([&] {
    RingConsumer consumer(memory->indices, memory->bytes.data(), kCapacity);
    for (uint32_t expected = 0; expected < kCount; ++expected) {
      while (consumer.available() < sizeof expected) {
        memory->bell.sleep(-1, [&] { return consumer.available() >= sizeof expected; });
      }
      uint32_t got = 0;
      consumer.read(&got, sizeof got);
      consumer.release();
      room_bell.ring();
      ASSERT_EQ(got, expected);
    }
  });
  RingProducer producer(memory->indices, memory->bytes.data(), kCapacity);
  for (uint32_t next = 0; next < kCount; ++next) {
    while (producer.room() < sizeof next) {
      room_bell.sleep(-1, [&] { return producer.room() >= sizeof next; });
    }
    producer.write(&next, sizeof next);
    producer.commit();
    memory->bell.ring();
  }
  reader.join();
}

TEST(Doorbell, ASleepEndsWhenItsTimeIsOver) {
  Doorbell bell{};
  bell.sleep(1'000'000, [] { return false; });
  EXPECT_EQ(bell.rung.load(), 0U);
}

TEST(Doorbell, TheSecondLookPreventsASleep) {
  Doorbell bell{};
  bell.sleep(-1, [] { return true; });
}

TEST(Doorbell, OneRingIsEnoughForASleep) {
  Doorbell bell{};
  EXPECT_FALSE(bell.ring());
  bell.sleep(-1, [] { return true; });
  EXPECT_TRUE(bell.ring());
  EXPECT_FALSE(bell.ring());
  bell.sleep(-1, [] { return true; });
  EXPECT_TRUE(bell.ring());
}

TEST(Doorbell, WhoDiesBeforeItWakesTheSleepersLeavesThatToTheNext) {
  Doorbell bell{};
  std::atomic<bool> is_there{false};
  std::thread sleeper([&] {
    while (!is_there) {
      bell.sleep(-1, [&] { return is_there.load(); });
    }
  });
  while (bell.awaited.load() == 0) {
    std::this_thread::yield();
  }
  is_there = true;
  bell.rung.fetch_add(1); // and it died here
  EXPECT_TRUE(bell.ring());
  sleeper.join();
}

} // namespace
} // namespace hasten::pool::shm
