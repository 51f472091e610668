// What the methods of queues and channels, between threads and between processes, have in common: their arguments and what they raise.
#pragma once

#include <Python.h>

#include <cstdint>

#include "hasten/parallel/parker.h"

namespace hasten::bindings {

// A moment that is past: nothing is waited for.
constexpr int64_t kNoWait = 0;

// What a class makes of the argument `timeout`.
enum class TimeoutRule : uint8_t {
  kNotNegative, // a negative one is an error, as queue's are
  kAny,         // negative ones are moments that are past, as multiprocessing's are
  kIgnored,     // nothing is ever waited for
};

// --- arguments; all return false with an exception set where they don't fit

// put(item, block=True, timeout=None). The item is borrowed; `item_name`: what the class calls it. kNoWait where it isn't to block, and
// the time-out isn't looked at.
struct PutArguments {
  PyObject* item;
  int64_t deadline;
};
bool sort_put_arguments(PyObject* const* args, Py_ssize_t count, PyObject* keywords, const char* item_name, TimeoutRule rule,
                        PutArguments* found);
inline bool read_put(PyObject* const* args, Py_ssize_t count, PyObject* keywords, PutArguments* found, const char* item_name = "item",
                     TimeoutRule rule = TimeoutRule::kNotNegative) {
  if (count == 1 && keywords == nullptr) {
    *found = {args[0], parallel::kForever};
    return true;
  }
  return sort_put_arguments(args, count, keywords, item_name, rule, found);
}

// get(block=True, timeout=None)
bool sort_get_arguments(PyObject* const* args, Py_ssize_t count, PyObject* keywords, TimeoutRule rule, int64_t* deadline);
inline bool read_get(PyObject* const* args, Py_ssize_t count, PyObject* keywords, int64_t* deadline,
                     TimeoutRule rule = TimeoutRule::kNotNegative) {
  if (count == 0 && keywords == nullptr) {
    *deadline = parallel::kForever;
    return true;
  }
  return sort_get_arguments(args, count, keywords, rule, deadline);
}

// close(*, discard=False)
bool read_close(PyObject* const* args, Py_ssize_t count, PyObject* keywords, bool* discards);

// Channel(maxsize=0, *, max_bytes=0)
struct ChannelBounds {
  Py_ssize_t most_items = 0;
  Py_ssize_t most_bytes = 0;
};
bool read_bounds(PyObject* args, PyObject* keywords, ChannelBounds* bounds);
bool check_bounds(const ChannelBounds& bounds);

// --- exceptions; all return null

PyObject* raise_full();
PyObject* raise_empty();
PyObject* raise_closed(const char* message);
PyObject* raise_put_on_closed();
PyObject* raise_get_at_end();
PyObject* raise_broken(); // of a channel between processes

// --- what is said of channels of all kinds

inline constexpr const char* kPutHelp =
    "put($self, item, block=True, timeout=None)\n--\n\nHand an item over; wait while the channel is full. Raises queue.Full and "
    "ChannelClosed.";
inline constexpr const char* kGetHelp =
    "get($self, block=True, timeout=None)\n--\n\nTake the oldest item; wait for one. Raises queue.Empty, and ChannelClosed at the end.";
inline constexpr const char* kPutNowaitHelp = "Hand an item over, or raise queue.Full.";
inline constexpr const char* kGetNowaitHelp = "Take the oldest item, or raise queue.Empty.";
inline constexpr const char* kCloseHelp =
    "close($self, *, discard=False)\n--\n\nLet nobody put any more. What is in it can still be taken, unless it is discarded.";
inline constexpr const char* kClosedHelp = "Whether it was closed; it may hold items still.";
inline constexpr const char* kMostItemsHelp = "How many items it holds at most; 0: any number.";

} // namespace hasten::bindings
