// The results of ThreadPool.imap and imap_unordered, one by one.
//
// The workers themselves pull from the input: one at a time takes what it is about to run, puts the job back for the others, and runs it.
// So no more is pulled than is run, and an input that blocks keeps one worker only.
#include <algorithm>
#include <cstddef>

#include "hasten/bindings/thread_types.h"

namespace hasten::bindings {
namespace {

struct Outcome {
  PyObject* value; // null: not there yet
  bool is_exception;
};

struct IteratorObject {
  ThreadJob job;
  PyObject* function;
  PyObject* input;                  // null: exhausted
  parallel::Ring<Outcome> outcomes; // in order: one for each task pulled whose result was not handed out; else: those that are there
  Py_ssize_t pulled;
  Py_ssize_t given; // results handed out
  Py_ssize_t chunk;
  Py_ssize_t window; // most tasks pulled whose results were not handed out; 0: no bound
  bool is_ordered;
  bool returns_errors;
  bool is_pulling; // some worker asks the input
  bool is_stalled; // the window is full
};

IteratorObject* cast(PyObject* self) { return reinterpret_cast<IteratorObject*>(self); }
IteratorObject* cast(ThreadJob* job) { return reinterpret_cast<IteratorObject*>(job); }

Py_ssize_t room(const IteratorObject* self) {
  if (self->window == 0 || self->job.crew->has_no_windows) {
    return self->chunk;
  }
  return std::min(self->chunk, self->window - (self->pulled - self->given));
}

bool is_at_end(const IteratorObject* self) { return self->input == nullptr && !self->is_pulling && self->given == self->pulled; }

bool has_next(const IteratorObject* self) { return !self->outcomes.empty() && self->outcomes[0].value != nullptr; }

// ---------------------------------------------------------------- results

// Takes over the value. `index`: the number of the task.
void commit(IteratorObject* self, Py_ssize_t index, Outcome outcome) {
  if (self->is_ordered) {
    self->outcomes[static_cast<size_t>(index - self->given)] = outcome;
  } else if (!self->outcomes.push_back(outcome)) {
    Py_DECREF(outcome.value);
    PyErr_NoMemory();
    PyErr_WriteUnraisable(object_of(&self->job));
    return;
  }
  if (has_next(self)) {
    self->job.waiting.wake_one();
  }
}

// Counts a task as pulled, and keeps its place among the results.
bool reserve(IteratorObject* self) {
  if (self->is_ordered && !self->outcomes.push_back({nullptr, false})) {
    PyErr_NoMemory();
    return false;
  }
  ++self->pulled;
  return true;
}

// The input ends, with the exception that is set as its last result, if one is.
void end_input(IteratorObject* self) {
  PyObject* exception = PyErr_Occurred() != nullptr ? take_exception() : nullptr;
  Py_XDECREF(take(self->input));
  if (exception != nullptr && reserve(self)) {
    commit(self, self->pulled - 1, {exception, true});
  }
  self->job.waiting.wake_all();
}

// ---------------------------------------------------------------- as a job

bool claim(ThreadJob* job, Piece*, bool* is_last) {
  IteratorObject* self = cast(job);
  *is_last = true; // whoever pulls puts it back
  if (self->is_pulling || self->input == nullptr) {
    return false;
  }
  if (self->window > 0 && Py_REFCNT(object_of(job)) == 1) {
    return false; // nobody is left who could read
  }
  if (room(self) <= 0) {
    if (!self->is_stalled) {
      self->is_stalled = job->crew->stalled.push_back(job);
    }
    return false;
  }
  self->is_pulling = true;
  return true;
}

// A chunk whose input raises is not run, as in the standard library.
void put_back(IteratorObject* self, PyObject** items, Py_ssize_t count) {
  PyObject* exception = take_exception();
  self->pulled -= count;
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (self->is_ordered) {
      self->outcomes.pop_back();
    }
    Py_DECREF(items[i]);
  }
  raise_again(exception);
  Py_DECREF(exception);
}

// What a thread has pulled and is about to run. It grows with the input, since a chunk may be larger than all that there is. The
// destructor needs no GIL.
class Pulled {
public:
  Pulled() = default;
  Pulled(const Pulled&) = delete;
  Pulled& operator=(const Pulled&) = delete;
  ~Pulled() {
    if (items_ != &single_) {
      PyMem_RawFree(static_cast<void*>(items_));
    }
  }

