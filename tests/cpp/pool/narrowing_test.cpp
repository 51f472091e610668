// Short tasks are kept to a few workers; long ones, and those that wait for each other, are not.
#include "hasten/pool/narrowing.h"

#include <gtest/gtest.h>

#include <barrier>
#include <deque>
#include <memory>
#include <set>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "hasten/pool/scheduler.h"
#include "hasten/pool/worker_lane.h"

namespace hasten::pool {
namespace {

constexpr int64_t kStall = Narrowing::kStall;

Task make_task(uint32_t group, bool is_awaited = true) {
  Task task;
  task.body = "payload";
  task.group = group;
  task.is_awaited = is_awaited;
  return task;
}

TEST(Narrowing, BeginsWithManyAwaitedTasksOfAGroup) {
  Narrowing narrowing(2);
  const auto begins = [&](const Task& task, size_t tasks, size_t workers) {
    narrowing.begin(task, tasks, workers);
    return narrowing.is_on();
  };
  EXPECT_FALSE(begins(make_task(1), 1000, 2)); // no more workers than keep the processors busy
  EXPECT_FALSE(begins(make_task(2, false), 1000, 10));
  EXPECT_FALSE(begins(make_task(3), 79, 10));
  EXPECT_TRUE(begins(make_task(4), 80, 10));
  EXPECT_TRUE(begins(make_task(4), 1, 10)); // the last of them
  EXPECT_FALSE(begins(make_task(0), 1000, 10));
  EXPECT_FALSE(begins(make_task(4), 1000, 10)); // the rest of what was interrupted
  EXPECT_TRUE(begins(make_task(5), 1000, 10));
}

TEST(Narrowing, EndsWhereResultsAreSlow) {
  Narrowing narrowing(2);
  narrowing.begin(make_task(1), 1000, 10);
  int64_t now = 5 * kStall;
  narrowing.judge(0, true, now);
  for (int window = 0; window < 3; ++window) {
    for (int look = 0; look < 10; ++look) {
      narrowing.judge(10, true, now += kStall / 10);
    }
    EXPECT_TRUE(narrowing.is_on());
  }
  narrowing.judge(99, true, now += kStall);
  EXPECT_FALSE(narrowing.is_on());
}

TEST(Narrowing, DoesNotCountTheTimeWithoutTasks) {
  Narrowing narrowing(2);
  narrowing.begin(make_task(1), 1000, 10);
  narrowing.judge(1, true, kStall);
  narrowing.judge(1, false, 2 * kStall); // the workers had done everything
  narrowing.judge(1, true, 9 * kStall);
  EXPECT_TRUE(narrowing.is_on());
  narrowing.restart();
  narrowing.judge(1, true, 11 * kStall);
  EXPECT_TRUE(narrowing.is_on());
  narrowing.judge(0, true, 12 * kStall);
  EXPECT_FALSE(narrowing.is_on());
}

TEST(Narrowing, DoesNotCountWhatCameWhileNobodyLooked) {
  Narrowing narrowing(2);
  narrowing.begin(make_task(1), 1000, 10);
  narrowing.judge(0, true, kStall);
  narrowing.judge(1, true, 20 * kStall); // this process, or the workers, had no processor
  EXPECT_TRUE(narrowing.is_on());
  narrowing.judge(0, true, 40 * kStall);
  EXPECT_FALSE(narrowing.is_on());
}

TEST(Narrowing, AWorkerIsStalledUntilItsNextResult) {
  ParentLane lane(0, 0);
  const auto post = shm::Segment::create("post", static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  WorkerLane worker(base::FileDescriptor(dup(lane.fd())), base::FileDescriptor(dup(post.fd())), 0);
  int64_t now = 1;
  const auto is_stalled_after = [&](int64_t time) {
    lane.judge(now += time, kStall);
    return lane.is_stalled();
  };
  const auto place = [&] { lane.place(std::make_unique<Task>(make_task(1))); };
  const auto finish = [&] {
    ASSERT_EQ(worker.take(0), WorkerLane::Found::kTask);
    size_t sent = 0;
    worker.send(0, "r", 1, &sent);
    ParentLane::Record record{};
    ASSERT_EQ(lane.read(&record), ParentLane::Read::kRecord);
    lane.take_finished();
  };
  EXPECT_FALSE(is_stalled_after(9 * kStall)); // it has no tasks
  place();
  place();
  EXPECT_FALSE(is_stalled_after(9 * kStall));
  EXPECT_FALSE(is_stalled_after(kStall - 1));
  finish();
  EXPECT_FALSE(is_stalled_after(1));
  EXPECT_TRUE(is_stalled_after(kStall));
  EXPECT_TRUE(is_stalled_after(1));
  finish();
  EXPECT_FALSE(is_stalled_after(1));
  EXPECT_FALSE(is_stalled_after(9 * kStall));
}

struct Count : Sink {
  size_t results = 0;
  void result(const Task&, uint32_t, uint8_t, const char*, size_t) override { ++results; }
  void worker_ended(uint64_t, WorkerEnd) override {}
  void lost(const Task&, uint32_t, Loss, uint64_t) override {}
};

// A scheduler that keeps short tasks to two of its workers.
class Narrowed : public ::testing::Test {
public:
  void add_workers(size_t count) {
    for (; count > 0; --count) {
      const Scheduler::Ends ends = scheduler.add_lane(0);
      workers.emplace_back(base::FileDescriptor(dup(ends.lane_fd)), base::FileDescriptor(dup(ends.bell_fd)), 0);
    }
  }
  void submit(size_t count, const Task& like) {
    std::vector<std::unique_ptr<Task>> tasks;
    for (; count > 0; --count) {
      tasks.push_back(std::make_unique<Task>(like));
    }
    scheduler.submit(std::move(tasks));
  }
  static bool finish_one(WorkerLane& worker) {
    if (worker.take(0) != WorkerLane::Found::kTask) {
      return false;
    }
    size_t sent = 0;
    EXPECT_EQ(worker.send(0, "r", 1, &sent), WorkerLane::Sent::kDone);
    return true;
  }
  // Which workers have something to do. They have done one task then.
  std::set<size_t> busy_workers() {
    std::set<size_t> found;
    for (size_t place = 0; place < workers.size(); ++place) {
      if (finish_one(workers[place])) {
        found.insert(place);
      }
    }
    return found;
  }
  // Lets workers do what comes, each in its thread, until so many results were read.
  template <typename Run> void work(size_t first, size_t results, Run run) {
    std::vector<std::thread> threads;
    for (size_t place = first; place < workers.size(); ++place) {
      threads.emplace_back([this, place, run] {
        WorkerLane& worker = workers[place];
        for (WorkerLane::Found found{}; (found = worker.take(-1)) != WorkerLane::Found::kStop;) {
          if (found == WorkerLane::Found::kTask) {
            run();
            size_t sent = 0;
            worker.send(0, "r", 1, &sent);
          }
        }
      });
    }
    while (count.results < results) {
      if (!scheduler.drain(count)) {
        scheduler.wait(-1);
      }
    }
    scheduler.stop_workers();
    for (std::thread& thread : threads) {
      thread.join();
    }
  }

  Scheduler scheduler{255, 2};
  std::deque<WorkerLane> workers;
  Count count;
};

TEST_F(Narrowed, ShortTasksGoToAFewWorkers) {
  add_workers(6);
  submit(100, make_task(1));
  EXPECT_EQ(busy_workers(), (std::set<size_t>{0, 1}));
  scheduler.drain(count);
  submit(100, make_task(1));
  EXPECT_EQ(busy_workers(), (std::set<size_t>{0, 1}));
}

TEST_F(Narrowed, WorkersThatAreAwakeComeFirst) {
  add_workers(4);
  submit(4, make_task(1));
  EXPECT_EQ(busy_workers().size(), 4U);
  scheduler.drain(count);
  for (const size_t place : {0, 2}) {
    EXPECT_EQ(workers[place].take(1), WorkerLane::Found::kNothing); // it went to sleep once, and nobody has rung since
  }
  submit(100, make_task(2));
  EXPECT_EQ(busy_workers(), (std::set<size_t>{1, 3}));
}

TEST_F(Narrowed, OtherTasksGoToAllWorkers) {
  add_workers(3);
  submit(100, make_task(1, false));
  EXPECT_EQ(busy_workers().size(), 3U);
  scheduler.recall(nullptr);
  submit(23, make_task(2));
  EXPECT_EQ(busy_workers().size(), 3U);
}

TEST_F(Narrowed, ASingleTaskIsForAnyWorker) {
  add_workers(3);
  submit(100, make_task(1));
  submit(1, make_task(0));
  EXPECT_EQ(busy_workers().size(), 3U);
}

TEST_F(Narrowed, ResultsAreReadInBetweenWhereAFewWorkersDoAll) {
  add_workers(2);
  submit(kSlots, make_task(1, false));
  EXPECT_FALSE(scheduler.wants_drain()); // there is room for all
  submit(2 * kSlots, make_task(1, false));
  EXPECT_TRUE(scheduler.wants_drain());
  scheduler.recall(nullptr);
  add_workers(1);
  submit(4 * kSlots, make_task(2, false));
  EXPECT_FALSE(scheduler.wants_drain());
  submit(100, make_task(3));
  EXPECT_FALSE(scheduler.wants_drain()); // what comes before them is for all
  scheduler.recall(nullptr);
  submit(100, make_task(4));
  EXPECT_TRUE(scheduler.wants_drain());
}

TEST_F(Narrowed, AWorkerThatIsStuckIsReplaced) {
  add_workers(4);
  submit(300, make_task(1));
  ASSERT_EQ(workers[0].take(0), WorkerLane::Found::kTask); // and it doesn't end
  size_t done = 0;
  bool has_another = false;
  while (!has_another) { // while worker 1 gets on
    for (int turn = 0; turn < 50; ++turn) {
      done += finish_one(workers[1]) ? 1 : 0;
    }
    scheduler.drain(count);
    submit(50, make_task(1));
    has_another = finish_one(workers[2]) || finish_one(workers[3]);
  }
  scheduler.recall(nullptr);
  size_t sent = 0;
  EXPECT_EQ(workers[0].send(0, "r", 1, &sent), WorkerLane::Sent::kDone);
  scheduler.drain(count);
  EXPECT_EQ(count.results, done + 2);
}

TEST_F(Narrowed, WhatWaitsBehindALongTaskIsDoneByOthers) {
  add_workers(4);
  submit(100, make_task(1));
  ASSERT_EQ(workers[0].take(0), WorkerLane::Found::kTask);
  work(1, 99, [] {});
}

TEST_F(Narrowed, WorkersThatDoNotStartHoldNothingUp) {
  add_workers(5);
  submit(100, make_task(1));
  work(3, 100, [] {});
}

TEST_F(Narrowed, AWorkerThatIsOnItsWayTakesNothingFromOthers) {
  add_workers(3);
  submit(1, make_task(0)); // for worker 0, which doesn't come
  scheduler.drain(count);
  EXPECT_EQ(workers[2].take(1), WorkerLane::Found::kNothing);
  scheduler.drain(count);
  EXPECT_EQ(busy_workers(), (std::set<size_t>{2}));
}

TEST_F(Narrowed, TasksThatWaitForEachOtherMeet) {
  constexpr size_t kWorkers = 6;
  add_workers(kWorkers);
  submit(10 * kWorkers, make_task(1));
  std::barrier<> all(kWorkers);
  work(0, 10 * kWorkers, [&all] { all.arrive_and_wait(); });
}

} // namespace
} // namespace hasten::pool
