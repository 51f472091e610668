// hasten._core.SharedChannel: a channel in shared memory, a subclass of the one between threads.
#include <Python.h>

#include "hasten/bindings/ending.h"
#include "hasten/bindings/process_item.h"
#include "hasten/bindings/thread_wait.h"
#include "hasten/parallel/clock.h"

namespace hasten::bindings {
namespace {

using pool::shm::GetEnd;
using pool::shm::PutEnd;
using pool::shm::Queue;
using pool::shm::WaitFor;

// What a shared channel has behind the parts that it inherits and doesn't use.
struct SharedPart {
  Queue* engine; // null before __init__
  uint64_t generation;
};

PyTypeObject* base_type = nullptr;
PyTypeObject* shared_type = nullptr;

SharedPart* part_of(PyObject* self) { return reinterpret_cast<SharedPart*>(reinterpret_cast<char*>(self) + base_type->tp_basicsize); }

// Null with an exception set where it was not made by its __init__.
Queue* engine_of(PyObject* self) {
  Queue* engine = part_of(self)->engine;
  if (engine == nullptr) {
    PyErr_Format(PyExc_ValueError, "%s.__init__() was not called", Py_TYPE(self)->tp_name);
  }
  return engine;
}

// The same for putting and getting; tells Python where a process does so for the first time.
Queue* active_engine_of(PyObject* self) {
  const uint64_t generation = 1 + pool::shm::fork_generation();
  if (part_of(self)->generation != generation) {
    PyObject* entered = PyObject_CallMethod(self, "_enter", nullptr);
    if (entered == nullptr) {
      return nullptr;
    }
    Py_DECREF(entered);
    part_of(self)->generation = generation;
  }
  return engine_of(self);
}

// ---------------------------------------------------------------- put and get

PyObject* put_end(PutEnd end) {
  switch (end) {
  case PutEnd::kDone:
    Py_RETURN_NONE;
  case PutEnd::kFull:
  case PutEnd::kNoRoom:
    return raise_full();
  case PutEnd::kNoMemory:
    return PyErr_NoMemory();
  case PutEnd::kClosed:
    return raise_put_on_closed();
  case PutEnd::kBroken:
    return raise_broken();
  case PutEnd::kInterrupted:
    break;
  }
  return nullptr;
}

PyObject* put_object(PyObject* self, PyObject* object, int64_t deadline) {
  Queue* engine = active_engine_of(self);
  if (engine == nullptr) {
    return nullptr;
  }
  EncodedItem item;
  PyObject* result = nullptr;
  if (item.encode(object)) {
    result = put_end(put_item(*engine, item, deadline == kNoWait ? WaitFor::kNothing : WaitFor::kRoom, deadline));
  }
  item.release();
  return result;
}

PyObject* get_object(PyObject* self, int64_t deadline, GetEnd* end) {
  Queue* engine = active_engine_of(self);
  *end = GetEnd::kInterrupted;
  return engine == nullptr ? nullptr : get_item(*engine, deadline, end);
}

PyObject* get_or_raise(PyObject* self, int64_t deadline) {
  GetEnd end = GetEnd::kInterrupted;
  PyObject* object = get_object(self, deadline, &end);
  if (object == nullptr && end == GetEnd::kNothing) {
    raise_empty();
  } else if (object == nullptr && end == GetEnd::kClosed) {
    raise_get_at_end();
  } else if (object == nullptr && end == GetEnd::kBroken) {
    raise_broken();
  }
  return object;
}

PyObject* put(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  PutArguments found{};
  return read_put(args, count, keywords, &found) ? put_object(self, found.item, found.deadline) : nullptr;
}

PyObject* get(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  int64_t deadline = 0;
  return read_get(args, count, keywords, &deadline) ? get_or_raise(self, deadline) : nullptr;
}

PyObject* put_nowait(PyObject* self, PyObject* item) { return put_object(self, item, kNoWait); }
PyObject* get_nowait(PyObject* self, PyObject*) { return get_or_raise(self, kNoWait); }

PyObject* iter_next(PyObject* self) {
  GetEnd end = GetEnd::kInterrupted;
  PyObject* object = get_object(self, parallel::kForever, &end);
  return object == nullptr && end == GetEnd::kBroken ? raise_broken() : object;
}

PyObject* close(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  bool discards = false;
  Queue* engine = read_close(args, count, keywords, &discards) ? engine_of(self) : nullptr;
  if (engine == nullptr) {
    return nullptr;
  }
  PyThreadState* state = PyEval_SaveThread();
  engine->close(discards);
  take_gil_again(state);
  Py_RETURN_NONE;
}

PyObject* wait_for(PyObject* self, PyObject* args) {
  int for_room = 0;
  double seconds = 0;
  Queue* engine = active_engine_of(self);
  if (engine == nullptr || PyArg_ParseTuple(args, "pd:_wait_for", &for_room, &seconds) == 0) {
    return nullptr;
  }
  const pool::shm::Patience patience{.deadline = parallel::steady_now() + static_cast<int64_t>(seconds * 1e9)};
  PyThreadState* state = PyEval_SaveThread();
  const bool is_there = for_room != 0 ? engine->wait_for_room(patience) : engine->wait_for_item(patience);
  take_gil_again(state);
  return PyBool_FromLong(is_there ? 1 : 0);
}

// ---------------------------------------------------------------- travelling

PyObject* leave(PyObject* self, PyObject*) {
  if (part_of(self)->engine != nullptr) {
    part_of(self)->engine->leave();
  }
  Py_RETURN_NONE;
}

PyObject* file_number(PyObject* self, PyObject*) {
  const Queue* engine = engine_of(self);
  return engine == nullptr ? nullptr : PyLong_FromLong(engine->fd());
}

PyObject* name(PyObject* self, PyObject*) {
  const Queue* engine = engine_of(self);
  if (engine == nullptr) {
    return nullptr;
  }
  const auto& words = engine->facts().name;
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(words.data()), sizeof words);
}

PyObject* note_arrival(PyObject* self, PyObject*) {
  Queue* engine = engine_of(self);
  if (engine == nullptr) {
    return nullptr;
  }
  engine->note_arrival();
  Py_RETURN_NONE;
}

PyObject* arrivals(PyObject* self, PyObject*) {
  const Queue* engine = engine_of(self);
  return engine == nullptr ? nullptr : PyLong_FromUnsignedLongLong(engine->facts().arrivals.load(std::memory_order_seq_cst));
}

// ---------------------------------------------------------------- life

int set_engine(PyObject* self, Queue* engine) {
  if (engine == nullptr) {
    return -1;
  }
  delete part_of(self)->engine;
  *part_of(self) = {engine, 0};
  return 0;
}

PyObject* adopt(PyObject* self, PyObject* descriptor) {
  return set_engine(self, adopt_queue(descriptor)) != 0 ? nullptr : Py_NewRef(Py_None);
}

int init(PyObject* self, PyObject* args, PyObject* keywords) {
  ChannelBounds bounds;
  if (!read_bounds(args, keywords, &bounds)) {
    return -1;
  }
  return set_engine(self, create_queue({.most_items = static_cast<uint64_t>(bounds.most_items),
                                        .most_bytes = static_cast<uint64_t>(bounds.most_bytes),
                                        .breaks = true}));
}

void dealloc(PyObject* self) {
  Queue* engine = part_of(self)->engine;
  if (engine != nullptr) {
    engine->leave();
    delete engine;
  }
  base_type->tp_dealloc(self);
}

Py_ssize_t length(PyObject* self) {
  const Queue* engine = engine_of(self);
  return engine == nullptr ? -1 : static_cast<Py_ssize_t>(engine->items());
}

template <typename Read> PyObject* number(PyObject* self, Read read) {
  const Queue* engine = engine_of(self);
  return engine == nullptr ? nullptr : PyLong_FromUnsignedLongLong(read(*engine));
}

PyObject* get_closed(PyObject* self, void*) {
  const Queue* engine = engine_of(self);
  return engine == nullptr ? nullptr : PyBool_FromLong(engine->is_closed() ? 1 : 0);
}
PyObject* get_bytes(PyObject* self, void*) {
  return number(self, [](const Queue& engine) { return engine.bytes(); });
}
PyObject* get_most_items(PyObject* self, void*) {
  return number(self, [](const Queue& engine) { return engine.facts().most_items; });
}
PyObject* get_most_bytes(PyObject* self, void*) {
  return number(self, [](const Queue& engine) { return engine.facts().most_bytes; });
}

PyMethodDef methods[] = {
    {"put", python_method(put), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"get", python_method(get), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"put_nowait", put_nowait, METH_O, nullptr},
    {"get_nowait", get_nowait, METH_NOARGS, nullptr},
    {"close", python_method(close), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"_wait_for", wait_for, METH_VARARGS, "Wait until there may be room, or an item; return whether there is."},
    {"_leave", leave, METH_NOARGS, "Say that this process does nothing more with it."},
    {"_fileno", file_number, METH_NOARGS, nullptr},
    {"_name", name, METH_NOARGS, "Return what tells it from all other channels."},
    {"_adopt", adopt, METH_O, "Become the channel whose memory has this descriptor."},
    {"_note_arrival", note_arrival, METH_NOARGS, "Count that a pickle of it was loaded."},
    {"_arrivals", arrivals, METH_NOARGS, "Return how many pickles of it were loaded."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"closed", get_closed, nullptr, kClosedHelp, nullptr},
    {"maxsize", get_most_items, nullptr, kMostItemsHelp, nullptr},
    {"max_bytes", get_most_bytes, nullptr, "How many bytes it holds at most; 0: as many as fit.", nullptr},
    {"bytes", get_bytes, nullptr, "How many bytes it holds.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_init, reinterpret_cast<void*>(init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_iternext, reinterpret_cast<void*>(iter_next)},
    {Py_sq_length, reinterpret_cast<void*>(length)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_doc, const_cast<char*>("SharedChannel(maxsize=0, *, max_bytes=0)\n--\n\nA channel in shared memory.")},
    {0, nullptr},
};

} // namespace

bool is_shared_channel(PyObject* channel) { return PyObject_TypeCheck(channel, shared_type) != 0; }

Queue* active_queue_of(PyObject* channel) { return active_engine_of(channel); }

bool init_process_channel(PyObject* module) {
  base_type = reinterpret_cast<PyTypeObject*>(PyObject_GetAttrString(module, "Channel"));
  if (base_type == nullptr) {
    return false;
  }
  PyType_Spec spec = {"hasten._core.SharedChannel", static_cast<int>(base_type->tp_basicsize + sizeof(SharedPart)), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
  PyObject* type = PyType_FromSpecWithBases(&spec, reinterpret_cast<PyObject*>(base_type));
  shared_type = reinterpret_cast<PyTypeObject*>(type);
  return type != nullptr && PyModule_AddObjectRef(module, "SharedChannel", type) == 0;
}

} // namespace hasten::bindings
