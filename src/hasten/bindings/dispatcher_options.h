// The arguments of Dispatcher(...).
#pragma once

#include <Python.h>

#include "hasten/compiler/infer/host.h"

namespace hasten::bindings {

struct DispatcherOptions {
  PyObject* function = nullptr; // borrowed
  infer::Options options;
  bool cache = true;
  bool gradual = false;   // plain jit: what can't be compiled stays Python
  bool interpret = false; // forceobj
};

// False with TypeError or ValueError set.
bool parse_options(PyObject* args, PyObject* kwargs, DispatcherOptions* options);

} // namespace hasten::bindings
