#include "hasten/parallel/loop.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

#include "hasten/parallel/table.h"
#include "hasten/parallel/threads.h"

namespace hasten::parallel {
namespace {

using abi::Env;
using abi::ErrorKind;
using abi::Status;

constexpr float kLong = 1e7F; // ns: an iteration that is worth sharing

void nap(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

class Threads {
public:
  Status note() {
    const std::lock_guard lock(mutex_);
    seen_.insert(std::this_thread::get_id());
    return Status::kOk;
  }
  size_t count() const { return seen_.size(); }

private:
  std::mutex mutex_;
  std::set<std::thread::id> seen_;
};

size_t threads_of_a_long_loop() {
  Env env;
  Threads threads;
  parallel_for(&env, 40, kLong, [&](Env*, int64_t, int64_t) {
    nap(3);
    return threads.note();
  });
  return threads.count();
}

TEST(Partition, CoversTheLoopInOrder) {
  for (const int64_t n : {1, 2, 3, 7, 16, 17, 100, 12345}) {
    for (const int threads : {1, 2, 3, 64}) {
      const Partition partition(n, chunks_for(n, threads));
      EXPECT_EQ(partition.begin(0), 0);
      EXPECT_EQ(partition.begin(partition.chunks()), n);
      for (int32_t k = 0; k < partition.chunks(); ++k) {
        EXPECT_LT(partition.begin(k), partition.begin(k + 1));
      }
    }
  }
  EXPECT_EQ(chunks_for(0, 4), 0);
  EXPECT_EQ(chunks_for(-5, 4), 0);
  EXPECT_EQ(chunks_for(-5, 1), 0);
}

TEST(ParallelFor, EveryIterationRunsOnce) {
  for (const float cost : {0.0F, 0.001F, kLong}) {
    for (const int64_t n : {0, 1, 2, 5, 1000, 100'000}) {
      std::vector<std::atomic<int>> runs(static_cast<size_t>(n));
      Env env;
      const Status status = parallel_for(&env, n, cost, [&](Env*, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          ++runs[static_cast<size_t>(i)];
        }
        return Status::kOk;
      });
      EXPECT_EQ(status, Status::kOk);
      for (const auto& count : runs) {
        ASSERT_EQ(count, 1);
      }
    }
  }
}

TEST(ParallelFor, UsesEveryThread) { EXPECT_EQ(threads_of_a_long_loop(), static_cast<size_t>(max_threads())); }

TEST(ParallelFor, CheapLoopsStayInTheCallersThread) {
  bool alone = false;
  for (int round = 0; round < 20 && !alone; ++round) { // a busy machine may make any single loop seem long
    Env env;
    nap(20); // the team goes to sleep
    Threads threads;
    parallel_for(&env, 50, 1.0F, [&](Env*, int64_t, int64_t) { return threads.note(); });
    alone = threads.count() == 1;
  }
  EXPECT_TRUE(alone);
}

TEST(ParallelFor, LoopsOfUnknownCostAreSharedOnceTheyProveLong) {
  if (max_threads() == 1) {
    GTEST_SKIP() << "one core";
  }
  Env env;
  Threads threads;
  parallel_for(&env, 10'000, 0, [&](Env*, int64_t, int64_t) {
    nap(2);
    return threads.note();
  });
  EXPECT_GT(threads.count(), 1U);
}

TEST(ParallelFor, NestedLoopsRunInsideTheirChunk) {
  Env env;
  const Status status = parallel_for(&env, 8, kLong, [&](Env* e, int64_t, int64_t) {
    EXPECT_EQ(hst_parallel_chunks(1000), 1);
    const auto outer = std::this_thread::get_id();
    return parallel_for(e, 1000, kLong, [&](Env*, int64_t begin, int64_t end) {
      EXPECT_EQ(std::this_thread::get_id(), outer);
      EXPECT_EQ(end - begin, 1000);
      return Status::kOk;
    });
  });
  EXPECT_EQ(status, Status::kOk);
}

TEST(ParallelFor, ThreadsHaveNumbersAndTheCallersLimit) {
  Env env;
  std::atomic<int> wrong{0};
  parallel_for(&env, 40, kLong, [&](Env*, int64_t, int64_t) {
    nap(1);
    wrong += hst_get_thread_id() < 0 || hst_get_thread_id() >= hst_get_num_threads();
    return Status::kOk;
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(hst_get_thread_id(), 0);
}

// Threads that sleep are woken off the caller's processor; that must not last.
TEST(ParallelFor, WokenThreadsMayUseAllProcessors) {
  Env env;
  cpu_set_t usual;
  ASSERT_EQ(sched_getaffinity(0, sizeof usual, &usual), 0);
  std::atomic<int> wrong{0};
  for (int round = 0; round < 3; ++round) {
    nap(20); // they fall asleep
    parallel_for(&env, 8, kLong, [&](Env*, int64_t, int64_t) {
      cpu_set_t own;
      wrong += sched_getaffinity(0, sizeof own, &own) != 0 || !CPU_EQUAL(&own, &usual);
      nap(1);
      return Status::kOk;
    });
  }
  EXPECT_EQ(wrong, 0);
}

TEST(ParallelFor, TheLowestIterationsErrorWins) {
  for (int round = 0; round < 20; ++round) {
    Env env;
    const Status status = parallel_for(&env, 16, kLong, [&](Env* e, int64_t begin, int64_t) {
      if (begin == 5) {
        nap(4); // fails last
        return abi::fail(e, ErrorKind::kIndexError, "at %d", 5);
      }
      return begin > 5 ? abi::fail(e, ErrorKind::kValueError, "at %d", static_cast<int>(begin)) : Status::kOk;
    });
    EXPECT_EQ(status, Status::kRuntimeError);
    EXPECT_EQ(env.error, ErrorKind::kIndexError);
    EXPECT_STREQ(env.message, "at 5");
  }
}

TEST(ParallelFor, AnErrorStopsLaterChunks) {
  Env env;
  const int others = max_threads() - 1;
  std::atomic<int> running{0};
  std::atomic<int> cancelled{0};
  const Status status = parallel_for(&env, 16, kLong, [&](Env* e, int64_t begin, int64_t) {
    if (begin == 0) {
      for (int i = 0; i < 20'000 && running < others; ++i) { // threads start when the system lets them
        nap(1);
      }
      return abi::fail(e, ErrorKind::kValueError, "first");
    }
    ++running;
    for (int i = 0; i < 20'000; ++i) {
      if (hst_poll(e) == static_cast<int32_t>(Status::kCancelled)) {
        ++cancelled;
        return Status::kCancelled;
      }
      nap(1);
    }
    return Status::kOk;
  });
  EXPECT_EQ(status, Status::kRuntimeError);
  EXPECT_STREQ(env.message, "first");
  EXPECT_EQ(cancelled, others);
  EXPECT_EQ(env.cancel, nullptr);
}

int32_t interrupt(Env*) { return static_cast<int32_t>(Status::kPythonError); }

TEST(ParallelFor, TheCallerHearsSignalsWhileOthersWork) {
  if (max_threads() == 1) {
    GTEST_SKIP() << "one core";
  }
  abi::set_poll_hook(interrupt);
  Env env;
  env.flags = abi::kMainThread;
  hst_poll(&env);
  const auto caller = std::this_thread::get_id();
  std::atomic<bool> other_runs{false};
  const Status status = parallel_for(&env, 2, kLong, [&](Env* e, int64_t, int64_t) {
    if (std::this_thread::get_id() == caller) {
      for (int i = 0; i < 20'000 && !other_runs; ++i) { // threads start when the system lets them
        nap(1);
      }
      return Status::kOk;
    }
    other_runs = true;
    while (hst_poll(e) == 0) {
      nap(1);
    }
    return Status::kCancelled;
  });
  abi::set_poll_hook(nullptr);
  EXPECT_EQ(status, Status::kPythonError);
}

TEST(ParallelFor, HelpersBlockSignals) {
  Env env;
  const auto caller = std::this_thread::get_id();
  std::atomic<int> open{0};
  parallel_for(&env, 40, kLong, [&](Env*, int64_t, int64_t) {
    nap(1);
    if (std::this_thread::get_id() != caller) {
      sigset_t mask;
      pthread_sigmask(SIG_SETMASK, nullptr, &mask);
      open += sigismember(&mask, SIGINT) == 0 || sigismember(&mask, SIGTERM) == 0;
    }
    return Status::kOk;
  });
  EXPECT_EQ(open, 0);
}

TEST(ParallelFor, SeveralCallersShareTheTeam) {
  std::vector<std::thread> callers;
  std::atomic<int64_t> sum{0};
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        Env env;
        parallel_for(&env, 1000, kLong, [&](Env*, int64_t begin, int64_t end) {
          sum += end - begin;
          return Status::kOk;
        });
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(sum, 4 * 50 * 1000);
}

TEST(ParallelFor, ChildrenUseEveryCoreToo) {
  ASSERT_EQ(threads_of_a_long_loop(), static_cast<size_t>(max_threads()));
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);
    _exit(threads_of_a_long_loop() == static_cast<size_t>(max_threads()) ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

#ifndef __SANITIZE_THREAD__ // which takes a thread of the child for the one of the parent that has the same handle
TEST(ParallelFor, ChildrenOfABusyProcessUseEveryCoreToo) {
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) {
      threads_of_a_long_loop();
    }
  });
  for (int i = 0; i < 5; ++i) {
    nap(2);
    const pid_t child = fork();
    if (child == 0) {
      alarm(30);
      _exit(threads_of_a_long_loop() == static_cast<size_t>(max_threads()) ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  stop = true;
  busy.join();
}
#endif

TEST(ParallelReduce, GivesTheSameBitsInEveryRun) {
  std::vector<float> values(200'000);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = 1.0F / static_cast<float>(i + 1);
  }
  const auto sum = [&](float cost) {
    Env env;
    float result = 0;
    parallel_reduce(
        &env, static_cast<int64_t>(values.size()), cost, &result,
        [&](Env*, int64_t begin, int64_t end, float* part) {
          *part = std::accumulate(values.begin() + begin, values.begin() + end, 0.0F);
          return Status::kOk;
        },
        [](float& a, const float& b) { a += b; });
    return result;
  };
  const float expected = sum(0.0001F);
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(sum(kLong), expected);
  }
}

int32_t count_body(Env*, const void* captures, void* partial, int64_t begin, int64_t end) {
  *static_cast<int64_t*>(partial) = (end - begin) * *static_cast<const int64_t*>(captures);
  return 0;
}

TEST(AbiLoop, FillsOnePartialForEachChunk) {
  const int64_t factor = 3;
  for (const int64_t n : {0, 1, 10, 100'000}) {
    Env env;
    const int32_t most = hst_parallel_chunks(n);
    std::vector<int64_t> partials(static_cast<size_t>(most) + 1, -1);
    int32_t chunks = -1;
    EXPECT_EQ(hst_parallel_for(&env, n, count_body, &factor, partials.data(), sizeof(int64_t), most, &chunks), 0);
    EXPECT_LE(chunks, most);
    EXPECT_EQ(std::accumulate(partials.begin(), partials.begin() + chunks, int64_t{0}), 3 * n);
    EXPECT_EQ(partials.back(), -1);
  }
}

TEST(NumThreads, LimitsLoopsOfThisThreadOnly) {
  Env env;
  EXPECT_EQ(hst_set_num_threads(&env, 0), static_cast<int32_t>(Status::kRuntimeError));
  EXPECT_EQ(env.error, ErrorKind::kValueError);
  EXPECT_EQ(std::string(env.message), "The number of threads must be between 1 and " + std::to_string(max_threads()));
  EXPECT_NE(hst_set_num_threads(&env, max_threads() + 1), 0);
  ASSERT_EQ(hst_set_num_threads(&env, 1), 0);
  EXPECT_EQ(hst_get_num_threads(), 1);
  EXPECT_EQ(hst_parallel_chunks(1000), 1);
  EXPECT_EQ(threads_of_a_long_loop(), 1U);
  std::thread other([] { EXPECT_EQ(hst_get_num_threads(), max_threads()); });
  other.join();
  ASSERT_EQ(hst_set_num_threads(&env, max_threads()), 0);
}

TEST(ParallelTable, NamesAreUniqueAndBound) {
  std::set<std::string_view> names;
  for (const auto& [name, address] : parallel_symbols()) {
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_NE(address, nullptr) << name;
  }
  EXPECT_TRUE(names.contains("hst_parallel_for"));
}

} // namespace
} // namespace hasten::parallel
