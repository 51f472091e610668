#include "hasten/bindings/pool_batch.h"

#include <algorithm>
#include <string>
#include <utility>

#include "hasten/bindings/ending.h"
#include "hasten/bindings/pool_buffers.h"
#include "hasten/bindings/pool_codec.h"
#include "hasten/bindings/pool_exchange.h"
#include "hasten/bindings/thread_wait.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

// The head of tasks whose body is plain.
std::shared_ptr<const std::string> plain_head(const nb::bytes& function) {
  auto head = std::make_shared<std::string>(function.c_str(), function.size());
  head->front() = static_cast<char>(head->front() | kHeadIsPlain);
  return head;
}

bool runs_no_foreign_code(PyObject* iterator) {
  const PyTypeObject* const known[] = {&PyRangeIter_Type,   &PyLongRangeIter_Type, &PyListIter_Type, &PyTupleIter_Type,
                                       &PyUnicodeIter_Type, &PyBytesIter_Type,     &PySetIter_Type,  &PyDictIterKey_Type};
  return std::find(std::begin(known), std::end(known), Py_TYPE(iterator)) != std::end(known);
}

void init_stream(PoolStream* self, nb::object engine, nb::object input, nb::bytes function, nb::object encode, int64_t timeout,
                 uint32_t retries, uint64_t chunk, uint64_t window, bool is_ordered, bool counts_unread) {
  auto call = std::make_unique<PoolCall>(std::move(function), timeout, retries, 0, std::move(encode));
  new (self) PoolStream(std::move(engine), std::move(input), std::move(call),
                        {.chunk = chunk, .window = window, .is_ordered = is_ordered, .counts_unread = counts_unread});
}

} // namespace

PoolCall::PoolCall(nb::bytes function, int64_t timeout, uint32_t retries, uint32_t group, nb::object encode)
    : function(std::move(function)), encode(std::move(encode)) {
  like.head = plain_head(this->function);
  like.cargo = cargo_of(this->function.ptr());
  like.timeout = timeout;
  like.retries = retries;
  like.group = group;
}

PoolBatch::PoolBatch(nb::list results) : results(std::move(results)), left(nb::len(this->results)) {}

void PoolBatch::put(uint64_t index, PyObject* value) { PyList_SetItem(results.ptr(), static_cast<Py_ssize_t>(index), value); }

void PoolBatch::refuse(const nb::object& error) {
  failures.append(nb::make_tuple(0, "refused", error));
  left = 0;
}

PoolStream::PoolStream(nb::object engine, nb::object input, std::unique_ptr<PoolCall> call, Shape shape)
    : PoolBatch(nb::list()), call(std::move(call)), engine(std::move(engine)), shape_(shape), input_(std::move(input)),
      is_direct_(runs_no_foreign_code(input_.ptr())) {}

PoolStream::~PoolStream() {
  for (const Outcome& outcome : outcomes_) {
    Py_XDECREF(outcome.value);
  }
}

// --- the input ---

uint64_t PoolStream::most_open() const {
  const uint64_t share = is_large_ && !shape_.counts_unread ? kLargeShare : 1;
  return std::max<uint64_t>(shape_.window / share, 1) * shape_.chunk;
}

bool PoolStream::begin_pull() {
  if (is_exhausted() || is_pulling_ || (open_items() > 0 && open_items() + shape_.chunk > most_open())) {
    return false;
  }
  is_pulling_ = true;
  return true;
}

nb::object PoolStream::pull() {
  const nb::object input = input_; // stop() may come meanwhile
  nb::list items;
  while (nb::len(items) < shape_.chunk && !is_exhausted()) {
    nb::object item = nb::steal(call_python([&] { return PyIter_Next(input.ptr()); }));
    if (!item.is_valid()) {
      stop();
      break;
    }
    items.append(item);
  }
  is_pulling_ = false;
  nb::object error = PyErr_Occurred() != nullptr ? nb::steal(take_exception()) : nb::object();
  if (error.is_valid()) {
    items = nb::list();
  }
  const uint64_t count = error.is_valid() ? 1 : nb::len(items);
  const uint64_t first = pulled_;
  pulled_ += count;
  if (shape_.is_ordered) {
    outcomes_.insert(outcomes_.end(), count, {nullptr, false});
  }
  if (error.is_valid()) {
    put_exception(first, error);
  } else {
    left += count;
  }
  return items;
}

bool PoolStream::wants_items() {
  if (is_exhausted() || is_pulling_ || is_hungry || open_items() > most_open() / 2) {
    return false;
  }
  if (!is_direct_) {
    feeders_.wake_all();
    return false;
  }
  is_hungry = true;
  return true;
}