  PyObject** items() { return items_; }

  // Makes room for one more than `count`. False with an exception set.
  bool reserve(Py_ssize_t count) {
    if (count < capacity_) {
      return true;
    }
    const Py_ssize_t wanted = 2 * capacity_;
    void* before = items_ == &single_ ? nullptr : static_cast<void*>(items_);
    auto** grown = static_cast<PyObject**>(PyMem_RawRealloc(before, static_cast<size_t>(wanted) * sizeof(PyObject*)));
    if (grown == nullptr) {
      PyErr_NoMemory();
      return false;
    }
    if (items_ == &single_) {
      grown[0] = single_;
    }
    items_ = grown;
    capacity_ = wanted;
    return true;
  }

private:
  PyObject* single_ = nullptr;
  PyObject** items_ = &single_;
  Py_ssize_t capacity_ = 1;
};

// Pulls up to a chunk. Returns how many.
Py_ssize_t pull(IteratorObject* self, Pulled* pulled) {
  const Py_ssize_t wanted = room(self);
  Py_ssize_t count = 0;
  while (count < wanted && pulled->reserve(count)) {
    PyObject* input = Py_NewRef(self->input);
    PyObject* item = PyIter_Next(input);
    Py_DECREF(input);
    if (item == nullptr || self->input == nullptr || !reserve(self)) {
      Py_XDECREF(item);
      break;
    }
    pulled->items()[count++] = item;
  }
  self->is_pulling = false;
  if (PyErr_Occurred() != nullptr) {
    put_back(self, pulled->items(), count);
    end_input(self);
    return 0;
  }
  if (count < wanted) {
    end_input(self);
  } else if (self->job.crew->is_terminated) {
    PyErr_SetString(thread_classes.cancelled_error, "the pool was terminated");
    end_input(self);
  } else if (self->input != nullptr && !enqueue(self->job.crew, &self->job, true)) {
    end_input(self);
  }
  return count;
}

Outcome run_item(IteratorObject* self, PyObject* item) {
  PyObject* context = PyContext_Copy(self->job.context);
  PyObject* value = context == nullptr ? nullptr : call_in_context(context, self->function, &item, 1, nullptr);
  Py_XDECREF(context);
  Py_DECREF(item);
  if (value != nullptr) {
    return {value, false};
  }
  return {take_exception(), !self->returns_errors};
}

void run(ThreadJob* job, const Piece&, int* busy) {
  IteratorObject* self = cast(job);
  Pulled pulled;
  const Py_ssize_t first = self->pulled;
  const Py_ssize_t count = pull(self, &pulled);
  --*busy;
  for (Py_ssize_t i = 0; i < count; ++i) {
    const Outcome outcome = run_item(self, pulled.items()[i]);
    commit(self, first + i, outcome);
  }
}

void abandon(ThreadJob* job, PyObject* exception) {
  IteratorObject* self = cast(job);
  self->is_stalled = false;
  if (self->input != nullptr) {
    raise_again(exception);
    end_input(self);
  }
}

constexpr JobKind kImapKind = {false, claim, run, abandon};

// ---------------------------------------------------------------- methods

void resume(IteratorObject* self) {
  Crew* crew = self->job.crew;
  if (self->is_stalled && room(self) > 0) {
    self->is_stalled = false;
    if (!enqueue(crew, &self->job, false)) {
      PyErr_WriteUnraisable(object_of(&self->job));
    }
    forget_stalled(crew, &self->job);
  }
}

PyObject* give(IteratorObject* self) {
  const Outcome outcome = self->outcomes.pop_front();
  ++self->given;
  if (has_next(self)) {
    self->job.waiting.wake_one();
  }
  if (is_at_end(self)) {
    self->job.waiting.wake_all();
  }
  resume(self);
  if (!outcome.is_exception) {
    return outcome.value;
  }
  raise_again(outcome.value);
  Py_DECREF(outcome.value);
  return nullptr;
}

PyObject* next_until(IteratorObject* self, int64_t deadline) {
  for (;;) {
    if (has_next(self)) {
      return give(self);
    }
    if (is_at_end(self)) {
      return nullptr;
    }
    const Waited waited = wait_for(&self->job, deadline);
    if (waited == Waited::kFailed) {
      return nullptr;
    }
    if (waited == Waited::kTimedOut && !has_next(self)) {
      PyErr_SetString(thread_classes.pool_timeout_error,
                      "the next result is not there yet; its task goes on, for a thread can't be killed");
      return nullptr;
    }
  }
}

PyObject* iter_next(PyObject* self) { return next_until(cast(self), parallel::kForever); }

PyObject* next(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  static const char* const names[] = {"timeout", nullptr};
  PyObject* timeout = nullptr;
  int64_t deadline = 0;
  if (!sort_arguments({"next", names, 1, 0}, args, count, keywords, &timeout) || !deadline_of(timeout, &deadline)) {
    return nullptr;
  }
  PyObject* value = next_until(cast(object), deadline);
  if (value == nullptr && PyErr_Occurred() == nullptr) {
    PyErr_SetNone(PyExc_StopIteration);
  }
  return value;
}

PyObject* abandon_tasks(PyObject* self, PyObject* exception) {
  abandon(&cast(self)->job, exception);
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"next", python_method(next), METH_FASTCALL | METH_KEYWORDS,
     "next($self, timeout=None)\n--\n\nWait for the next result and return it, or raise its task's exception."},
    {"_abandon", abandon_tasks, METH_O, "End the input with this exception."},
    {nullptr, nullptr, 0, nullptr},
};

