#include "hasten/process_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <map>
#include <numeric>
#include <poll.h>
#include <set>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace hasten {
namespace {

int add(int a, int b) { return a + b; }
double total(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }
std::map<std::string, size_t> lengths(std::vector<std::string> words) {
  std::map<std::string, size_t> found;
  for (std::string& word : words) {
    const size_t size = word.size();
    found.emplace(std::move(word), size);
  }
  return found;
}
void nothing() {}
int own_pid() { return getpid(); }
int refuse(int number) { throw std::out_of_range("no row " + std::to_string(number)); }
int throw_a_number(int number) { throw number; }
int square_or_die(int number) {
  if (number % 10 == 7) {
    raise(SIGKILL);
  }
  return number * number;
}
int leave(int status) { _exit(status); }
void crash() { raise(SIGSEGV); }
void hang() {
  for (;;) {
    pause();
  }
}
int hang_with(int number) {
  hang();
  return number;
}
std::string repeat(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}
size_t take_memory(size_t bytes) {
  const std::vector<char> memory(bytes, 'x');
  hang();
  return memory.size();
}
int unknown(int number) { return number; }

// Shared with the workers, which are forked from this process.
std::atomic<int>& shared_counter() {
  static auto* counter =
      new (mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) std::atomic<int>(0);
  return *counter;
}
int die_the_first_time() {
  if (shared_counter()++ == 0) {
    raise(SIGKILL);
  }
  return shared_counter();
}
int initialised = 0;
int get_initialised() { return initialised; }

HASTEN_TASK(add);
HASTEN_TASK(total);
HASTEN_TASK(lengths);
HASTEN_TASK(nothing);
HASTEN_TASK(own_pid);
HASTEN_TASK(refuse);
HASTEN_TASK(throw_a_number);
HASTEN_TASK(square_or_die);
HASTEN_TASK(leave);
HASTEN_TASK(crash);
HASTEN_TASK(hang);
HASTEN_TASK(hang_with);
HASTEN_TASK_AS("text, again and again", repeat);
HASTEN_TASK(take_memory);
HASTEN_TASK(die_the_first_time);
HASTEN_TASK(get_initialised);

template <class E, class F> std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(ProcessPool, RunsRegisteredFunctionsInWorkers) {
  ProcessPool pool({.workers = 2});
  EXPECT_EQ(pool.size(), 2U);
  auto sum = pool.submit(add, 2, 3);
  auto of_doubles = pool.submit(total, std::vector<double>{1, 2, 3.5});
  auto of_words = pool.submit(lengths, std::vector<std::string>{"a", "four"});
  auto of_nothing = pool.submit(nothing);
  EXPECT_EQ(sum.get(), 5);
  EXPECT_EQ(of_doubles.get(), 6.5);
  EXPECT_EQ(of_words.get(), (std::map<std::string, size_t>{{"a", 1}, {"four", 4}}));
  of_nothing.get();
  EXPECT_NE(pool.submit(own_pid).get(), getpid());
  pool.wait();
  EXPECT_EQ(pool.pending(), 0U);
}

TEST(ProcessPool, FailuresNameTypeAndMessage) {
  ProcessPool pool({.workers = 1});
  try {
    pool.submit(refuse, 12).get();
    FAIL();
  } catch (const TaskFailed& error) {
    EXPECT_STREQ(error.what(), "no row 12");
    EXPECT_EQ(error.type(), "std::out_of_range");
  }
  try {
    pool.submit(throw_a_number, 1).get();
    FAIL();
  } catch (const TaskFailed& error) {
    EXPECT_EQ(error.type(), "int");
  }
  EXPECT_EQ(pool.submit(add, 1, 1).get(), 2);
}

TEST(ProcessPool, AFunctionThatIsNotRegisteredIsRefused) {
  ProcessPool pool({.workers = 1});
  EXPECT_THAT(message_of<Error>([&] { pool.submit(unknown, 1); }), testing::HasSubstr("HASTEN_TASK"));
  EXPECT_THAT(message_of<Error>([] { detail::Registration("add", unknown); }), testing::HasSubstr("two functions are registered"));
}

TEST(ProcessPool, ADeathCostsOneTask) {
  ProcessPool pool({.workers = 2});
  std::vector<std::future<int>> futures;
  for (int i = 0; i < 40; ++i) {
    futures.push_back(pool.submit(square_or_die, i));
  }
  for (int i = 0; i < 40; ++i) {
    if (i % 10 != 7) {
      EXPECT_EQ(futures[static_cast<size_t>(i)].get(), i * i);
      continue;
    }
    try {
      futures[static_cast<size_t>(i)].get();
      FAIL();
    } catch (const WorkerDied& error) {
      EXPECT_EQ(error.signal(), SIGKILL);
      EXPECT_EQ(error.exit_status(), -1);
      EXPECT_THAT(error.what(), testing::HasSubstr("was ended by signal 9 (Killed) while it ran 'square_or_die'"));
    }
  }
}

TEST(ProcessPool, AnExitCostsOneTask) {
  ProcessPool pool({.workers = 1});
  try {
    pool.submit(leave, 3).get();
    FAIL();
  } catch (const WorkerDied& error) {
    EXPECT_EQ(error.signal(), 0);
    EXPECT_EQ(error.exit_status(), 3);
  }
  EXPECT_EQ(pool.submit(add, 1, 1).get(), 2);
}

TEST(ProcessPool, MapKeepsTheOrder) {
  ProcessPool pool({.workers = 2});
  std::vector<int> items(3000);
  std::iota(items.begin(), items.end(), 0);
  for (const size_t chunk : {0, 1, 7, 5000}) {
    std::erase_if(items, [](int i) { return i % 10 == 7; });
    const std::vector<int> squares = pool.map(square_or_die, items, chunk);
    ASSERT_EQ(squares.size(), items.size());
    for (size_t i = 0; i < items.size(); ++i) {
      ASSERT_EQ(squares[i], items[i] * items[i]);
    }
  }
  EXPECT_TRUE(pool.map(square_or_die, std::vector<int>()).empty());
  EXPECT_EQ(message_of<TaskFailed>([&] { pool.map(refuse, std::vector<int>{5, 6}, 1); }), "no row 5");
}

TEST(ProcessPool, ADeathCostsOneItemOfAMap) {
  ProcessPool pool({.workers = 2});
  std::vector<int> items(100);
  std::iota(items.begin(), items.end(), 0);
  EXPECT_THROW(pool.map(square_or_die, items, 50), WorkerDied);
  EXPECT_EQ(pool.submit(add, 1, 1).get(), 2);
}

TEST(ProcessPool, LargeArgumentsAndResultsTravel) {
  ProcessPool pool({.workers = 1});
  const std::string text(1'000'000, 'x');
  EXPECT_EQ(pool.submit(repeat, text, 3).get(), text + text + text);
}

TEST(ProcessPool, WhatTakesTooLongIsKilled) {
  ProcessPool pool({.workers = 1, .timeout = std::chrono::milliseconds(30)});
  auto late = pool.submit(hang);
  auto next = pool.submit(add, 1, 1);
  EXPECT_THAT(message_of<TaskTimedOut>([&] { late.get(); }), testing::HasSubstr("'hang' took longer"));
  EXPECT_EQ(next.get(), 2);
}

TEST(ProcessPool, WhatTakesTooMuchMemoryIsKilled) {
  ProcessPool pool({.workers = 1, .max_memory = size_t{400} << 20});
  EXPECT_THROW(pool.submit(take_memory, size_t{600} << 20).get(), WorkerOutOfMemory);
}

TEST(ProcessPool, TasksAreRunAgainWhereThatIsWished) {
  shared_counter() = 0;
  ProcessPool pool({.workers = 1, .retries = 1});
  EXPECT_EQ(pool.submit(die_the_first_time).get(), 2);
  EXPECT_THROW(pool.submit(refuse, 1).get(), TaskFailed);
}

TEST(ProcessPool, WorkersAreReplacedAfterSoManyTasks) {
  ProcessPool pool({.workers = 1, .max_tasks_per_worker = 2});
  std::set<int> pids;
  for (int i = 0; i < 6; ++i) {
    pids.insert(pool.submit(own_pid).get());
  }
  EXPECT_EQ(pids.size(), 3U);
}

TEST(ProcessPool, WorkersAreInitialised) {
  ProcessPool pool({.workers = 1, .initializer = [] { initialised = 5; }});
  EXPECT_EQ(pool.submit(get_initialised).get(), 5);
  EXPECT_EQ(initialised, 0);
}

TEST(ProcessPool, WorkersThatNeverStartBreakThePool) {
  ProcessPool pool({.workers = 1, .initializer = [] { throw std::runtime_error("no database"); }});
  EXPECT_THAT(message_of<Error>([&] { pool.submit(add, 1, 1).get(); }), testing::HasSubstr("before it took a task"));
  EXPECT_THROW(pool.submit(add, 1, 1), Error);
}

TEST(ProcessPool, ClosedPoolsFinishAndTakeNothing) {
  ProcessPool pool({.workers = 2});
  auto last = pool.submit(add, 1, 1);
  pool.close();
  EXPECT_THAT(message_of<Error>([&] { pool.submit(add, 1, 1); }), testing::HasSubstr("closed"));
  EXPECT_EQ(last.get(), 2);
}

TEST(ProcessPool, CancelledTasksSaySo) {
  ProcessPool pool({.workers = 1, .timeout = std::chrono::milliseconds(200)});
  auto running = pool.submit(hang);
  std::vector<std::future<int>> waiting;
  for (int i = 0; i < 100; ++i) {
    waiting.push_back(pool.submit(add, i, i));
  }
  pool.cancel();
  EXPECT_THROW(waiting.back().get(), Cancelled);
  EXPECT_THROW(running.get(), Error); // cancelled itself where the worker had not started it
}

TEST(ProcessPool, TerminateKillsWhatRuns) {
  ProcessPool pool({.workers = 2});
  const int worker = pool.submit(own_pid).get();
  auto running = pool.submit(hang);
  auto chunks = std::thread([&] { EXPECT_THROW(pool.map(hang_with, std::vector<int>(1000, 1), 10), Error); });
  while (pool.pending() < 500) {
    std::this_thread::yield();
  }
  pool.terminate();
  EXPECT_THROW(running.get(), Error);
  chunks.join();
  pool.wait();
  while (!pool.pids().empty()) {
    std::this_thread::yield();
  }
  EXPECT_EQ(kill(worker, 0), -1);
}

TEST(ProcessPool, SeveralThreadsSubmit) {
  ProcessPool pool({.workers = 2});
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(pool.submit(add, t, i).get(), t + i);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

TEST(ProcessPool, TwoPoolsLiveSideBySide) {
  ProcessPool first({.workers = 1});
  ProcessPool second({.workers = 1});
  EXPECT_NE(first.submit(own_pid).get(), second.submit(own_pid).get());
}

// Waits until a process that isn't our child has ended.
void wait_for_the_end_of(int pid) {
  const int handle = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (handle < 0) {
    ASSERT_EQ(errno, ESRCH);
    return;
  }
  pollfd ended{.fd = handle, .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&ended, 1, -1), 1);
  close(handle);
}

TEST(ProcessPool, WorkersEndWithTheirParent) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    ProcessPool pool({.workers = 2});
    pool.submit(add, 1, 1).get();
    const std::vector<int> pids = pool.pids();
    if (write(pipe_ends[1], pids.data(), pids.size() * sizeof(int)) > 0) {
      pool.submit(hang).get();
    }
    _exit(1);
  }
  int workers[2]{};
  ASSERT_EQ(read(pipe_ends[0], workers, sizeof workers), static_cast<ssize_t>(sizeof workers));
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  for (const int worker : workers) {
    wait_for_the_end_of(worker);
  }
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST(ProcessPool, AChildOfAForkLearnsThatThePoolIsNotItsOwn) {
  auto pool = std::make_unique<ProcessPool>(ProcessPoolOptions{.workers = 1});
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);
    const std::string message = message_of<Error>([&] { pool->submit(add, 1, 1); });
    pool.reset();
    _exit(message.find("another process") != std::string::npos ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(pool->submit(add, 1, 1).get(), 2);
}

TEST(ProcessPool, ManyDeathsOneAfterTheOther) {
  ProcessPool pool({.workers = 2});
  for (int i = 0; i < 20; ++i) {
    EXPECT_THROW(pool.submit(crash).get(), WorkerDied);
  }
  EXPECT_EQ(pool.submit(add, 1, 1).get(), 2);
}

} // namespace
} // namespace hasten
