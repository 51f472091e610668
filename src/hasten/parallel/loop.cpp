#include "hasten/parallel/loop.h"

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>

#include "hasten/base/thread.h"
#include "hasten/parallel/clock.h"
#include "hasten/parallel/team.h"
#include "hasten/parallel/threads.h"

namespace hasten::parallel {
namespace {

using abi::Env;
using abi::Status;

// What must be left to do for sharing to pay, where threads have to be woken, and where they look out for work.
constexpr float kPaysAsleep = 40'000; // ns
constexpr float kPaysAwake = 8'000;
constexpr float kTooShortToTell = 2'000; // ns: the first chunks may just be cold
constexpr int64_t kStackReserve = 128 * 1024;

// What an iteration of a body took the last time, so that a loop of few, long iterations is shared from the first. Only a hint: entries
// may be overwritten by other bodies at any moment.
class Costs {
public:
  float find(abi::LoopBody body) const {
    const Entry& entry = entries_[index(body)];
    return entry.body.load(std::memory_order_relaxed) == body ? entry.cost.load(std::memory_order_relaxed) : 0;
  }
  void remember(abi::LoopBody body, float cost) {
    Entry& entry = entries_[index(body)];
    entry.cost.store(cost, std::memory_order_relaxed);
    entry.body.store(body, std::memory_order_relaxed);
  }

private:
  struct Entry {
    std::atomic<abi::LoopBody> body{nullptr};
    std::atomic<float> cost{0};
  };
  static size_t index(abi::LoopBody body) { return (reinterpret_cast<uintptr_t>(body) >> 4) * 0x9e3779b97f4a7c15ULL >> 56; }

  std::array<Entry, 256> entries_;
};

constinit Costs costs;

// The lowest address that recursion in this thread may reach.
int64_t stack_limit() {
  const int64_t lowest = base::lowest_stack_address();
  return lowest == 0 ? 0 : lowest + kStackReserve;
}

void copy_error(const Env& from, Env* to) {
  to->site = from.site;
  to->error = from.error;
  to->trace_count = from.trace_count;
  std::memcpy(to->trace, from.trace, sizeof to->trace);
  std::memcpy(to->payload, from.payload, sizeof to->payload);
  std::memcpy(to->message, from.message, sizeof to->message);
}

// Makes this thread one of a loop's while it lives.
class Inside {
public:
  Inside(int seat, int limit, std::atomic<uint64_t>* seed) : before_(place()) { place() = Place{limit, seat, true, 0, seed, false}; }
  ~Inside() { place() = before_; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

private:
  Place before_;
};

class Loop final : public Job {
public:
  Loop(Env* env, const Partition& partition, const LoopCall& call, int threads)
      : Job(threads), env_(env), partition_(partition), call_(call) {}

  int32_t run();
  void work(int seat) override;
  bool has_work() const override { return next_.load(std::memory_order_relaxed) < partition_.chunks(); }

private:
  // What the thread at a seat does: chunk is the one it runs, cancel stops it (Env::cancel points here).
  struct alignas(64) Seat {
    std::atomic<int32_t> cancel{0};
    std::atomic<int32_t> chunk{-1};
  };

  int32_t run_chunk(Env* env, int32_t k) const;
  bool share_at_once() const;
  bool pays(float left) const { return left > (Team::get().is_awake() ? kPaysAwake : kPaysAsleep); }
  int32_t run_while_cheap();
  void run_shared();
  void claim_chunks(Env* env, int seat);
  void record(const Env& env, int32_t status, int32_t k);
  void stop_after(int32_t k);