// ---------------------------------------------------------------- life

int traverse(PyObject* object, visitproc visit, void* arg) {
  IteratorObject* self = cast(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self->job.context);
  Py_VISIT(self->function);
  Py_VISIT(self->input);
  for (size_t i = 0; i < self->outcomes.size(); ++i) {
    Py_VISIT(self->outcomes[i].value);
  }
  return 0;
}

int clear(PyObject* object) {
  IteratorObject* self = cast(object);
  Py_CLEAR(self->job.context);
  Py_CLEAR(self->function);
  Py_CLEAR(self->input);
  for (size_t i = 0; i < self->outcomes.size(); ++i) {
    Py_CLEAR(self->outcomes[i].value);
  }
  return 0;
}

void dealloc(PyObject* object) {
  IteratorObject* self = cast(object);
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  if (self->is_stalled) {
    forget_stalled(self->job.crew, &self->job);
  }
  clear(object);
  self->outcomes.release();
  detach(&self->job);
  type->tp_free(object);
  Py_DECREF(type);
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
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(iter_next)},
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char*>("An iterator over results as tasks make them.")},
    {0, nullptr},
};

PyType_Spec spec = {"hasten._core.ResultIterator", sizeof(IteratorObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
                    slots};

} // namespace

PyObject* make_imap(Crew* crew, PyObject* const* arguments) {
  PyTypeObject* type = thread_classes.imap_iterator;
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr || !attach(&cast(object)->job, &kImapKind, crew)) {
    Py_XDECREF(object);
    return nullptr;
  }
  IteratorObject* self = cast(object);
  self->function = Py_NewRef(arguments[0]);
  self->input = PyObject_GetIter(arguments[1]);
  self->chunk = PyLong_AsSsize_t(arguments[2]);
  self->is_ordered = arguments[3] == Py_True;
  self->returns_errors = arguments[4] == Py_True;
  self->window = PyLong_AsSsize_t(arguments[5]);
  if (self->input == nullptr || PyErr_Occurred() != nullptr) {
    Py_DECREF(object);
    return nullptr;
  }
  return object;
}

bool init_thread_imap(PyObject* module) { return add_type(module, "ResultIterator", &spec) != nullptr; }

} // namespace hasten::bindings
