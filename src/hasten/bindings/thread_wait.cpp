#include "hasten/bindings/thread_wait.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "hasten/bindings/ending.h"
#include "hasten/parallel/clock.h"

namespace hasten::bindings {

using parallel::Parker;

Waited wait_in(parallel::WaitList& list, int64_t deadline) {
  Parker parker;
  parallel::ThreadWaiter waiter(parker);
  list.add(waiter);
  for (;;) {
    PyThreadState* state = PyEval_SaveThread();
    const Parker::End end = parker.park(deadline);
    take_gil_again(state);
    if (!waiter.is_listed()) {
      if (end == Parker::End::kInterrupted && PyErr_CheckSignals() != 0) {
        list.wake_one(); // whoever waits behind takes over what this thread was woken for
        return Waited::kFailed;
      }
      return Waited::kWoken;
    }
    if (end == Parker::End::kTimedOut) {
      return Waited::kTimedOut;
    }
    if (PyErr_CheckSignals() != 0) {
      return Waited::kFailed;
    }
  }
}

bool deadline_of(PyObject* timeout, int64_t* deadline) {
  *deadline = parallel::kForever;
  if (timeout == nullptr || timeout == Py_None) {
    return true;
  }
  const double seconds = PyFloat_AsDouble(timeout);
  if (seconds == -1.0 && PyErr_Occurred() != nullptr) {
    return false;
  }
  if (std::isnan(seconds)) {
    PyErr_SetString(PyExc_ValueError, "a time-out must be a number of seconds, not nan");
    return false;
  }
  constexpr double kLongest = 1e9;
  if (seconds < kLongest) {
    *deadline = parallel::steady_now() + static_cast<int64_t>(std::max(seconds, 0.0) * 1e9);
  }
  return true;
}

bool queue_deadline_of(PyObject* timeout, int64_t* deadline) {
  if (!deadline_of(timeout, deadline)) {
    return false;
  }
  if (timeout != nullptr && timeout != Py_None && PyFloat_AsDouble(timeout) < 0) {
    PyErr_SetString(PyExc_ValueError, "'timeout' must be a non-negative number");
    return false;
  }
  return true;
}

namespace {

int position_of(const CallSignature& signature, PyObject* keyword) {
  for (int i = 0; signature.names[i] != nullptr; ++i) {
    if (PyUnicode_CompareWithASCIIString(keyword, signature.names[i]) == 0) {
      return i;
    }
  }
  PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", signature.function, keyword);
  return -1;
}

bool sort_keywords(const CallSignature& signature, PyObject* const* values, PyObject* keywords, PyObject** found) {
  const Py_ssize_t count = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
  for (Py_ssize_t i = 0; i < count; ++i) {
    const int position = position_of(signature, PyTuple_GET_ITEM(keywords, i));
    if (position < 0) {
      return false;
    }
    if (found[position] != nullptr) {
      PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%s'", signature.function, signature.names[position]);
      return false;
    }
    found[position] = values[i];
  }
  return true;
}

} // namespace

bool sort_arguments(const CallSignature& signature, PyObject* const* args, Py_ssize_t count, PyObject* keywords, PyObject** found) {
  int names = 0;
  while (signature.names[names] != nullptr) {
    found[names++] = nullptr;
  }
  if (count > signature.positional) {
    PyErr_Format(PyExc_TypeError, "%s() takes at most %d positional arguments (%zd given)", signature.function, signature.positional,
                 count);
    return false;
  }
  std::copy_n(args, count, found);
  if (!sort_keywords(signature, args + count, keywords, found)) {
    return false;
  }
  for (int i = 0; i < signature.required; ++i) {
    if (found[i] == nullptr) {
      PyErr_Format(PyExc_TypeError, "%s() missing required argument '%s'", signature.function, signature.names[i]);
      return false;
    }
  }
  return true;
}

} // namespace hasten::bindings
