// A pool of worker processes that run functions of the program, and survive their deaths: a crash costs the task that crashed.
//
//   double cost(int part) { ... }
//   HASTEN_TASK(cost);                    // at namespace scope, in one source file
//
//   hasten::ProcessPool pool;             // early in main(), before threads that hold locks
//   std::future<double> one = pool.submit(cost, 3);
//   std::vector<double> all = pool.map(cost, parts);
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "hasten/base/export.h"
#include "hasten/bytes.h"
#include "hasten/detail/first_failure.h"
#include "hasten/errors.h"

namespace hasten {
namespace detail {

using AnyFunction = void (*)();
using TaskHandler = std::string (*)(AnyFunction function, Reader& arguments);

// The arguments of a call as parameters of these types.
template <class... P, class... Args> std::string encode_arguments(Args&&... args) {
  static_assert(sizeof...(P) == sizeof...(Args), "as many arguments as the function has parameters");
  Writer writer;
  (writer.put<std::decay_t<P>>(std::decay_t<P>(std::forward<Args>(args))), ...);
  return writer.take();
}

// Makes a function known by name. Throws Error where another one has that name, which ends the program before main().
class HASTEN_API Registration {
public:
  Registration(const std::string& name, AnyFunction function, TaskHandler handler);
  template <class R, class... P>
  Registration(const std::string& name, R (*function)(P...))
      : Registration(name, reinterpret_cast<AnyFunction>(function), handle<R, P...>) {}

private:
  template <class R, class... P> static std::string handle(AnyFunction any, [[maybe_unused]] Reader& arguments) {
    auto* function = reinterpret_cast<R (*)(P...)>(any);
    std::tuple<std::decay_t<P>...> values{arguments.get<std::decay_t<P>>()...};
    const auto call = [&](auto&... each) -> R { return function(static_cast<P&&>(each)...); };
    if constexpr (std::is_void_v<R>) {
      std::apply(call, values);
      return {};
    } else {
      return encode<std::decay_t<R>>(std::apply(call, values));
    }
  }
};

// Who wants the results of some items. Called by a thread of the pool, once for each item; deleted after the last.
class HASTEN_API Call {
public:
  virtual ~Call() = default;
  virtual void result(size_t item, std::string_view bytes) = 0;
  virtual void failed(size_t item, std::exception_ptr why) noexcept = 0;
};

template <class R> class FutureCall final : public Call {
public:
  std::future<R> future() { return promise_.get_future(); }

  void result(size_t, std::string_view bytes) override {
    if constexpr (std::is_void_v<R>) {
      promise_.set_value();
    } else {
      promise_.set_value(decode<R>(bytes));
    }
  }
  void failed(size_t, std::exception_ptr why) noexcept override { promise_.set_exception(std::move(why)); }

private:
  std::promise<R> promise_;
};

// Writes to the caller's vector, and tells it by the destructor when everything is settled.
template <class R> class MapCall final : public Call {
public:
  MapCall(std::vector<std::optional<R>>& found, FirstFailure& failure) : found_(found), failure_(failure) {}
  ~MapCall() override { settled_.set_value(); }

  std::future<void> settled() { return settled_.get_future(); }
  void result(size_t item, std::string_view bytes) override { found_[item].emplace(decode<R>(bytes)); }
  void failed(size_t item, std::exception_ptr why) noexcept override {
    try {
      std::rethrow_exception(std::move(why));
    } catch (...) {
      failure_.note(static_cast<int64_t>(item));
    }
  }

private:
  std::vector<std::optional<R>>& found_;
  FirstFailure& failure_;
  std::promise<void> settled_;
};

} // namespace detail

struct ProcessPoolOptions {
  size_t workers = 0; // 0: as many as cores that the process may use
  // How long a task may run; its worker is killed then, and the task throws TaskTimedOut. 0: any time.
  std::chrono::nanoseconds timeout{0};
  // How often a task that failed, died or timed out is run again before that counts.
  uint32_t retries = 0;
  // Tasks (or chunks of a map) after which a worker is replaced by a fresh one. 0: never.
  uint64_t max_tasks_per_worker = 0;
  // Bytes of memory that a worker may have resident; beyond that it is killed, and its task throws WorkerOutOfMemory. 0: any.
  uint64_t max_memory = 0;
  // Run in each new worker before its first task.
  std::function<void()> initializer = {};
};

// Workers are forked from a template: a copy of the program as it was when the pool was made, with one thread, which does nothing else.
// They see memory and open files of that moment; so make the pool early, before there are threads that hold locks. A worker that dies is
// replaced, and only the task that it ran is lost: that one throws WorkerDied. Workers ignore SIGINT, and end when this process does.
//
// Threads: all members may be called from any thread. The destructor waits for everything that was submitted. In a child of fork(), and in
// the workers, submit() and map() throw, and the destructor does nothing.
class HASTEN_API ProcessPool {
public:
  explicit ProcessPool(ProcessPoolOptions options = {});
  ~ProcessPool();
  ProcessPool(const ProcessPool&) = delete;
  ProcessPool& operator=(const ProcessPool&) = delete;

