// concurrent.futures' Future without what it seldom needs. The standard class reads and writes _condition, _state, _result, _waiters …;
// here these are computed attributes. As long as nobody has asked for the condition, each change of state is one step under the GIL; from
// then on the standard class's own methods, which lock the condition, do everything.
#include <array>
#include <cstring>

#include "hasten/bindings/python_type.h"
#include "hasten/bindings/thread_types.h"

namespace hasten::bindings {
namespace {

enum class State : uint8_t { kPending, kRunning, kCancelled, kCancelledAndNotified, kFinished };

constexpr std::array<const char*, 5> kStateNames = {"PENDING", "RUNNING", "CANCELLED", "CANCELLED_AND_NOTIFIED", "FINISHED"};

struct FutureObject {
  ThreadJob job;
  PyObject* function;
  PyObject* args; // a tuple
  PyObject* keywords;
  PyObject* result;
  PyObject* exception;
  PyObject* condition;
  PyObject* waiters;
  PyObject* callbacks;
  State state;
};

constexpr PyObject* FutureObject::* kSlots[] = {&FutureObject::function, &FutureObject::args,      &FutureObject::keywords,
                                                &FutureObject::result,   &FutureObject::exception, &FutureObject::condition,
                                                &FutureObject::waiters,  &FutureObject::callbacks};

FutureObject* cast(PyObject* self) { return reinterpret_cast<FutureObject*>(self); }
FutureObject* cast(ThreadJob* job) { return reinterpret_cast<FutureObject*>(job); }

bool is_done(const FutureObject* future) { return future->state >= State::kCancelled; }
bool is_standard(const FutureObject* future) { return future->condition != nullptr; }

// A method of the standard class.
template <typename... Args> PyObject* call_standard(const char* method, FutureObject* self, Args... args) {
  PyObject* name = PyUnicode_InternFromString(method);
  PyObject* function = name == nullptr ? nullptr : PyObject_GetAttr(thread_classes.standard_future, name);
  PyObject* result = function == nullptr ? nullptr : PyObject_CallFunctionObjArgs(function, object_of(&self->job), args..., nullptr);
  Py_XDECREF(function);
  Py_XDECREF(name);
  return result;
}

void drop_call(FutureObject* self) {
  PyObject* function = take(self->function);
  PyObject* args = take(self->args);
  PyObject* keywords = take(self->keywords);
  PyObject* context = take(self->job.context);
  Py_XDECREF(function);
  Py_XDECREF(args);
  Py_XDECREF(keywords);
  Py_XDECREF(context);
}

void set_state(FutureObject* self, State state) {
  self->state = state;
  if (is_done(self)) {
    self->job.waiting.wake_all();
  }
}

bool run_callbacks(FutureObject* self) {
  if (self->callbacks == nullptr || PyList_GET_SIZE(self->callbacks) == 0) {
    return true;
  }
  PyObject* done = call_standard("_invoke_callbacks", self);
  Py_XDECREF(done);
  return done != nullptr;
}

bool refuse_change(FutureObject* self, const char* method, PyObject* value) {
  PyObject* done = call_standard(method, self, value); // raises
  Py_XDECREF(done);
  return done != nullptr;
}

// False with an exception set where it is done already. Takes no references.
bool finish(FutureObject* self, PyObject* result, PyObject* exception) {
  const char* method = exception != nullptr ? "set_exception" : "set_result";
  PyObject* value = exception != nullptr ? exception : result;
  if (is_standard(self) || is_done(self)) {
    return refuse_change(self, method, value);
  }
  replace(exception != nullptr ? self->exception : self->result, Py_NewRef(value));
  set_state(self, State::kFinished);
  return run_callbacks(self);
}

// ---------------------------------------------------------------- as a job

bool start(FutureObject* self) {
  if (is_standard(self)) {
    PyObject* started = call_standard("set_running_or_notify_cancel", self);
    Py_XDECREF(started);
    return started == Py_True;
  }
  set_state(self, self->state == State::kPending ? State::kRunning : State::kCancelledAndNotified);
  return self->state == State::kRunning;
}

bool claim(ThreadJob* job, Piece*, bool* is_last) {
  *is_last = true;
  FutureObject* self = cast(job);
  if (self->function == nullptr || (self->state != State::kPending && self->state != State::kCancelled)) {
    return false; // a worker that waits for it has run it
  }
  if (start(self)) {
    return true;
  }
  if (PyErr_Occurred() != nullptr) {
    PyErr_WriteUnraisable(object_of(job));
  }
  drop_call(self);
  return false;
}

void run(ThreadJob* job, const Piece&, int* busy) {
  FutureObject* self = cast(job);
  PyObject* const* items = &PyTuple_GET_ITEM(self->args, 0);
  PyObject* result = call_in_context(job->context, self->function, items, PyTuple_GET_SIZE(self->args), self->keywords);
  PyObject* exception = result == nullptr ? take_exception() : nullptr;
  drop_call(self);
  --*busy;
  if (!finish(self, result, exception)) {
    PyErr_WriteUnraisable(object_of(job));
  }
  Py_XDECREF(result);
  Py_XDECREF(exception);
}

void abandon(ThreadJob* job, PyObject*) {
  PyObject* done = PyObject_CallMethod(object_of(job), "cancel", nullptr);
  if (done == nullptr) {
    PyErr_WriteUnraisable(object_of(job));
  }
  Py_XDECREF(done);
}

constexpr JobKind kFutureKind = {false, claim, run, abandon};

// ---------------------------------------------------------------- methods

// False with an exception set where it was cancelled, or is not done in time. Setting the state wakes the threads that wait here, whoever
// sets it.
bool wait_until_done(FutureObject* self, PyObject* timeout) {
  int64_t deadline = 0;
  if (!is_done(self) && !deadline_of(timeout, &deadline)) {
    return false;
  }
  while (!is_done(self)) {
    const Waited waited = wait_for(&self->job, deadline);
    if (waited == Waited::kFailed) {
      return false;
    }
    if (waited == Waited::kTimedOut && !is_done(self)) {
      PyErr_SetNone(PyExc_TimeoutError);
      return false;
    }
  }
  if (self->state != State::kFinished) {
    PyErr_SetNone(thread_classes.cancelled_error);
    return false;
  }
  return true;
}

bool one_timeout(const char* function, PyObject* const* args, Py_ssize_t count, PyObject* keywords, PyObject** timeout) {
  static const char* const names[] = {"timeout", nullptr};
  return sort_arguments({function, names, 1, 0}, args, count, keywords, timeout);
}

PyObject* result(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  FutureObject* self = cast(object);
  PyObject* timeout = nullptr;
  if (!one_timeout("result", args, count, keywords, &timeout) || !wait_until_done(self, timeout)) {
    return nullptr;
  }
  if (self->exception != nullptr && self->exception != Py_None) {
    raise_again(self->exception);
    return nullptr;
  }
  return Py_NewRef(self->result == nullptr ? Py_None : self->result);
}

PyObject* exception(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  FutureObject* self = cast(object);
  PyObject* timeout = nullptr;
  if (!one_timeout("exception", args, count, keywords, &timeout) || !wait_until_done(self, timeout)) {
    return nullptr;
  }
  return Py_NewRef(self->exception == nullptr ? Py_None : self->exception);
}

PyObject* cancel(PyObject* object, PyObject*) {
  FutureObject* self = cast(object);
  if (is_standard(self)) {
    return call_standard("cancel", self);
  }
  if (self->state == State::kRunning || self->state == State::kFinished) {
    Py_RETURN_FALSE;
  }
  if (self->state == State::kPending) {
    set_state(self, State::kCancelled);
    if (!run_callbacks(self)) {
      return nullptr;
    }
  }
  Py_RETURN_TRUE;
}

PyObject* cancelled(PyObject* self, PyObject*) {
  const State state = cast(self)->state;
  return PyBool_FromLong(state == State::kCancelled || state == State::kCancelledAndNotified ? 1 : 0);
}

PyObject* running(PyObject* self, PyObject*) { return PyBool_FromLong(cast(self)->state == State::kRunning ? 1 : 0); }
PyObject* done(PyObject* self, PyObject*) { return PyBool_FromLong(is_done(cast(self)) ? 1 : 0); }

bool make_list(PyObject*& slot) {
  if (slot == nullptr) {
    slot = PyList_New(0);
  }
  return slot != nullptr;
}

PyObject* add_done_callback(PyObject* object, PyObject* callback) {
  FutureObject* self = cast(object);
  if (is_standard(self) || is_done(self)) {
    return call_standard("add_done_callback", self, callback);
  }
  if (!make_list(self->callbacks) || PyList_Append(self->callbacks, callback) != 0) {
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyObject* set_running_or_notify_cancel(PyObject* object, PyObject*) {
  FutureObject* self = cast(object);
  if (is_standard(self) || (self->state != State::kPending && self->state != State::kCancelled)) {
    return call_standard("set_running_or_notify_cancel", self);
  }
  return PyBool_FromLong(start(self) ? 1 : 0);
}

PyObject* set_result(PyObject* self, PyObject* value) { return finish(cast(self), value, nullptr) ? Py_NewRef(Py_None) : nullptr; }

PyObject* set_exception(PyObject* self, PyObject* value) { return finish(cast(self), nullptr, value) ? Py_NewRef(Py_None) : nullptr; }

PyMethodDef methods[] = {
    {"result", python_method(result), METH_FASTCALL | METH_KEYWORDS,
     "result($self, timeout=None)\n--\n\nWait for the task; return its value or raise its exception."},
    {"exception", python_method(exception), METH_FASTCALL | METH_KEYWORDS,
     "exception($self, timeout=None)\n--\n\nWait for the task; return its exception or None."},
    {"cancel", cancel, METH_NOARGS, "Keep the task from running; False where it runs or has run."},
    {"cancelled", cancelled, METH_NOARGS, "Whether it was cancelled."},
    {"running", running, METH_NOARGS, "Whether the task runs."},
    {"done", done, METH_NOARGS, "Whether it was cancelled or has run."},
    {"add_done_callback", add_done_callback, METH_O, "Call a function with this future when it is done."},
    {"set_running_or_notify_cancel", set_running_or_notify_cancel, METH_NOARGS,
     "For executors: mark it as running, or as cancelled for good."},
    {"set_result", set_result, METH_O, "For executors: set the value."},
    {"set_exception", set_exception, METH_O, "For executors: set the exception."},
    {nullptr, nullptr, 0, nullptr},
};

// ---------------------------------------------------------------- what the standard class's methods see

PyObject* get_state(PyObject* self, void*) { return PyUnicode_InternFromString(kStateNames[static_cast<size_t>(cast(self)->state)]); }

int set_state_text(PyObject* self, PyObject* value, void*) {
  const char* text = value == nullptr ? "" : PyUnicode_AsUTF8(value);
  for (size_t i = 0; text != nullptr && i < kStateNames.size(); ++i) {
    if (std::strcmp(text, kStateNames[i]) == 0) {
      set_state(cast(self), static_cast<State>(i));
      return 0;
    }
  }
  if (text != nullptr) {
    PyErr_SetString(PyExc_ValueError, "no such state of a future");
  }
  return -1;
}

PyObject*& slot_of(PyObject* self, void* index) { return cast(self)->*kSlots[reinterpret_cast<size_t>(index)]; }

PyObject* get_value(PyObject* self, void* index) {
  PyObject* value = slot_of(self, index);
  return Py_NewRef(value == nullptr ? Py_None : value);
}

int set_value(PyObject* self, PyObject* value, void* index) {
  replace(slot_of(self, index), Py_XNewRef(value));
  return 0;
}

PyObject* get_list(PyObject* self, void* index) { return make_list(slot_of(self, index)) ? Py_NewRef(slot_of(self, index)) : nullptr; }

PyObject* get_condition(PyObject* self, void*) {
  FutureObject* future = cast(self);
  if (future->condition == nullptr) {
    PyObject* threading = PyImport_ImportModule("threading");
    PyObject* made = threading == nullptr ? nullptr : PyObject_CallMethod(threading, "Condition", nullptr);
    Py_XDECREF(threading);
    if (made == nullptr) {
      return nullptr;
    }
    if (future->condition == nullptr) {
      future->condition = made;
    } else {
      Py_DECREF(made); // another thread was faster
    }
  }
  return Py_NewRef(future->condition);
}

void* index_of(size_t index) { return reinterpret_cast<void*>(index); }

PyGetSetDef attributes[] = {
    {"_state", get_state, set_state_text, nullptr, nullptr},
    {"_result", get_value, set_value, nullptr, index_of(3)},
    {"_exception", get_value, set_value, nullptr, index_of(4)},
    {"_condition", get_condition, set_value, nullptr, index_of(5)},
    {"_waiters", get_list, set_value, nullptr, index_of(6)},
    {"_done_callbacks", get_list, set_value, nullptr, index_of(7)},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

// ---------------------------------------------------------------- life

PyObject* make(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self != nullptr) {
    cast(self)->job.kind = &kFutureKind;
    cast(self)->job.generation = parallel::process_generation();
  }
  return self;
}

int init(PyObject*, PyObject*, PyObject*) { return 0; }

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(cast(self)->job.context);
  for (PyObject* FutureObject::* slot : kSlots) {
    Py_VISIT(cast(self)->*slot);
  }
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(cast(self)->job.context);
  for (PyObject* FutureObject::* slot : kSlots) {
    Py_CLEAR(cast(self)->*slot);
  }
  return 0;
}

void dealloc(PyObject* self) {
  withdraw(self);
  clear(self);
  detach(&cast(self)->job);
  free_object(self);
}

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_init, reinterpret_cast<void*>(init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_doc, const_cast<char*>("The state of a future; its condition and its lists come into being when somebody asks for them.")},
    {0, nullptr},
};

PyType_Spec spec = {"hasten._core.Future", sizeof(FutureObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

PyObject* dict_of(PyObject* const* values, PyObject* keywords) {
  PyObject* dict = PyDict_New();
  for (Py_ssize_t i = 0; dict != nullptr && i < PyTuple_GET_SIZE(keywords); ++i) {
    if (PyDict_SetItem(dict, PyTuple_GET_ITEM(keywords, i), values[i]) != 0) {
      Py_CLEAR(dict);
    }
  }
  return dict;
}

PyObject* tuple_of(PyObject* const* values, Py_ssize_t count) {
  PyObject* tuple = PyTuple_New(count);
  for (Py_ssize_t i = 0; tuple != nullptr && i < count; ++i) {
    PyTuple_SET_ITEM(tuple, i, Py_NewRef(values[i]));
  }
  return tuple;
}

} // namespace

PyObject* make_future(Crew* crew, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  PyObject* self = make(thread_classes.future, nullptr, nullptr);
  if (self == nullptr) {
    return nullptr;
  }
  FutureObject* future = cast(self);
  future->function = Py_NewRef(args[0]);
  future->args = tuple_of(args + 1, count - 1);
  const bool has_keywords = keywords != nullptr && PyTuple_GET_SIZE(keywords) > 0;
  future->keywords = has_keywords ? dict_of(args + count, keywords) : nullptr;
  if (future->args == nullptr || (has_keywords && future->keywords == nullptr) || !attach(&future->job, &kFutureKind, crew)) {
    Py_CLEAR(self);
  }
  return self;
}

bool init_thread_future(PyObject* module) { return add_type(module, "Future", &spec) != nullptr; }

} // namespace hasten::bindings
