// Profilers see Python functions, not native calls. While one is active, a dispatcher is called through a small Python function that
// carries the name, file and line of the user's.
#pragma once

#include <Python.h>

namespace hasten::bindings {

// Whether a profiler watches the calls of this thread. Needs the GIL.
bool monitoring_is_active();
inline bool profiler_is_active() {
#if PY_VERSION_HEX < 0x030C0000
  const PyThreadState* thread = _PyThreadState_UncheckedGet();
  return thread->cframe->use_tracing != 0 && thread->c_profilefunc != nullptr;
#else
  return monitoring_is_active();
#endif
}

// Calls `dispatcher` through `*trampoline`, which is made where it is null.
PyObject* call_through_trampoline(PyObject* dispatcher, PyObject* function, PyObject** trampoline, PyObject* const* args, size_t nargsf,
                                  PyObject* kwnames);

// Makes the object that trampolines call: native_call(dispatcher, *args, **kwargs), which no profiler takes for a function of its own.
// Called once, from module.cpp; false with an exception set.
bool init_profile(PyObject* module, vectorcallfunc call_dispatcher);

} // namespace hasten::bindings
