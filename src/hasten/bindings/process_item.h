// Objects in and out of a queue between processes: what hasten.Queue and shared channels have in common. The GIL is held when these
// functions are called and when they return.
#pragma once

#include <Python.h>

#include <cstdint>
#include <new>

#include "hasten/base/diagnostic.h"
#include "hasten/bindings/ending.h"
#include "hasten/bindings/errors.h"
#include "hasten/bindings/item_codec.h"
#include "hasten/bindings/queue_methods.h"
#include "hasten/pool/shm/queue.h"

namespace hasten::bindings {

// A wait without the GIL, which signals interrupt.
class ProcessWait {
public:
  explicit ProcessWait(int64_t deadline) : deadline_(deadline) {}

  void begin() { state_ = PyEval_SaveThread(); }
  void end() { take_gil_again(state_); }
  PyThreadState*& state() { return state_; }
  pool::shm::Patience patience() { return {.deadline = deadline_, .is_interrupted = is_interrupted, .context = this}; }

private:
  static bool is_interrupted(void* self);

  int64_t deadline_;
  PyThreadState* state_ = nullptr;
};

// kInterrupted: an exception is set.
pool::shm::PutEnd put_item(pool::shm::Queue& queue, const EncodedItem& item, pool::shm::WaitFor what, int64_t deadline);

// A new reference; null with an exception set where `end` is kInterrupted, kRefused, kSmall or kLarge, and without one else.
PyObject* get_item(pool::shm::Queue& queue, int64_t deadline, pool::shm::GetEnd* end);

// What `make` returns; null with an exception set where it throws.
template <typename Make> auto made_or_raise(Make make) -> decltype(make()) {
  try {
    return make();
  } catch (const base::Diagnostic& diagnostic) {
    set_exception(diagnostic);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  }
  return nullptr;
}

// A new queue in shared memory, or one of another process, whose descriptor it takes over. Null with an exception set.
pool::shm::Queue* create_queue(const pool::shm::Queue::Options& options);
pool::shm::Queue* adopt_queue(PyObject* descriptor);

// ---- channels between processes

bool is_shared_channel(PyObject* channel);
// The queue of one that is about to be used; null with an exception set.
pool::shm::Queue* active_queue_of(PyObject* channel);

bool init_process_queue(PyObject* module);
bool init_process_channel(PyObject* module); // after the channel between threads

} // namespace hasten::bindings
