#include "hasten/process_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <map>
#include <mutex>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "hasten/base/diagnostic.h"
#include "hasten/base/signals.h"
#include "hasten/library/registry.h"
#include "hasten/library/template_process.h"
#include "hasten/library/worker_process.h"
#include "hasten/parallel/threads.h"
#include "hasten/pool/scheduler.h"

namespace hasten {
namespace {

constexpr size_t kChunksPerWorker = 8;
constexpr size_t kMostInChunk = 1024;
// So many workers in a row that end before they take a task mean that none ever will.
constexpr int kMostFailedStarts = 5;
constexpr uint32_t kGroups = uint32_t{1} << 31;

// Who wants the items of some tasks, and what is run for them.
struct Owner {
  std::unique_ptr<detail::Call> call;
  std::string function;
  size_t left; // items; counted by the pool's thread
};

std::string describe_end(pid_t worker, std::optional<int> status) {
  std::string text = "the worker process " + std::to_string(worker);
  if (!status) {
    return text + " ended";
  }
  if (WIFSIGNALED(*status)) {
    return text + " was ended by signal " + std::to_string(WTERMSIG(*status)) + " (" + strsignal(WTERMSIG(*status)) + ")";
  }
  return text + " exited with status " + std::to_string(WEXITSTATUS(*status));
}

} // namespace

// Whatever settles items happens in the pool's one thread, which reads results and replaces workers.
class ProcessPool::State final : public pool::Sink {
public:
  explicit State(ProcessPoolOptions options);
  ~State() override;

  void start(detail::AnyFunction function, std::vector<std::string> arguments, size_t chunk, std::unique_ptr<detail::Call> call);
  void wait();
  void cancel() { ask(is_cancelling_); }
  void close();
  void terminate();
  size_t size() const { return workers_wanted_; }
  std::vector<int> pids() const;
  size_t pending() const;
  bool is_copy() const { return getpid() != owner_pid_; }

private:
  // --- pool::Sink ---
  void result(const pool::Task& task, uint32_t item, uint8_t tag, const char* data, size_t size) override;
  void worker_ended(uint64_t lane, WorkerEnd end) override;
  void lost(const pool::Task& task, uint32_t item, pool::Loss why, uint64_t lane) override;

  void drive();
  bool is_over();
  std::string broken() const;
  void ask(std::atomic<bool>& flag);
  void start_worker();
  void break_down(const std::string& why);
  void fail_waiting_tasks(const std::exception_ptr& why);
  void settle(Owner& owner, size_t items);
  std::exception_ptr explain(const Owner& owner, pool::Loss why, uint64_t lane) const;

  const pid_t owner_pid_ = getpid();
  const ProcessPoolOptions options_;
  const size_t workers_wanted_;
  detail::TemplateProcess template_; // forked before there are threads of this pool
  pool::Scheduler scheduler_;
  mutable std::mutex mutex_; // guards what follows
  std::condition_variable idle_;
  size_t pending_ = 0;
  bool is_closed_ = false;
  std::string broken_; // why nothing works any more
  std::map<uint64_t, pid_t> workers_;
  // --- of the pool's thread alone ---
  struct End {
    uint64_t lane;
    pid_t worker;
    std::optional<int> status;
  };
  End last_end_{};
  int failed_starts_ = 0;
  bool is_stopping_ = false;
  // --- not guarded ---
  std::atomic<uint32_t> next_group_{0}; // of tasks whose results are wanted together
  std::atomic<bool> is_cancelling_{false};
  std::atomic<bool> is_terminating_{false};
  std::thread thread_;
};

ProcessPool::State::State(ProcessPoolOptions options)
    : options_(std::move(options)), workers_wanted_(options_.workers > 0 ? options_.workers : static_cast<size_t>(parallel::max_threads())),
      template_(options_.initializer), scheduler_(static_cast<uint8_t>(detail::Tag::kFailure)) {
  for (size_t i = 0; i < workers_wanted_; ++i) {
    start_worker();
  }
  if (!broken_.empty()) {
    throw Error(broken_);
  }
  const base::SignalsBlocked blocked;
  thread_ = std::thread([this] { drive(); });
}

ProcessPool::State::~State() {
  if (thread_.joinable()) {
    close();
    thread_.join();
  }
}

// --- callers ---

void ProcessPool::State::start(detail::AnyFunction function, std::vector<std::string> arguments, size_t chunk,
                               std::unique_ptr<detail::Call> call) {
  const size_t count = arguments.size();
  const size_t usual = std::clamp<size_t>(count / (workers_wanted_ * kChunksPerWorker), 1, kMostInChunk);
  chunk = std::min<size_t>(chunk > 0 ? chunk : usual, pool::shm::kMostItems - 1);
  auto owner = std::make_unique<Owner>(Owner{std::move(call), detail::name_of_task(function), count});
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_ || !broken_.empty()) {
      throw Error(broken_.empty() ? "the pool is closed: it takes no more tasks" : broken_);
    }
    pending_ += count;
  }
  const uint32_t group = count > 1 ? next_group_.fetch_add(1) % kGroups + 1 : 0;
  Owner* const shared = owner.release(); // settle() deletes it
  for (size_t first = 0; first < count; first += chunk) {
    const auto from = arguments.begin() + static_cast<std::ptrdiff_t>(first);
    const size_t items = std::min(chunk, count - first);
    detail::Payload payload{shared->function,
                            {std::make_move_iterator(from), std::make_move_iterator(from + static_cast<std::ptrdiff_t>(items))}};
    auto task = std::make_unique<pool::Task>();
    task->body = payload.encoded();
    task->owner = shared;
    task->base = first;
    task->end = static_cast<uint32_t>(items);
    task->timeout = options_.timeout.count();
    task->group = group;
    task->retries = options_.retries;
    scheduler_.submit(std::move(task));
  }
  if (!broken().empty()) {
    scheduler_.interrupt(); // it broke meanwhile: nobody else would look at these tasks
  }
}

