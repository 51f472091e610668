// Waiting for other threads without the GIL, and the small parts that all of the threads' types share. The GIL guards their data: it is
// held when these functions are called and when they return.
//
// Nothing here may hold a C++ object whose destructor needs Python across a call of Python code: see ending.h.
#pragma once

#include <Python.h>

#include <cstdint>

#include "hasten/bindings/python_error.h"
#include "hasten/parallel/wait_list.h"

namespace hasten::bindings {

enum class Waited : uint8_t { kWoken, kTimedOut, kFailed };

// Waits until the list wakes this thread. kFailed: a signal's handler raised.
Waited wait_in(parallel::WaitList& list, int64_t deadline);

// The deadline of a time-out in seconds; None means none. False with an exception set where it is no number.
bool deadline_of(PyObject* timeout, int64_t* deadline);
// The same, where a negative number is an error, as queue's are.
bool queue_deadline_of(PyObject* timeout, int64_t* deadline);

// Empties a slot before the reference is dropped, since dropping it may run anything.
inline PyObject* take(PyObject*& slot) {
  PyObject* taken = slot;
  slot = nullptr;
  return taken;
}

inline void replace(PyObject*& slot, PyObject* owned) {
  PyObject* before = slot;
  slot = owned;
  Py_XDECREF(before);
}

// Sorts a call's arguments by name, for methods with METH_FASTCALL | METH_KEYWORDS. `found` has one borrowed slot for each name, null where
// nothing was given.
struct CallSignature {
  const char* function;
  const char* const* names; // ends with null
  int positional;           // how many may be given by position
  int required;
};
bool sort_arguments(const CallSignature& signature, PyObject* const* args, Py_ssize_t count, PyObject* keywords, PyObject** found);

template <typename Function> PyCFunction python_method(Function function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

} // namespace hasten::bindings
