#include "hasten/bindings/pool_result.h"

#include <utility>

#include "hasten/bindings/thread_wait.h"

namespace nb = nanobind;

namespace hasten::bindings {
namespace {

nb::list blank_results(size_t length) {
  nb::list results = nb::steal<nb::list>(PyList_New(static_cast<Py_ssize_t>(length)));
  if (!results.is_valid()) {
    nb::raise_python_error();
  }
  for (size_t i = 0; i < length; ++i) {
    PyList_SET_ITEM(results.ptr(), static_cast<Py_ssize_t>(i), Py_NewRef(Py_None));
  }
  return results;
}

// What refers to something, for both sides of the garbage collector.
template <typename Result, typename Visit> int visit_all(Result& result, Visit visit) {
  for (auto* object : {&result.pool, &result.crew, &result.options, &result.callback, &result.error_callback, &result.error}) {
    if (const int status = visit(*object); status != 0) {
      return status;
    }
  }
  return 0;
}

int traverse_result(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return nb::inst_ready(self) ? nb::inst_ptr<PoolResult>(self)->traverse(visit, arg) : 0;
}

int clear_result(PyObject* self) {
  if (nb::inst_ready(self)) {
    nb::inst_ptr<PoolResult>(self)->clear();
  }
  return 0;
}

PyType_Slot result_slots[] = {
    {Py_tp_traverse, reinterpret_cast<void*>(traverse_result)},
    {Py_tp_clear, reinterpret_cast<void*>(clear_result)},
    {0, nullptr},
};

nb::object get_result(nb::handle self, nb::handle timeout) {
  PyObject* value = nb::inst_ptr<PoolResult>(self)->get(self, timeout);
  if (value == nullptr) {
    nb::raise_python_error();
  }
  return nb::steal(value);
}

} // namespace

PoolResult::PoolResult(nb::object pool, nb::object crew, nb::object options, size_t length, bool is_single, nb::object callback,
                       nb::object error_callback)
    : PoolBatch(blank_results(is_single ? 0 : length)), pool(std::move(pool)), crew(std::move(crew)), options(std::move(options)),
      callback(std::move(callback)), error_callback(std::move(error_callback)), error(nb::none()), value_(nb::none()),
      is_single_(is_single) {
  left = length;
}

void PoolResult::put(uint64_t index, PyObject* value) {
  if (is_single_) {
    value_ = nb::steal(value);
  } else {
    PoolBatch::put(index, value);
  }
}

bool PoolResult::finish() {
  if (is_watched || is_settling_ || !callback.is_none() || !error.is_none() || nb::len(failures) > 0) {
    return false;
  }
  close();
  pool = nb::none();
  return true;
}

bool PoolResult::begin_settling() {
  if (is_ready || (left > 0 && nb::len(failures) == 0)) {
    return false;
  }
  is_contended_ = is_contended_ || is_settling_;
  return !std::exchange(is_settling_, true);
}

bool PoolResult::end_settling() {
  is_settling_ = false;
  return std::exchange(is_contended_, false);
}

nb::object PoolResult::value() const { return is_single_ || is_ready ? value_ : results; }

void PoolResult::close() {
  if (!is_single_) {
    const nb::object came = std::exchange(results, nb::list());
    value_ = error.is_none() ? came : nb::none();
  }
  is_ready = true;
}

PyObject* PoolResult::get(nb::handle self, nb::handle timeout) {
  if (!is_ready) {
    self.attr("_wait_for_end")(timeout);
  }
  if (!error.is_none()) {
    raise_again(error.ptr());
    return nullptr;
  }
  return Py_NewRef(value_.ptr());
}

int PoolResult::traverse(visitproc visit, void* arg) const {
  for (const auto* object : {&results, &failures}) {
    Py_VISIT(object->ptr());
  }
  Py_VISIT(value_.ptr());
  return visit_all(*this, [&](const nb::object& object) {
    Py_VISIT(object.ptr());
    return 0;
  });
}

void PoolResult::clear() {
  results = nb::list();
  failures = nb::list();
  value_ = nb::none();
  visit_all(*this, [](nb::object& object) {
    object = nb::none();
    return 0;
  });
}

void add_pool_result(nb::module_& m) {
  nb::class_<PoolResult, PoolBatch>(m, "PoolResult", "What becomes of one call, or of all calls of a map.", nb::type_slots(result_slots))
      .def(nb::init<nb::object, nb::object, nb::object, size_t, bool, nb::object, nb::object>(), nb::arg("pool").none(), nb::arg("crew"),
           nb::arg("options"), nb::arg("length"), nb::arg("is_single"), nb::arg("callback").none() = nb::none(),
           nb::arg("error_callback").none() = nb::none(),
           nb::sig("def __init__(self, pool: object, crew: Any, options: Any, length: int, is_single: bool, "
                   "callback: Callable[[Any], object] | None = None, error_callback: Callable[[BaseException], object] | None = None) "
                   "-> None"))
      .def("get", get_result, nb::arg("timeout").none() = nb::none(), nb::sig("def get(self, timeout: float | None = None) -> Any"),
           "Return the result, or raise what the task raised.\n\n"
           "Raises\n"
           "------\n"
           "multiprocessing.TimeoutError\n"
           "    Where it does not come within `timeout` seconds.")
      .def("begin_settling", &PoolResult::begin_settling, "Whether this thread is to take over what came; then `end_settling` follows.")
      .def("end_settling", &PoolResult::end_settling, "Let others take over; return whether one wanted to meanwhile.")
      .def("close", &PoolResult::close, "Be ready with what is there.")
      .def(
          "put_value", [](PoolResult& self, uint64_t index, const nb::object& value) { self.put(index, value.inc_ref().ptr()); },
          nb::arg("index"), nb::arg("value").none(), nb::sig("def put_value(self, index: int, value: object) -> None"))
      .def_rw("is_watched", &PoolResult::is_watched)
      .def_ro("is_ready", &PoolResult::is_ready)
      .def_prop_ro("value", &PoolResult::value, nb::sig("def value(self) -> Any"))
      .def_rw("_owner", &PoolResult::pool, nb::arg().none(), nb::for_getter(nb::sig("def _owner(self) -> object")),
              nb::for_setter(nb::sig("def _owner(self, arg: object, /) -> None")))
      .def_rw("crew", &PoolResult::crew, nb::for_getter(nb::sig("def crew(self) -> Any")),
              nb::for_setter(nb::sig("def crew(self, arg: Any, /) -> None")))
      .def_rw("options", &PoolResult::options, nb::for_getter(nb::sig("def options(self) -> Any")),
              nb::for_setter(nb::sig("def options(self, arg: Any, /) -> None")))
      .def_rw("callback", &PoolResult::callback, nb::arg().none(), nb::for_getter(nb::sig("def callback(self) -> Any")),
              nb::for_setter(nb::sig("def callback(self, arg: Any, /) -> None")))
      .def_rw("error_callback", &PoolResult::error_callback, nb::arg().none(), nb::for_getter(nb::sig("def error_callback(self) -> Any")),
              nb::for_setter(nb::sig("def error_callback(self, arg: Any, /) -> None")))
      .def_rw("error", &PoolResult::error, nb::arg().none(), nb::for_getter(nb::sig("def error(self) -> BaseException | None")),
              nb::for_setter(nb::sig("def error(self, arg: BaseException | None, /) -> None")));
}

} // namespace hasten::bindings
