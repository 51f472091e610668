#include "hasten/pool/shm/slab.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <thread>
#include <vector>

namespace hasten::pool::shm {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

struct SlabTest : testing::Test {
  Segment segment = Segment::reserve("test", 16 * kMiB);
  std::unique_ptr<Budget> budget = std::make_unique<Budget>();
  std::unique_ptr<ReturnRing> ring = std::make_unique<ReturnRing>();

  explicit SlabTest(uint64_t limit = 8 * kMiB) { budget->limit = limit; }
  Slab slab{segment, kPage, *budget, 3};

  std::string content(const BlockRef& block) const { return {segment.data() + block.offset, block.size}; }
};

TEST_F(SlabTest, BlocksHoldWhatIsWritten) {
  const auto one = slab.allocate(3 * kPage);
  const auto two = slab.allocate(10);
  ASSERT_TRUE(one && two);
  const std::string text(one->size, 'x');
  EXPECT_TRUE(slab.write(*one, 0, text.data(), text.size()));
  EXPECT_TRUE(slab.write(*two, 0, "0123456789", 10));
  EXPECT_EQ(content(*one), text);
  EXPECT_EQ(content(*two), "0123456789");
  EXPECT_EQ(two->offset % kPage, 0U);
  EXPECT_EQ(two->owner, 3U);
}

TEST_F(SlabTest, MemoryIsUsedAgainUnderANewGeneration) {
  const BlockRef one = slab.allocate(kMiB).value();
  ASSERT_TRUE(slab.write(one, 0, std::string(kMiB, 'a').data(), kMiB));
  ring->give(one);
  slab.reclaim(*ring);
  const BlockRef two = slab.allocate(kMiB).value();
  EXPECT_EQ(two.offset, one.offset);
  EXPECT_EQ(two.index, one.index);
  EXPECT_NE(two.generation, one.generation);
  EXPECT_EQ(budget->total(), kMiB);
  ASSERT_TRUE(slab.write(two, 0, std::string(kMiB, 'b').data(), kMiB));
  EXPECT_EQ(content(two), std::string(kMiB, 'b'));
}

long faults_so_far() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

TEST_F(SlabTest, MemoryThatIsUsedAgainCausesNoFaults) {
#ifdef MADV_POPULATE_READ
  if (madvise(segment.data(), kPage, MADV_POPULATE_READ) != 0) {
    GTEST_SKIP() << "the system can't map ahead";
  }
#endif
  const std::string text(4 * kMiB, 'a');
  const BlockRef one = slab.allocate(text.size()).value();
  ASSERT_TRUE(slab.write(one, 0, text.data(), text.size()));
  slab.free(one);
  const BlockRef two = slab.allocate(text.size()).value();
  [[maybe_unused]] const long before = faults_so_far();
  ASSERT_TRUE(slab.write(two, 0, text.data(), text.size()));
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__) // which have pages of their own for what is written
  EXPECT_LT(faults_so_far() - before, 100) << "of " << text.size() / kPage << " pages";
#endif
  EXPECT_EQ(content(two), text);
}

TEST_F(SlabTest, ABlockOfAnEarlierGenerationFreesNothing) {
  const BlockRef old = slab.allocate(10).value();
  slab.free(old);
  const BlockRef young = slab.allocate(10).value();
  slab.free(old);
  ring->give(old);
  slab.reclaim(*ring);
  EXPECT_TRUE(slab.is_live(young));
  EXPECT_FALSE(slab.is_live(old));
}

TEST_F(SlabTest, TheBudgetOfAllOwnersIsNeverExceeded) {
  ASSERT_TRUE(budget->grow(7, 4 * kMiB));
  EXPECT_TRUE(slab.allocate(3 * kMiB));
  EXPECT_FALSE(slab.allocate(2 * kMiB));
  EXPECT_EQ(budget->total(), 7 * kMiB);
  budget->used[7].store(0); // its owner died
  EXPECT_TRUE(slab.allocate(2 * kMiB));
}

TEST_F(SlabTest, NoMoreBlocksThanThereAreIndices) {
  budget->limit = uint64_t{1} << 40;
  const Segment large = Segment::reserve("test", (kMostBlocks + 2) * kPage);
  Slab many(const_cast<Segment&>(large), kPage, *budget, 1);
  std::vector<BlockRef> blocks;
  while (const auto block = many.allocate(1)) {
    blocks.push_back(*block);
  }
  EXPECT_EQ(blocks.size(), kMostBlocks);
  for (const BlockRef& block : blocks) {
    ring->give(block);
  }
  many.reclaim(*ring);
  EXPECT_EQ(many.live_blocks(), 0U);
}

TEST_F(SlabTest, WhatIsLostIsNotUsedAgainAndNotCounted) {
  const BlockRef lost = slab.allocate(kMiB).value();
  slab.lose(lost);
  EXPECT_EQ(budget->total(), 0U);
  const BlockRef next = slab.allocate(kMiB).value();
  EXPECT_GE(next.offset, lost.offset + kMiB);
}

