#include "hasten/bindings/pool_worker.h"

#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <utility>

#include "hasten/base/posix.h"
#include "hasten/bindings/ending.h"
#include "hasten/bindings/pool_allocator.h"
#include "hasten/bindings/pool_array.h"
#include "hasten/bindings/pool_buffers.h"
#include "hasten/bindings/pool_codec.h"
#include "hasten/bindings/python_error.h"
#include "hasten/pool/exchange.h"
#include "hasten/pool/worker_lane.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

using pool::WorkerLane;

constexpr int64_t kForever = -1; // a task, the end or a signal wakes; an idle worker costs nothing
// How long a worker that used shared memory is idle before it gives some back, which costs it one wake-up.
constexpr int64_t kPatience = 5'000'000'000;
// Results below go through the lane, at the cost of a copy or two.
constexpr size_t kLeastInBlock = 8192;
// How long a worker that was interrupted claims nothing, so that the parent, which was too, can take back what it had queued.
constexpr std::chrono::milliseconds kPause{200};

// Ends this process when the parent's pidfd says that the parent ended.
void follow_parent(int pidfd) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread([pidfd] {
    pollfd polled{.fd = pidfd, .events = POLLIN, .revents = 0};
    while (poll(&polled, 1, -1) <= 0) {
    }
    _exit(1);
  }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

class PoolWorker {
public:
  PoolWorker(int lane, int bell, int parent, uint64_t most_tasks, nb::object dumps, nb::object describe)
      : lane_(base::FileDescriptor(lane), base::FileDescriptor(bell), most_tasks), dumps_(std::move(dumps)), describe_(std::move(describe)),
        loads_(nb::module_::import_("_pickle").attr("loads")) {
    follow_parent(parent);
  }

  void share(int arguments, int results, nb::object idle) {
    idle_ = std::move(idle);
    exchange_ = std::make_shared<pool::WorkerExchange>(base::FileDescriptor(arguments), base::FileDescriptor(results));
  }

  // The object that a part of a payload means.
  nb::object open(const nb::bytes& payload, size_t start, size_t end, bool is_writable) {
    if (end > payload.size() || start >= end) {
      throw nb::value_error("a task is shorter than it says");
    }
    const char* data = payload.c_str() + start;
    const size_t size = end - start;
    nb::object found = nb::steal(open_part(data, size, is_writable));
    if (!found.is_valid()) {
      nb::raise_python_error();
    }
    return found;
  }

  bool may_keep(const nb::bytes& reference) const {
    return exchange_ != nullptr && exchange_->may_keep(block_of(reference.c_str(), reference.size()));
  }

  // In a fork's child: `end` is called with what the task raises, or None, when the task has come to its end there, too.
  void after_fork(nb::object end) { end_copy_ = std::move(end); }

  void before_fork() {
    if (exchange_ != nullptr) {
      exchange_->before_fork();
    }
  }

  // Runs tasks until the worker is to leave. `load(head)` returns a function that isn't known yet, `run(payload)` deals with tasks that
  // aren't plain.
  void serve(const nb::object& load, const nb::object& run) {
    while (find_task()) {
      nb::object copy;
      std::string_view payload = lane_.payload();
      if (payload.empty()) {
        copy = read_payload();
        payload = {PyBytes_AS_STRING(copy.ptr()), static_cast<size_t>(PyBytes_GET_SIZE(copy.ptr()))};
      }
      if (!payload.empty() && (static_cast<uint8_t>(payload.front()) & kHeadIsPlain) != 0) {
        run_plain(payload, load);
      } else {
        run(copy.is_valid() ? copy : nb::bytes(payload.data(), payload.size()));
      }
    }
  }

  // Calls the function with each item that is to be run, and sends what comes of it. `is_starred`: items are tuples of arguments.
  void run(const nb::object& function, const nb::object& items, bool is_starred) {
    nb::object list = nb::steal(PySequence_Fast(items.ptr(), "the items of a task are a sequence"));
    if (!list.is_valid() || PySequence_Fast_GET_SIZE(list.ptr()) < static_cast<Py_ssize_t>(lane_.end())) {
      throw nb::value_error("a task has fewer items than it says");
    }
    while (lane_.item() < lane_.end() && !is_interrupted_) {
      PyObject* item = PySequence_Fast_ITEMS(list.ptr())[lane_.item()];
      is_in_call_ = true;
      nb::object result = nb::steal(is_starred ? call_starred(function.ptr(), item) : PyObject_CallOneArg(function.ptr(), item));
      is_in_call_ = false;
      result.is_valid() ? send_result(result) : send_error();
    }
    if (lane_.item() < lane_.end()) {
      PyErr_SetNone(PyExc_KeyboardInterrupt);
      const nb::python_error error;
      fail(nb::bytes(describe_(error.value())));
    }
  }

  // Calls once, with keyword arguments.
  void apply(const nb::object& function, const nb::object& arguments, const nb::object& keywords) {
    call_once(function.ptr(), nb::tuple(arguments).ptr(), keywords.ptr());
  }

  // Sends one failure, as `describe` made it, for every item that is to be run.
  void fail(const nb::bytes& failure) {
    while (lane_.item() < lane_.end()) {
      send(PoolTag::kFailure, failure.c_str(), failure.size());
    }
  }

  // Called by the handler of SIGINT; whether it is to raise KeyboardInterrupt.
  bool interrupt() {
    is_interrupted_ = true;
    return is_in_call_;
  }

private:
  // Only the worker itself sends results; a fork of it whose task has ended has nothing left to do.
  void end_copy() {
    if (end_copy_.is_valid()) {
      const nb::object error = PyErr_Occurred() != nullptr ? nb::steal(take_exception()) : nb::none();
      end_copy_(error);
    }
  }

  static constexpr unsigned kTasksBetweenOffers = 256; // of the GIL to other threads of the worker
  static constexpr size_t kMostFunctions = 100;        // that are remembered

  // Claims the next task; false where the worker is to leave.
  bool find_task() {
    WorkerLane::Found found = WorkerLane::Found::kNothing;
    if (++quick_finds_ < kTasksBetweenOffers && !is_interrupted_ && lane_.has_next()) {
      found = lane_.take(0);
    }
    const int64_t start = found == WorkerLane::Found::kTask ? 0 : pool::shm::now();
    while (found != WorkerLane::Found::kTask) {
      quick_finds_ = 0;
      const bool holds_memory = has_used_blocks_ || keeps_array_memory();
      {
        const GilReleased release;
        if (std::exchange(is_interrupted_, false)) {
          std::this_thread::sleep_for(kPause);
        }
        found = lane_.take(holds_memory ? kPatience : kForever);
      }
      if (found == WorkerLane::Found::kStop) {
        return false;
      }
      // The parent wakes a worker for other reasons, too.
      if (found == WorkerLane::Found::kNothing && holds_memory && pool::shm::now() - start >= kPatience) {
        has_used_blocks_ = false;
        idle_();
        exchange_->trim();
        free_array_memory();
      }
      check_signals();
    }
    return true;
  }

  void run_plain(std::string_view payload, const nb::object& load) {
    nb::object function;
    nb::object items;
    std::string_view head;
    try {
      head = head_of(payload);
      function = function_of(head, load);
      items = nb::steal(decode_plain(payload.substr(head.size())));
      if (!items.is_valid()) {
        nb::raise_python_error();
      }
    } catch (nb::python_error& error) {
      fail(nb::bytes(describe_(error.value())));
      return;
    }
    const auto mode = static_cast<PoolMode>(head.front() & kHeadMode);
    if (mode == PoolMode::kApply) {
      call_once(function.ptr(), items.ptr(), nullptr);
    } else {
      run(function, items, mode == PoolMode::kStarmap);
    }
  }

  static std::string_view head_of(std::string_view payload) {
    uint64_t size = 0;
    if (payload.size() > sizeof size) {
      std::memcpy(&size, payload.data() + 1, sizeof size);
    }
    if (payload.size() < 1 + sizeof size || size > payload.size() - 1 - sizeof size) {
      throw nb::value_error("a task is shorter than it says");
    }
    return payload.substr(0, 1 + sizeof size + size);
  }

  nb::object function_of(std::string_view head, const nb::object& load) {
    if ((head.front() & kHeadIsNamed) == 0) {
      return load(nb::bytes(head.data(), head.size()));
    }
    if (head != last_head_) {
      const auto found = functions_.find(head);
      last_function_ = found != functions_.end() ? found->second : load(nb::bytes(head.data(), head.size()));
      last_head_ = head;
      if (functions_.size() >= kMostFunctions) {
        functions_.clear();
      }
      functions_.emplace(last_head_, last_function_);
    }
    return last_function_;
  }

  void call_once(PyObject* function, PyObject* arguments, PyObject* keywords) {
    is_in_call_ = true;
    nb::object result = nb::steal(keywords != nullptr ? PyObject_Call(function, arguments, keywords)
                                                      : PyObject_Vectorcall(function, &PyTuple_GET_ITEM(arguments, 0),
                                                                            static_cast<size_t>(PyTuple_GET_SIZE(arguments)), nullptr));
    is_in_call_ = false;
    result.is_valid() ? send_result(result) : send_error();
  }

  static PyObject* call_starred(PyObject* function, PyObject* item) {
    nb::object arguments = nb::steal(PySequence_Tuple(item));
    return arguments.is_valid() ? PyObject_CallObject(function, arguments.ptr()) : nullptr;
  }

  static void check_signals() {
    if (PyErr_CheckSignals() != 0) {
      nb::raise_python_error();
    }
  }

  nb::object read_payload() {
    const size_t size = lane_.payload_size();
    nb::object payload = nb::steal(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size)));
    if (!payload.is_valid()) {
      nb::raise_python_error();
    }
    char* into = PyBytes_AS_STRING(payload.ptr());
    for (size_t done = 0; done < size;) {
      {
        const GilReleased release;
        done += lane_.read_payload(into + done, size - done);
      }
      check_signals();
    }
    return payload;
  }

  static pool::shm::BlockRef block_of(const char* part, size_t size) {
    pool::shm::BlockRef block{};
    if (size != 1 + sizeof block || *part != kBlockMark) {
      throw nb::value_error("a reference to a block is no reference");
    }
    std::memcpy(&block, part + 1, sizeof block);
    return block;
  }

  PyObject* open_part(const char* data, size_t size, bool is_writable) {
    if (*data == kBlockMark && exchange_ != nullptr) {
      has_used_blocks_ = true;
      const auto opened = exchange_->open(block_of(data, size), is_writable);
      return open_parcel(loads_.ptr(), {opened, opened->data(), opened->size(), is_writable});
    }
    if (*data == kInlineMark) {
      return open_parcel(loads_.ptr(), copy_parcel(data + 1, size - 1));
    }
    nb::object view = nb::steal(PyMemoryView_FromMemory(const_cast<char*>(data), static_cast<Py_ssize_t>(size), PyBUF_READ));
    return PyObject_CallOneArg(loads_.ptr(), view.ptr());
  }

  void send_result(const nb::object& result) {
    end_copy();
    PoolScalar scalar{};
    if (encode_scalar(result.ptr(), &scalar)) {
      send(scalar.tag, scalar.data, scalar.size);
      return;
    }
    if (is_plain_array(result.ptr()) && send_array(result.ptr())) {
      return;
    }
    nb::list buffers;
    nb::object pickled = nb::steal(PyObject_CallFunctionObjArgs(dumps_.ptr(), result.ptr(), buffers.ptr(), nullptr));
    if (!pickled.is_valid()) {
      send_error(result);
    } else if (nb::len(buffers) == 0 && nb::len(pickled) < kLeastInBlock) {
      send_bytes(PoolTag::kPickle, pickled);
    } else {
      send_parcel(Parcel(pickled.ptr(), buffers.ptr()));
    }
  }

  bool send_array(PyObject* array) {
    array_.clear();
    if (array_size(array) > kMostArrayBytes) {
      return send_array_in_block(array);
    }
    if (!append_array(array, &array_)) {
      return false;
    }
    send(PoolTag::kArray, array_.data(), array_.size());
    return true;
  }

  bool send_array_in_block(PyObject* array) {
    const std::string_view elements = array_elements(array);
    const auto block = exchange_ != nullptr && !elements.empty() ? exchange_->allocate(elements.size()) : std::nullopt;
    if (!block) {
      return false;
    }
    has_used_blocks_ = true;
    keep_array_memory(exchange_);
    bool is_written = false;
    {
      const GilReleased release;
      is_written = exchange_->write(*block, 0, elements.data(), elements.size());
    }
    if (!is_written) {
      exchange_->lose(*block);
      return false;
    }
    array_.assign(reinterpret_cast<const char*>(&*block), sizeof *block);
    append_description(array, &array_);
    send(PoolTag::kArrayInBlock, array_.data(), array_.size());
    return true;
  }

  void send_parcel(const Parcel& parcel) {
    if (parcel.size() >= kLeastInBlock && send_in_block(parcel)) {
      return;
    }
    std::string bytes(parcel.size(), '\0');
    parcel.pour([&](size_t at, const void* data, size_t size) {
      std::memcpy(bytes.data() + at, data, size);
      return true;
    });
    send(PoolTag::kParcel, bytes.data(), bytes.size());
  }

  bool send_in_block(const Parcel& parcel) {
    const auto block = exchange_ != nullptr ? exchange_->allocate(parcel.size()) : std::nullopt;
    if (!block) {
      return false;
    }
    has_used_blocks_ = true;
    keep_array_memory(exchange_);
    if (!parcel.pour([&](size_t at, const void* data, size_t size) { return exchange_->write(*block, at, data, size); })) {
      exchange_->lose(*block);
      return false;
    }
    send(PoolTag::kBlock, reinterpret_cast<const char*>(&*block), sizeof *block);
    return true;
  }

  // Of the Python error that is set. `value`: the result that could not be pickled.
  void send_error(const nb::object& value = {}) {
    end_copy();
    const nb::python_error error;
    nb::object exception = nb::borrow(error.value());
    if (error.traceback().is_valid()) {
      PyException_SetTraceback(exception.ptr(), error.traceback().ptr());
    }
    nb::object described = value.is_valid() ? describe_(exception, value) : describe_(exception);
    send_bytes(PoolTag::kFailure, described);
  }

  void send_bytes(PoolTag tag, const nb::object& pickled) {
    char* data = nullptr;
    Py_ssize_t size = 0;
    if (PyBytes_AsStringAndSize(pickled.ptr(), &data, &size) != 0) {
      nb::raise_python_error();
    }
    send(tag, data, static_cast<size_t>(size));
  }

  void send(PoolTag tag, const char* data, size_t size) {
    size_t sent = 0;
    auto outcome = WorkerLane::Sent::kAgain;
    if (lane_.has_room(size)) {
      outcome = lane_.send(static_cast<uint8_t>(tag), data, size, &sent);
    }
    while (outcome == WorkerLane::Sent::kAgain) {
      {
        const GilReleased release;
        outcome = lane_.send(static_cast<uint8_t>(tag), data, size, &sent);
      }
      if (outcome == WorkerLane::Sent::kAgain) {
        check_signals();
      }
    }
    if (outcome == WorkerLane::Sent::kKilled) {
      wait_for_the_end();
    }
  }

  // The supervisor has decided, and kills this process now.
  [[noreturn]] static void wait_for_the_end() {
    const GilReleased release;
    for (;;) {
      pause();
    }
  }

  WorkerLane lane_;
  nb::object dumps_;
  nb::object end_copy_; // valid in a fork of the worker
  nb::object describe_;
  std::map<std::string, nb::object, std::less<>> functions_; // by their head
  std::string last_head_;
  nb::object last_function_;
  unsigned quick_finds_ = 0;
  nb::object loads_;
  nb::object idle_;
  std::shared_ptr<pool::WorkerExchange> exchange_; // null: everything goes through the lane
  std::string array_;                              // the result that is being sent
  bool has_used_blocks_ = false;                   // since it was idle
  bool is_in_call_ = false;
  bool is_interrupted_ = false;
};

} // namespace

