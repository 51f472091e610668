// What the engine of a pool fills with results: a batch of known size, or a stream over an input. The GIL guards both.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "hasten/parallel/wait_list.h"
#include "hasten/pool/task.h"

namespace hasten::bindings {

// How the items of a call become tasks.
struct PoolCall {
  // `encode(function, items)` makes payloads of what is not plain. Group 0: somebody may wait for single items.
  PoolCall(nanobind::bytes function, int64_t timeout, uint32_t retries, uint32_t group, nanobind::object encode);

  nanobind::bytes function;
  nanobind::object encode;
  pool::Task like; // with what all tasks of the call have in common
};

// The results of some items, filled in as they come. The engine holds a reference while any is missing.
class PoolBatch {
public:
  explicit PoolBatch(nanobind::list results);
  virtual ~PoolBatch() = default;
  PoolBatch(const PoolBatch&) = delete;
  PoolBatch& operator=(const PoolBatch&) = delete;

  // Takes the value over.
  virtual void put(uint64_t index, PyObject* value);
  void refuse(const nanobind::object& error);
  void settle(uint64_t count) { left -= count < left ? count : left; }
  virtual bool is_complete() const { return left == 0; }
  // It is complete: ends it where nobody has to be told but who waits for it. Else the engine reports it.
  virtual bool finish() { return false; }
  // Whether somebody who waits for a part of it need wait no longer.
  virtual bool has_next() const { return false; }
  // Whether its input is to be fed by whoever holds the GIL now; said once until it was.
  virtual bool wants_items() { return false; }

  nanobind::list results;
  nanobind::list failures; // (index, kind, detail)
  uint64_t left;
  bool is_news = false;            // a drain has it in its list
  pool::Task* only_task = nullptr; // of a call that is not tried again, until it is over
};

// An iterator over the results of the items of an input, which are submitted as there is room.
class PoolStream : public PoolBatch {
public:
  struct Shape {
    uint64_t chunk;
    uint64_t window; // tasks that may be taken from the input and not be finished, or not be read
    bool is_ordered;
    bool counts_unread; // what the window means
  };
  PoolStream(nanobind::object engine, nanobind::object input, std::unique_ptr<PoolCall> call, Shape shape);
  ~PoolStream() override;

  // --- the input ---
  // Whether taking items from the input runs nobody's code, so that any thread may do it at any time.
  bool is_direct() const { return is_direct_; }
  bool is_exhausted() const { return !input_.is_valid(); }
  // Whether there is room for a task; then pull() follows.
  bool begin_pull();
  // The items of the next task; none where the input ended. An exception of the input is its last result.
  nanobind::object pull();
  void stop();
  // Lets the input be taken from whether results are read or not.
  void open_window();
  void note_size(size_t bytes) { is_large_ = bytes > kLarge; }
  // Blocks a thread that feeds until there is room for several tasks.
  void wait_for_room();

  // --- the results ---
  uint64_t pulled() const { return pulled_; }
  void put(uint64_t index, PyObject* value) override { place(index, {value, false}); }
  void put_exception(uint64_t index, const nanobind::object& exception) { place(index, {exception.inc_ref().ptr(), true}); }
  bool has_next() const override { return !outcomes_.empty() && outcomes_.front().value != nullptr; }
  bool is_at_end() const { return is_exhausted() && !is_pulling_ && given_ == pulled_; }
  bool is_complete() const override { return is_exhausted() && !is_pulling_ && left == 0; }
  bool wants_items() override;
  // The next result; null with its exception set where it is one.
  PyObject* give();

  const std::unique_ptr<PoolCall> call;
  const nanobind::object engine;
  bool is_hungry = false; // the engine has it in its list

private:
  static constexpr size_t kLarge = 4096; // bytes of tasks of which fewer are taken ahead
  static constexpr uint64_t kLargeShare = 8;

  struct Outcome {
    PyObject* value; // null: not there yet
    bool is_exception;
  };
  void place(uint64_t index, Outcome outcome);
  uint64_t open_items() const { return shape_.counts_unread ? pulled_ - given_ : left; }
  uint64_t most_open() const;

  Shape shape_;
  nanobind::object input_;
  const bool is_direct_;
  parallel::WaitList feeders_;
  std::deque<Outcome> outcomes_; // in order: one for each item pulled and not given; else those that came
  uint64_t pulled_ = 0;
  uint64_t given_ = 0;
  bool is_pulling_ = false;
  bool is_large_ = false;
};

void add_pool_batch(nanobind::module_& m);
// `next`: its tp_iternext.
void add_pool_stream(nanobind::module_& m, iternextfunc next);

} // namespace hasten::bindings
