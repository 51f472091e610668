#include "hasten/pool/shm/ready_descriptor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <poll.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace hasten::pool::shm {
namespace {

constexpr int kLong = 20'000; // milliseconds

bool is_readable(const ReadyDescriptor& ready, int milliseconds = 0) {
  pollfd asked{.fd = ready.fd(), .events = POLLIN, .revents = 0};
  return poll(&asked, 1, milliseconds) == 1;
}

bool put(Queue& queue) {
  const Outgoing::Part part{"item", 4};
  return queue.put({.tag = 1, .meta = {}, .parts = {&part, 1}}, WaitFor::kRoom, {}) == PutEnd::kDone;
}

bool take(Queue& queue) {
  SmallItem small;
  return queue.try_get(small) == GetEnd::kSmall;
}

// Whether it has the state within a long time: what another thread or process does is seen when the watching thread has woken.
bool becomes(const ReadyDescriptor& ready, bool is_expected) {
  for (int turn = 0; turn < kLong; ++turn) {
    if (is_readable(ready) == is_expected) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

TEST(ReadyDescriptor, TellsAtOnceOfWhatWasThereAndAfterRefresh) {
  Queue queue = Queue::create({});
  ASSERT_TRUE(put(queue));
  ReadyDescriptor ready(queue);
  EXPECT_TRUE(is_readable(ready));
  ASSERT_TRUE(take(queue));
  ready.refresh();
  EXPECT_FALSE(is_readable(ready));
  ASSERT_TRUE(put(queue));
  ready.refresh();
  EXPECT_TRUE(is_readable(ready));
}

TEST(ReadyDescriptor, FollowsWhatOtherProcessesDo) {
  Queue queue = Queue::create({});
  ReadyDescriptor ready(queue);
  const auto in_a_process = [&](auto act) {
    const pid_t child = fork();
    if (child == 0) {
      _exit(act(queue) ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    return status == 0;
  };
  ASSERT_TRUE(in_a_process(put));
  EXPECT_TRUE(is_readable(ready, kLong));
  ASSERT_TRUE(in_a_process(take));
  EXPECT_TRUE(becomes(ready, false));
}

TEST(ReadyDescriptor, TellsOfTheEnd) {
  Queue queue = Queue::create({});
  ReadyDescriptor ready(queue);
  queue.close(false);
  EXPECT_TRUE(is_readable(ready, kLong));
}

TEST(ReadyDescriptor, AForksCopyEndsWithoutItsThread) {
  Queue queue = Queue::create({});
  auto ready = std::make_unique<ReadyDescriptor>(queue);
  const pid_t child = fork();
  if (child == 0) {
    const bool is_mine = ready->is_mine();
    ready.reset();
    _exit(is_mine ? 1 : 0);
  }
  int status = 1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(ready->is_mine());
}

// Every consumer has a descriptor of its own, as every process has, and sleeps in poll() only.
TEST(ReadyDescriptor, NoItemIsLeftToSleepers) {
  constexpr int kItems = 20'000;
  constexpr int kProducers = 2;
  constexpr int kConsumers = 3;
  Queue queue = Queue::create({});
  std::atomic<int> taken{0};
  std::atomic<bool> is_late{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < kConsumers; ++i) {
    threads.emplace_back([&] {
      ReadyDescriptor ready(queue);
      for (;;) {
        if (!is_readable(ready, kLong)) {
          is_late = true;
          return;
        }
        SmallItem small;
        if (queue.try_get(small) == GetEnd::kSmall) {
          ++taken;
        } else if (queue.is_closed() && queue.items() == 0) {
          return;
        }
        ready.refresh();
      }
    });
  }
  std::vector<std::thread> producers;
  for (int i = 0; i < kProducers; ++i) {
    producers.emplace_back([&] {
      for (int item = 0; item < kItems; ++item) {
        put(queue);
        if (item % 64 == 0) {
          std::this_thread::yield();
        }
      }
    });
  }
  for (std::thread& thread : producers) {
    thread.join();
  }
  queue.close(false);
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_FALSE(is_late);
  EXPECT_EQ(taken, kProducers * kItems);
}

} // namespace
} // namespace hasten::pool::shm
