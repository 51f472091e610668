#include "hasten/pool/kept_memory.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

namespace hasten::pool {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

struct KeptMemoryTest : testing::Test {
  Exchange exchange{64 * kMiB, 8 * kMiB};
  Exchange::Ends ends = exchange.add_worker().value();
  std::shared_ptr<WorkerExchange> worker =
      std::make_shared<WorkerExchange>(base::FileDescriptor(dup(ends.arguments_fd)), base::FileDescriptor(dup(ends.results_fd)));
  KeptMemory kept{worker};

  void* keep(size_t size) {
    void* block = std::malloc(size);
    EXPECT_TRUE(kept.keep(block));
    return block;
  }
};

TEST_F(KeptMemoryTest, GivesWhatItKeepsOnce) {
  EXPECT_TRUE(kept.is_empty());
  void* block = keep(2 * kMiB);
  EXPECT_FALSE(kept.is_empty());
  EXPECT_EQ(kept.take(2 * kMiB), block);
  EXPECT_EQ(kept.take(2 * kMiB), nullptr);
  std::free(block);
}

TEST_F(KeptMemoryTest, ABlockIsNotMuchLargerThanWhatIsAskedFor) {
  void* larger = keep(4 * kMiB);
  void* smaller = keep(4 * kMiB - 8192);
  EXPECT_EQ(kept.take(5 * kMiB), nullptr);
  EXPECT_EQ(kept.take(3 * kMiB), nullptr);
  EXPECT_EQ(kept.take(4 * kMiB - 8192), smaller);
  EXPECT_EQ(kept.take(4 * kMiB - 8192), larger);
  std::free(larger);
  std::free(smaller);
}

TEST_F(KeptMemoryTest, SmallBlocksAreLeftToTheCaller) {
  void* block = std::malloc(KeptMemory::kLeast / 2);
  EXPECT_FALSE(kept.keep(block));
  EXPECT_EQ(kept.take(KeptMemory::kLeast / 2), nullptr);
  std::free(block);
}

TEST_F(KeptMemoryTest, TheOldestGoWhereThereIsTooMuch) {
  for (int i = 0; i < 10; ++i) {
    keep(2 * kMiB);
    EXPECT_LE(exchange.bytes_used(), 8 * kMiB);
  }
  void* latest = keep(3 * kMiB);
  EXPECT_EQ(kept.take(3 * kMiB), latest);
  void* too_large = std::malloc(9 * kMiB);
  EXPECT_FALSE(kept.keep(too_large));
  std::free(latest);
  std::free(too_large);
}

TEST_F(KeptMemoryTest, CountsAsTheSlabsDo) {
  keep(2 * kMiB);
  EXPECT_GE(exchange.bytes_used(), 2 * kMiB);
  kept.drop();
  EXPECT_EQ(exchange.bytes_used(), 0U);
  EXPECT_TRUE(kept.is_empty());
  const auto arguments = exchange.bytes_used();
  ASSERT_TRUE(worker->allocate(31 * kMiB)); // the slabs have nearly half of what they may have
  void* block = std::malloc(2 * kMiB);
  EXPECT_FALSE(kept.keep(block));
  EXPECT_EQ(exchange.bytes_used(), arguments + 31 * kMiB);
  std::free(block);
}

TEST_F(KeptMemoryTest, AForkHasNone) {
  keep(2 * kMiB);
  const pid_t child = fork();
  if (child == 0) {
    void* block = std::malloc(2 * kMiB);
    const bool has_none = kept.take(2 * kMiB) == nullptr && !kept.keep(block);
    kept.drop();
    _exit(has_none ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_GE(exchange.bytes_used(), 2 * kMiB);
}

} // namespace
} // namespace hasten::pool
