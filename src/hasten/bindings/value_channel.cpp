// hasten.Channel with a dtype: numbers or arrays from thread to thread, for Python and for compiled code.
#include <Python.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <new>
#include <string>

#include "hasten/bindings/array_boxing.h"
#include "hasten/bindings/class_table.h"
#include "hasten/bindings/ending.h"
#include "hasten/bindings/numpy_api.h"
#include "hasten/bindings/python_type.h"
#include "hasten/bindings/queue_methods.h"
#include "hasten/bindings/scalar_boxing.h"
#include "hasten/bindings/thread_channel.h"
#include "hasten/bindings/thread_types.h"
#include "hasten/bindings/type_of.h"

namespace hasten::bindings {
namespace {

using infer::Dialect;
using parallel::ValueChannel;
using End = ValueChannel::End;
using Value = ValueChannel::Item;

constexpr int kMostDimensions = 32;

PyTypeObject* value_channel_type = nullptr;

ValueChannel& values_of(PyObject* self) { return *channel_of(self)->values; }

ir::TypeRef number_type(const ValueChannel& channel) { return ir::scalar_type(channel.type().dtype); }

ir::TypeRef item_type(const ValueChannel& channel) {
  ir::TypeRef number = number_type(channel);
  return channel.type().ndim == 0 ? number : ir::array_type(number, channel.type().ndim, ir::Layout::kC);
}

// ---------------------------------------------------------------- items

double as_double(uint64_t word) { return std::bit_cast<double>(word); }
uint64_t as_word(double value) { return std::bit_cast<uint64_t>(value); }

bool refuse_number(PyObject* value, ir::TypeRef type) {
  PyErr_Format(PyExc_TypeError, "a channel of %s takes such numbers, not %R", type->text.c_str(), value);
  return false;
}

bool is_kind_of(PyObject* value, ir::TypeRef type) {
  if (ir::is_complex(type)) {
    return PyNumber_Check(value) != 0 && PyUnicode_Check(value) == 0;
  }
  if (ir::is_float(type)) {
    return PyNumber_Check(value) != 0 && PyComplex_Check(value) == 0;
  }
  return PyIndex_Check(value) != 0 || PyArray_IsScalar(value, Bool);
}

// A number of the channel's dtype, rounded to it.
bool number_to_item(PyObject* value, ir::TypeRef type, Value* item) {
  if (!is_kind_of(value, type)) {
    return refuse_number(value, type);
  }
  uint64_t slots[2] = {};
  if (!unbox_scalar(value, type, Dialect::kPython, slots)) {
    return false;
  }
  *item = {{slots[0], slots[1]}, ir::item_bytes(type)};
  const bool is_narrow = (ir::is_float(type) && type->bits < 64) || (ir::is_complex(type) && type->bits < 128);
  if (!is_narrow) {
    return true;
  }
  PyObject* rounded = box_scalar(type, Dialect::kNumba, slots);
  const Py_complex wide = rounded == nullptr ? Py_complex{} : PyComplex_AsCComplex(rounded);
  item->words[0] = as_word(wide.real);
  item->words[1] = as_word(wide.imag);
  Py_XDECREF(rounded);
  return rounded != nullptr;
}

PyObject* number_from_item(const Value& item, ir::TypeRef type) {
  switch (type->kind) {
  case ir::Kind::kBool:
    return PyBool_FromLong(static_cast<long>(item.words[0]));
  case ir::Kind::kFloat:
    return PyFloat_FromDouble(as_double(item.words[0]));
  case ir::Kind::kComplex:
    return PyComplex_FromDoubles(as_double(item.words[0]), as_double(item.words[1]));
  default:
    return type->is_signed ? PyLong_FromLongLong(static_cast<int64_t>(item.words[0])) : PyLong_FromUnsignedLongLong(item.words[0]);
  }
}

bool array_to_item(PyObject* value, const ValueChannel& channel, Value* item) {
  const int ndim = channel.type().ndim;
  PyArray_Descr* descr = PyArray_DescrFromType(static_cast<int>(channel.type().dtype));
  PyObject* object = PyArray_FromAny(value, descr, 0, 0, NPY_ARRAY_ALIGNED | NPY_ARRAY_NOTSWAPPED, nullptr);
  if (object == nullptr) {
    return false;
  }
  auto* array = reinterpret_cast<PyArrayObject*>(object);
  if (PyArray_NDIM(array) != ndim) {
    PyErr_Format(PyExc_TypeError, "this channel takes arrays of %d dimensions, not of %d", ndim, PyArray_NDIM(array));
    Py_DECREF(object);
    return false;
  }
  int64_t shape[kMostDimensions];
  int64_t strides[kMostDimensions];
  std::copy_n(PyArray_DIMS(array), ndim, shape);
  std::copy_n(PyArray_STRIDES(array), ndim, strides);
  const abi::ArrayView view{nullptr, PyArray_BYTES(array), shape, strides, ndim, channel.type().dtype};
  const bool is_copied = channel.copied(view, item);
  Py_DECREF(object);
  if (!is_copied) {
    PyErr_NoMemory();
  }
  return is_copied;
}

PyObject* array_from_item(const Value& item, const ValueChannel& channel) {
  uint64_t slots[2 + 2 * kMostDimensions];
  const int ndim = channel.type().ndim;
  int64_t shape[kMostDimensions];
  int64_t strides[kMostDimensions];
  abi::ArrayView view{nullptr, nullptr, shape, strides, ndim, channel.type().dtype};
  channel.open(item, &view);
  slots[0] = reinterpret_cast<uint64_t>(view.block);
  slots[1] = reinterpret_cast<uint64_t>(view.data);
  std::copy_n(shape, ndim, slots + 2);
  std::copy_n(strides, ndim, slots + 2 + ndim);
  return box_array(item_type(channel), slots);
}

bool to_item(PyObject* value, const ValueChannel& channel, Value* item) {
  return channel.type().ndim == 0 ? number_to_item(value, number_type(channel), item) : array_to_item(value, channel, item);
}

PyObject* from_item(const Value& item, const ValueChannel& channel) {
  return channel.type().ndim == 0 ? number_from_item(item, number_type(channel)) : array_from_item(item, channel);
}

// ---------------------------------------------------------------- put and get

// Tries at once, and then until the deadline without the GIL. `step` gets a deadline. False: a signal's handler raised.
template <typename Step> bool until(int64_t deadline, End* end, Step step) {
  *end = step(kNoWait);
  while ((*end == End::kTimedOut && deadline != kNoWait) || *end == End::kInterrupted) {
    PyThreadState* state = PyEval_SaveThread();
    *end = step(deadline);
    take_gil_again(state);
    if (*end == End::kInterrupted && PyErr_CheckSignals() != 0) {
      return false;
    }
    if (*end == End::kTimedOut) {
      break;
    }
  }
  return true;
}

PyObject* put_item(PyObject* self, PyObject* value, int64_t deadline) {
  ValueChannel& channel = values_of(self);
  Value item{};
  if (!to_item(value, channel, &item)) {
    return nullptr;
  }
  End end = End::kDone;
  const bool is_over = until(deadline, &end, [&](int64_t limit) { return channel.put(item, limit); });
  if (is_over && end == End::kDone) {
    Py_RETURN_NONE;
  }
  channel.drop(item);
  if (!is_over) {
    return nullptr;
  }
  if (end == End::kNoMemory) {
    return PyErr_NoMemory();
  }
  if (end == End::kClosed) {
    return raise_put_on_closed();
  }
  return raise_full();
}

// 1: an item; 0: the end; -1: an exception is set.
int take_item(PyObject* self, int64_t deadline, Value* item) {
  End end = End::kDone;
  if (!until(deadline, &end, [&](int64_t limit) { return values_of(self).get(item, limit); })) {
    return -1;
  }
  if (end == End::kTimedOut) {
    raise_empty();
    return -1;
  }
  return end == End::kDone ? 1 : 0;
}

PyObject* get_item(PyObject* self, int64_t deadline) {
  Value item{};
  switch (take_item(self, deadline, &item)) {
  case 1:
    return from_item(item, values_of(self));
  case 0:
    return raise_get_at_end();
  default:
    return nullptr;
  }
}

PyObject* put(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  PutArguments found{};
  return read_put(args, count, keywords, &found) ? put_item(self, found.item, found.deadline) : nullptr;
}

PyObject* get(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  int64_t deadline = 0;
  return read_get(args, count, keywords, &deadline) ? get_item(self, deadline) : nullptr;
}

PyObject* put_nowait(PyObject* self, PyObject* item) { return put_item(self, item, kNoWait); }
PyObject* get_nowait(PyObject* self, PyObject*) { return get_item(self, kNoWait); }

PyObject* iter_next(PyObject* self) {
  Value item{};
  return take_item(self, parallel::kForever, &item) == 1 ? from_item(item, values_of(self)) : nullptr;
}

PyObject* close_channel(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  bool discards = false;
  if (!read_close(args, count, keywords, &discards)) {
    return nullptr;
  }
  values_of(self).close(discards);
  Py_RETURN_NONE;
}

// ---------------------------------------------------------------- for event loops

// Rings an eventfd, once, when a channel may have something: whoever rings need not have the GIL.
struct BellObject {
  PyObject_HEAD PyObject* channel;

