#include "hasten/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <latch>
#include <memory>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace hasten {
namespace {

TEST(ThreadPool, ResultsAndExceptionsComeThroughFutures) {
  ThreadPool pool(2);
  EXPECT_EQ(pool.size(), 2U);
  auto sum = pool.submit([](int a, int b) { return a + b; }, 2, 3);
  auto text = pool.submit(&std::string::size, std::string("four"));
  auto nothing = pool.submit([] {});
  auto failure = pool.submit([]() -> int { throw std::out_of_range("no such row"); });
  EXPECT_EQ(sum.get(), 5);
  EXPECT_EQ(text.get(), 4U);
  nothing.get();
  try {
    failure.get();
    FAIL();
  } catch (const std::out_of_range& error) {
    EXPECT_STREQ(error.what(), "no such row");
  }
}

TEST(ThreadPool, ArgumentsAreMovedOrReferredTo) {
  ThreadPool pool(1);
  int target = 0;
  pool.submit([](int& into, std::unique_ptr<int> from) { into = *from; }, std::ref(target), std::make_unique<int>(7)).get();
  EXPECT_EQ(target, 7);
}

TEST(ThreadPool, TasksThatMeetRunAtTheSameTime) {
  ThreadPool pool(3);
  std::latch all(3);
  std::vector<std::future<void>> futures;
  for (int i = 0; i < 3; ++i) {
    futures.push_back(pool.submit([&] { all.arrive_and_wait(); }));
  }
  for (auto& future : futures) {
    future.get();
  }
}

TEST(ThreadPool, TheDestructorWaitsForWhatWasSubmitted) {
  std::atomic<int> done{0};
  {
    ThreadPool pool(2);
    for (int i = 0; i < 500; ++i) {
      pool.submit([&] { ++done; });
    }
  }
  EXPECT_EQ(done, 500);
}

TEST(ThreadPool, WaitReturnsWhenNothingIsLeft) {
  ThreadPool pool(2);
  std::atomic<int> done{0};
  for (int i = 0; i < 200; ++i) {
    pool.submit([&] { ++done; });
  }
  pool.wait();
  EXPECT_EQ(done, 200);
  EXPECT_EQ(pool.pending(), 0U);
}

TEST(ThreadPool, CancelledTasksSaySo) {
  ThreadPool pool(1);
  std::latch started(1);
  std::latch go_on(1);
  auto running = pool.submit([&] {
    started.count_down();
    go_on.wait();
    return 1;
  });
  started.wait();
  auto waiting = pool.submit([] { return 2; });
  EXPECT_EQ(pool.pending(), 2U);
  EXPECT_EQ(pool.cancel(), 1U);
  go_on.count_down();
  EXPECT_EQ(running.get(), 1);
  EXPECT_THROW(waiting.get(), Cancelled);
  pool.wait();
}

TEST(ThreadPool, AClosedPoolTakesNothingButMapsInTheCaller) {
  ThreadPool pool(2);
  pool.close();
  EXPECT_THROW(pool.submit([] {}), Error);
  EXPECT_EQ(pool.map(std::vector{1, 2, 3}, [](int i) { return 2 * i; }), (std::vector{2, 4, 6}));
}

TEST(ThreadPool, MapKeepsTheOrder) {
  ThreadPool pool(3);
  std::vector<int> items(1000);
  for (int i = 0; i < 1000; ++i) {
    items[static_cast<size_t>(i)] = i;
  }
  const std::vector<std::string> texts = pool.map(items, [](int i) { return std::to_string(i); });
  ASSERT_EQ(texts.size(), 1000U);
  EXPECT_EQ(texts[999], "999");
  const std::vector<bool> odd = pool.map(items, [](int i) { return i % 2 == 1; });
  for (size_t i = 0; i < odd.size(); ++i) {
    ASSERT_EQ(odd[i], i % 2 == 1);
  }
  EXPECT_TRUE(pool.map(std::vector<int>(), [](int i) { return i; }).empty());
  pool.for_each(items, [](int& i) { i += 1; });
  EXPECT_EQ(items[999], 1000);
}

TEST(ThreadPool, MapThrowsTheFirstItemsException) {
  ThreadPool pool(3);
  const std::vector<int> items{0, 1, 2, 3, 4, 5};
  std::latch meet(2);
  try {
    pool.for_each(items, [&](int i) {
      if (i == 1 || i == 2) {
        meet.arrive_and_wait();
        throw std::runtime_error(std::to_string(i));
      }
    });
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "1");
  }
}

TEST(ThreadPool, MapsWithinTasksComeToAnEnd) {
  ThreadPool pool(1);
  const std::vector<int> items{1, 2, 3};
  auto sums = pool.map(items, [&](int i) {
    const auto inner = pool.map(items, [&](int k) { return i * k; });
    return inner[0] + inner[1] + inner[2];
  });
  EXPECT_EQ(sums, (std::vector{6, 12, 18}));
}

TEST(ThreadPool, ThreadsBlockSignals) {
  ThreadPool pool(1);
  EXPECT_TRUE(pool.submit([] {
                    sigset_t mask;
                    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
                    return sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGTERM) == 1;
                  })
                  .get());
}

TEST(ThreadPool, AChildOfAForkLearnsThatItHasNoThreads) {
  auto pool = std::make_unique<ThreadPool>(2);
  pool->submit([] {}).get();
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);
    int status = 1;
    try {
      pool->submit([] {});
    } catch (const Error&) {
      status = 0;
    }
    pool.reset();
    _exit(status);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

} // namespace
} // namespace hasten