  // Runs function(args...), which HASTEN_TASK made known, in a worker. Arguments and result travel as bytes: see hasten/bytes.h. The
  // future throws what became of the task otherwise: TaskFailed, WorkerDied, TaskTimedOut, WorkerOutOfMemory, Cancelled.
  template <class R, class... P, class... Args> std::future<std::decay_t<R>> submit(R (*function)(P...), Args&&... args) {
    auto call = std::make_unique<detail::FutureCall<std::decay_t<R>>>();
    std::future<std::decay_t<R>> future = call->future();
    start(reinterpret_cast<detail::AnyFunction>(function), {detail::encode_arguments<P...>(std::forward<Args>(args)...)}, 1,
          std::move(call));
    return future;
  }

  // The results of function(item) for all items, in their order; waits for all of them. Of several exceptions the first item's is thrown.
  // `chunk`: how many items a worker gets at once; 0: as many as make some chunks a worker. A death costs one item of a chunk.
  template <class R, class P, std::ranges::input_range Items>
  std::vector<std::decay_t<R>> map(R (*function)(P), Items&& items, size_t chunk = 0) {
    std::vector<std::string> arguments;
    for (auto&& item : items) {
      arguments.push_back(detail::encode_arguments<P>(std::forward<decltype(item)>(item)));
    }
    std::vector<std::optional<std::decay_t<R>>> found(arguments.size());
    if (!arguments.empty()) {
      detail::FirstFailure failure;
      auto call = std::make_unique<detail::MapCall<std::decay_t<R>>>(found, failure);
      std::future<void> settled = call->settled();
      start(reinterpret_cast<detail::AnyFunction>(function), std::move(arguments), chunk, std::move(call));
      settled.wait();
      failure.rethrow();
    }
    std::vector<std::decay_t<R>> results;
    results.reserve(found.size());
    for (auto& one : found) {
      results.push_back(std::move(*one));
    }
    return results;
  }

  // Waits until nothing is left to do.
  void wait();
  // Takes back what no worker has started, soon: those tasks throw Cancelled.
  void cancel();
  // Takes no more tasks; those that were submitted are run, then the workers leave. Doesn't wait.
  void close();
  // Ends the pool at once: cancels, and kills the workers. What they ran throws WorkerDied.
  void terminate();

  // Workers.
  size_t size() const;
  // Their process ids at this moment, in no order.
  std::vector<int> pids() const;
  // Tasks and items that were submitted and are not settled.
  size_t pending() const;

private:
  class State;

  void start(detail::AnyFunction function, std::vector<std::string> arguments, size_t chunk, std::unique_ptr<detail::Call> call);

  std::unique_ptr<State> state_;
};

} // namespace hasten

#define HASTEN_DETAIL_JOIN_AGAIN(a, b) a##b
#define HASTEN_DETAIL_JOIN(a, b) HASTEN_DETAIL_JOIN_AGAIN(a, b)

// Makes a function known to workers. At namespace scope, in the source file that defines it or any other that is part of the program.
#define HASTEN_TASK(function) HASTEN_TASK_AS(#function, function)
// The same under a name of its own, for overloaded functions and for those that are named alike in different files.
#define HASTEN_TASK_AS(name, function)                                                                                                     \
  static const ::hasten::detail::Registration HASTEN_DETAIL_JOIN(hasten_registration_, __COUNTER__)(name, function)
