#define PY_SSIZE_T_CLEAN
#include "hasten/bindings/item_codec.h"

#include <algorithm>
#include <cstring>

#include "hasten/bindings/ending.h"
#include "hasten/bindings/pool_array.h"
#include "hasten/bindings/thread_wait.h"

namespace hasten::bindings {
namespace {

using pool::shm::Outgoing;

PyObject* encode_hook = nullptr;
PyObject* plain_hook = nullptr;
PyObject* plain_protocol = nullptr;
PyObject* decode_hook = nullptr;

// Whether an object is made of nothing but what pickle knows by itself, as far as a short look tells.
bool is_plain(PyObject* object, int depth, int& budget) {
  if (object == Py_None || PyBool_Check(object) || PyLong_CheckExact(object) || PyFloat_CheckExact(object) ||
      PyUnicode_CheckExact(object) || PyBytes_CheckExact(object)) {
    return --budget >= 0;
  }
  if (depth == 0) {
    return false;
  }
  if (PyTuple_CheckExact(object) || PyList_CheckExact(object)) {
    PyObject** items = PySequence_Fast_ITEMS(object);
    return std::all_of(items, items + PySequence_Fast_GET_SIZE(object), [&](PyObject* one) { return is_plain(one, depth - 1, budget); });
  }
  if (!PyDict_CheckExact(object)) {
    return false;
  }
  Py_ssize_t at = 0;
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  while (PyDict_Next(object, &at, &key, &value) != 0) {
    if (!is_plain(key, depth - 1, budget) || !is_plain(value, depth - 1, budget)) {
      return false;
    }
  }
  return true;
}

PyObject* pickle(PyObject* object) {
  constexpr int kDepth = 4;
  int budget = 64;
  if (!is_plain(object, kDepth, budget)) {
    return PyObject_CallOneArg(encode_hook, object);
  }
  PyObject* arguments[] = {object, plain_protocol};
  return PyObject_Vectorcall(plain_hook, arguments, 2, nullptr);
}

PyObject* raise_nonsense() {
  PyErr_SetString(PyExc_ValueError, "another process put an item of an unknown kind into the queue");
  return nullptr;
}

PyObject* unpickle(PyObject* pickled, PyObject* buffers) {
  if (buffers == nullptr) {
    return PyObject_CallOneArg(decode_hook, pickled);
  }
  PyObject* keywords = Py_BuildValue("{sO}", "buffers", buffers);
  PyObject* arguments = PyTuple_Pack(1, pickled);
  PyObject* item = keywords == nullptr || arguments == nullptr ? nullptr : PyObject_Call(decode_hook, arguments, keywords);
  Py_XDECREF(arguments);
  Py_XDECREF(keywords);
  return item;
}

} // namespace

// ---------------------------------------------------------------- in

void EncodedItem::refer(PoolTag tag) { outgoing_ = {.tag = static_cast<uint8_t>(tag), .meta = meta_, .parts = parts_}; }

bool EncodedItem::encode(PyObject* object) {
  if (encode_scalar(object, &scalar_)) {
    part_[0] = {scalar_.data, scalar_.size};
    outgoing_ = {.tag = static_cast<uint8_t>(scalar_.tag), .meta = {}, .parts = part_};
    return true;
  }
  if (PyBytes_CheckExact(object)) {
    parts_.push_back({PyBytes_AS_STRING(object), static_cast<size_t>(PyBytes_GET_SIZE(object))});
    refer(PoolTag::kBytes);
    return true;
  }
  return is_plain_array(object) && is_dense(object) ? encode_array(object) : encode_pickled(object);
}

bool EncodedItem::encode_array(PyObject* object) {
  append_description(object, &meta_);
  const std::string_view elements = array_elements(object);
  parts_.push_back({elements.data(), elements.size()});
  refer(kArrayTag);
  return true;
}

bool EncodedItem::add_buffer(PyObject* object) {
  Py_buffer view;
  if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) != 0) {
    return false;
  }
  views_.push_back(view);
  parts_.push_back({view.buf, static_cast<size_t>(view.len)});
  const auto size = static_cast<uint64_t>(view.len);
  meta_.append(reinterpret_cast<const char*>(&size), sizeof size);
  return true;
}