TEST_F(SlabTest, TrimmingGivesTheEndBack) {
  const BlockRef one = slab.allocate(kMiB).value();
  const BlockRef two = slab.allocate(kMiB).value();
  slab.free(two);
  slab.trim();
  EXPECT_EQ(budget->total(), kMiB);
  slab.free(one);
  slab.trim();
  EXPECT_EQ(budget->total(), 0U);
  const BlockRef again = slab.allocate(kMiB).value();
  ASSERT_TRUE(slab.write(again, 0, std::string(kMiB, 'c').data(), kMiB));
  EXPECT_EQ(content(again), std::string(kMiB, 'c'));
}

TEST_F(SlabTest, RandomBlocksNeverOverlap) {
  std::seed_seq seed{7};
  std::mt19937 random(seed);
  std::vector<std::pair<BlockRef, char>> live;
  for (int turn = 0; turn < 3000; ++turn) {
    if (!live.empty() && random() % 2 == 0) {
      std::swap(live[random() % live.size()], live.back());
      const auto [block, letter] = live.back();
      live.pop_back();
      ASSERT_EQ(content(block), std::string(block.size, letter));
      ring->give(block);
      slab.reclaim(*ring);
    } else if (const auto block = slab.allocate(random() % (5 * kPage))) {
      const char letter = static_cast<char>('a' + random() % 26);
      ASSERT_TRUE(slab.write(*block, 0, std::string(block->size, letter).data(), block->size));
      live.emplace_back(*block, letter);
    }
    if (turn % 100 == 0) {
      slab.trim();
    }
  }
  EXPECT_LE(budget->total(), 8 * kMiB);
}

// Both ends as threads over one mapping, so that a race detector sees them.
TEST_F(SlabTest, ReaderAndOwnerRunAtOnce) {
  budget->limit = 64 * kPage;
  constexpr int kBlocks = 20'000;
  struct Slot {
    std::atomic<uint32_t> is_full{0};
    BlockRef block{};
  };
  Slot mailbox;
  std::thread reader([&] {
    for (int i = 0; i < kBlocks; ++i) {
      while (mailbox.is_full.load(std::memory_order_acquire) == 0) {
        std::this_thread::yield();
      }
      const BlockRef block = mailbox.block;
      ASSERT_EQ(content(block), std::string(block.size, static_cast<char>('a' + i % 26)));
      ring->give(block);
      mailbox.is_full.store(0, std::memory_order_release);
    }
  });
  for (int i = 0; i < kBlocks; ++i) {
    std::optional<BlockRef> block;
    while (!block) {
      slab.reclaim(*ring);
      block = slab.allocate(1 + static_cast<size_t>(i % 5000));
    }
    // Through the mapping, since the race detector doesn't see what a system call writes.
    ASSERT_TRUE(slab.write(*block, 0, std::string(block->size, static_cast<char>('a' + i % 26)).data(), block->size));
    while (mailbox.is_full.load(std::memory_order_acquire) != 0) {
      std::this_thread::yield();
    }
    mailbox.block = *block;
    mailbox.is_full.store(1, std::memory_order_release);
  }
  reader.join();
}

TEST(Extents, JoinsNeighboursAndTakesTheSmallestThatFits) {
  Extents extents(0);
  EXPECT_EQ(extents.extend(10 * kPage), 0U);
  extents.give(0, 2 * kPage);
  extents.give(3 * kPage, kPage);
  extents.give(8 * kPage, 2 * kPage);
  EXPECT_EQ(extents.take(kPage), 3 * kPage);
  extents.give(2 * kPage, 6 * kPage);
  EXPECT_EQ(extents.missing(12 * kPage), 2 * kPage);
  EXPECT_EQ(extents.take(11 * kPage), std::nullopt);
  EXPECT_EQ(extents.extend(12 * kPage), 0U);
  EXPECT_EQ(extents.end(), 12 * kPage);
}

TEST(Segment, ReservedMemoryIsThereWhenItWasWrittenOrAllocated) {
  const Segment segment = Segment::reserve("test", size_t{1} << 36);
  EXPECT_EQ(segment.allocate(kPage, kPage), 0);
  segment.data()[kPage] = 'x';
  EXPECT_TRUE(segment.write(size_t{1} << 35, "abc", 3));
  EXPECT_EQ(segment.data()[(size_t{1} << 35) + 2], 'c');
  segment.discard(kPage, kPage);
  EXPECT_EQ(segment.data()[kPage], 0);
}

TEST(Ledger, KnowsWhatIsHeldAndPinned) {
  const auto ledger = std::make_unique<Ledger>();
  const BlockRef block{.owner = 0, .index = 5, .generation = 9, .reserved = 0, .offset = 0, .size = 1};
  BlockRef later = block;
  later.generation = 10;
  ledger->hold(block);
  EXPECT_TRUE(ledger->holds(block));
  EXPECT_FALSE(ledger->holds(later));
  Ledger::Pinned pinned;
  ledger->collect_pinned(&pinned);
  EXPECT_TRUE(pinned.empty());
  ledger->pin(block);
  EXPECT_TRUE(ledger->holds(block));
  ledger->collect_pinned(&pinned);
  EXPECT_EQ(pinned, (Ledger::Pinned{{5, 9}}));
  ledger->drop(block);
  EXPECT_FALSE(ledger->holds(block));
}

} // namespace
} // namespace hasten::pool::shm
