// How an item lies in a queue between processes: plain scalars and bytes as they are, arrays as shape and data, everything else pickled.
//
// The GIL is held but where a function says otherwise. Nothing here gives up a Python object in a destructor: a daemon thread that asks
// for the GIL when the interpreter has ended is unwound from where it waits.
#pragma once

#include <Python.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "hasten/bindings/pool_codec.h"
#include "hasten/pool/shm/queue.h"

namespace hasten::bindings {

// What an item of tag kPickle that has a description, and one of tag kArray, are described by.
constexpr auto kArrayTag = static_cast<PoolTag>(32);

// An item on its way in. Refers to the object's memory, which must live until release().
class EncodedItem {
public:
  // False with an exception set.
  bool encode(PyObject* object);
  // An item that as_parcel() made.
  bool encode_parcel(PyObject* parcel);
  void release();

  const pool::shm::Outgoing& outgoing() const { return outgoing_; }
  bool is_large() const { return outgoing_.body() > kLarge; }
  // A tuple that holds the item by itself.
  PyObject* as_parcel() const;

private:
  static constexpr uint64_t kLarge = 32'768; // longer ones are copied without the GIL

  bool encode_array(PyObject* object);
  bool encode_pickled(PyObject* object);
  bool add_buffer(PyObject* object);
  void refer(PoolTag tag);

  PoolScalar scalar_{};
  std::string meta_;
  std::vector<pool::shm::Outgoing::Part> parts_;
  std::array<pool::shm::Outgoing::Part, 1> part_{};
  std::vector<PyObject*> held_;
  std::vector<Py_buffer> views_;
  pool::shm::Outgoing outgoing_;
};

// A new reference to the object that a small item holds; null with an exception set.
PyObject* decode_small(const pool::shm::SmallItem& item);

// Takes larger items into memory of Python's. Used by one thread, which gives up the GIL with `state` during the queue's get().
class ItemReceiver final : public pool::shm::Receiver {
public:
  explicit ItemReceiver(PyThreadState*& state) : state_(state) {}

  bool prepare(uint8_t tag, std::string_view meta, uint64_t body) override; // takes the GIL
  void write(uint64_t offset, const char* data, size_t size) override;      // without the GIL

  // A new reference to the object; null with an exception set. Forgets it.
  PyObject* take();
  void release();

private:
  struct Place {
    char* data;
    uint64_t size;
  };
  bool make_places(PoolTag tag, std::string_view meta, uint64_t body);
  bool make_array(std::string_view meta, uint64_t body);
  bool make_buffers(std::string_view meta, uint64_t body);
  bool add(PyObject* object, char* data, uint64_t size);

  PyThreadState*& state_;
  PoolTag tag_ = PoolTag::kNone;
  std::vector<Place> places_;
  std::vector<PyObject*> objects_;
};

// Adds register_item_codec(encode, dumps, protocol, loads): `encode(object)` gives a pickle, or a pickle and a list of its buffers; the
// rest is pickle's.
bool init_item_codec(PyObject* module);

} // namespace hasten::bindings