bool EncodedItem::encode_pickled(PyObject* object) {
  PyObject* encoded = pickle(object);
  if (encoded == nullptr) {
    return false;
  }
  held_.push_back(encoded);
  if (PyBytes_Check(encoded)) {
    parts_.push_back({PyBytes_AS_STRING(encoded), static_cast<size_t>(PyBytes_GET_SIZE(encoded))});
    refer(PoolTag::kPickle);
    return true;
  }
  if (!add_buffer(PyTuple_GET_ITEM(encoded, 0))) {
    return false;
  }
  PyObject* buffers = PyTuple_GET_ITEM(encoded, 1);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(buffers); ++i) {
    if (!add_buffer(PyList_GET_ITEM(buffers, i))) {
      return false;
    }
  }
  refer(PoolTag::kPickle);
  return true;
}

bool EncodedItem::encode_parcel(PyObject* parcel) {
  meta_.assign(PyBytes_AS_STRING(PyTuple_GET_ITEM(parcel, 1)), static_cast<size_t>(PyBytes_GET_SIZE(PyTuple_GET_ITEM(parcel, 1))));
  PyObject* body = PyTuple_GET_ITEM(parcel, 2);
  held_.push_back(Py_NewRef(parcel));
  parts_.push_back({PyBytes_AS_STRING(body), static_cast<size_t>(PyBytes_GET_SIZE(body))});
  refer(static_cast<PoolTag>(PyLong_AsLong(PyTuple_GET_ITEM(parcel, 0))));
  return true;
}

PyObject* EncodedItem::as_parcel() const {
  PyObject* body = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(outgoing_.body()));
  if (body == nullptr) {
    return nullptr;
  }
  char* into = PyBytes_AS_STRING(body);
  for (const Outgoing::Part& part : outgoing_.parts) {
    into = std::copy_n(static_cast<const char*>(part.data), part.size, into);
  }
  // Not by "y#", which makes None of the null pointer that an empty view may have.
  PyObject* meta = PyBytes_FromStringAndSize(outgoing_.meta.data(), static_cast<Py_ssize_t>(outgoing_.meta.size()));
  if (meta == nullptr) {
    Py_DECREF(body);
    return nullptr;
  }
  return Py_BuildValue("(iNN)", int{outgoing_.tag}, meta, body);
}

void EncodedItem::release() {
  for (Py_buffer& view : views_) {
    PyBuffer_Release(&view);
  }
  views_.clear();
  for (PyObject* object : held_) {
    Py_DECREF(object);
  }
  held_.clear();
}

// ---------------------------------------------------------------- out

PyObject* decode_small(const pool::shm::SmallItem& item) {
  const auto tag = static_cast<PoolTag>(item.tag);
  if (tag < PoolTag::kPickle) {
    return decode_scalar(tag, item.bytes.data(), item.size);
  }
  if (tag == PoolTag::kPickle && item.meta == 0) {
    PyObject* pickled = PyBytes_FromStringAndSize(item.bytes.data(), static_cast<Py_ssize_t>(item.size));
    PyObject* result = pickled == nullptr ? nullptr : unpickle(pickled, nullptr);
    Py_XDECREF(pickled);
    return result;
  }
  PyThreadState* none = nullptr;
  ItemReceiver receiver(none);
  if (!receiver.prepare(item.tag, {item.bytes.data(), item.meta}, item.size - item.meta)) {
    return nullptr;
  }
  receiver.write(0, item.bytes.data() + item.meta, item.size - item.meta);
  return receiver.take();
}

bool ItemReceiver::add(PyObject* object, char* data, uint64_t size) {
  objects_.push_back(object);
  places_.push_back({data, size});
  return true;
}

bool ItemReceiver::make_array(std::string_view meta, uint64_t body) {
  char* elements = nullptr;
  PyObject* array = new_array(meta, body, &elements);
  return array != nullptr && add(array, elements, body);
}