void PoolStream::stop() {
  input_.reset();
  feeders_.wake_all();
}

void PoolStream::open_window() {
  shape_.counts_unread = false;
  feeders_.wake_all();
}

void PoolStream::wait_for_room() {
  while (!is_exhausted() && open_items() > most_open() / 2) {
    if (wait_in(feeders_, parallel::kForever) == Waited::kFailed) {
      nb::raise_python_error();
    }
  }
}

// --- the results ---

void PoolStream::place(uint64_t index, Outcome outcome) {
  if (shape_.is_ordered) {
    outcomes_[index - given_] = outcome;
  } else {
    outcomes_.push_back(outcome);
  }
}

PyObject* PoolStream::give() {
  const Outcome outcome = outcomes_.front();
  outcomes_.pop_front();
  ++given_;
  if (!outcome.is_exception) {
    return outcome.value;
  }
  raise_again(outcome.value);
  Py_DECREF(outcome.value);
  return nullptr;
}

void add_pool_batch(nb::module_& m) {
  nb::class_<PoolBatch>(m, "PoolBatch", "The results of some items, filled in as they come.")
      .def(nb::init<nb::list>(), nb::arg("results"), nb::sig("def __init__(self, results: list[Any]) -> None"))
      .def("refuse", &PoolBatch::refuse, nb::arg("error"), nb::sig("def refuse(self, error: BaseException) -> None"),
           "Fail as a whole: nothing of it can be submitted.")
      .def(
          "take_failures", [](PoolBatch& self) { return std::exchange(self.failures, nb::list()); },
          nb::sig("def take_failures(self) -> list[tuple[int, str, Any]]"), "Return new failures, and forget them.")
      .def_ro("left", &PoolBatch::left)
      .def_ro("results", &PoolBatch::results, nb::sig("def results(self) -> list[Any]"))
      .def_ro("failures", &PoolBatch::failures, nb::sig("def failures(self) -> list[tuple[int, str, Any]]"));
  nb::class_<PoolCall>(m, "PoolCall", "A function as it is called, each time in a task of its own.")
      .def(
          "__init__",
          [](PoolCall* self, nb::bytes function, int64_t timeout, uint32_t retries, nb::object encode) {
            new (self) PoolCall(std::move(function), timeout, retries, 0, std::move(encode));
          },
          nb::arg("function"), nb::arg("timeout"), nb::arg("retries"), nb::arg("encode"),
          nb::sig("def __init__(self, function: bytes, timeout: int, retries: int, encode: Callable[..., bytes]) -> None"));
}

void add_pool_stream(nb::module_& m, iternextfunc next) {
  PyType_Slot slots[] = {
      {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
      {Py_tp_iternext, reinterpret_cast<void*>(next)},
      {0, nullptr},
  };
  nb::class_<PoolStream, PoolBatch>(m, "PoolStream", "An iterator over results, whose input is taken as there is room.",
                                    nb::type_slots(slots))
      .def("__init__", init_stream, nb::arg("engine"), nb::arg("input"), nb::arg("function"), nb::arg("encode"), nb::arg("timeout"),
           nb::arg("retries"), nb::arg("chunk"), nb::arg("window"), nb::arg("is_ordered"), nb::arg("counts_unread"),
           nb::sig("def __init__(self, engine: PoolEngine, input: Iterator[Any], function: bytes, encode: Callable[..., bytes], "
                   "timeout: int, retries: int, chunk: int, window: int, is_ordered: bool, counts_unread: bool) "
                   "-> None"))
      .def("wait_for_room", &PoolStream::wait_for_room, "Wait until the input may be taken from again, or is exhausted.")
      .def("stop", &PoolStream::stop, "Take nothing more from the input.")
      .def("open_window", &PoolStream::open_window, "Count only what is not finished, whether results are read or not.")
      .def("put_exception", &PoolStream::put_exception, nb::arg("index"), nb::arg("exception"),
           nb::sig("def put_exception(self, index: int, exception: BaseException) -> None"), "Let the iterator raise in this place.")
      .def(
          "put_value", [](PoolStream& self, uint64_t index, const nb::object& value) { self.put(index, value.inc_ref().ptr()); },
          nb::arg("index"), nb::arg("value"), nb::sig("def put_value(self, index: int, value: object) -> None"))
      .def_prop_ro("is_direct", &PoolStream::is_direct, "Whether any thread may take items from the input at any time.")
      .def_prop_ro("is_exhausted", &PoolStream::is_exhausted)
      .def_prop_ro("is_complete", &PoolStream::is_complete)
      .def("has_news", [](const PoolStream& self) { return self.has_next() || self.is_at_end(); }, "Whether next() need not wait.");
}

} // namespace hasten::bindings
