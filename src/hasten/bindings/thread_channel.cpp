// hasten.Channel: items from thread to thread, with an end.
#include <Python.h>
#include <structmember.h>

#include <cstddef>

#include "hasten/bindings/python_type.h"
#include "hasten/bindings/queue_methods.h"
#include "hasten/bindings/thread_channel.h"
#include "hasten/bindings/thread_types.h"

namespace hasten::bindings {
namespace {

ChannelObject* cast(PyObject* self) { return channel_of(self); }

bool is_at_end(const ChannelObject* self) { return self->is_closed && self->queue.items.empty(); }

// ---------------------------------------------------------------- sizes

// The bytes of an item, for channels that are bounded by them: what a buffer holds, or what sys.getsizeof says. -1: an exception is set.
Py_ssize_t bytes_of(PyObject* object) {
  if (PyObject_CheckBuffer(object) != 0) {
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_STRIDED_RO) == 0) {
      const Py_ssize_t size = view.len;
      PyBuffer_Release(&view);
      return size;
    }
    PyErr_Clear();
  }
  PyObject* size = PyObject_CallOneArg(PySys_GetObject("getsizeof"), object);
  const Py_ssize_t bytes = size == nullptr ? -1 : PyLong_AsSsize_t(size);
  Py_XDECREF(size);
  return bytes;
}

// ---------------------------------------------------------------- put and get

// False with an exception set.
bool wait_for_room(ChannelObject* self, Py_ssize_t bytes, int64_t deadline) {
  for (;;) {
    if (self->is_closed) {
      raise_put_on_closed();
      return false;
    }
    if (self->queue.has_room(bytes)) {
      return true;
    }
    const Waited waited = deadline == kNoWait ? Waited::kTimedOut : wait_in(self->queue.putters, deadline);
    if (waited == Waited::kFailed) {
      return false;
    }
    if (waited == Waited::kTimedOut && !self->queue.has_room(bytes) && !self->is_closed) {
      raise_full();
      return false;
    }
  }
}

PyObject* put_item(ChannelObject* self, PyObject* item, int64_t deadline) {
  const Py_ssize_t bytes = self->queue.most_bytes > 0 ? bytes_of(item) : 0;
  if (bytes < 0 || !wait_for_room(self, bytes, deadline) || !self->queue.push(item, bytes)) {
    return nullptr;
  }
  if (!self->queue.putters.empty() && self->queue.has_room(1)) {
    self->queue.putters.wake_one();
  }
  Py_RETURN_NONE;
}

// 1: there is an item; 0: the end; -1: an exception is set.
int wait_for_item(ChannelObject* self, int64_t deadline) {
  while (self->queue.items.empty()) {
    if (self->is_closed) {
      return 0;
    }
    const Waited waited = deadline == kNoWait ? Waited::kTimedOut : wait_in(self->queue.getters, deadline);
    if (waited == Waited::kFailed) {
      return -1;
    }
    if (waited == Waited::kTimedOut && self->queue.items.empty() && !self->is_closed) {
      raise_empty();
      return -1;
    }
  }
  return 1;
}

PyObject* pop(ChannelObject* self) {
  PyObject* item = self->queue.pop(false);
  if (is_at_end(self)) {
    self->queue.getters.wake_all();
  }
  return item;
}

PyObject* put(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  PutArguments found{};
  return read_put(args, count, keywords, &found) ? put_item(cast(self), found.item, found.deadline) : nullptr;
}

PyObject* get_item(ChannelObject* self, int64_t deadline) {
  switch (wait_for_item(self, deadline)) {
  case 1:
    return pop(self);
  case 0:
    return raise_get_at_end();
  default:
    return nullptr;
  }
}

PyObject* get(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  int64_t deadline = 0;
  return read_get(args, count, keywords, &deadline) ? get_item(cast(self), deadline) : nullptr;
}

PyObject* put_nowait(PyObject* self, PyObject* item) { return put_item(cast(self), item, kNoWait); }
PyObject* get_nowait(PyObject* self, PyObject*) { return get_item(cast(self), kNoWait); }

PyObject* iter_next(PyObject* self) { return wait_for_item(cast(self), parallel::kForever) == 1 ? pop(cast(self)) : nullptr; }

PyObject* close(PyObject* object, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  bool discards = false;
  if (!read_close(args, count, keywords, &discards)) {
    return nullptr;
  }
  ChannelObject* self = cast(object);
  self->is_closed = true;
  if (discards) {
    self->queue.drop_items();
  }
  self->queue.putters.wake_all();
  self->queue.getters.wake_all();
  Py_RETURN_NONE;
}

// ---------------------------------------------------------------- for event loops

// Calls a function once when a channel may have something; it ends with that call or when Python drops it.
struct WatchObject {
  PyObject_HEAD PyObject* channel;
  PyObject* callback;

  struct Node final : parallel::Waiter {
    explicit Node(WatchObject* watch) : watch_(watch) {}
    void wake() override {
      PyObject* callback = take(watch_->callback);
      PyObject* done = callback == nullptr ? nullptr : PyObject_CallNoArgs(callback);
      if (done == nullptr && PyErr_Occurred() != nullptr) {
        PyErr_WriteUnraisable(callback);
      }
      Py_XDECREF(done);
      Py_XDECREF(callback);
    }
    WatchObject* watch_;
  };
  Node* node;
};

