// The scheduler with workers that are threads of this process, or children that die.
#include "hasten/pool/scheduler.h"

#include <gtest/gtest.h>

#include <csignal>
#include <set>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "hasten/pool/worker_lane.h"

namespace hasten::pool {
namespace {

struct Collected : Sink {
  std::multiset<uint64_t> done;
  std::vector<std::pair<uint64_t, Loss>> losses;
  int ends = 0;
  int kills = 0;

  void result(const Task& task, uint32_t item, uint8_t, const char*, size_t) override { done.insert(task.base + item); }
  void worker_ended(uint64_t, WorkerEnd end) override {
    ++ends;
    kills += end.was_killed ? 1 : 0;
  }
  void lost(const Task& task, uint32_t item, Loss why, uint64_t) override { losses.emplace_back(task.base + item, why); }
};

std::unique_ptr<Task> make_task(uint64_t base, uint32_t items = 1) {
  auto task = std::make_unique<Task>();
  task->body = "payload";
  task->base = base;
  task->end = items;
  return task;
}

std::vector<std::unique_ptr<Task>> make_tasks(uint64_t count) {
  std::vector<std::unique_ptr<Task>> tasks;
  for (uint64_t base = 0; base < count; ++base) {
    tasks.push_back(make_task(base));
  }
  return tasks;
}

WorkerLane worker_of(const Scheduler::Ends& ends) {
  return {base::FileDescriptor(dup(ends.lane_fd)), base::FileDescriptor(dup(ends.bell_fd)), 0};
}

// Runs tasks until it is told to stop.
void work(WorkerLane& lane) {
  for (WorkerLane::Found found{}; (found = lane.take(-1)) != WorkerLane::Found::kStop;) {
    while (found == WorkerLane::Found::kTask && lane.item() < lane.end()) {
      size_t sent = 0;
      while (lane.send(0, "r", 1, &sent) == WorkerLane::Sent::kAgain) {
      }
    }
  }
}

void finish(WorkerLane& lane) {
  size_t sent = 0;
  EXPECT_EQ(lane.send(0, "r", 1, &sent), WorkerLane::Sent::kDone);
}

// Runs what is in a lane; returns how many tasks that were.
size_t run_all(WorkerLane& lane) {
  size_t count = 0;
  for (; lane.take(0) == WorkerLane::Found::kTask; ++count) {
    finish(lane);
  }
  return count;
}

TEST(Scheduler, TwoWorkersDoEverythingOnce) {
  Scheduler scheduler(255);
  const auto first_ends = scheduler.add_lane(0);
  const auto second_ends = scheduler.add_lane(0);
  WorkerLane first_lane = worker_of(first_ends);
  WorkerLane second_lane = worker_of(second_ends);
  std::thread first([&] { work(first_lane); });
  std::thread second([&] { work(second_lane); });
  constexpr uint64_t kTasks = 3000;
  for (uint64_t base = 0; base < kTasks; ++base) {
    scheduler.submit(make_task(base));
  }
  Collected collected;
  while (collected.done.size() < kTasks) {
    if (!scheduler.drain(collected)) {
      scheduler.wait(100'000'000);
    }
  }
  scheduler.stop_workers();
  first.join();
  second.join();
  EXPECT_EQ(std::set<uint64_t>(collected.done.begin(), collected.done.end()).size(), kTasks);
}

TEST(Scheduler, AnIdleWorkerTakesWhatAnotherDoesNotClaim) {
  Scheduler scheduler(255);
  scheduler.add_lane(0); // nobody works here
  const auto ends = scheduler.add_lane(0);
  WorkerLane lane = worker_of(ends);
  std::thread worker([&] { work(lane); });
  for (uint64_t base = 0; base < 20; ++base) {
    scheduler.submit(make_task(base));
  }
  Collected collected;
  while (collected.done.size() < 20) {
    if (!scheduler.drain(collected)) {
      scheduler.wait(100'000'000);
    }
  }
  scheduler.stop_workers();
  worker.join();
}

TEST(Scheduler, ADeadWorkerCostsTheItemThatItClaimed) {
  Scheduler scheduler(255);
  const auto ends = scheduler.add_lane(0);
  const pid_t child = fork();
  if (child == 0) {
    WorkerLane lane = worker_of(ends);
    lane.take(-1);
    raise(SIGKILL);
  }
  scheduler.watch(ends.lane, child, 0);
  scheduler.submit(make_task(0, 3));
  scheduler.submit(make_task(10));
  Collected collected;
  while (collected.ends == 0) {
    scheduler.drain(collected);
    scheduler.wait(100'000'000);
  }
  ASSERT_EQ(collected.losses.size(), 1U);
  EXPECT_EQ(collected.losses.front(), std::make_pair(uint64_t{0}, Loss::kDied));
  EXPECT_EQ(collected.kills, 0);
  EXPECT_FALSE(scheduler.has_lane(ends.lane));
  size_t left = 0;
  for (const auto& task : scheduler.recall(nullptr)) {
    left += task->end - task->first;
  }
  EXPECT_EQ(left, 3U);
  waitpid(child, nullptr, 0);
}

TEST(Scheduler, AnIdleWorkerThatIsAwakeComesFirst) {
  Scheduler scheduler(255);
  WorkerLane sleeper = worker_of(scheduler.add_lane(0));
  WorkerLane awake = worker_of(scheduler.add_lane(0));
  EXPECT_EQ(sleeper.take(1), WorkerLane::Found::kNothing); // it went to sleep once, and nobody has rung since
  for (uint64_t count = 0; count < 3; ++count) {
    scheduler.submit(make_task(count));
    ASSERT_EQ(awake.take(0), WorkerLane::Found::kTask);
    size_t sent = 0;
    ASSERT_EQ(awake.send(0, "r", 1, &sent), WorkerLane::Sent::kDone);
  }
  scheduler.submit(make_task(3));
  ASSERT_EQ(awake.take(0), WorkerLane::Found::kTask);
  scheduler.submit(make_task(4)); // while the other one is busy
  EXPECT_EQ(sleeper.take(0), WorkerLane::Found::kTask);
}

TEST(Scheduler, ManyTasksGoToAllWorkersInTurn) {
  Scheduler scheduler(255);
  std::vector<WorkerLane> workers;
  for (int count = 0; count < 4; ++count) {
    workers.push_back(worker_of(scheduler.add_lane(0)));
  }
  scheduler.submit(make_tasks(6));
  scheduler.submit(make_tasks(34));
  for (WorkerLane& worker : workers) {
    EXPECT_EQ(run_all(worker), 10U);
  }
}

// Where each waits for the other, two workers must have them.
TEST(Scheduler, NeighboursAmongTasksGoToDifferentWorkers) {
  Scheduler scheduler(255);
  WorkerLane first = worker_of(scheduler.add_lane(0));
  WorkerLane second = worker_of(scheduler.add_lane(0));
  scheduler.submit(make_tasks(3 * kSlots)); // more than both have room for
  Collected collected;
  for (uint64_t pair = 0; pair < 3 * kSlots; pair += 2) {
    ASSERT_EQ(first.take(0), WorkerLane::Found::kTask);
    ASSERT_EQ(second.take(0), WorkerLane::Found::kTask);
    finish(first);
    finish(second);
    scheduler.drain(collected);
    ASSERT_TRUE(collected.done.count(pair) == 1 && collected.done.count(pair + 1) == 1) << pair;
  }
}

// A task that comes alone would be behind its neighbour, where it went to the worker that has the least.
TEST(Scheduler, ATaskThatNobodyIsFreeForGoesToTheWorkerWhoseTurnItIs) {
  Scheduler scheduler(255);
  WorkerLane first = worker_of(scheduler.add_lane(0));
  WorkerLane second = worker_of(scheduler.add_lane(0));
  scheduler.submit(make_tasks(4));
  ASSERT_EQ(second.take(0), WorkerLane::Found::kTask);
  finish(second);
  Collected collected;
  scheduler.drain(collected);
  scheduler.submit(make_task(4));
  EXPECT_EQ(run_all(first), 3U);
  EXPECT_EQ(run_all(second), 1U);
}

TEST(Scheduler, AnIdleWorkerTakesTheOldestOfWhatAnotherDoesNotClaim) {
  Scheduler scheduler(255);
  WorkerLane busy = worker_of(scheduler.add_lane(0));
  WorkerLane idle = worker_of(scheduler.add_lane(0));
  idle.take(0); // it is at hand
  scheduler.submit(make_tasks(8));
  EXPECT_EQ(run_all(idle), 4U); // 1, 3, 5 and 7
  ASSERT_EQ(busy.take(0), WorkerLane::Found::kTask);
  Collected collected;
  scheduler.drain(collected);
  ASSERT_EQ(idle.take(0), WorkerLane::Found::kTask);
  finish(idle);
  scheduler.drain(collected);
  EXPECT_EQ(collected.done, (std::multiset<uint64_t>{1, 2, 3, 5, 7})) << "of 2, 4 and 6 the first comes first";
}

TEST(Scheduler, AWorkerWithNothingToDoNeedNotWaitForOneThatIsFull) {
  Scheduler scheduler(255);
  WorkerLane full = worker_of(scheduler.add_lane(0));
  scheduler.submit(make_tasks(kSlots));
  WorkerLane empty = worker_of(scheduler.add_lane(0));
  scheduler.submit(make_tasks(2 * kSlots));
  EXPECT_TRUE(scheduler.has_backlog());
  EXPECT_EQ(run_all(empty), 1U);
  EXPECT_EQ(run_all(full), kSlots);
}

TEST(Scheduler, AGroupsResultsRingOnceForAll) {
  Scheduler scheduler(255);
  const auto ends = scheduler.add_lane(0);
  WorkerLane worker = worker_of(ends);
  shm::Segment segment = shm::Segment::adopt(base::FileDescriptor(dup(ends.bell_fd)));
  const auto& post = *reinterpret_cast<ParentPost*>(segment.data());
  std::vector<std::unique_ptr<Task>> tasks;
  for (uint64_t base = 0; base < kFewTasks + 3; ++base) {
    tasks.push_back(make_task(base));
    tasks.back()->group = 1;
  }
  scheduler.submit(std::move(tasks));
  std::vector<uint32_t> rings;
  for (uint32_t count = 0; count < kFewTasks + 3; ++count) {
    ASSERT_EQ(worker.take(0), WorkerLane::Found::kTask);
    size_t sent = 0;
    ASSERT_EQ(worker.send(0, "r", 1, &sent), WorkerLane::Sent::kDone);
    if (post.has_news != 0) {
      rings.push_back(count);
      Collected collected;
      scheduler.drain(collected);
    }
  }
  EXPECT_EQ(rings, (std::vector<uint32_t>{3, kFewTasks + 2})); // as few are left, and after the last
}

TEST(Scheduler, ATaskWaitsUntilAWorkerClaimsIt) {
  Scheduler scheduler(255);
  const int owner = 0;
  auto task = make_task(0);
  task->owner = const_cast<int*>(&owner);
  scheduler.submit(std::move(task));
  EXPECT_TRUE(scheduler.is_waiting(&owner)); // there is no lane
  const auto ends = scheduler.add_lane(0);
  Collected collected;
  scheduler.drain(collected);
  EXPECT_TRUE(scheduler.is_waiting(&owner)); // in a lane
  WorkerLane lane = worker_of(ends);
  ASSERT_EQ(lane.take(0), WorkerLane::Found::kTask);
  EXPECT_FALSE(scheduler.is_waiting(&owner));
}

TEST(Scheduler, AnOnlyTaskIsRecalledWhereverItIs) {
  Scheduler scheduler(255);
  std::vector<int> owners(300); // more than a lane has room for
  std::vector<Task*> tasks;
  const auto submit = [&](int& owner) {
    std::unique_ptr<Task> task = make_task(tasks.size());
    task->owner = &owner;
    tasks.push_back(task.get());
    scheduler.submit(std::move(task));
  };
  const auto ends = scheduler.add_lane(0);
  for (int& owner : owners) {
    submit(owner);
  }
  ASSERT_TRUE(scheduler.has_backlog());
  WorkerLane lane = worker_of(ends);
  ASSERT_EQ(lane.take(0), WorkerLane::Found::kTask);
  EXPECT_FALSE(scheduler.is_waiting(*tasks.front()));
  EXPECT_EQ(scheduler.recall_only(*tasks.front()), nullptr);
  std::set<uint64_t> recalled;
  for (size_t i = 1; i < tasks.size(); i += 2) {
    EXPECT_TRUE(scheduler.is_waiting(*tasks[i]));
    const auto task = scheduler.recall_only(*tasks[i]);
    ASSERT_NE(task, nullptr);
    EXPECT_EQ(task->owner, &owners[i]);
    recalled.insert(task->base);
  }
  size_t sent = 0;
  lane.send(0, "r", 1, &sent);
  std::thread worker([&] { work(lane); });
  Collected collected;
  while (collected.done.size() + recalled.size() < owners.size()) {
    scheduler.drain(collected);
    scheduler.wait(1'000'000);
  }
  scheduler.stop_workers();
  worker.join();
  for (uint64_t base : collected.done) {
    EXPECT_EQ(base % 2, 0U);
    EXPECT_EQ(recalled.count(base), 0U);
  }
}

TEST(Scheduler, ARecallMaySpareWhatAWorkerBeginsWith) {
  Scheduler scheduler(255);
  const auto ends = scheduler.add_lane(0);
  for (uint64_t base = 0; base < 3; ++base) {
    scheduler.submit(make_task(base));
  }
  EXPECT_EQ(scheduler.recall(nullptr, true).size(), 2U);
  WorkerLane lane = worker_of(ends);
  ASSERT_EQ(lane.take(0), WorkerLane::Found::kTask);
  scheduler.submit(make_task(3));
  EXPECT_EQ(scheduler.recall(nullptr, true).size(), 1U); // it has begun something
}

TEST(Scheduler, AnOverdueItemIsKilled) {
  Scheduler scheduler(255);
  const auto ends = scheduler.add_lane(0);
  const pid_t child = fork();
  if (child == 0) {
    WorkerLane lane = worker_of(ends);
    lane.take(-1);
    for (;;) {
      pause();
    }
  }
  scheduler.watch(ends.lane, child, 0);
  auto task = make_task(5);
  task->timeout = 20'000'000;
  scheduler.submit(std::move(task));
  Collected collected;
  while (collected.losses.empty()) {
    scheduler.drain(collected);
    scheduler.wait(100'000'000);
  }
  EXPECT_EQ(collected.losses.front(), std::make_pair(uint64_t{5}, Loss::kTimedOut));
  EXPECT_EQ(collected.kills, 1);
  waitpid(child, nullptr, 0);
}

} // namespace
} // namespace hasten::pool
