// hasten.queue's Queue, LifoQueue and SimpleQueue: the standard interface over an ItemQueue.
//
// queue.Queue lets programs at its insides: `with q.mutex: q.queue.clear()`, subclasses with their own _put. A queue whose insides somebody
// asks for, or whose class overrides them, is open: from then on the standard class's own methods work on it.
#include <Python.h>
#include <structmember.h>

#include <algorithm>
#include <cstddef>

#include "hasten/bindings/item_queue.h"
#include "hasten/bindings/python_type.h"
#include "hasten/bindings/queue_methods.h"
#include "hasten/bindings/thread_types.h"
#include "hasten/parallel/clock.h"

namespace hasten::bindings {
namespace {

struct QueueObject {
  PyObject_HEAD ItemQueue queue;
  parallel::WaitList joiners;
  PyObject* insides[5]; // of an open queue: mutex, not_empty, not_full, all_tasks_done, queue
  long long unfinished;
  bool is_open;
  bool is_newest_first;
};

constexpr const char* kInsides[] = {"mutex", "not_empty", "not_full", "all_tasks_done", "queue"};

QueueObject* cast(PyObject* self) { return reinterpret_cast<QueueObject*>(self); }

// ---------------------------------------------------------------- the standard class

PyObject* call_standard(const char* method, PyObject* self, PyObject* first = nullptr, PyObject* second = nullptr,
                        PyObject* third = nullptr) {
  PyObject* function = PyObject_GetAttrString(thread_classes.standard_queue, method);
  PyObject* result = function == nullptr ? nullptr : PyObject_CallFunctionObjArgs(function, self, first, second, third, nullptr);
  Py_XDECREF(function);
  return result;
}

// What is left of the time until a deadline, as a time-out.
PyObject* timeout_until(int64_t deadline) {
  if (deadline == parallel::kForever) {
    return Py_NewRef(Py_None);
  }
  return PyFloat_FromDouble(static_cast<double>(std::max<int64_t>(deadline - parallel::steady_now(), 0)) * 1e-9);
}

PyObject* put_standard(PyObject* self, PyObject* item, int64_t deadline) {
  PyObject* timeout = timeout_until(deadline);
  PyObject* done = timeout == nullptr ? nullptr : call_standard("put", self, item, deadline == kNoWait ? Py_False : Py_True, timeout);
  Py_XDECREF(timeout);
  return done;
}

PyObject* get_standard(PyObject* self, int64_t deadline) {
  PyObject* timeout = timeout_until(deadline);
  PyObject* item = timeout == nullptr ? nullptr : call_standard("get", self, deadline == kNoWait ? Py_False : Py_True, timeout);
  Py_XDECREF(timeout);
  return item;
}

// Moves what the queue holds into the standard class's container.
bool move_items(QueueObject* self) {
  PyObject* container = self->insides[4];
  bool is_moved = container != nullptr;
  while (is_moved && !self->queue.items.empty()) {
    PyObject* item = self->queue.pop(false);
    PyObject* done = PyObject_CallMethod(container, "append", "O", item);
    is_moved = done != nullptr;
    Py_XDECREF(done);
    Py_DECREF(item);
  }
  return is_moved;
}

bool open(QueueObject* self) {
  if (self->is_open) {
    return true;
  }
  self->is_open = true;
  const long long unfinished = self->unfinished;
  PyObject* maxsize = PyLong_FromSsize_t(self->queue.most_items);
  PyObject* done = maxsize == nullptr ? nullptr : call_standard("__init__", reinterpret_cast<PyObject*>(self), maxsize);
  Py_XDECREF(maxsize);
  const bool is_opened = done != nullptr && move_items(self);
  Py_XDECREF(done);
  self->unfinished = unfinished;
  self->queue.getters.wake_all();
  self->queue.putters.wake_all();
  self->joiners.wake_all();
  return is_opened;
}

// ---------------------------------------------------------------- put and get

PyObject* put_item(PyObject* object, PyObject* item, int64_t deadline) {
  QueueObject* self = cast(object);
  for (bool is_late = deadline == kNoWait;;) {
    if (self->is_open) {
      return put_standard(object, item, deadline);
    }
    if (self->queue.has_room(0)) {
      break;
    }
    if (is_late) {
      return raise_full();
    }
    const Waited waited = wait_in(self->queue.putters, deadline);
    if (waited == Waited::kFailed) {
      return nullptr;
    }
    is_late = waited == Waited::kTimedOut;
  }
  ++self->unfinished;
  return self->queue.push(item, 0) ? Py_NewRef(Py_None) : nullptr;
}

PyObject* get_item(PyObject* object, int64_t deadline) {
  QueueObject* self = cast(object);
  for (bool is_late = deadline == kNoWait;;) {
    if (self->is_open) {
      return get_standard(object, deadline);
    }
    if (!self->queue.items.empty()) {
      return self->queue.pop(self->is_newest_first);
    }
    if (is_late) {
      return raise_empty();
    }
    const Waited waited = wait_in(self->queue.getters, deadline);
    if (waited == Waited::kFailed) {
      return nullptr;
    }
    is_late = waited == Waited::kTimedOut;
  }
}

PyObject* put(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  // A negative time-out is no error where the queue has no bound.
  const TimeoutRule rule = cast(self)->queue.most_items > 0 ? TimeoutRule::kNotNegative : TimeoutRule::kIgnored;
  PutArguments found{};
  return read_put(args, count, keywords, &found, "item", rule) ? put_item(self, found.item, found.deadline) : nullptr;
}

PyObject* get(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  int64_t deadline = 0;
  return read_get(args, count, keywords, &deadline) ? get_item(self, deadline) : nullptr;
}

// The standard class calls its own put and get for these, and so do subclasses that override one of the two.
PyObject* put_nowait(PyObject* self, PyObject* item) { return PyObject_CallMethod(self, "put", "OO", item, Py_False); }
PyObject* get_nowait(PyObject* self, PyObject*) { return PyObject_CallMethod(self, "get", "O", Py_False); }

PyObject* qsize(PyObject* self, PyObject*) {
  return cast(self)->is_open ? call_standard("qsize", self) : PyLong_FromSize_t(cast(self)->queue.items.size());
}

PyObject* empty(PyObject* self, PyObject*) {
  return cast(self)->is_open ? call_standard("empty", self) : PyBool_FromLong(cast(self)->queue.items.empty() ? 1 : 0);
}

PyObject* full(PyObject* self, PyObject*) {
  return cast(self)->is_open ? call_standard("full", self) : PyBool_FromLong(cast(self)->queue.has_room(0) ? 0 : 1);
}

// ---------------------------------------------------------------- join

PyObject* task_done(PyObject* object, PyObject*) {
  QueueObject* self = cast(object);
  if (self->is_open) {
    return call_standard("task_done", object);
  }
  if (self->unfinished == 0) {
    PyErr_SetString(PyExc_ValueError, "task_done() called too many times");
    return nullptr;
  }
  if (--self->unfinished == 0) {
    self->joiners.wake_all();
  }
  Py_RETURN_NONE;
}

PyObject* join(PyObject* object, PyObject*) {
  QueueObject* self = cast(object);
  while (!self->is_open) {
    if (self->unfinished == 0) {
      Py_RETURN_NONE;
    }
    if (wait_in(self->joiners, parallel::kForever) == Waited::kFailed) {
      return nullptr;
    }
  }
  return call_standard("join", object);
}

PyMethodDef methods[] = {
    {"put", python_method(put), METH_FASTCALL | METH_KEYWORDS,
     "put($self, item, block=True, timeout=None)\n--\n\nPut an item into the queue; wait for room, or raise Full."},
    {"get", python_method(get), METH_FASTCALL | METH_KEYWORDS,
     "get($self, block=True, timeout=None)\n--\n\nTake an item out of the queue; wait for one, or raise Empty."},
    {"put_nowait", put_nowait, METH_O, "Put an item into the queue, or raise Full."},
    {"get_nowait", get_nowait, METH_NOARGS, "Take an item out of the queue, or raise Empty."},
    {"qsize", qsize, METH_NOARGS, "How many items it holds."},
    {"empty", empty, METH_NOARGS, "Whether it holds no item."},
    {"full", full, METH_NOARGS, "Whether it has no room."},
    {"task_done", task_done, METH_NOARGS, "Say that the work on an item that was taken is done."},
    {"join", join, METH_NOARGS, "Wait until the work on all items is done."},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

// ---------------------------------------------------------------- what programs see of the insides

PyObject* get_inside(PyObject* self, void* index) {
  if (!open(cast(self))) {
    return nullptr;
  }
  const auto position = reinterpret_cast<size_t>(index);
  PyObject* inside = cast(self)->insides[position];
  if (inside == nullptr) {
    PyErr_Format(PyExc_AttributeError, "this queue has no %s yet", kInsides[position]);
  }
  return Py_XNewRef(inside);
}

int set_inside(PyObject* self, PyObject* value, void* index) {
  if (!open(cast(self))) {
    return -1;
  }
  replace(cast(self)->insides[reinterpret_cast<size_t>(index)], Py_XNewRef(value));
  return 0;
}

PyObject* get_maxsize(PyObject* self, void*) { return PyLong_FromSsize_t(cast(self)->queue.most_items); }

int set_maxsize(PyObject* self, PyObject* value, void*) {
  const Py_ssize_t size = value == nullptr ? 0 : PyNumber_AsSsize_t(value, PyExc_OverflowError);
  if (size == -1 && PyErr_Occurred() != nullptr) {
    return -1;
  }
  cast(self)->queue.most_items = size;
  cast(self)->queue.putters.wake_all();
  return 0;
}

PyObject* get_unfinished(PyObject* self, void*) { return PyLong_FromLongLong(cast(self)->unfinished); }

int set_unfinished(PyObject* self, PyObject* value, void*) {
  const long long count = value == nullptr ? 0 : PyLong_AsLongLong(value);
  if (count == -1 && PyErr_Occurred() != nullptr) {
    return -1;
  }
  cast(self)->unfinished = count;
  return 0;
}

void* index_of(size_t index) { return reinterpret_cast<void*>(index); }

PyGetSetDef attributes[] = {
    {"mutex", get_inside, set_inside, nullptr, index_of(0)},
    {"not_empty", get_inside, set_inside, nullptr, index_of(1)},
    {"not_full", get_inside, set_inside, nullptr, index_of(2)},
    {"all_tasks_done", get_inside, set_inside, nullptr, index_of(3)},
    {"queue", get_inside, set_inside, nullptr, index_of(4)},
    {"maxsize", get_maxsize, set_maxsize, nullptr, nullptr},
    {"unfinished_tasks", get_unfinished, set_unfinished, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

// ---------------------------------------------------------------- life

// 1, 0, or -1 with an exception set: what the class says about its queues.
int class_flag(PyObject* self, const char* name) {
  PyObject* flag = PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(self)), name);
  const int value = flag == nullptr ? -1 : PyObject_IsTrue(flag);
  Py_XDECREF(flag);
  return value;
}

int init(PyObject* self, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"maxsize", nullptr};
  PyObject* maxsize = nullptr;
  if (PyArg_ParseTupleAndKeywords(args, keywords, "|O:Queue", const_cast<char**>(names), &maxsize) == 0) {
    return -1;
  }
  const int starts_open = class_flag(self, "_starts_open");
  const int newest_first = class_flag(self, "_is_newest_first");
  if (starts_open < 0 || newest_first < 0 || (maxsize != nullptr && set_maxsize(self, maxsize, nullptr) != 0)) {
    return -1;
  }
  cast(self)->is_newest_first = newest_first == 1;
  return starts_open == 0 || open(cast(self)) ? 0 : -1;
}

template <typename Object> int traverse_items(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return reinterpret_cast<Object*>(self)->queue.visit(visit, arg);
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  for (PyObject* inside : cast(self)->insides) {
    Py_VISIT(inside);
  }
  return traverse_items<QueueObject>(self, visit, arg);
}

int clear(PyObject* self) {
  for (PyObject*& inside : cast(self)->insides) {
    Py_CLEAR(inside);
  }
  cast(self)->queue.drop_items();
  return 0;
}

template <typename Object> void free_queue(PyObject* self) {
  reinterpret_cast<Object*>(self)->queue.drop_items();
  reinterpret_cast<Object*>(self)->queue.items.release();
  free_object(self);
}

void dealloc(PyObject* self) {
  withdraw(self);
  clear(self);
  free_queue<QueueObject>(self);
}

PyType_Slot slots[] = {
    {Py_tp_init, reinterpret_cast<void*>(init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_doc, const_cast<char*>("What queue.Queue's methods do, in one step each.")},
    {0, nullptr},
};

PyType_Spec spec = {"hasten._core.Queue", sizeof(QueueObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

// ---------------------------------------------------------------- SimpleQueue

struct SimpleQueueObject {
  PyObject_HEAD ItemQueue queue;
  PyObject* weak_references;
};

ItemQueue& simple(PyObject* self) { return reinterpret_cast<SimpleQueueObject*>(self)->queue; }

PyObject* simple_put(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  static const char* const names[] = {"item", "block", "timeout", nullptr};
  PyObject* found[3];
  if (!sort_arguments({"put", names, 3, 1}, args, count, keywords, found) || !simple(self).push(found[0], 0)) {
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyObject* simple_put_nowait(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  static const char* const names[] = {"item", nullptr};
  PyObject* item = nullptr;
  if (!sort_arguments({"put_nowait", names, 1, 1}, args, count, keywords, &item) || !simple(self).push(item, 0)) {
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyObject* simple_take(PyObject* self, int64_t deadline) {
  ItemQueue& queue = simple(self);
  for (bool is_late = deadline == kNoWait; queue.items.empty();) {
    if (is_late) {
      return raise_empty();
    }
    const Waited waited = wait_in(queue.getters, deadline);
    if (waited == Waited::kFailed) {
      return nullptr;
    }
    is_late = waited == Waited::kTimedOut;
  }
  return queue.pop(false);
}

PyObject* simple_get(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  int64_t deadline = 0;
  return read_get(args, count, keywords, &deadline) ? simple_take(self, deadline) : nullptr;
}

PyObject* simple_get_nowait(PyObject* self, PyObject*) { return simple_take(self, kNoWait); }
PyObject* simple_empty(PyObject* self, PyObject*) { return PyBool_FromLong(simple(self).items.empty() ? 1 : 0); }
PyObject* simple_qsize(PyObject* self, PyObject*) { return PyLong_FromSize_t(simple(self).items.size()); }

PyMethodDef simple_methods[] = {
    {"put", python_method(simple_put), METH_FASTCALL | METH_KEYWORDS,
     "put($self, item, block=True, timeout=None)\n--\n\nPut an item into the queue; never waits."},
    {"put_nowait", python_method(simple_put_nowait), METH_FASTCALL | METH_KEYWORDS,
     "put_nowait($self, item)\n--\n\nPut an item into the queue."},
    {"get", python_method(simple_get), METH_FASTCALL | METH_KEYWORDS,
     "get($self, block=True, timeout=None)\n--\n\nTake the oldest item; wait for one, or raise Empty."},
    {"get_nowait", simple_get_nowait, METH_NOARGS, "Take the oldest item, or raise Empty."},
    {"empty", simple_empty, METH_NOARGS, "Whether it holds no item."},
    {"qsize", simple_qsize, METH_NOARGS, "How many items it holds."},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

int simple_clear(PyObject* self) {
  simple(self).drop_items();
  return 0;
}

void simple_dealloc(PyObject* self) {
  withdraw(self, reinterpret_cast<SimpleQueueObject*>(self)->weak_references);
  free_queue<SimpleQueueObject>(self);
}

PyMemberDef simple_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(SimpleQueueObject, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot simple_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(simple_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse_items<SimpleQueueObject>)},
    {Py_tp_clear, reinterpret_cast<void*>(simple_clear)},
    {Py_tp_methods, simple_methods},
    {Py_tp_members, simple_members},
    {Py_tp_doc,
     const_cast<char*>(
         "SimpleQueue()\n--\n\nAn unbounded queue; put() may be called from anywhere, also from destructors and signal handlers.")},
    {0, nullptr},
};

PyType_Spec simple_spec = {"hasten._core.SimpleQueue", sizeof(SimpleQueueObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, simple_slots};

} // namespace

bool init_thread_queue(PyObject* module) {
  return add_type(module, "Queue", &spec) != nullptr && add_type(module, "SimpleQueue", &simple_spec) != nullptr;
}

} // namespace hasten::bindings
