#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "hasten/parallel/clock.h"
#include "hasten/parallel/parker.h"
#include "hasten/parallel/ring.h"
#include "hasten/parallel/wait_list.h"
#include "hasten/parallel/work_queue.h"

namespace hasten::parallel {
namespace {

TEST(Parker, AWakeThatComesFirstIsNotLost) {
  Parker parker;
  parker.unpark();
  EXPECT_EQ(parker.park(kForever), Parker::End::kUnparked);
}

TEST(Parker, ADeadlineThatHasPassedEndsTheWait) {
  Parker parker;
  EXPECT_EQ(parker.park(steady_now() - 1), Parker::End::kTimedOut);
  EXPECT_EQ(parker.park(steady_now() + 1'000'000), Parker::End::kTimedOut);
}

TEST(Parker, AnotherThreadWakes) {
  Parker parker;
  std::thread waker([&parker] { parker.unpark(); });
  EXPECT_EQ(parker.park(kForever), Parker::End::kUnparked);
  waker.join();
}

TEST(Parker, ASignalEndsTheWait) {
  struct sigaction quiet = {};
  quiet.sa_handler = [](int) {};
  struct sigaction before;
  sigaction(SIGUSR1, &quiet, &before);
  Parker parker;
  std::atomic<bool> has_returned{false};
  Parker::End end = Parker::End::kUnparked;
  std::thread sleeper([&] {
    end = parker.park(kForever);
    has_returned = true;
  });
  while (!has_returned) {
    pthread_kill(sleeper.native_handle(), SIGUSR1);
    std::this_thread::yield();
  }
  sleeper.join();
  sigaction(SIGUSR1, &before, nullptr);
  EXPECT_EQ(end, Parker::End::kInterrupted);
}

TEST(Parker, TheFirstThreadLooksForSignalsThatDidNotWakeIt) {
  Parker parker;
  EXPECT_EQ(parker.park(kForever), Parker::End::kInterrupted);
  EXPECT_EQ(parker.park(steady_now() + 60'000'000'000), Parker::End::kInterrupted);
}

TEST(WaitList, WakesInTheOrderOfComing) {
  Parker parkers[3];
  ThreadWaiter first(parkers[0]);
  ThreadWaiter second(parkers[1]);
  ThreadWaiter third(parkers[2]);
  WaitList list;
  list.add(first);
  list.add(second);
  list.add(third);
  list.remove(second);
  EXPECT_FALSE(second.is_listed());
  EXPECT_TRUE(list.wake_one());
  EXPECT_TRUE(parkers[0].is_unparked());
  EXPECT_FALSE(parkers[2].is_unparked());
  EXPECT_TRUE(list.wake_one());
  EXPECT_TRUE(parkers[2].is_unparked());
  EXPECT_FALSE(list.wake_one());
  EXPECT_FALSE(parkers[1].is_unparked());
}

TEST(WaitList, WaitersLeaveWhenTheyAreDestroyed) {
  WaitList list;
  Parker parker;
  {
    ThreadWaiter waiter(parker);
    list.add(waiter);
    EXPECT_FALSE(list.empty());
  }
  EXPECT_TRUE(list.empty());
}

// Comes back as often as it is woken.
class Returning final : public Waiter {
public:
  explicit Returning(WaitList& list) : list_(list) {}
  int woken = 0;

private:
  void wake() override {
    ++woken;
    list_.add(*this);
  }
  WaitList& list_;
};

TEST(WaitList, WakingAllDoesNotWakeThoseWhoComeBack) {
  WaitList list;
  Returning first(list);
  Returning second(list);
  list.add(first);
  list.add(second);
  list.wake_all();
  EXPECT_EQ(first.woken, 1);
  EXPECT_EQ(second.woken, 1);
  EXPECT_FALSE(list.empty());
}

TEST(WaitList, AChildProcessFindsItEmpty) {
  WaitList list;
  Parker parker;
  ThreadWaiter waiter(parker);
  list.add(waiter);
  const uint32_t before = process_generation();
  const pid_t child = fork();
  if (child == 0) {
    Parker own;
    ThreadWaiter mine(own);
    bool good = list.empty() && process_generation() == before + 1;
    list.add(mine);
    good = good && list.wake_one() && own.is_unparked() && !parker.is_unparked();
    _exit(good ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(list.empty());
}

TEST(Ring, KeepsTheOrderWhileItGrows) {
  Ring<int> ring;
  for (int i = 0; i < 5; ++i) {
    ring.push_back(i);
  }
  EXPECT_EQ(ring.pop_front(), 0);
  EXPECT_EQ(ring.pop_front(), 1);
  for (int i = 5; i < 40; ++i) {
    ring.push_back(i);
  }
  ring.push_front(1);
  EXPECT_EQ(ring.size(), 39U);
  for (int i = 1; i < 39; ++i) {
    EXPECT_EQ(ring[0], i);
    EXPECT_EQ(ring.pop_front(), i);
  }
  EXPECT_EQ(ring.pop_back(), 39);
  EXPECT_TRUE(ring.empty());
  ring.release();
}

TEST(WorkQueue, OneWorkerIsSummonedAtATime) {
  WorkQueue<int> queue;
  Parker parkers[2];
  ThreadWaiter first(parkers[0]);
  ThreadWaiter second(parkers[1]);
  queue.sleepers().add(first);
  queue.sleepers().add(second);
  queue.push(1);
  queue.push(2);
  EXPECT_TRUE(parkers[0].is_unparked());
  EXPECT_FALSE(parkers[1].is_unparked());
  queue.arrive();
  EXPECT_EQ(queue.pop(), 1);
  queue.summon(); // there is more than the first worker takes
  EXPECT_TRUE(parkers[1].is_unparked());
  queue.release();
}

TEST(WorkQueue, ManyThreadsTakeEachJobOnce) {
  constexpr int kJobs = 20'000;
  std::mutex mutex;
  WorkQueue<int> queue;
  bool is_closed = false;
  std::vector<int> taken(kJobs, 0);
  const auto work = [&] {
    std::unique_lock lock(mutex);
    for (;;) {
      if (!queue.empty()) {
        const int job = queue.pop();
        queue.summon();
        lock.unlock();
        ++taken[static_cast<size_t>(job)];
        lock.lock();
      } else if (is_closed) {
        return;
      } else {
        Parker parker;
        ThreadWaiter waiter(parker);
        queue.sleepers().add(waiter);
        lock.unlock();
        parker.park(kForever);
        lock.lock();
        queue.arrive();
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back(work);
  }
  for (int i = 0; i < kJobs; ++i) {
    const std::lock_guard lock(mutex);
    queue.push(i);
  }
  {
    const std::lock_guard lock(mutex);
    is_closed = true;
    queue.sleepers().wake_all();
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(taken, std::vector<int>(kJobs, 1));
  queue.release();
}

} // namespace
} // namespace hasten::parallel
