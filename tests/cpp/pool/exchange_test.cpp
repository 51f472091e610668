// Both ends in one process: a worker that dies is one that is left as it is at some step, and dropped by the parent.
#include "hasten/pool/exchange.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace hasten::pool {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

std::string text_of(const char* data, size_t size) { return {data, size}; }

struct ExchangeTest : testing::Test {
  std::shared_ptr<Exchange> exchange = std::make_shared<Exchange>(8 * kMiB);
  uint32_t owner = 0;
  std::shared_ptr<WorkerExchange> worker = start();

  std::shared_ptr<WorkerExchange> start() {
    const auto ends = exchange->add_worker();
    owner = ends->owner;
    return std::make_shared<WorkerExchange>(base::FileDescriptor(dup(ends->arguments_fd)), base::FileDescriptor(dup(ends->results_fd)));
  }
  std::shared_ptr<Cargo> send(size_t size, char letter) const {
    auto cargo = exchange->put(size);
    if (cargo != nullptr && cargo->write(0, std::string(size, letter).data(), size)) {
      cargo->is_whole();
    }
    return cargo;
  }
  shm::BlockRef reply(size_t size, char letter) const {
    const auto block = worker->allocate(size);
    EXPECT_TRUE(block && worker->write(*block, 0, std::string(size, letter).data(), size));
    return *block;
  }
};

// --- arguments ---

TEST_F(ExchangeTest, WhatAWorkerChangesNobodyElseSees) {
  const auto cargo = send(kMiB, 'a');
  const auto mine = worker->open(cargo->block(), true);
  mine->data()[5] = 'z';
  const auto again = worker->open(cargo->block(), true);
  EXPECT_EQ(again->data()[5], 'a');
  EXPECT_EQ(cargo->data()[5], 'a');
}

TEST_F(ExchangeTest, ABlockIsUsedAgainWhenTaskAndMappingAreGone) {
  auto cargo = send(kMiB, 'a');
  const shm::BlockRef first = cargo->block();
  auto opened = worker->open(first, true);
  cargo.reset();
  EXPECT_NE(send(kMiB, 'b')->block().offset, first.offset);
  EXPECT_EQ(text_of(opened->data(), 3), "aaa");
  opened.reset();
  EXPECT_EQ(send(kMiB, 'c')->block().offset, first.offset);
}

TEST_F(ExchangeTest, ASecondMappingKeepsTheBlockWhenTheFirstGoes) {
  auto cargo = send(kMiB, 'a');
  const uint64_t offset = cargo->block().offset;
  auto one = worker->open(cargo->block(), true);
  const auto two = worker->open(cargo->block(), true);
  cargo.reset();
  one.reset();
  EXPECT_NE(send(kMiB, 'b')->block().offset, offset);
}

TEST_F(ExchangeTest, ADeadWorkerHoldsNothing) {
  auto cargo = send(kMiB, 'a');
  const uint64_t offset = cargo->block().offset;
  const auto opened = worker->open(cargo->block(), true); // it died in its task, or while it unpickled
  cargo.reset();
  exchange->drop_worker(owner);
  EXPECT_EQ(send(kMiB, 'b')->block().offset, offset);
}

TEST_F(ExchangeTest, WhatAForkOfADeadWorkerMayReadIsNeverUsedAgain) {
  auto early = send(kMiB, 'a');
  auto late = send(kMiB, 'b');
  const auto one = worker->open(early->block(), true);
  const auto two = worker->open(late->block(), true);
  worker->before_fork();
  const std::set<uint64_t> pinned{early->block().offset, late->block().offset};
  early.reset();
  exchange->drop_worker(owner);
  late.reset();
  EXPECT_FALSE(pinned.contains(send(kMiB, 'c')->block().offset));
  EXPECT_FALSE(pinned.contains(send(kMiB, 'd')->block().offset));
}

TEST_F(ExchangeTest, APinnedBlockStaysHeldWhenItsMappingGoes) {
  auto cargo = send(kMiB, 'a');
  const uint64_t offset = cargo->block().offset;
  auto opened = worker->open(cargo->block(), true);
  worker->before_fork();
  opened.reset();
  cargo.reset();
  EXPECT_NE(send(kMiB, 'b')->block().offset, offset);
}

TEST_F(ExchangeTest, WhatWasNotWrittenInFullIsLost) {
  auto cargo = exchange->put(kMiB);
  const uint64_t offset = cargo->block().offset;
  cargo.reset();
  EXPECT_EQ(exchange->bytes_used(), 0U);
  EXPECT_NE(send(kMiB, 'a')->block().offset, offset);
}

