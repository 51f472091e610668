#include "hasten/bindings/pool.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "hasten/bindings/ending.h"
#include "hasten/bindings/pool_batch.h"
#include "hasten/bindings/pool_codec.h"
#include "hasten/bindings/pool_exchange.h"
#include "hasten/bindings/pool_reader.h"
#include "hasten/bindings/pool_result.h"
#include "hasten/bindings/pool_submission.h"
#include "hasten/bindings/pool_turn.h"
#include "hasten/bindings/thread_wait.h"
#include "hasten/pool/scheduler.h"
#include "hasten/pool/stderr_relay.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

PoolBatch& batch_of(const pool::Task& task) { return *nb::inst_ptr<PoolBatch>(static_cast<PyObject*>(task.owner)); }

class PoolEngine : pool::Sink {
public:
  PoolEngine(nb::object loads, const nb::object& exchange)
      : exchange_(exchange_of(exchange)), reader_(std::move(loads), exchange_.get()), owner_(getpid()),
        scheduler_(new pool::Scheduler(static_cast<uint8_t>(PoolTag::kFailure))) {
    all().insert(this);
  }

  // In a fork's copy: the lanes are those of the parent's workers.
  static void after_fork() {
    for (PoolEngine* engine : all()) {
      engine->is_foreign_ = true;
    }
  }

  ~PoolEngine() override {
    all().erase(this);
    if (getpid() == owner_) {
      release_owners();
      const GilReleased others_run;
      scheduler_.reset();
    } else {
      // A fork's copy: its supervisor exists in the parent alone.
      [[maybe_unused]] const auto* copy = scheduler_.release();
    }
  }
  PoolEngine(const PoolEngine&) = delete;
  PoolEngine& operator=(const PoolEngine&) = delete;

  nb::tuple add_lane(uint64_t most_tasks) {
    const auto ends = scheduler_->add_lane(most_tasks);
    const auto shared = exchange_ != nullptr ? exchange_->add_worker() : std::nullopt;
    if (!shared) {
      return nb::make_tuple(ends.lane, ends.lane_fd, ends.bell_fd);
    }
    slabs_.emplace(ends.lane, shared->owner);
    return nb::make_tuple(ends.lane, ends.lane_fd, ends.bell_fd, shared->arguments_fd, shared->results_fd);
  }
  // The descriptor, the caller's to close, that a lane's worker is to take for its stderr; -1: the one that it has.
  int open_stderr(uint64_t lane) {
    pool::StderrRelay::Opened opened = pool::StderrRelay::open();
    if (opened.stream != nullptr) {
      streams_.emplace(lane, std::move(opened.stream));
    }
    return opened.worker_end.release();
  }