// A pickle in bytes, its buffers in arrays of bytes that what is unpickled owns, and may write to.
bool ItemReceiver::make_buffers(std::string_view meta, uint64_t body) {
  for (size_t at = 0; at + sizeof(uint64_t) <= meta.size(); at += sizeof(uint64_t)) {
    uint64_t size = 0;
    std::memcpy(&size, meta.data() + at, sizeof size);
    if (size > body) {
      raise_nonsense();
      return false;
    }
    body -= size;
    const auto length = static_cast<Py_ssize_t>(size);
    PyObject* object = at == 0 ? PyBytes_FromStringAndSize(nullptr, length) : PyByteArray_FromStringAndSize(nullptr, length);
    if (object == nullptr) {
      return false;
    }
    add(object, at == 0 ? PyBytes_AS_STRING(object) : PyByteArray_AS_STRING(object), size);
  }
  return true;
}

bool ItemReceiver::make_places(PoolTag tag, std::string_view meta, uint64_t body) {
  release();
  tag_ = tag;
  if (tag == kArrayTag) {
    return make_array(meta, body);
  }
  if (!meta.empty()) {
    return make_buffers(meta, body);
  }
  PyObject* bytes = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(body));
  return bytes != nullptr && add(bytes, PyBytes_AS_STRING(bytes), body);
}

bool ItemReceiver::prepare(uint8_t tag, std::string_view meta, uint64_t body) {
  const bool was_without_gil = state_ != nullptr;
  if (was_without_gil) {
    take_gil_again(state_);
  }
  const bool is_ready = make_places(static_cast<PoolTag>(tag), meta, body);
  if (was_without_gil) {
    state_ = PyEval_SaveThread();
  }
  return is_ready;
}

void ItemReceiver::write(uint64_t offset, const char* data, size_t size) {
  for (const Place& place : places_) {
    if (offset >= place.size) {
      offset -= place.size;
      continue;
    }
    const uint64_t here = std::min<uint64_t>(size, place.size - offset);
    std::memcpy(place.data + offset, data, here);
    data += here;
    size -= here;
    offset = 0;
    if (size == 0) {
      return;
    }
  }
}

PyObject* ItemReceiver::take() {
  PyObject* result = nullptr;
  PyObject* first = objects_.empty() ? nullptr : objects_[0];
  if (first == nullptr) {
    raise_nonsense();
  } else if (tag_ == kArrayTag || tag_ == PoolTag::kBytes) {
    result = Py_NewRef(first);
  } else if (tag_ == PoolTag::kPickle) {
    PyObject* buffers = objects_.size() == 1 ? nullptr : PyList_New(0);
    for (size_t i = 1; i < objects_.size() && buffers != nullptr; ++i) {
      if (PyList_Append(buffers, objects_[i]) != 0) {
        Py_CLEAR(buffers);
      }
    }
    if (objects_.size() == 1 || buffers != nullptr) {
      result = unpickle(first, buffers);
    }
    Py_XDECREF(buffers);
  } else {
    result = decode_scalar(tag_, PyBytes_AS_STRING(first), static_cast<size_t>(PyBytes_GET_SIZE(first)));
  }
  release();
  return result;
}

void ItemReceiver::release() {
  for (PyObject* object : objects_) {
    Py_DECREF(object);
  }
  objects_.clear();
  places_.clear();
}

// ---------------------------------------------------------------- hooks

namespace {

PyObject* register_item_codec(PyObject*, PyObject* hooks) {
  PyObject* encode = nullptr;
  PyObject* dumps = nullptr;
  PyObject* protocol = nullptr;
  PyObject* loads = nullptr;
  if (PyArg_ParseTuple(hooks, "OOOO:register_item_codec", &encode, &dumps, &protocol, &loads) == 0) {
    return nullptr;
  }
  replace(encode_hook, Py_NewRef(encode));
  replace(plain_hook, Py_NewRef(dumps));
  replace(plain_protocol, Py_NewRef(protocol));
  replace(decode_hook, Py_NewRef(loads));
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"register_item_codec", register_item_codec, METH_VARARGS, "Tell the engine how items of queues between processes are pickled."},
    {nullptr, nullptr, 0, nullptr},
};

} // namespace

bool init_item_codec(PyObject* module) { return PyModule_AddFunctions(module, functions) == 0; }

} // namespace hasten::bindings
