// The classes of jobs, and how a pool makes them. Python subclasses each (hasten._threads), so that they are also of the standard library's
// classes; those subclasses are registered here.
#pragma once

#include "hasten/bindings/thread_crew.h"

namespace hasten::bindings {

// Registered by Python when it is first imported; null before.
struct ThreadClasses {
  PyTypeObject* future = nullptr;         // of hasten._core.Future and concurrent.futures.Future
  PyTypeObject* apply_result = nullptr;   // of hasten._core.Result
  PyTypeObject* map_result = nullptr;     // of hasten._core.Result
  PyTypeObject* imap_iterator = nullptr;  // of hasten._core.ResultIterator
  PyObject* standard_future = nullptr;    // concurrent.futures.Future
  PyObject* cancelled_error = nullptr;    // concurrent.futures.CancelledError
  PyObject* pool_timeout_error = nullptr; // a multiprocessing.TimeoutError and a TimeoutError
  PyObject* standard_queue = nullptr;     // queue.Queue
  PyObject* empty = nullptr;              // queue.Empty
  PyObject* full = nullptr;               // queue.Full
  PyObject* closed = nullptr;             // hasten.ChannelClosed
  PyObject* broken = nullptr;             // hasten.ChannelBroken
};
inline ThreadClasses thread_classes;

// New references to jobs, or null with an exception set.
PyObject* make_future(Crew* crew, PyObject* const* args, Py_ssize_t count, PyObject* keywords);
PyObject* make_apply(Crew* crew, PyObject* const* arguments); // func, args, kwds, callback, error_callback; all but the first may be null
PyObject* make_map(Crew* crew, PyObject* const* arguments);   // func, iterable, chunksize, star, return_errors, callback, error_callback
PyObject* make_imap(Crew* crew, PyObject* const* arguments);  // func, iterable, chunksize, ordered, return_errors, window

// Of a Result: it was ready when it was made, having no tasks.
bool is_ready(PyObject* result);

// Makes a type and adds it to the module; a borrowed reference.
PyTypeObject* add_type(PyObject* module, const char* name, PyType_Spec* spec);

bool init_thread_future(PyObject* module);
bool init_thread_result(PyObject* module);
bool init_thread_imap(PyObject* module);
bool init_thread_channel(PyObject* module);
bool init_thread_queue(PyObject* module);
bool init_thread_recorder(PyObject* module);

// All of the threads' types, and `register_thread_classes`.
bool init_threads(PyObject* module);

} // namespace hasten::bindings