PyTypeObject* watch_type = nullptr;
WatchObject* watch_of(PyObject* self) { return reinterpret_cast<WatchObject*>(self); }

PyObject* watch(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  if (count != 2) {
    PyErr_SetString(PyExc_TypeError, "_watch() takes a callback and whether it wants to put");
    return nullptr;
  }
  PyObject* object = watch_type->tp_alloc(watch_type, 0);
  if (object == nullptr) {
    return nullptr;
  }
  WatchObject* made = watch_of(object);
  made->node = new WatchObject::Node(made);
  made->channel = Py_NewRef(self);
  made->callback = Py_NewRef(args[0]);
  ItemQueue& queue = cast(self)->queue;
  (args[1] == Py_True ? queue.putters : queue.getters).add(*made->node);
  return object;
}

// For whoever was woken and does not come: somebody else is.
PyObject* pass_on(PyObject* self, PyObject*) {
  ItemQueue& queue = cast(self)->queue;
  if (!queue.items.empty()) {
    queue.getters.wake_one();
  }
  if (queue.has_room(0)) {
    queue.putters.wake_one();
  }
  Py_RETURN_NONE;
}

void watch_dealloc(PyObject* self) {
  delete watch_of(self)->node;
  Py_CLEAR(watch_of(self)->callback);
  Py_CLEAR(watch_of(self)->channel);
  free_object(self);
}

PyType_Slot watch_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(watch_dealloc)}, {0, nullptr}};
PyType_Spec watch_spec = {"hasten._core.ChannelWatch", sizeof(WatchObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                          watch_slots};

// ---------------------------------------------------------------- life

Py_ssize_t length(PyObject* self) { return static_cast<Py_ssize_t>(cast(self)->queue.items.size()); }

// A channel is an object, not a container that is false when it is empty.
int is_true(PyObject*) { return 1; }

PyObject* get_closed(PyObject* self, void*) { return PyBool_FromLong(cast(self)->is_closed ? 1 : 0); }
PyObject* get_bytes(PyObject* self, void*) { return PyLong_FromSsize_t(cast(self)->queue.bytes); }
PyObject* get_most_items(PyObject* self, void*) { return PyLong_FromSsize_t(cast(self)->queue.most_items); }
PyObject* get_most_bytes(PyObject* self, void*) { return PyLong_FromSsize_t(cast(self)->queue.most_bytes); }

int init(PyObject* self, PyObject* args, PyObject* keywords) {
  ChannelBounds bounds;
  if (!read_bounds(args, keywords, &bounds)) {
    return -1;
  }
  cast(self)->queue.most_items = bounds.most_items;
  cast(self)->queue.most_bytes = bounds.most_bytes;
  return 0;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return cast(self)->queue.visit(visit, arg);
}

int clear(PyObject* self) {
  cast(self)->queue.drop_items();
  return 0;
}

void dealloc(PyObject* self) {
  withdraw(self, cast(self)->weak_references);
  clear(self);
  cast(self)->queue.items.release();
  free_object(self);
}

PyMethodDef methods[] = {
    {"put", python_method(put), METH_FASTCALL | METH_KEYWORDS, kPutHelp},
    {"get", python_method(get), METH_FASTCALL | METH_KEYWORDS, kGetHelp},
    {"put_nowait", put_nowait, METH_O, kPutNowaitHelp},
    {"get_nowait", get_nowait, METH_NOARGS, kGetNowaitHelp},
    {"close", python_method(close), METH_FASTCALL | METH_KEYWORDS, kCloseHelp},
    {"_watch", python_method(watch), METH_FASTCALL, nullptr},
    {"_pass_on", pass_on, METH_NOARGS, nullptr},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"closed", get_closed, nullptr, kClosedHelp, nullptr},
    {"maxsize", get_most_items, nullptr, kMostItemsHelp, nullptr},
    {"max_bytes", get_most_bytes, nullptr, "How many bytes it holds at most; 0: any number.", nullptr},
    {"bytes", get_bytes, nullptr, "How many bytes it holds, where they are bounded.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(ChannelObject, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_init, reinterpret_cast<void*>(init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(iter_next)},
    {Py_sq_length, reinterpret_cast<void*>(length)},
    {Py_nb_bool, reinterpret_cast<void*>(is_true)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_members, members},
    {Py_tp_doc,
     const_cast<char*>("Channel(maxsize=0, *, max_bytes=0)\n--\n\nHands items from threads to threads, in order, until it is closed.")},
    {0, nullptr},
};

PyType_Spec spec = {"hasten._core.Channel", sizeof(ChannelObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};

} // namespace

bool init_thread_channel(PyObject* module) {
  channel_type = add_type(module, "Channel", &spec);
  watch_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&watch_spec));
  return channel_type != nullptr && watch_type != nullptr;
}

bool is_closed_channel(const ChannelObject* channel) {
  return channel->values != nullptr ? channel->values->is_closed() : channel->is_closed;
}

PyObject* take_item(ChannelObject* channel) {
  if (channel->values != nullptr) {
    return take_value(channel);
  }
  return channel->queue.items.empty() ? nullptr : pop(channel);
}

void wake_getter(ChannelObject* channel) {
  if (channel->values != nullptr) {
    channel->values->pass_on();
  } else if (!channel->queue.items.empty()) {
    channel->queue.getters.wake_one();
  }
}

} // namespace hasten::bindings
