// Threads that are in the engine when the interpreter ends.
//
// Before Python 3.14, a thread that takes the GIL when the interpreter has ended is unwound by force. C++ code does not survive that: there
// are destructors that need Python, functions that nothing may leave, handlers that catch everything. So such a thread stays where it would
// come back to C++ code, for ever, as all threads do from 3.14 on. It keeps alive what it was called with.
#pragma once

#include <Python.h>

#include <cxxabi.h>

namespace hasten::bindings {

[[noreturn]] void stay_for_ever();

// Calls what may run any Python code. Nothing between that and this call may need to be unwound.
template <typename Call> auto call_python(Call call) {
  try {
    return call();
  } catch (const ::abi::__forced_unwind&) {
    stay_for_ever();
  }
}

// The GIL is released as long as this lives.
class GilReleased {
public:
  GilReleased();
  ~GilReleased();
  GilReleased(const GilReleased&) = delete;
  GilReleased& operator=(const GilReleased&) = delete;

private:
  PyThreadState* state_;
};

// The GIL is held as long as this lives, and afterwards where it was before.
class GilHeld {
public:
  GilHeld();
  ~GilHeld();
  GilHeld(const GilHeld&) = delete;
  GilHeld& operator=(const GilHeld&) = delete;

private:
  bool was_held_;
  PyGILState_STATE state_;
};

// What PyEval_RestoreThread does, for code that is no scope.
void take_gil_again(PyThreadState* state);

// A thread in the middle of C++ code that asks Python now and again, for so short that the interpreter's end waits for it.
// Needs the GIL; does not return where the end has begun.
class Presence {
public:
  Presence();
  ~Presence();
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;
};

// Called once, when the module is imported, after other translators of exceptions are registered: lets the last thing that runs before the
// interpreter ends wait for those threads, and stops those that are unwound nevertheless where they leave C++ code.
void init_ending();

} // namespace hasten::bindings