  Env* env_;
  const Partition& partition_;
  const LoopCall& call_;
  std::unique_ptr<Seat[]> seats_;                      // made when the loop is shared
  alignas(64) std::atomic<int32_t> next_{0};           // the next chunk to claim
  alignas(64) std::atomic<int32_t> failed_{INT32_MAX}; // the lowest chunk that failed
  std::atomic<uint64_t> seed_{0};
  std::mutex error_mutex_;
  int32_t status_ = 0; // of chunk failed_
  Env error_;
};

int32_t Loop::run_chunk(Env* env, int32_t k) const {
  Place& here = place();
  here.chunk = k;
  here.seeded = false;
  return call_.body(env, call_.captures, call_.partials + k * call_.partial_bytes, partition_.begin(k), partition_.begin(k + 1));
}

// Before anything is known by timing: where iterations are known to be long, or few and unknown.
bool Loop::share_at_once() const {
  const float cost = call_.cost > 0 ? call_.cost : costs.find(call_.body);
  if (cost > 0) {
    return pays(cost * static_cast<float>(partition_.size()));
  }
  return partition_.size() <= partition_.chunks();
}

// Runs chunks here, looking at the clock ever more rarely while they are short, until all are done or sharing the rest pays.
int32_t Loop::run_while_cheap() {
  const int64_t start = steady_now();
  const int32_t chunks = partition_.chunks();
  int32_t next_look = 1;
  for (int32_t k = 0; k < chunks; ++k) {
    if (const int32_t status = run_chunk(env_, k)) {
      next_ = chunks;
      return status;
    }
    if (k + 1 < next_look && k + 1 < chunks) {
      continue;
    }
    const auto elapsed = static_cast<float>(steady_now() - start);
    const auto done = static_cast<float>(partition_.begin(k + 1));
    const float left = elapsed / done * static_cast<float>(partition_.size() - partition_.begin(k + 1));
    if (k + 1 < chunks && elapsed > kTooShortToTell && (pays(left) || elapsed > kPaysAsleep)) {
      next_ = k + 1;
      return 0;
    }
    if (k + 1 == chunks && call_.cost == 0) {
      costs.remember(call_.body, elapsed / done);
    }
    next_look = elapsed < kTooShortToTell ? 2 * (k + 1) : k + 2;
  }
  next_ = chunks;
  return 0;
}

// Stops the threads that run chunks behind k. Those before it go on: one of them may fail too, and would come first in a serial loop.
void Loop::stop_after(int32_t k) {
  for (int i = 0; i < Job::seats(); ++i) {
    if (seats_[static_cast<size_t>(i)].chunk.load() > k) {
      seats_[static_cast<size_t>(i)].cancel.store(1);
    }
  }
}

void Loop::record(const Env& env, int32_t status, int32_t k) {
  if (status == static_cast<int32_t>(Status::kCancelled)) {
    return;
  }
  // An exception of Python's (Ctrl-C) stands in its thread already, so it ends everything.
  const int32_t rank = status == static_cast<int32_t>(Status::kPythonError) ? -1 : k;
  {
    const std::lock_guard lock(error_mutex_);
    if (rank >= failed_.load()) {
      return;
    }
    failed_.store(rank);
    status_ = status;
    copy_error(env, &error_);
  }
  stop_after(rank);
}

void Loop::claim_chunks(Env* env, int seat) {
  Seat& mine = seats_[static_cast<size_t>(seat)];
  void* const outer = env->cancel;
  env->cancel = &mine.cancel;
  while (true) {
    const int32_t k = next_.fetch_add(1, std::memory_order_relaxed);
    if (k >= partition_.chunks()) {
      break;
    }
    mine.chunk.store(k);
    if (failed_.load() < k) { // after the store: who fails later sees this chunk and cancels it
      break;
    }
    if (const int32_t status = run_chunk(env, k)) {
      record(*env, status, k);
      break;
    }
  }
  mine.chunk.store(-1);
  env->cancel = outer;
}

void Loop::work(int seat) {
  const Inside inside(seat, Job::seats(), &seed_);
  static thread_local const int64_t limit = stack_limit();
  Env env;
  env.stack_limit = limit;
  claim_chunks(&env, seat);
}

void Loop::run_shared() {
  const int64_t start = steady_now();
  const int64_t done = partition_.begin(next_.load());
  seats_ = std::make_unique<Seat[]>(static_cast<size_t>(Job::seats()));
  Team& team = Team::get();
  team.publish(*this);
  claim_chunks(env_, 0);
  team.retire(*this, [this] {
    if (failed_.load() >= 0) {
      if (const int32_t status = hst_poll(env_)) {
        record(*env_, status, 0);
      }
    }
  });
  if (call_.cost == 0 && status_ == 0) {
    const auto spent = static_cast<float>(steady_now() - start) * static_cast<float>(Job::seats());
    costs.remember(call_.body, spent / static_cast<float>(partition_.size() - done));
  }
}

int32_t Loop::run() {
  const Inside inside(0, Job::seats(), &seed_);
  if (!share_at_once()) {
    if (const int32_t status = run_while_cheap()) {
      return status;
    }
  }
  if (!has_work()) {
    return 0;
  }
  run_shared();
  if (status_ != 0) {
    copy_error(error_, env_);
  }
  return status_;
}

int32_t run_serially(Env* env, const Partition& partition, const LoopCall& call) {
  for (int32_t k = 0; k < partition.chunks(); ++k) {
    const int32_t status =
        call.body(env, call.captures, call.partials + k * call.partial_bytes, partition.begin(k), partition.begin(k + 1));
    if (status != 0) {
      return status;
    }
  }
  return 0;
}

} // namespace

int32_t run_loop(Env* env, const Partition& partition, const LoopCall& call) {
  const int threads = thread_limit();
  if (partition.chunks() <= 1 || threads == 1 || place().inside) {
    return run_serially(env, partition, call);
  }
  return Loop(env, partition, call, threads).run();
}

} // namespace hasten::parallel

using namespace hasten;

extern "C" {

int32_t hst_parallel_chunks(int64_t n) { return parallel::chunks_for(n, parallel::place().inside ? 1 : parallel::thread_limit()); }

int32_t hst_parallel_for(abi::Env* env, int64_t n, abi::LoopBody body, const void* captures, void* partials, int64_t partial_bytes,
                         int32_t max_chunks, int32_t* chunks) {
  *chunks = std::min(hst_parallel_chunks(n), max_chunks);
  if (*chunks <= 0) {
    *chunks = 0;
    return 0;
  }
  const parallel::LoopCall call{body, captures, static_cast<char*>(partials), partial_bytes, 0};
  return parallel::run_loop(env, parallel::Partition(n, *chunks), call);
}
}