TEST_F(ExchangeTest, ArgumentsBeyondTheLimitAreRefusedAtOnce) {
  const auto most = send(7 * kMiB, 'a');
  EXPECT_NE(most, nullptr);
  EXPECT_EQ(exchange->put(2 * kMiB), nullptr);
  EXPECT_EQ(worker->allocate(2 * kMiB), std::nullopt);
  EXPECT_NE(exchange->put(kMiB / 2), nullptr);
}

TEST_F(ExchangeTest, WorkersKeepWhatIsSharedAsLongAsItLives) {
  auto cargo = send(100, 'a');
  const shm::BlockRef block = cargo->block();
  EXPECT_FALSE(worker->may_keep(block));
  cargo->let_keep();
  EXPECT_TRUE(worker->may_keep(block));
  cargo.reset();
  EXPECT_FALSE(worker->may_keep(block));
}

// --- results ---

TEST_F(ExchangeTest, AResultGivesItsBlockBackWhenItGoes) {
  const shm::BlockRef first = reply(kMiB, 'a');
  auto delivery = exchange->receive(first);
  ASSERT_NE(delivery, nullptr);
  EXPECT_EQ(text_of(delivery->data(), 3), "aaa");
  EXPECT_NE(reply(kMiB, 'b').offset, first.offset);
  delivery.reset();
  EXPECT_EQ(reply(kMiB, 'c').offset, first.offset);
}

TEST_F(ExchangeTest, ResultsOutliveTheirWorkerAndTheExchange) {
  const auto delivery = exchange->receive(reply(kMiB, 'a'));
  reply(kMiB, 'b'); // it died before this one was committed
  EXPECT_EQ(exchange->bytes_used(), 2 * kMiB);
  exchange->drop_worker(owner);
  worker.reset();
  exchange.reset();
  EXPECT_EQ(text_of(delivery->data(), kMiB), std::string(kMiB, 'a'));
}

TEST_F(ExchangeTest, MemoryOfADeadWorkerCountsUntilItsResultsAreGone) {
  auto delivery = exchange->receive(reply(kMiB, 'a'));
  exchange->drop_worker(owner);
  EXPECT_EQ(exchange->bytes_used(), kMiB);
  delivery.reset();
  EXPECT_EQ(exchange->bytes_used(), 0U);
  const uint32_t before = owner;
  worker = start();
  EXPECT_EQ(owner, before);
}

TEST_F(ExchangeTest, ManyHeldResultsAreToBeCopied) {
  const auto one = exchange->receive(reply(3 * kMiB, 'a'));
  EXPECT_FALSE(exchange->should_copy());
  const auto two = exchange->receive(reply(2 * kMiB, 'b'));
  EXPECT_TRUE(exchange->should_copy());
}

TEST_F(ExchangeTest, NonsenseIsNotReceived) {
  const shm::BlockRef good = reply(kMiB, 'a');
  for (const auto& spoil : {+[](shm::BlockRef* b) { b->owner = 77; }, +[](shm::BlockRef* b) { b->offset = ~uint64_t{4095}; },
                            +[](shm::BlockRef* b) { b->size = ~uint64_t{0}; }, +[](shm::BlockRef* b) { b->offset = 0; },
                            +[](shm::BlockRef* b) { b->index = shm::kMostBlocks; }}) {
    shm::BlockRef block = good;
    spoil(&block);
    EXPECT_EQ(exchange->receive(block), nullptr);
  }
}

TEST_F(ExchangeTest, AForkAndItsParentDoNotSeeEachOthersChanges) {
  const shm::BlockRef block = reply(kMiB, 'a');
  auto delivery = exchange->receive(block);
  delivery->data()[0] = 'b';
  Exchange::before_fork();
  const pid_t child = fork();
  if (child == 0) {
    const bool saw = delivery->data()[0] == 'b' && delivery->data()[1] == 'a';
    delivery->data()[1] = 'c';
    delivery.reset(); // a copy gives nothing back
    _exit(saw ? 0 : 1);
  }
  delivery->data()[2] = 'd';
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(text_of(delivery->data(), 4), "bada");
  delivery.reset();
  EXPECT_NE(reply(kMiB, 'e').offset, block.offset);
}

} // namespace
} // namespace hasten::pool
