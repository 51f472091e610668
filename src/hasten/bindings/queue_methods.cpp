#include "hasten/bindings/queue_methods.h"

#include "hasten/bindings/thread_types.h"
#include "hasten/bindings/thread_wait.h"

namespace hasten::bindings {
namespace {

bool read_blocking(PyObject* block, PyObject* timeout, TimeoutRule rule, int64_t* deadline) {
  const int blocks = block == nullptr ? 1 : PyObject_IsTrue(block);
  *deadline = kNoWait;
  if (blocks <= 0) {
    return blocks == 0;
  }
  switch (rule) {
  case TimeoutRule::kNotNegative:
    return queue_deadline_of(timeout, deadline);
  case TimeoutRule::kAny:
    return deadline_of(timeout, deadline);
  case TimeoutRule::kIgnored:
    *deadline = parallel::kForever;
    break;
  }
  return true;
}

} // namespace

bool sort_put_arguments(PyObject* const* args, Py_ssize_t count, PyObject* keywords, const char* item_name, TimeoutRule rule,
                        PutArguments* found) {
  const char* const names[] = {item_name, "block", "timeout", nullptr};
  PyObject* given[3];
  if (!sort_arguments({"put", names, 3, 1}, args, count, keywords, given) || !read_blocking(given[1], given[2], rule, &found->deadline)) {
    return false;
  }
  found->item = given[0];
  return true;
}

bool sort_get_arguments(PyObject* const* args, Py_ssize_t count, PyObject* keywords, TimeoutRule rule, int64_t* deadline) {
  static const char* const names[] = {"block", "timeout", nullptr};
  PyObject* given[2];
  return sort_arguments({"get", names, 2, 0}, args, count, keywords, given) && read_blocking(given[0], given[1], rule, deadline);
}

bool read_close(PyObject* const* args, Py_ssize_t count, PyObject* keywords, bool* discards) {
  static const char* const names[] = {"discard", nullptr};
  PyObject* discard = nullptr;
  if (!sort_arguments({"close", names, 0, 0}, args, count, keywords, &discard)) {
    return false;
  }
  const int truth = discard == nullptr ? 0 : PyObject_IsTrue(discard);
  *discards = truth == 1;
  return truth >= 0;
}

bool read_bounds(PyObject* args, PyObject* keywords, ChannelBounds* bounds) {
  static const char* names[] = {"maxsize", "max_bytes", nullptr};
  return PyArg_ParseTupleAndKeywords(args, keywords, "|n$n:Channel", const_cast<char**>(names), &bounds->most_items, &bounds->most_bytes) !=
             0 &&
         check_bounds(*bounds);
}

bool check_bounds(const ChannelBounds& bounds) {
  if (bounds.most_items >= 0 && bounds.most_bytes >= 0) {
    return true;
  }
  PyErr_Format(PyExc_ValueError, "a channel's bounds must be 0 (none) or more, not maxsize=%zd, max_bytes=%zd", bounds.most_items,
               bounds.most_bytes);
  return false;
}

PyObject* raise_full() {
  PyErr_SetNone(thread_classes.full);
  return nullptr;
}

PyObject* raise_empty() {
  PyErr_SetNone(thread_classes.empty);
  return nullptr;
}

PyObject* raise_closed(const char* message) {
  PyErr_SetString(thread_classes.closed, message);
  return nullptr;
}

PyObject* raise_put_on_closed() { return raise_closed("put() on a closed channel"); }
PyObject* raise_get_at_end() { return raise_closed("get() on a closed and empty channel"); }

PyObject* raise_broken() {
  PyErr_SetString(thread_classes.broken, "a process that used the channel died");
  return nullptr;
}

} // namespace hasten::bindings
