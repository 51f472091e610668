// hasten._core.Cache: what hasten.lru_cache makes of a function. The contract of functools.lru_cache's wrapper, and what the keywords ask
// for; Python's part (python/hasten/_memo) supplies the hooks.
//
// All functions need the GIL.
#pragma once

#include <Python.h>

namespace hasten::bindings {

bool is_cache(PyObject* object);
// Of a cache: the function that it calls; borrowed.
PyObject* function_of_cache(PyObject* cache);

// Makes the type. Called once, from module.cpp; false with an exception set.
bool init_cache(PyObject* module);

} // namespace hasten::bindings