  struct Node final : parallel::Waiter {
    explicit Node(int fd) : fd(fd) {}
    void wake() override { eventfd_write(fd, 1); }
    int fd;
  };
  Node* node;
};

PyTypeObject* bell_type = nullptr;
BellObject* bell_of(PyObject* self) { return reinterpret_cast<BellObject*>(self); }

PyObject* watch(PyObject* self, PyObject* for_room) {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) {
    return PyErr_SetFromErrno(PyExc_OSError);
  }
  PyObject* object = bell_type->tp_alloc(bell_type, 0);
  if (object == nullptr) {
    close(fd);
    return nullptr;
  }
  bell_of(object)->node = new BellObject::Node(fd);
  bell_of(object)->channel = Py_NewRef(self);
  values_of(self).watch(*bell_of(object)->node, for_room == Py_True);
  return object;
}

PyObject* pass_on(PyObject* self, PyObject*) {
  values_of(self).pass_on();
  Py_RETURN_NONE;
}

PyObject* bell_fileno(PyObject* self, PyObject*) { return PyLong_FromLong(bell_of(self)->node->fd); }

void bell_dealloc(PyObject* self) {
  BellObject* bell = bell_of(self);
  if (bell->node != nullptr) {
    values_of(bell->channel).unwatch(*bell->node);
    close(bell->node->fd);
    delete bell->node;
  }
  Py_CLEAR(bell->channel);
  free_object(self);
}

PyMethodDef bell_methods[] = {
    {"fileno", bell_fileno, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot bell_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(bell_dealloc)}, {Py_tp_methods, bell_methods}, {0, nullptr}};
PyType_Spec bell_spec = {"hasten._core.ChannelBell", sizeof(BellObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                         bell_slots};

// ---------------------------------------------------------------- life

Py_ssize_t length(PyObject* self) { return static_cast<Py_ssize_t>(values_of(self).size()); }
PyObject* get_closed(PyObject* self, void*) { return PyBool_FromLong(values_of(self).is_closed() ? 1 : 0); }
PyObject* get_bytes(PyObject* self, void*) { return PyLong_FromLongLong(values_of(self).bytes()); }
PyObject* get_most_items(PyObject* self, void*) { return PyLong_FromLongLong(values_of(self).most_items()); }
PyObject* get_most_bytes(PyObject* self, void*) { return PyLong_FromLongLong(values_of(self).most_bytes()); }
PyObject* get_ndim(PyObject* self, void*) { return PyLong_FromLong(values_of(self).type().ndim); }
PyObject* get_dtype(PyObject* self, void*) {
  return reinterpret_cast<PyObject*>(PyArray_DescrFromType(static_cast<int>(values_of(self).type().dtype)));
}

// An item type that channels carry; false with an exception set.
bool read_item_type(PyObject* dtype, int ndim, parallel::ItemType* type) {
  if (!try_import_numpy()) {
    return false;
  }
  PyArray_Descr* descr = nullptr;
  if (PyArray_DescrConverter(dtype, &descr) == NPY_FAIL) {
    return false;
  }
  array::DType number{};
  const bool is_number = PyTypeNum_ISNUMBER(descr->type_num) || descr->type_num == NPY_BOOL;
  const bool is_known = is_number && dtype_of_type_num(descr->type_num, &number) && PyDataType_ISNOTSWAPPED(descr);
  if (!is_known) {
    PyErr_Format(PyExc_TypeError, "dtype=%R: a channel carries bools, integers, floats and complex numbers of at most 64 bits a part",
                 descr);
  } else if (ndim < 0 || ndim > kMostDimensions) {
    PyErr_Format(PyExc_ValueError, "ndim=%d: a channel carries numbers (0) or arrays of 1 to %d dimensions", ndim, kMostDimensions);
  } else {
    *type = {number, array::item_bytes(number), ndim};
  }
  Py_DECREF(descr);
  return PyErr_Occurred() == nullptr;
}

PyObject* make(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"maxsize", "max_bytes", "dtype", "ndim", nullptr};
  ChannelBounds bounds;
  PyObject* dtype = nullptr;
  int ndim = 0;
  if (PyArg_ParseTupleAndKeywords(args, keywords, "|n$nOi:Channel", const_cast<char**>(names), &bounds.most_items, &bounds.most_bytes,
                                  &dtype, &ndim) == 0 ||
      !check_bounds(bounds)) {
    return nullptr;
  }
  parallel::ItemType item{};
  if (!read_item_type(dtype == nullptr ? Py_None : dtype, ndim, &item)) {
    return nullptr;
  }
  PyObject* self = type->tp_alloc(type, 0);
  if (self != nullptr) {
    channel_of(self)->values = new ValueChannel(item, bounds.most_items, bounds.most_bytes);
  }
  return self;
}

// Everything is done when it is made.
int init(PyObject*, PyObject*, PyObject*) { return 0; }

void dealloc(PyObject* self) {
  delete channel_of(self)->values;
  channel_of(self)->values = nullptr;
  channel_type->tp_dealloc(self);
}

PyMethodDef methods[] = {
    {"put", python_method(put), METH_FASTCALL | METH_KEYWORDS, kPutHelp},
    {"get", python_method(get), METH_FASTCALL | METH_KEYWORDS, kGetHelp},
    {"put_nowait", put_nowait, METH_O, kPutNowaitHelp},
    {"get_nowait", get_nowait, METH_NOARGS, kGetNowaitHelp},
    {"close", python_method(close_channel), METH_FASTCALL | METH_KEYWORDS, kCloseHelp},
    {"_watch", watch, METH_O, nullptr},
    {"_pass_on", pass_on, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef attributes[] = {
    {"closed", get_closed, nullptr, kClosedHelp, nullptr},
    {"maxsize", get_most_items, nullptr, kMostItemsHelp, nullptr},
    {"max_bytes", get_most_bytes, nullptr, "How many bytes it holds at most; 0: any number.", nullptr},
    {"bytes", get_bytes, nullptr, "How many bytes it holds.", nullptr},
    {"dtype", get_dtype, nullptr, "The dtype of its numbers, or of its arrays.", nullptr},
    {"ndim", get_ndim, nullptr, "0: it carries numbers; else arrays of so many dimensions.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_init, reinterpret_cast<void*>(init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(iter_next)},
    {Py_sq_length, reinterpret_cast<void*>(length)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_doc, const_cast<char*>("ValueChannel(maxsize=0, *, max_bytes=0, dtype, ndim=0)\n--\n\nHands numbers or arrays from threads to "
                                  "threads; also in compiled code.")},
    {0, nullptr},
};

PyType_Spec spec = {"hasten._core.ValueChannel", sizeof(ChannelObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

} // namespace

bool is_value_channel(PyObject* value) {
  return PyObject_TypeCheck(value, value_channel_type) != 0 && channel_of(value)->values != nullptr;
}

ir::TypeRef type_of_channel(PyObject* channel) {
  return ir::sequence_type("channel", {ir::intp_type(), ir::named_type("channel:" + item_type(values_of(channel))->text)});
}

uint64_t code_of_channel(PyObject* channel) {
  const parallel::ItemType type = values_of(channel).type();
  return static_cast<uint64_t>(type.dtype) | static_cast<uint64_t>(type.ndim) << 8;
}

PyObject* take_value(ChannelObject* self) {
  Value item{};
  return self->values->get(&item, 0) == End::kDone ? from_item(item, *self->values) : nullptr;
}

bool init_value_channel(PyObject* module) {
  PyObject* made = PyType_FromSpecWithBases(&spec, reinterpret_cast<PyObject*>(channel_type));
  if (made == nullptr || PyModule_AddObjectRef(module, "ValueChannel", made) != 0) {
    return false;
  }
  value_channel_type = reinterpret_cast<PyTypeObject*>(made);
  bell_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&bell_spec));
  return bell_type != nullptr;
}

} // namespace hasten::bindings