void ProcessPool::State::wait() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return pending_ == 0; });
}

void ProcessPool::State::ask(std::atomic<bool>& flag) {
  flag.store(true);
  scheduler_.interrupt();
}

void ProcessPool::State::close() {
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
  }
  scheduler_.interrupt();
}

void ProcessPool::State::terminate() {
  close();
  ask(is_terminating_);
}

std::vector<int> ProcessPool::State::pids() const {
  const std::lock_guard lock(mutex_);
  std::vector<int> found;
  for (const auto& [lane, worker] : workers_) {
    found.push_back(worker);
  }
  return found;
}

size_t ProcessPool::State::pending() const {
  const std::lock_guard lock(mutex_);
  return pending_;
}

// --- the pool's thread ---

void ProcessPool::State::drive() {
  while (!is_over()) {
    if (is_cancelling_.exchange(false)) {
      fail_waiting_tasks(std::make_exception_ptr(Cancelled()));
    }
    if (is_terminating_) {
      fail_waiting_tasks(std::make_exception_ptr(Cancelled()));
      for (const int worker : pids()) {
        kill(worker, SIGKILL); // nobody else has this number: it is not reaped
      }
    }
    if (!scheduler_.drain(*this)) {
      scheduler_.wait(-1);
    }
    if (const std::string why = broken(); !why.empty()) {
      fail_waiting_tasks(std::make_exception_ptr(Error(why)));
    }
  }
}

std::string ProcessPool::State::broken() const {
  const std::lock_guard lock(mutex_);
  return broken_;
}

bool ProcessPool::State::is_over() {
  const std::lock_guard lock(mutex_);
  if (is_closed_ && pending_ == 0 && !std::exchange(is_stopping_, true)) {
    scheduler_.stop_workers();
  }
  return is_stopping_ && workers_.empty();
}

void ProcessPool::State::start_worker() {
  std::optional<uint64_t> lane;
  pid_t worker = 0;
  try {
    const pool::Scheduler::Ends ends = scheduler_.add_lane(options_.max_tasks_per_worker);
    lane = ends.lane;
    worker = template_.fork_worker(ends.lane_fd, ends.bell_fd, options_.max_tasks_per_worker);
    {
      const std::lock_guard lock(mutex_);
      workers_.emplace(ends.lane, worker);
    }
    scheduler_.watch(ends.lane, worker, options_.max_memory);
  } catch (const base::Diagnostic& error) {
    if (worker > 0) {
      kill(worker, SIGKILL);
    }
    if (lane) {
      scheduler_.drop_lane(*lane);
    }
    break_down(error.what());
  }
}

// No task is started any more; those that run are waited for.
void ProcessPool::State::break_down(const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (broken_.empty()) {
    broken_ = "the pool is broken: " + why;
  }
}

