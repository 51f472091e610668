// A pool of threads that run tasks: functions of yours, whose results come through std::future.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "hasten/base/export.h"
#include "hasten/errors.h"

namespace hasten {
namespace detail {

// A task in a pool's queue: run() or cancel() is called once, then it is deleted.
class HASTEN_API Work {
public:
  virtual ~Work() = default;
  virtual void run() noexcept = 0;
  // Whether somebody waited for it.
  virtual bool cancel() noexcept = 0;
};

template <class R, class F> class FutureWork final : public Work {
public:
  explicit FutureWork(F f) : f_(std::move(f)) {}

  std::future<R> future() { return promise_.get_future(); }

  void run() noexcept override {
    try {
      if constexpr (std::is_void_v<R>) {
        f_();
        promise_.set_value();
      } else {
        promise_.set_value(f_());
      }
    } catch (...) {
      promise_.set_exception(std::current_exception());
    }
  }

  bool cancel() noexcept override {
    promise_.set_exception(std::make_exception_ptr(Cancelled()));
    return true;
  }

private:
  F f_;
  std::promise<R> promise_;
};

} // namespace detail

// Threads: all members may be called from any thread, and from tasks. The threads of a pool block all signals.
//
// A task that waits for the future of another one holds a thread up; map() and for_each() don't, since the caller helps. The destructor
// waits for everything that was submitted. In a child of fork() a pool has no threads: submit() throws there, and the destructor does
// nothing.
class HASTEN_API ThreadPool {
public:
  // 0: as many threads as cores that the process may use. Throws Error where the machine denies the first one.
  explicit ThreadPool(size_t threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Runs f(args...) in a thread of the pool; arguments are copied or moved into the task, std::ref says otherwise. What f throws comes out
  // of the future's get(). Throws Error where the pool is closed.
  template <class F, class... Args> auto submit(F&& f, Args&&... args) {
    using R = std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>;
    auto call = [f = std::forward<F>(f), args = std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...)]() mutable -> R {
      return std::apply([&](auto&... each) -> R { return std::invoke(std::move(f), std::move(each)...); }, args);
    };
    auto work = std::make_unique<detail::FutureWork<R, decltype(call)>>(std::move(call));
    std::future<R> future = work->future();
    push(std::move(work));
    return future;
  }

  // The results of f(item) for all items, in their order. The caller's thread takes part. An exception keeps items that nobody has started
  // from being run; of several, that of the first item is thrown. Where the pool is closed the caller does it alone.
  template <std::ranges::random_access_range Items, class F> auto map(Items&& items, F&& f) {
    using R = std::decay_t<std::invoke_result_t<F&, std::ranges::range_reference_t<Items>>>;
    const auto first = std::ranges::begin(items);
    const auto count = static_cast<size_t>(std::ranges::distance(items));
    std::vector<std::optional<R>> found(count);
    for_each_index(count, [&](size_t i) { found[i].emplace(f(first[static_cast<std::ranges::range_difference_t<Items>>(i)])); });
    std::vector<R> results;
    results.reserve(count);
    for (std::optional<R>& one : found) {
      results.push_back(std::move(*one));
    }
    return results;
  }

  // Calls f(item) for all items; otherwise as map().
  template <std::ranges::random_access_range Items, class F> void for_each(Items&& items, F&& f) {
    const auto first = std::ranges::begin(items);
    for_each_index(static_cast<size_t>(std::ranges::distance(items)),
                   [&](size_t i) { f(first[static_cast<std::ranges::range_difference_t<Items>>(i)]); });
  }

  // Waits until nothing is left to do. Not from a task, which would wait for itself.
  void wait();
  // Takes back the tasks that nobody has started: their futures throw Cancelled. Returns how many.
  size_t cancel();
  // Takes no more tasks; those that were submitted are run. Doesn't wait.
  void close();

  // Threads.
  size_t size() const;
  // Tasks that were submitted and are not done.
  size_t pending() const;

private:
  struct State;
  using IndexBody = void (*)(void* captures, size_t index);

  void push(std::unique_ptr<detail::Work> work);
  void run_indices(size_t count, IndexBody body, void* captures);

  template <class F> void for_each_index(size_t count, F&& f) {
    using Plain = std::remove_reference_t<F>;
    run_indices(count, [](void* captures, size_t index) { (*static_cast<Plain*>(captures))(index); }, std::addressof(f));
  }

  std::unique_ptr<State> state_;
};

} // namespace hasten
