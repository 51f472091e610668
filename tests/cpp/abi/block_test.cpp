#include "hasten/abi/block.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "hasten/abi/large_memory.h"

namespace hasten::abi {
namespace {

int64_t live_blocks() {
  int64_t allocated = 0;
  int64_t freed = 0;
  int64_t bytes = 0;
  hst_block_counts(&allocated, &freed, &bytes);
  return allocated - freed;
}

int64_t live_bytes() {
  int64_t allocated = 0;
  int64_t freed = 0;
  int64_t bytes = 0;
  hst_block_counts(&allocated, &freed, &bytes);
  return bytes;
}

TEST(Block, DataIsAlignedAndWritable) {
  for (const int64_t bytes : {0, 1, 24, 63, 64, 4000, 65535, 65536, 65537, 1'000'000, 5'000'000}) {
    Block* block = hst_block_new(bytes, 0);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(block->refs, 1);
    EXPECT_EQ(block->bytes, bytes);
    EXPECT_EQ(block->owner, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block->data) % 64, 0U);
    std::memset(block->data, 0xff, static_cast<size_t>(bytes));
    hst_block_release(block);
  }
}

TEST(Block, ZeroMeansZeroEvenInReusedMemory) {
  for (const int64_t bytes : {100, 5000, 100'000, 3'000'000}) {
    for (int round = 0; round < 3; ++round) {
      Block* block = hst_block_new(bytes, 1);
      EXPECT_TRUE(std::all_of(block->data, block->data + bytes, [](char c) { return c == 0; }));
      std::memset(block->data, 0xee, static_cast<size_t>(bytes));
      hst_block_release(block);
    }
  }
}

TEST(Block, ImpossibleSizesGiveNull) {
  EXPECT_EQ(hst_block_new(-1, 0), nullptr);
  EXPECT_EQ(hst_block_new(INT64_MAX, 0), nullptr);
  EXPECT_EQ(hst_block_new(int64_t{1} << 55, 0), nullptr);
}

TEST(Block, CountsFollowBlocks) {
  const int64_t blocks = live_blocks();
  const int64_t bytes = live_bytes();
  Block* small = hst_block_new(100, 0);
  Block* large = hst_block_new(100'000, 0);
  EXPECT_EQ(live_blocks(), blocks + 2);
  EXPECT_EQ(live_bytes(), bytes + 100'100);
  hst_block_release(small);
  hst_block_release(large);
  EXPECT_EQ(live_blocks(), blocks);
  EXPECT_EQ(live_bytes(), bytes);
}

TEST(Block, LivesWhileSomebodyHoldsIt) {
  const int64_t blocks = live_blocks();
  Block* block = hst_block_new(8, 0);
  hst_block_retain_atomic(block);
  hst_block_release(block);
  EXPECT_EQ(live_blocks(), blocks + 1);
  hst_block_release_atomic(block);
  EXPECT_EQ(live_blocks(), blocks);
}

TEST(Block, AtomicCountsHoldBetweenThreads) {
  const int64_t blocks = live_blocks();
  Block* block = hst_block_new(8, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([block] {
      for (int i = 0; i < 10'000; ++i) {
        hst_block_retain_atomic(block);
        hst_block_release_atomic(block);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(block->refs, 1);
  hst_block_release(block);
  EXPECT_EQ(live_blocks(), blocks);
}

TEST(Block, ImmortalBlockSurvivesReleases) {
  hst_block_release(&hst_immortal_block);
  hst_block_release_atomic(&hst_immortal_block);
  EXPECT_GT(hst_immortal_block.refs, int64_t{1} << 60);
}

TEST(LargeMemory, FreedPiecesAreReused) {
  drop_kept_large();
  Block* first = hst_block_new(1'000'000, 0);
  const char* data = first->data;
  hst_block_release(first);
  EXPECT_GE(kept_large_bytes(), 1'000'000);
  Block* second = hst_block_new(990'000, 0);
  EXPECT_EQ(second->data, data);
  EXPECT_EQ(kept_large_bytes(), 0);
  hst_block_release(second);
  drop_kept_large();
  EXPECT_EQ(kept_large_bytes(), 0);
}

TEST(LargeMemory, OldestPiecesAreDroppedAtTheBound) {
  drop_kept_large();
  const int64_t piece = most_kept_large_bytes() / 8;
  std::vector<Block*> blocks;
  for (int i = 0; i < 12; ++i) {
    blocks.push_back(hst_block_new(piece, 0));
  }
  const char* youngest = blocks.back()->data;
  for (Block* block : blocks) {
    hst_block_release(block);
  }
  EXPECT_LE(kept_large_bytes(), most_kept_large_bytes());
  EXPECT_GE(kept_large_bytes(), most_kept_large_bytes() / 2);
  Block* again = hst_block_new(piece, 0);
  EXPECT_EQ(again->data, youngest);
  hst_block_release(again);
  drop_kept_large();
}

TEST(LargeMemory, TooBigPiecesAreNotKept) {
  drop_kept_large();
  hst_block_release(hst_block_new(most_kept_large_bytes(), 0));
  EXPECT_EQ(kept_large_bytes(), 0);
}

TEST(LargeMemory, ThreadsShareIt) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 300; ++i) {
        Block* block = hst_block_new(65'536 + 20'000 * ((i + t) % 7), 0);
        std::memset(block->data, t, 64);
        ASSERT_EQ(block->data[63], t);
        hst_block_release(block);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

TEST(LargeMemory, WorksInAForkedChildWhileThreadsAllocate) {
  std::atomic<bool> stop{false};
  std::thread busy([&stop] {
    while (!stop) {
      hst_block_release(hst_block_new(100'000, 0));
    }
  });
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      hst_block_release(hst_block_new(100'000, 0));
      _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  stop = true;
  busy.join();
}

} // namespace
} // namespace hasten::abi