void add_pool_worker(nb::module_& m) {
  nb::class_<PoolWorker>(m, "PoolWorker", "A worker's end of a pool: claims tasks and sends results.")
      .def(nb::init<int, int, int, uint64_t, nb::object, nb::object>(), nb::arg("lane"), nb::arg("bell"), nb::arg("parent"),
           nb::arg("most_tasks"), nb::arg("dumps"), nb::arg("describe"),
           nb::sig(
               "def __init__(self, lane: int, bell: int, parent: int, most_tasks: int, dumps: Callable[[Any, list[Any]], bytes], describe: "
               "Callable[..., bytes]) -> None"))
      .def("share", &PoolWorker::share, nb::arg("arguments"), nb::arg("results"), nb::arg("idle"),
           nb::sig("def share(self, arguments: int, results: int, idle: Callable[[], object]) -> None"),
           "Use the exchange's memory; take the descriptors over. `idle` is called now and then while there is nothing to do.")
      .def("open", &PoolWorker::open, nb::arg("payload"), nb::arg("start"), nb::arg("end"), nb::arg("is_writable") = true,
           nb::sig("def open(self, payload: bytes, start: int, end: int, is_writable: bool = True) -> Any"),
           "Return what a part of a payload means.")
      .def("may_keep", &PoolWorker::may_keep, nb::arg("reference"), "Whether what was opened by a reference may still be kept.")
      .def("after_fork", &PoolWorker::after_fork, nb::arg("end"),
           nb::sig("def after_fork(self, end: Callable[[BaseException | None], object]) -> None"),
           "Let a fork's child call this where its task ends, with what it raises or None.")
      .def("before_fork", &PoolWorker::before_fork, "Tell the parent that a fork will have the arguments that are open now.")
      .def("serve", &PoolWorker::serve, nb::arg("load"), nb::arg("run"),
           nb::sig("def serve(self, load: Callable[[bytes], Callable[..., Any]], run: Callable[[bytes], object]) -> None"),
           "Run tasks until the worker is to leave.")
      .def("run", &PoolWorker::run, nb::arg("function"), nb::arg("items"), nb::arg("is_starred"),
           nb::sig("def run(self, function: Callable[..., Any], items: Sequence[Any], is_starred: bool) -> None"))
      .def("apply", &PoolWorker::apply, nb::arg("function"), nb::arg("arguments"), nb::arg("keywords"),
           nb::sig("def apply(self, function: Callable[..., Any], arguments: Sequence[Any], keywords: dict[str, Any]) -> None"))
      .def("fail", &PoolWorker::fail, nb::arg("failure"))
      .def("interrupt", &PoolWorker::interrupt, "Note an interrupt; return whether a task runs that it ends.");
}

} // namespace hasten::bindings
