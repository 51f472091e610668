// hasten._core.ProcessQueue and ProcessSimpleQueue: what multiprocessing's queues are made of (hasten._pool.queues).
#include <Python.h>
#include <structmember.h>

#include <algorithm>
#include <cstddef>

#include "hasten/bindings/process_item.h"
#include "hasten/bindings/python_type.h"
#include "hasten/bindings/thread_types.h"
#include "hasten/bindings/thread_wait.h"
#include "hasten/parallel/clock.h"
#include "hasten/pool/shm/ready_descriptor.h"

namespace hasten::bindings {
namespace {

using pool::shm::GetEnd;
using pool::shm::PutEnd;
using pool::shm::Queue;
using pool::shm::ReadyDescriptor;
using pool::shm::WaitFor;

struct ProcessQueueObject {
  PyObject_HEAD Queue* engine; // null before __init__
  ReadyDescriptor* ready;      // null unless asked for
  PyObject* weak_references;
  Py_ssize_t spilled; // items that this object keeps until its thread has put them
  uint32_t generation;
  bool is_closed;
  bool was_used;
};

ProcessQueueObject* cast(PyObject* self) { return reinterpret_cast<ProcessQueueObject*>(self); }

// False with an exception set where it was not made by its __init__.
bool is_ready(PyObject* self) {
  if (cast(self)->engine == nullptr) {
    PyErr_Format(PyExc_ValueError, "%s.__init__() was not called", Py_TYPE(self)->tp_name);
  }
  return cast(self)->engine != nullptr;
}

// The same where it is closed.
bool is_open(PyObject* self) {
  if (cast(self)->is_closed) {
    PyErr_Format(PyExc_ValueError, "Queue %R is closed", self);
    return false;
  }
  return is_ready(self);
}

PyObject* done_or_null(PyObject* result) {
  if (result == nullptr) {
    return nullptr;
  }
  Py_DECREF(result);
  Py_RETURN_NONE;
}

// A child of a fork has nothing to do with what its parent has spilled.
bool settle(PyObject* self) {
  if (cast(self)->generation == pool::shm::fork_generation()) {
    return true;
  }
  cast(self)->generation = pool::shm::fork_generation();
  cast(self)->spilled = 0;
  PyObject* settled = PyObject_CallMethod(self, "_after_fork", nullptr);
  Py_XDECREF(settled);
  return settled != nullptr;
}

PyObject* settle_method(PyObject* self, PyObject*) { return settle(self) ? Py_NewRef(Py_None) : nullptr; }

// ---------------------------------------------------------------- the descriptor

void drop_ready(PyObject* self) {
  delete cast(self)->ready;
  cast(self)->ready = nullptr;
}

void refresh_ready(PyObject* self) {
  ReadyDescriptor* ready = cast(self)->ready;
  if (ready != nullptr && ready->is_mine()) {
    ready->refresh();
  }
}

PyObject* ready_file_number(PyObject* self, PyObject*) {
  if (!is_open(self)) {
    return nullptr;
  }
  ReadyDescriptor*& ready = cast(self)->ready;
  if (ready != nullptr && !ready->is_mine()) {
    drop_ready(self);
  }
  if (ready == nullptr) {
    ready = made_or_raise([&] { return new ReadyDescriptor(*cast(self)->engine); });
  }
  return ready == nullptr ? nullptr : PyLong_FromLong(ready->fd());
}

PyObject* drop_ready_method(PyObject* self, PyObject*) {
  drop_ready(self);
  Py_RETURN_NONE;
}

PyObject* wait_for_item(PyObject* self, PyObject* timeout) {
  int64_t deadline = kNoWait;
  if (!is_open(self) || !deadline_of(timeout, &deadline)) {
    return nullptr;
  }
  ProcessWait wait(deadline <= parallel::steady_now() ? kNoWait : deadline);
  wait.begin();
  const bool is_there = cast(self)->engine->wait_for_item(wait.patience());
  wait.end();
  return PyErr_Occurred() != nullptr ? nullptr : PyBool_FromLong(is_there ? 1 : 0);
}

// ---------------------------------------------------------------- put

// As multiprocessing does: what can't be pickled is reported, and not put.
PyObject* report_unpicklable(PyObject* self, PyObject* item) {
  if (PyErr_ExceptionMatches(PyExc_Exception) == 0) {
    return nullptr;
  }
  PyObject* error = take_exception();
  PyObject* reported = PyObject_CallMethod(self, "_on_queue_feeder_error", "OO", error, item);
  Py_DECREF(error);
  return done_or_null(reported);
}

PyObject* raise_put_end(PutEnd end) {
  if (end == PutEnd::kFull) {
    raise_full();
  } else if (end == PutEnd::kNoMemory) {
    PyErr_NoMemory();
  } else if (end != PutEnd::kInterrupted) {
    PyErr_SetString(PyExc_RuntimeError, "the queue's shared memory was damaged by a process that uses it");
  }
  return nullptr;
}

// Keeps an item for which the ring has no room now, and lets the object's thread put it.
PyObject* spill(PyObject* self, const EncodedItem& item, int64_t deadline) {
  ProcessWait wait(deadline);
  wait.begin();
  const PutEnd end = cast(self)->engine->spill(deadline != kNoWait, wait.patience());
  wait.end();
  if (end != PutEnd::kDone) {
    return raise_put_end(end);
  }
  PyObject* parcel = item.as_parcel();
  PyObject* spilled = nullptr;
  if (parcel != nullptr) {
    ++cast(self)->spilled;
    spilled = PyObject_CallMethod(self, "_spill", "(O)", parcel);
    Py_DECREF(parcel);
  }
  if (spilled == nullptr) {
    cast(self)->spilled -= parcel == nullptr ? 0 : 1;
    cast(self)->engine->forget_spilled();
  }
  return done_or_null(spilled);
}

// Spilling copies an item once more. For a large one it is quicker to wait until the consumer has read another one, if it does.
constexpr int64_t kMoment = 2'000'000;
bool is_worth_a_moment(PyObject* self, const EncodedItem& item) {
  return item.is_large() && item.outgoing().body() < cast(self)->engine->facts().capacity / 2;
}

PyObject* put_object(PyObject* self, PyObject* object, int64_t deadline) {
  if (!is_open(self) || !settle(self)) {
    return nullptr;
  }
  cast(self)->was_used = true;
  EncodedItem item;
  if (!item.encode(object)) {
    item.release();
    return report_unpicklable(self, object);
  }
  // What this process has put before comes first.
  PutEnd end = PutEnd::kNoRoom;
  if (cast(self)->spilled == 0) {
    end = put_item(*cast(self)->engine, item, deadline == kNoWait ? WaitFor::kNothing : WaitFor::kBound, deadline);
  }
  if (end == PutEnd::kNoRoom && cast(self)->spilled == 0 && deadline != kNoWait && is_worth_a_moment(self, item)) {
    end = put_item(*cast(self)->engine, item, WaitFor::kRoom, std::min(deadline, parallel::steady_now() + kMoment));
    end = end == PutEnd::kFull ? PutEnd::kNoRoom : end;
  }
  refresh_ready(self);
  PyObject* result = end == PutEnd::kNoRoom ? spill(self, item, deadline) : end == PutEnd::kDone ? Py_NewRef(Py_None) : raise_put_end(end);
  item.release();
  return result;
}

PyObject* put(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  PutArguments found{};
  return read_put(args, count, keywords, &found, "obj", TimeoutRule::kAny) ? put_object(self, found.item, found.deadline) : nullptr;
}

PyObject* put_nowait(PyObject* self, PyObject* item) { return put_object(self, item, kNoWait); }

// Puts a parcel that was spilled, however long that takes.
PyObject* feed(PyObject* self, PyObject* parcel) {
  EncodedItem item;
  if (!is_ready(self) || !item.encode_parcel(parcel)) {
    return nullptr;
  }
  ProcessWait wait(parallel::kForever);
  wait.begin();
  const PutEnd end = cast(self)->engine->feed(item.outgoing(), wait.patience());
  wait.end();
  item.release();
  --cast(self)->spilled;
  if (end == PutEnd::kDone) {
    Py_RETURN_NONE;
  }
  cast(self)->engine->forget_spilled();
  return raise_put_end(end);
}

// ---------------------------------------------------------------- get

PyObject* get_object(PyObject* self, int64_t deadline) {
  if (!is_open(self)) {
    return nullptr;
  }
  GetEnd end = GetEnd::kNothing;
  PyObject* object = get_item(*cast(self)->engine, deadline, &end);
  refresh_ready(self);
  if (object == nullptr && end == GetEnd::kNothing) {
    raise_empty();
  } else if (object == nullptr && end == GetEnd::kBroken) {
    PyErr_SetString(PyExc_RuntimeError, "the queue's shared memory was damaged by a process that uses it");
  }
  return object;
}

PyObject* get(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  int64_t deadline = 0;
  return read_get(args, count, keywords, &deadline, TimeoutRule::kAny) ? get_object(self, deadline) : nullptr;
}

PyObject* get_nowait(PyObject* self, PyObject*) { return get_object(self, kNoWait); }

// ---------------------------------------------------------------- state

PyObject* qsize(PyObject* self, PyObject*) {
  return is_ready(self) ? PyLong_FromUnsignedLongLong(cast(self)->engine->living_size()) : nullptr;
}

PyObject* empty(PyObject* self, PyObject*) {
  if (!is_ready(self)) {
    return nullptr;
  }
  if (cast(self)->is_closed && cast(self)->was_used) {
    PyErr_SetString(PyExc_OSError, "handle is closed");
    return nullptr;
  }
  return PyBool_FromLong(cast(self)->engine->items() == 0 ? 1 : 0);
}

PyObject* full(PyObject* self, PyObject*) { return is_ready(self) ? PyBool_FromLong(cast(self)->engine->is_full() ? 1 : 0) : nullptr; }

PyObject* task_done(PyObject* self, PyObject*) {
  if (!is_ready(self)) {
    return nullptr;
  }
  if (!cast(self)->engine->task_done()) {
    PyErr_SetString(PyExc_ValueError, "task_done() called too many times");
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyObject* join(PyObject* self, PyObject*) {
  if (!is_ready(self)) {
    return nullptr;
  }
  ProcessWait wait(parallel::kForever);
  wait.begin();
  const bool is_joined = cast(self)->engine->join(wait.patience());
  wait.end();
  return is_joined ? Py_NewRef(Py_None) : nullptr;
}

PyObject* file_number(PyObject* self, PyObject*) { return is_ready(self) ? PyLong_FromLong(cast(self)->engine->fd()) : nullptr; }

void set_engine(PyObject* self, Queue* engine) {
  drop_ready(self);
  delete cast(self)->engine;
  cast(self)->engine = engine;
  cast(self)->generation = pool::shm::fork_generation();
}

PyObject* adopt(PyObject* self, PyObject* descriptor) {
  Queue* engine = adopt_queue(descriptor);
  if (engine == nullptr) {
    return nullptr;
  }
  set_engine(self, engine);
  Py_RETURN_NONE;
}

PyObject* get_closed(PyObject* self, void*) { return PyBool_FromLong(cast(self)->is_closed ? 1 : 0); }
int set_closed(PyObject* self, PyObject* value, void*) {
  const int is_closed = value == nullptr ? -1 : PyObject_IsTrue(value);
  cast(self)->is_closed = is_closed == 1;
  return is_closed < 0 ? -1 : 0;
}
PyObject* get_maxsize(PyObject* self, void*) {
  return is_ready(self) ? PyLong_FromUnsignedLongLong(cast(self)->engine->facts().most_items) : nullptr;
}

int init(PyObject* self, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"maxsize", nullptr};
  Py_ssize_t most_items = 0;
  if (PyArg_ParseTupleAndKeywords(args, keywords, "|n:ProcessQueue", const_cast<char**>(names), &most_items) == 0) {
    return -1;
  }
  Queue* engine = create_queue({.most_items = static_cast<uint64_t>(most_items > 0 ? most_items : 0)});
  if (engine == nullptr) {
    return -1;
  }
  set_engine(self, engine);
  return 0;
}

void dealloc(PyObject* self) {
  if (cast(self)->weak_references != nullptr) {
    PyObject_ClearWeakRefs(self);
  }
  set_engine(self, nullptr);
  free_object(self);
}

// ---------------------------------------------------------------- the simple one

PyObject* simple_put(PyObject* self, PyObject* object) {
  if (!is_open(self)) {
    return nullptr;
  }
  EncodedItem item;
  PyObject* result = nullptr;
  if (item.encode(object)) {
    const PutEnd end = put_item(*cast(self)->engine, item, WaitFor::kRoom, parallel::kForever);
    refresh_ready(self);
    result = end == PutEnd::kDone ? Py_NewRef(Py_None) : raise_put_end(end);
  }
  item.release();
  return result;
}

PyObject* simple_get(PyObject* self, PyObject*) { return get_object(self, parallel::kForever); }

PyObject* simple_empty(PyObject* self, PyObject*) {
  cast(self)->was_used = true;
  return empty(self, nullptr);
}

PyMethodDef methods[] = {
    {"put", python_method(put), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"get", python_method(get), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"put_nowait", put_nowait, METH_O, nullptr},
    {"get_nowait", get_nowait, METH_NOARGS, nullptr},
    {"qsize", qsize, METH_NOARGS, "Return how many items were put that nobody has got."},
    {"empty", empty, METH_NOARGS, nullptr},
    {"full", full, METH_NOARGS, nullptr},
    {"_task_done", task_done, METH_NOARGS, nullptr},
    {"_join", join, METH_NOARGS, nullptr},
    {"_settle", settle_method, METH_NOARGS, "Where this is a child of a fork: forget what its parent has spilled."},
    {"_feed", feed, METH_O, "Put an item that was spilled, however long that takes."},
    {"_fileno", file_number, METH_NOARGS, nullptr},
    {"_ready_fileno", ready_file_number, METH_NOARGS, "Return a descriptor that is readable as long as there are items."},
    {"_drop_ready", drop_ready_method, METH_NOARGS, "Close that descriptor, if there is one."},
    {"_wait_for_item", wait_for_item, METH_O, "Wait for an item so many seconds, None: for ever; return whether there is one."},
    {"_adopt", adopt, METH_O, "Become the queue whose memory has this descriptor."},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyMethodDef simple_methods[] = {
    {"put", simple_put, METH_O, nullptr},
    {"get", simple_get, METH_NOARGS, nullptr},
    {"empty", simple_empty, METH_NOARGS, nullptr},
    {"_fileno", file_number, METH_NOARGS, nullptr},
    {"_ready_fileno", ready_file_number, METH_NOARGS, "Return a descriptor that is readable as long as there are items."},
    {"_drop_ready", drop_ready_method, METH_NOARGS, "Close that descriptor, if there is one."},
    {"_wait_for_item", wait_for_item, METH_O, "Wait for an item so many seconds, None: for ever; return whether there is one."},
    {"_adopt", adopt, METH_O, "Become the queue whose memory has this descriptor."},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"_closed", get_closed, set_closed, "Whether this process is done with it.", nullptr},
    {"_maxsize", get_maxsize, nullptr, "How many items it holds at most; 0: any number.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(ProcessQueueObject, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_init, reinterpret_cast<void*>(init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_members, members},
    {Py_tp_doc,
     const_cast<char*>("ProcessQueue(maxsize=0)\n--\n\nA queue in shared memory, with what multiprocessing.Queue's methods do.")},
    {0, nullptr},
};

PyType_Slot simple_slots[] = {
    {Py_tp_init, reinterpret_cast<void*>(init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_methods, simple_methods},
    {Py_tp_getset, attributes},
    {Py_tp_members, members},
    {Py_tp_doc, const_cast<char*>("ProcessSimpleQueue()\n--\n\nThe same, as multiprocessing.SimpleQueue.")},
    {0, nullptr},
};

PyType_Spec spec = {"hasten._core.ProcessQueue", sizeof(ProcessQueueObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
PyType_Spec simple_spec = {"hasten._core.ProcessSimpleQueue", sizeof(ProcessQueueObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                           simple_slots};

} // namespace

bool init_process_queue(PyObject* module) {
  return add_type(module, "ProcessQueue", &spec) != nullptr && add_type(module, "ProcessSimpleQueue", &simple_spec) != nullptr &&
         init_item_codec(module);
}

} // namespace hasten::bindings