  // What a lane's worker has written to stderr in the end; it is forgotten then.
  nb::object take_stderr(uint64_t lane) {
    const auto stream = streams_.extract(lane);
    const std::string text = stream.empty() ? std::string() : stream.mapped()->tail();
    return nb::steal(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
  }
  void watch(uint64_t lane, int pid, uint64_t most_memory) { scheduler_->watch(lane, pid, most_memory); }
  void drop_lane(uint64_t lane) {
    streams_.erase(lane);
    scheduler_->drop_lane(lane);
  }
  void stop_workers() {
    if (!is_foreign_) {
      scheduler_->stop_workers();
    }
  }
  void interrupt() {
    if (!is_foreign_) {
      scheduler_->interrupt();
    }
  }
  bool has_lane(uint64_t lane) const { return scheduler_->has_lane(lane); }
  size_t live_lanes() const { return scheduler_->live_lanes(); }

  // Submits one call; `call.encode(function, (args, keywords))` makes its payload where it is not plain.
  void submit_call(const nb::object& batch, const PoolCall& call, const nb::tuple& arguments, const nb::dict& keywords) {
    auto task = std::make_unique<pool::Task>(call.like);
    const auto count = static_cast<size_t>(PyTuple_GET_SIZE(arguments.ptr()));
    const bool is_plain = PyDict_GET_SIZE(keywords.ptr()) == 0 && encode_plainly(&PyTuple_GET_ITEM(arguments.ptr(), 0), count, &task->body);
    if (is_plain || encode_with(call, nb::make_tuple(arguments, keywords), *task)) {
      own(*task, batch);
      nb::inst_ptr<PoolBatch>(batch)->only_task = task->retries == 0 ? task.get() : nullptr;
      submit_one(std::move(task));
    } else {
      refuse(batch, 0, 1);
    }
  }

  // Submits the items of a list or tuple, `chunk` in a task; nobody waits for single ones. `encode(function, items)` makes payloads of what
  // is not plain; where it raises, that is a failure of the items.
  void submit_items(const nb::object& batch, const nb::bytes& function, const nb::object& items, uint32_t chunk, int64_t timeout,
                    uint32_t retries, bool is_awaited, const nb::object& encode) {
    PoolCall call(function, timeout, retries, next_group(), encode);
    call.like.is_awaited = is_awaited;
    PoolSubmission submission(*scheduler_);
    for (size_t base = 0; base < nb::len(items); base += chunk) {
      const size_t count = std::min<size_t>(chunk, nb::len(items) - base);
      submit_range(submission, call, batch, items, {.first = base, .count = count, .index = base});
      if (submission.send_if_due() && scheduler_->wants_drain()) {
        glance();
      }
    }
  }

  // Takes items from a stream's input as long as there is room, and submits them.
  void feed(const nb::object& object) {
    if (is_foreign_) {
      return;
    }
    auto& stream = *nb::inst_ptr<PoolStream>(object);
    PoolSubmission submission(*scheduler_);
    while (stream.begin_pull()) {
      const uint64_t index = stream.pulled();
      const nb::object items = stream.pull();
      if (nb::len(items) > 0) {
        stream.note_size(submit_range(submission, *stream.call, object, items, {.first = 0, .count = nb::len(items), .index = index}));
      }
      // An input that is somebody's code may wait for anything, also for the results of what it has given.
      if (!stream.is_direct()) {
        submission.send();
      } else {
        submission.send_if_due();
      }
    }
    submission.send();
    if (stream.is_complete()) {
      report(stream, object.ptr());
    }
  }

  // Reads what came, without waiting. Whether there is news for pump().
  bool glance() {
    ++looks_;
    if (is_foreign_) {
      return false;
    }
    if (!is_draining_) {
      drain();
      feed_streams();
    }
    const bool has_news = nb::len(news_) > 0 || nb::len(ended_) > 0;
    if (has_news || (has_settled_ && is_waiting_)) {
      scheduler_->interrupt(); // whoever waits deals with it
    }
    return has_news;
  }

  // The jobs that are not over; the crew adds to them.
  nb::set active() const { return active_; }

  // Whether the last pump found nothing.
  bool was_idle() const { return was_idle_; }

  // How often somebody has looked for results, or given work; who wonders whether anybody does needs to look at it twice.
  uint64_t looks() const { return looks_; }

  // The next result of a stream, without waiting in vain; null with or without an exception, as iterators do. `wait` waits for one.
  PyObject* next(nb::handle object, PoolStream& stream) {
    while (!stream.has_next()) {
      if (stream.is_at_end()) {
        return nullptr;
      }
      glance();
      if (!stream.has_next() && !stream.is_at_end()) {
        object.attr("_wait")(nb::none());
      }
    }
    PyObject* result = stream.give();
    if (stream.wants_items()) {
      nb::object error = result == nullptr ? nb::steal(take_exception()) : nb::object();
      stream.is_hungry = false;
      feed(nb::borrow(object));
      if (error.is_valid()) {
        raise_again(error.ptr());
      }
    }
    return result;
  }

  // Takes back what isn't claimed, of a batch or of all; returns the batches that are changed.
  nb::list recall(const nb::object& batch, bool spares_first) {
    if (is_foreign_) {
      return {};
    }
    pool::Task* only = batch.is_none() ? nullptr : nb::inst_ptr<PoolBatch>(batch)->only_task;
    if (only != nullptr) {
      if (const auto task = scheduler_->recall_only(*only)) {
        fail_recalled(*task);
      }
      return take_news();
    }
    for (const auto& task : scheduler_->recall(batch.is_none() ? nullptr : batch.ptr(), spares_first)) {
      fail_recalled(*task);
    }
    return take_news();
  }

  bool is_waiting(const nb::object& batch) const {
    const pool::Task* only = nb::inst_ptr<PoolBatch>(batch)->only_task;
    return only != nullptr ? scheduler_->is_waiting(*only) : scheduler_->is_waiting(batch.ptr());
  }

  // Reads what came, and waits for it where there is nothing. Returns batches that failed or are complete, and the ends of workers.
  nb::tuple pump(int64_t nanoseconds) {
    ++looks_;
    const Presence presence;
    if (is_draining_) {
      return leave_to_drainer(nanoseconds);
    }
    drain();
    feed_streams();
    if (is_idle() && nanoseconds != 0) {
      is_waiting_ = true;
      wait(nanoseconds);
      is_waiting_ = false;
      if (PyErr_CheckSignals() != 0) {
        nb::raise_python_error();
      }
      if (is_draining_) {
        return leave_to_drainer(0); // a thread that glanced in the meantime
      }
      drain();
      feed_streams();
    }
    was_idle_ = is_idle();
    has_settled_ = false;
    nb::list news = take_news();
    return nb::make_tuple(news, std::exchange(ended_, nb::list()));
  }

private:
  static constexpr uint64_t kLooksBetweenGlances = 128;
  static constexpr int64_t kDrainersTurn = 1'000'000;

  uint32_t next_group() {
    last_group_ = std::max<uint32_t>(last_group_ + 1, 1);
    return last_group_;
  }

  // Of calls one by one: whoever submits so many that the lanes are full reads results, too.
  void submit_one(std::unique_ptr<pool::Task> task) {
    scheduler_->submit(std::move(task));
    ++looks_;
    if (looks_ % kLooksBetweenGlances == 0 && scheduler_->has_backlog()) {
      glance();
    }
  }

  // Those of this process, by the GIL.
  static std::set<PoolEngine*>& all() {
    static auto* engines = new std::set<PoolEngine*>;
    return *engines;
  }

  void wait(int64_t nanoseconds) {
    const GilReleased others_run;
    scheduler_->wait(nanoseconds);
  }

  bool is_idle() const { return nb::len(news_) == 0 && nb::len(ended_) == 0 && !has_settled_; }

  // What pump() answers while results are read: a result that is being unpickled has asked for more, or lets another thread run.
  nb::tuple leave_to_drainer(int64_t nanoseconds) {
    was_idle_ = false;
    if (nanoseconds != 0 && drainer_ != std::this_thread::get_id()) {
      const GilReleased others_run;
      std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(nanoseconds, kDrainersTurn)));
    }
    return nb::make_tuple(take_news(), nb::list());
  }

  // Only where nobody else does: lanes are read by one thread, and a result's unpickling may let others run in the middle.
  void drain() {
    struct Guard {
      bool& flag;
      ~Guard() { flag = false; }
    };
    is_draining_ = true;
    drainer_ = std::this_thread::get_id();
    const Guard guard{is_draining_};
    const bool has_results = scheduler_->drain(*this);
    if (has_results) {
      pass_on_stderr();
    }
  }

  // What workers wrote before they sent their results is seen before the results are.
  static void pass_on_stderr() {
    if (!pool::StderrRelay::is_behind()) {
      return;
    }
    const GilReleased others_run;
    pool::StderrRelay::catch_up();
  }

  nb::list take_news() {
    nb::list news = std::exchange(news_, nb::list());
    for (nb::handle batch : news) {
      nb::inst_ptr<PoolBatch>(batch)->is_news = false;
    }
    return news;
  }

  void result(const pool::Task& task, uint32_t item, uint8_t tag, const char* data, size_t size) override {
    const auto kind = static_cast<PoolTag>(tag);
    if (kind == PoolTag::kFailure) {
      fail(task, item, "raised", nb::bytes(data, size));
      return;
    }
    PyObject* value = reader_.read(kind, data, size);
    if (value == nullptr) {
      const nb::python_error error;
      fail(task, item, "unreadable", nb::borrow(error.value()));
      return;
    }
    batch_of(task).put(task.base + item, value);
    settled(task);
  }

  void worker_ended(uint64_t lane, WorkerEnd end) override {
    if (const auto slab = slabs_.find(lane); slab != slabs_.end()) {
      exchange_->drop_worker(slab->second);
      slabs_.erase(slab);
    }
    ended_.append(nb::make_tuple(lane, end.was_attached, end.starts_work, end.was_killed));
  }

  void lost(const pool::Task& task, uint32_t item, pool::Loss why, uint64_t lane) override {
    const char* kind = why == pool::Loss::kTimedOut ? "timed out" : why == pool::Loss::kMemory ? "memory" : "died";
    fail(task, item, kind, nb::cast(lane));
  }

  void fail_recalled(const pool::Task& task) {
    for (uint32_t item = task.first; item < task.end; ++item) {
      fail(task, item, "recalled", nb::none());
    }
  }

  void fail(const pool::Task& task, uint32_t item, const char* kind, nb::object detail) {
    PoolBatch& batch = batch_of(task);
    batch.failures.append(nb::make_tuple(task.base + item, kind, std::move(detail)));
    report(batch, task.owner);
    settled(task);
  }

  // One item less is missing; its reference goes.
  void settled(const pool::Task& task) {
    PoolBatch& batch = batch_of(task);
    batch.only_task = nullptr;
    batch.settle(1);
    has_settled_ = has_settled_ || batch.has_next();
    if (batch.is_complete()) {
      complete(batch, task.owner);
    } else if (batch.wants_items()) {
      hungry_.append(nb::handle(static_cast<PyObject*>(task.owner)));
    }
    Py_DECREF(static_cast<PyObject*>(task.owner));
  }

  // The last one that is active is reported in any case: the crew has to know when nothing is left to do.
  void complete(PoolBatch& batch, void* owner) {
    if (PySet_GET_SIZE(active_.ptr()) > 1 && batch.finish()) {
      has_settled_ = true;
      PySet_Discard(active_.ptr(), static_cast<PyObject*>(owner));
    } else {
      report(batch, owner);
    }
  }

  // Streams whose input is taken by whoever reads results.
  void feed_streams() {
    for (nb::handle stream : std::exchange(hungry_, nb::list())) {
      nb::inst_ptr<PoolStream>(stream)->is_hungry = false;
      feed(nb::borrow(stream));
    }
  }

  void report(PoolBatch& batch, void* owner) {
    if (!batch.is_news) {
      batch.is_news = true;
      news_.append(nb::handle(static_cast<PyObject*>(owner)));
    }
  }

  void release_owners() {
    for (const auto& task : scheduler_->recall(nullptr)) {
      for (uint32_t item = task->first; item < task->end; ++item) {
        Py_DECREF(static_cast<PyObject*>(task->owner));
      }
    }
  }

  std::shared_ptr<pool::Exchange> exchange_; // null: everything goes through the lanes
  PoolReader reader_;
  std::map<uint64_t, uint32_t> slabs_; // of the lanes' workers: their owners' numbers
  std::map<uint64_t, std::shared_ptr<pool::StderrStream>> streams_;
  nb::list news_;
  nb::list ended_;
  nb::list hungry_; // streams that want more of their input
  nb::set active_;
  bool is_foreign_ = false; // a fork's copy
  bool is_draining_ = false;
  std::thread::id drainer_;  // who reads results now, or did last
  bool is_waiting_ = false;  // a pump waits
  bool has_settled_ = false; // since the last pump something came that is not among the news, and that somebody may wait for
  bool was_idle_ = false;
  uint32_t last_group_ = 0;
  uint64_t looks_ = 0;
  pid_t owner_;
  std::unique_ptr<pool::Scheduler> scheduler_;
};

