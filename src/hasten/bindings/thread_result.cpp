// The results of ThreadPool.apply_async and map_async.
#include <algorithm>
#include <cstddef>

#include "hasten/bindings/python_type.h"
#include "hasten/bindings/thread_types.h"

namespace hasten::bindings {
namespace {

struct ResultObject {
  ThreadJob job;
  PyObject* function;
  PyObject* args;     // of apply: a tuple
  PyObject* keywords; // of apply: a dict or null
  PyObject* value;    // of map: the list that is being filled
  PyObject* exception;
  PyObject* callback;
  PyObject* error_callback;
  PyObject* watchers; // a list of functions, or null
  PyObject** items;   // of map; each is dropped when it has been used
  Py_ssize_t count;
  Py_ssize_t next; // the first that nobody has claimed
  Py_ssize_t chunk;
  Py_ssize_t open;      // tasks whose chunk has not ended
  Py_ssize_t completed; // for progress
  bool is_star;
  bool returns_errors;
  bool is_ready;
};

constexpr PyObject* ResultObject::* kSlots[] = {&ResultObject::function,       &ResultObject::args,      &ResultObject::keywords,
                                                &ResultObject::value,          &ResultObject::exception, &ResultObject::callback,
                                                &ResultObject::error_callback, &ResultObject::watchers};

ResultObject* cast(PyObject* self) { return reinterpret_cast<ResultObject*>(self); }
ResultObject* cast(ThreadJob* job) { return reinterpret_cast<ResultObject*>(job); }

void drop_items(ResultObject* self) {
  PyObject** items = self->items;
  self->items = nullptr;
  for (Py_ssize_t i = 0; items != nullptr && i < self->count; ++i) {
    Py_XDECREF(items[i]);
  }
  PyMem_Free(static_cast<void*>(items));
}

void drop_call(ResultObject* self) {
  for (PyObject* ResultObject::* slot : {&ResultObject::function, &ResultObject::args, &ResultObject::keywords}) {
    Py_XDECREF(take(self->*slot));
  }
  Py_XDECREF(take(self->job.context));
  drop_items(self);
}

void call_back(PyObject* callback, PyObject* value) {
  PyObject* done = callback == nullptr || callback == Py_None ? Py_NewRef(Py_None) : PyObject_CallOneArg(callback, value);
  if (done == nullptr) {
    PyErr_WriteUnraisable(callback);
  }
  Py_XDECREF(done);
}

// Every task has ended: tells all who want to know.
void finish(ResultObject* self) {
  drop_call(self);
  PyObject* callback = take(self->callback);
  PyObject* error_callback = take(self->error_callback);
  if (self->exception != nullptr) {
    Py_XDECREF(take(self->value));
    call_back(error_callback, self->exception);
  } else {
    call_back(callback, self->value);
  }
  Py_XDECREF(callback);
  Py_XDECREF(error_callback);
  self->is_ready = true;
  self->job.waiting.wake_all();
  PyObject* watchers = take(self->watchers);
  for (Py_ssize_t i = 0; watchers != nullptr && i < PyList_GET_SIZE(watchers); ++i) {
    PyObject* watcher = PyList_GET_ITEM(watchers, i);
    PyObject* done = PyObject_CallNoArgs(watcher);
    if (done == nullptr) {
      PyErr_WriteUnraisable(watcher);
    }
    Py_XDECREF(done);
  }
  Py_XDECREF(watchers);
}

// The first exception is the one that counts.
void fail(ResultObject* self, PyObject* owned) {
  if (self->exception == nullptr) {
    self->exception = owned;
  } else {
    Py_DECREF(owned);
  }
}

// Counts tasks that nobody will run as ended. Returns whether they were the last.
bool end_tasks(ResultObject* self, Py_ssize_t count) {
  self->open -= count;
  return self->open == 0;
}

void abandon(ThreadJob* job, PyObject* exception) {
  ResultObject* self = cast(job);
  const Py_ssize_t left = self->count - self->next;
  if (self->is_ready || left == 0) {
    return;
  }
  self->next = self->count;
  fail(self, Py_NewRef(exception));
  if (end_tasks(self, left)) {
    finish(self);
  }
}

bool claim(ThreadJob* job, Piece* piece, bool* is_last) {
  ResultObject* self = cast(job);
  if (self->next >= self->count) {
    return false;
  }
  piece->begin = self->next;
  piece->end = std::min(self->count, self->next + self->chunk);
  self->next = piece->end;
  *is_last = piece->end == self->count;
  return true;
}

// ---------------------------------------------------------------- apply

void run_apply(ThreadJob* job, const Piece&, int* busy) {
  ResultObject* self = cast(job);
  PyObject* const* items = &PyTuple_GET_ITEM(self->args, 0);
  PyObject* value = call_in_context(job->context, self->function, items, PyTuple_GET_SIZE(self->args), self->keywords);
  if (value == nullptr) {
    fail(self, take_exception());
  } else {
    self->value = value;
  }
  ++self->completed;
  --*busy;
  end_tasks(self, 1);
  finish(self);
}

constexpr JobKind kApplyKind = {false, claim, run_apply, abandon};

// ---------------------------------------------------------------- map

PyObject* call_item(ResultObject* self, PyObject* item) {
  PyObject* context = PyContext_Copy(self->job.context);
  if (context == nullptr) {
    return nullptr;
  }
  PyObject* result = nullptr;
  if (self->is_star) {
    PyObject* args = PySequence_Tuple(item);
    if (args != nullptr) {
      result = call_in_context(context, self->function, &PyTuple_GET_ITEM(args, 0), PyTuple_GET_SIZE(args), nullptr);
    }
    Py_XDECREF(args);
  } else {
    result = call_in_context(context, self->function, &item, 1, nullptr);
  }
  Py_DECREF(context);
  return result;
}

// False where the rest of the chunk is not to be run.
bool run_item(ResultObject* self, Py_ssize_t index) {
  PyObject* item = take(self->items[index]);
  PyObject* result = call_item(self, item);
  Py_DECREF(item);
  if (result == nullptr) {
    PyObject* exception = take_exception();
    if (!self->returns_errors) {
      fail(self, exception);
      return false;
    }
    result = exception;
  }
  ++self->completed;
  PyObject* before = PyList_GET_ITEM(self->value, index);
  PyList_SET_ITEM(self->value, index, result);
  Py_DECREF(before);
  return true;
}

void run_map(ThreadJob* job, const Piece& piece, int* busy) {
  ResultObject* self = cast(job);
  for (Py_ssize_t i = piece.begin; i < piece.end && run_item(self, i); ++i) {
  }
  --*busy;
  if (end_tasks(self, piece.end - piece.begin)) {
    finish(self);
  }
}

constexpr JobKind kMapKind = {true, claim, run_map, abandon};

// ---------------------------------------------------------------- methods

PyObject* raise_timeout() {
  PyErr_SetString(thread_classes.pool_timeout_error, "the result is not there yet; its tasks go on, for a thread can't be killed");
  return nullptr;
}

// False with an exception set where a signal's handler raised.
bool wait_until_ready(ResultObject* self, PyObject* timeout) {
  int64_t deadline = 0;
  if (!deadline_of(timeout, &deadline)) {
    return false;
  }
  while (!self->is_ready) {
    const Waited waited = wait_for(&self->job, deadline);
    if (waited == Waited::kFailed) {
      return false;
    }
    if (waited == Waited::kTimedOut) {
      break;
    }
  }
  return true;
}

bool one_timeout(const char* function, PyObject* const* args, Py_ssize_t count, PyObject* keywords, PyObject** timeout) {
  static const char* const names[] = {"timeout", nullptr};
  return sort_arguments({function, names, 1, 0}, args, count, keywords, timeout);
}

PyObject* wait(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  PyObject* timeout = nullptr;
  if (!one_timeout("wait", args, count, keywords, &timeout) || !wait_until_ready(cast(self), timeout)) {
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyObject* get(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  ResultObject* self = cast(object);
  PyObject* timeout = nullptr;
  if (!one_timeout("get", args, count, keywords, &timeout) || !wait_until_ready(self, timeout)) {
    return nullptr;
  }
  if (!self->is_ready) {
    return raise_timeout();
  }
  if (self->exception != nullptr) {
    raise_again(self->exception);
    return nullptr;
  }
  return Py_NewRef(self->value);
}

PyObject* ready(PyObject* self, PyObject*) { return PyBool_FromLong(cast(self)->is_ready ? 1 : 0); }

PyObject* successful(PyObject* self, PyObject*) {
  if (!cast(self)->is_ready) {
    PyErr_Format(PyExc_ValueError, "%R not ready", self);
    return nullptr;
  }
  return PyBool_FromLong(cast(self)->exception == nullptr ? 1 : 0);
}

PyObject* abandon_tasks(PyObject* self, PyObject* exception) {
  abandon(&cast(self)->job, exception);
  Py_RETURN_NONE;
}

PyObject* get_completed(PyObject* self, void*) { return PyLong_FromSsize_t(cast(self)->completed); }
PyObject* get_total(PyObject* self, void*) { return PyLong_FromSsize_t(cast(self)->count); }

PyObject* when_ready(PyObject* object, PyObject* watcher) {
  ResultObject* self = cast(object);
  if (self->is_ready) {
    return PyObject_CallNoArgs(watcher);
  }
  if (self->watchers == nullptr) {
    self->watchers = PyList_New(0);
  }
  if (self->watchers == nullptr || PyList_Append(self->watchers, watcher) != 0) {
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"get", python_method(get), METH_FASTCALL | METH_KEYWORDS,
     "get($self, timeout=None)\n--\n\nWait for the value and return it, or raise the task's exception."},
    {"wait", python_method(wait), METH_FASTCALL | METH_KEYWORDS, "wait($self, timeout=None)\n--\n\nWait until the value is there."},
    {"ready", ready, METH_NOARGS, "Whether the value is there."},
    {"successful", successful, METH_NOARGS, "Whether no task raised."},
    {"_when_ready", when_ready, METH_O, "Call a function when the value is there, which may be at once."},
    {"_abandon", abandon_tasks, METH_O, "Let this exception be the end of what no worker has begun."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"_completed", get_completed, nullptr, "How many tasks have ended.", nullptr},
    {"_total", get_total, nullptr, "How many tasks there are.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

// ---------------------------------------------------------------- life

int traverse(PyObject* object, visitproc visit, void* arg) {
  ResultObject* self = cast(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self->job.context);
  for (PyObject* ResultObject::* slot : kSlots) {
    Py_VISIT(self->*slot);
  }
  for (Py_ssize_t i = 0; self->items != nullptr && i < self->count; ++i) {
    Py_VISIT(self->items[i]);
  }
  return 0;
}

int clear(PyObject* object) {
  ResultObject* self = cast(object);
  Py_CLEAR(self->job.context);
  for (PyObject* ResultObject::* slot : kSlots) {
    Py_CLEAR(self->*slot);
  }
  drop_items(self);
  return 0;
}

void dealloc(PyObject* self) {
  withdraw(self);
  clear(self);
  detach(&cast(self)->job);
  free_object(self);
}

int init(PyObject* self, PyObject*, PyObject*) {
  PyErr_Format(PyExc_TypeError, "%s objects are made by pools", Py_TYPE(self)->tp_name);
  return -1;
}

PyType_Slot slots[] = {
    {Py_tp_init, reinterpret_cast<void*>(init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_doc, const_cast<char*>("What becomes of one task, or of all tasks of a map.")},
    {0, nullptr},
};

PyType_Spec spec = {"hasten._core.Result", sizeof(ResultObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

PyObject* or_null(PyObject* object) { return object == Py_None ? nullptr : Py_XNewRef(object); }

// Null with an exception set where the job can't be bound.
ResultObject* make(PyTypeObject* type, const JobKind* kind, Crew* crew, PyObject* function) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self == nullptr || !attach(&cast(self)->job, kind, crew)) {
    Py_XDECREF(self);
    return nullptr;
  }
  cast(self)->function = Py_NewRef(function);
  return cast(self);
}

// Keeps a copy of the arguments, which may be null. False with an exception set.
bool set_arguments(ResultObject* self, PyObject* iterable) {
  self->args = iterable == nullptr ? PyTuple_New(0) : PySequence_Tuple(iterable);
  if (self->args == nullptr && iterable != nullptr && Py_TYPE(iterable)->tp_iter == nullptr && PySequence_Check(iterable) == 0) {
    PyErr_Format(PyExc_TypeError, "args=%R: the arguments of a task are a tuple; of a single one it is (%R,)", iterable, iterable);
  }
  return self->args != nullptr;
}

bool set_keywords(ResultObject* self, PyObject* mapping) {
  if (mapping == nullptr || (PyDict_Check(mapping) && PyDict_GET_SIZE(mapping) == 0)) {
    return true;
  }
  if (PyMapping_Check(mapping) == 0) {
    PyErr_Format(PyExc_TypeError, "kwds=%R: the keyword arguments of a task are a dict", mapping);
    return false;
  }
  self->keywords = PyDict_New();
  return self->keywords != nullptr && PyDict_Update(self->keywords, mapping) == 0;
}

// Takes the items out of the list that was made for them.
bool take_items(ResultObject* self, PyObject* list) {
  self->count = PyList_GET_SIZE(list);
  self->items = static_cast<PyObject**>(PyMem_Calloc(std::max<Py_ssize_t>(self->count, 1), sizeof(PyObject*)));
  self->value = self->items == nullptr ? PyErr_NoMemory() : PyList_New(self->count);
  if (self->value == nullptr) {
    return false;
  }
  for (Py_ssize_t i = 0; i < self->count; ++i) {
    self->items[i] = Py_NewRef(PyList_GET_ITEM(list, i));
    PyList_SET_ITEM(self->value, i, Py_NewRef(Py_None));
  }
  return true;
}

} // namespace

bool is_ready(PyObject* result) { return cast(result)->is_ready; }

PyObject* make_apply(Crew* crew, PyObject* const* arguments) {
  ResultObject* self = make(thread_classes.apply_result, &kApplyKind, crew, arguments[0]);
  if (self == nullptr) {
    return nullptr;
  }
  const bool has_arguments = set_arguments(self, arguments[1]) && set_keywords(self, arguments[2]);
  self->callback = or_null(arguments[3]);
  self->error_callback = or_null(arguments[4]);
  self->count = self->chunk = self->open = 1;
  if (!has_arguments) {
    Py_DECREF(object_of(&self->job));
    return nullptr;
  }
  return object_of(&self->job);
}

PyObject* make_map(Crew* crew, PyObject* const* arguments) {
  ResultObject* self = make(thread_classes.map_result, &kMapKind, crew, arguments[0]);
  if (self == nullptr) {
    return nullptr;
  }
  PyObject* list = PySequence_List(arguments[1]);
  self->chunk = PyLong_AsSsize_t(arguments[2]);
  self->is_star = arguments[3] == Py_True;
  self->returns_errors = arguments[4] == Py_True;
  self->callback = or_null(arguments[5]);
  self->error_callback = or_null(arguments[6]);
  const bool is_made = list != nullptr && PyErr_Occurred() == nullptr && take_items(self, list);
  Py_XDECREF(list);
  if (!is_made) {
    Py_DECREF(object_of(&self->job));
    return nullptr;
  }
  self->open = self->count;
  if (self->count == 0) {
    Py_XDECREF(take(self->callback)); // the standard library calls none for no tasks
    finish(self);
  }
  return object_of(&self->job);
}

bool init_thread_result(PyObject* module) { return add_type(module, "Result", &spec) != nullptr; }

} // namespace hasten::bindings
