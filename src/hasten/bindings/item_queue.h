// Objects on their way from thread to thread: what channels and queues are made of. The GIL guards it.
#pragma once

#include <Python.h>

#include "hasten/bindings/thread_wait.h"
#include "hasten/parallel/ring.h"

namespace hasten::bindings {

struct Item {
  PyObject* object; // owned
  Py_ssize_t bytes;
};

// All bits zero are an empty queue without bounds.
struct ItemQueue {
  parallel::Ring<Item> items;
  parallel::WaitList getters;
  parallel::WaitList putters;
  Py_ssize_t most_items;
  Py_ssize_t most_bytes;
  Py_ssize_t bytes;

  bool has_room(Py_ssize_t more_bytes) const {
    const bool fits = most_bytes <= 0 || bytes + more_bytes <= most_bytes || items.empty(); // what is larger than the bound travels alone
    return fits && (most_items <= 0 || static_cast<Py_ssize_t>(items.size()) < most_items);
  }

  // There is room. False with an exception set where there is no memory.
  bool push(PyObject* object, Py_ssize_t size) {
    if (!items.push_back({object, size})) {
      PyErr_NoMemory();
      return false;
    }
    Py_INCREF(object);
    bytes += size;
    getters.wake_one();
    return true;
  }

  // There is an item. The reference is the caller's.
  PyObject* pop(bool newest) {
    const Item item = newest ? items.pop_back() : items.pop_front();
    bytes -= item.bytes;
    if (!putters.empty()) {
      putters.wake_one();
    }
    return item.object;
  }

  // Drops all items; only those that were there at the beginning.
  void drop_items() {
    for (size_t left = items.size(); left > 0 && !items.empty(); --left) {
      Py_DECREF(pop(false));
    }
  }

  int visit(visitproc visit, void* arg) const {
    for (size_t i = 0; i < items.size(); ++i) {
      Py_VISIT(items[i].object);
    }
    return 0;
  }
};

} // namespace hasten::bindings