void ProcessPool::State::fail_waiting_tasks(const std::exception_ptr& why) {
  for (const auto& task : scheduler_.recall(nullptr)) {
    Owner& owner = *static_cast<Owner*>(task->owner);
    for (uint32_t item = task->first; item < task->end; ++item) {
      owner.call->failed(task->base + item, why);
    }
    settle(owner, task->end - task->first);
  }
}

void ProcessPool::State::settle(Owner& owner, size_t items) {
  owner.left -= items;
  if (owner.left == 0) {
    delete &owner;
  }
  const std::lock_guard lock(mutex_);
  pending_ -= items;
  if (pending_ == 0) {
    idle_.notify_all();
  }
}

void ProcessPool::State::result(const pool::Task& task, uint32_t item, uint8_t tag, const char* data, size_t size) {
  Owner& owner = *static_cast<Owner*>(task.owner);
  const size_t index = task.base + item;
  try {
    if (tag == static_cast<uint8_t>(detail::Tag::kFailure)) {
      detail::Failure failure = detail::Failure::decoded({data, size});
      throw TaskFailed(std::move(failure.type), failure.what);
    }
    owner.call->result(index, {data, size});
  } catch (...) {
    owner.call->failed(index, std::current_exception());
  }
  settle(owner, 1);
}

void ProcessPool::State::worker_ended(uint64_t lane, WorkerEnd end) {
  pid_t worker = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = workers_.find(lane);
    if (found == workers_.end()) {
      return; // it never came to be
    }
    worker = found->second;
    workers_.erase(found);
  }
  last_end_ = {lane, worker, template_.reap(worker)};
  failed_starts_ = end.starts_work ? 0 : failed_starts_ + 1;
  if (is_stopping_ || is_terminating_) {
    return;
  }
  if (failed_starts_ < kMostFailedStarts) {
    start_worker();
  } else {
    break_down(describe_end(worker, last_end_.status) + " before it took a task, as did others before it");
  }
}

std::exception_ptr ProcessPool::State::explain(const Owner& owner, pool::Loss why, uint64_t lane) const {
  const std::string doing = " while it ran '" + owner.function + "'";
  switch (why) {
  case pool::Loss::kTimedOut:
    return std::make_exception_ptr(TaskTimedOut("'" + owner.function + "' took longer than the pool's timeout"));
  case pool::Loss::kMemory:
    return std::make_exception_ptr(WorkerOutOfMemory("the worker used more memory than the pool's max_memory" + doing));
  default:
    break;
  }
  const std::optional<int> status = last_end_.lane == lane ? last_end_.status : std::nullopt;
  const int signal = status && WIFSIGNALED(*status) ? WTERMSIG(*status) : 0;
  const int exit_status = status && WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
  return std::make_exception_ptr(WorkerDied(describe_end(last_end_.worker, status) + doing, signal, exit_status));
}

void ProcessPool::State::lost(const pool::Task& task, uint32_t item, pool::Loss why, uint64_t lane) {
  Owner& owner = *static_cast<Owner*>(task.owner);
  owner.call->failed(task.base + item, explain(owner, why, lane));
  settle(owner, 1);
}

// --- the public face ---

ProcessPool::ProcessPool(ProcessPoolOptions options) {
  try {
    state_ = std::make_unique<State>(std::move(options));
  } catch (const base::Diagnostic& error) {
    throw Error(error.what());
  }
}

ProcessPool::~ProcessPool() {
  if (state_->is_copy()) {
    [[maybe_unused]] State* left_behind = state_.release(); // its thread and its workers are the parent's
  }
}

void ProcessPool::start(detail::AnyFunction function, std::vector<std::string> arguments, size_t chunk,
                        std::unique_ptr<detail::Call> call) {
  if (state_->is_copy()) {
    throw Error("this pool belongs to another process: make a pool of your own after fork()");
  }
  state_->start(function, std::move(arguments), chunk, std::move(call));
}

void ProcessPool::wait() { state_->wait(); }
void ProcessPool::cancel() { state_->cancel(); }
void ProcessPool::close() { state_->close(); }
void ProcessPool::terminate() { state_->terminate(); }
size_t ProcessPool::size() const { return state_->size(); }
std::vector<int> ProcessPool::pids() const { return state_->pids(); }
size_t ProcessPool::pending() const { return state_->pending(); }

} // namespace hasten