// tp_iternext of PoolStream.
PyObject* next_of_stream(PyObject* self) {
  auto& stream = *nb::inst_ptr<PoolStream>(self);
  try {
    return nb::inst_ptr<PoolEngine>(stream.engine)->next(self, stream);
  } catch (nb::python_error& error) {
    error.restore();
    return nullptr;
  }
}

} // namespace

void add_pool_engine(nb::module_& m) {
  add_pool_batch(m);
  add_pool_stream(m, next_of_stream);
  add_pool_result(m);
  add_pool_turn(m);
  nb::class_<PoolEngine>(m, "PoolEngine", "The parent's side of a process pool.")
      .def(nb::init<nb::object, const nb::object&>(), nb::arg("loads"), nb::arg("exchange").none(),
           nb::sig("def __init__(self, loads: Callable[..., Any], exchange: PoolExchange | None) -> None"))
      .def("add_lane", &PoolEngine::add_lane, nb::arg("most_tasks"), nb::sig("def add_lane(self, most_tasks: int) -> tuple[int, ...]"),
           "Return a new lane, and the descriptors of its memory, of its bell, and of the exchange's memory where there is one.")
      .def("open_stderr", &PoolEngine::open_stderr, nb::arg("lane"),
           "Return a descriptor that a lane's worker is to take for its stderr, or -1: the one that it has.")
      .def_static("is_stderr_behind", &pool::StderrRelay::is_behind, "Whether something that workers wrote to stderr is on its way.")
      .def("take_stderr", &PoolEngine::take_stderr, nb::arg("lane"), nb::sig("def take_stderr(self, lane: int) -> str"),
           "Return the end of what a lane's worker wrote to stderr, once.")
      .def("watch", &PoolEngine::watch, nb::arg("lane"), nb::arg("pid"), nb::arg("most_memory"))
      .def("drop_lane", &PoolEngine::drop_lane, nb::arg("lane"), "Count a lane's worker as ended; it never came to be.")
      .def_static("after_fork", &PoolEngine::after_fork, "Called in a fork's child: the engines that it has copies of are its parent's.")
      .def("stop_workers", &PoolEngine::stop_workers, "Let workers leave when they have done what they have.")
      .def("interrupt", &PoolEngine::interrupt, "Make a pump that waits return.")
      .def("live_lanes", &PoolEngine::live_lanes)
      .def("has_lane", &PoolEngine::has_lane, nb::arg("lane"), "Whether the end of a lane's worker was not told yet.")
      .def(
          "submit_items", &PoolEngine::submit_items, nb::arg("batch"), nb::arg("function"), nb::arg("items"), nb::arg("chunk"),
          nb::arg("timeout"), nb::arg("retries"), nb::arg("is_awaited"), nb::arg("encode"),
          nb::sig("def submit_items(self, batch: PoolBatch, function: bytes, items: Sequence[Any], chunk: int, timeout: int, retries: int, "
                  "is_awaited: bool, encode: Callable[..., bytes]) -> None"),
          "Submit the items of a list or tuple, so many in a task; nobody waits for single ones.")
      .def("submit_call", &PoolEngine::submit_call, nb::arg("batch"), nb::arg("call"), nb::arg("arguments"), nb::arg("keywords"),
           nb::sig("def submit_call(self, batch: PoolBatch, call: PoolCall, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None"),
           "Submit one call.")
      .def_prop_ro("active", &PoolEngine::active, nb::sig("def active(self) -> set[Any]"), "The jobs that are not over.")
      .def_prop_ro("was_idle", &PoolEngine::was_idle, "Whether the last pump found nothing.")
      .def_prop_ro("looks", &PoolEngine::looks, "How often somebody has looked for results, or submitted a call.")
      .def("feed", &PoolEngine::feed, nb::arg("stream"), nb::sig("def feed(self, stream: PoolStream) -> None"),
           "Take what there is room for from a stream's input.")
      .def("glance", &PoolEngine::glance, "Read results without waiting; return whether there is news for pump.")
      .def("recall", &PoolEngine::recall, nb::arg("batch").none(), nb::arg("spares_first") = false,
           nb::sig("def recall(self, batch: PoolBatch | None, spares_first: bool = False) -> list[Any]"),
           "Take back what no worker has claimed; `spares_first`: but for one task of each worker that has begun nothing.")
      .def("is_waiting", &PoolEngine::is_waiting, nb::arg("batch"), nb::sig("def is_waiting(self, batch: PoolBatch) -> bool"),
           "Whether some of a batch was not claimed by a worker yet.")
      .def("pump", &PoolEngine::pump, nb::arg("nanoseconds"),
           nb::sig("def pump(self, nanoseconds: int) -> tuple[list[Any], list[tuple[int, bool, bool, bool]]]"),
           "Read results, waiting for some; return batches with news, and workers that ended with whether they came to their lane, ever "
           "had a task, "
           "and whether they were killed for what it took.");
}

} // namespace hasten::bindings
