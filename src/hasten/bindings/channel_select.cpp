// hasten.select: the first item of several channels, between threads and between processes alike.
#include <Python.h>

#include <algorithm>
#include <new>
#include <vector>

#include "hasten/bindings/ending.h"
#include "hasten/bindings/process_item.h"
#include "hasten/bindings/thread_channel.h"
#include "hasten/bindings/thread_wait.h"
#include "hasten/parallel/clock.h"

namespace hasten::bindings {
namespace {

using pool::shm::GetEnd;
using pool::shm::Queue;

constexpr Py_ssize_t kMostChannels = 64; // a bit each
constexpr int64_t kSlice = 400'000'000;  // after which who waits for other processes looks whether they live

ChannelObject* cast(PyObject* self) { return channel_of(self); }

// ---------------------------------------------------------------- taking

enum class Taken : uint8_t { kItem, kNothing, kEnd, kFailed };

Taken take_shared(PyObject* channel, PyObject** item) {
  Queue* engine = active_queue_of(channel);
  GetEnd end = GetEnd::kInterrupted;
  *item = engine == nullptr ? nullptr : get_item(*engine, kNoWait, &end);
  if (*item != nullptr) {
    return Taken::kItem;
  }
  if (end == GetEnd::kBroken) {
    raise_broken();
  }
  return end == GetEnd::kNothing ? Taken::kNothing : end == GetEnd::kClosed ? Taken::kEnd : Taken::kFailed;
}

Taken take(PyObject* channel, PyObject** item) {
  if (is_shared_channel(channel)) {
    return take_shared(channel, item);
  }
  const bool is_closed = is_closed_channel(cast(channel)); // asked first: it may be closed with a last item
  *item = take_item(cast(channel));
  if (*item != nullptr) {
    return Taken::kItem;
  }
  return PyErr_Occurred() != nullptr ? Taken::kFailed : is_closed ? Taken::kEnd : Taken::kNothing;
}

// The outcome of a look at all channels.
struct Look {
  Taken taken = Taken::kEnd;
  PyObject* channel = nullptr; // borrowed
  PyObject* item = nullptr;
  uint64_t waiting = 0; // those that may still get an item
};

// From a start that moves on, so that no channel is preferred.
Look look(PyObject* channels) {
  static Py_ssize_t start = 0;
  const Py_ssize_t count = PyTuple_GET_SIZE(channels);
  ++start;
  Look seen;
  for (Py_ssize_t i = 0; i < count; ++i) {
    const Py_ssize_t index = (start + i) % count;
    PyObject* channel = PyTuple_GET_ITEM(channels, index);
    const Taken taken = take(channel, &seen.item);
    if (taken == Taken::kItem || taken == Taken::kFailed) {
      seen.taken = taken;
      seen.channel = channel;
      return seen;
    }
    if (taken == Taken::kNothing) {
      seen.taken = Taken::kNothing;
      seen.waiting |= uint64_t{1} << index;
    }
  }
  return seen;
}

// ---------------------------------------------------------------- waiting

// Channels of values have locks of their own; the lists of the others the GIL guards.

void add_getter(ChannelObject* channel, parallel::Waiter& waiter) {
  if (channel->values != nullptr) {
    channel->values->watch(waiter, false);
  } else {
    channel->queue.getters.add(waiter);
    if (!channel->queue.items.empty() || channel->is_closed) {
      channel->queue.getters.wake_one(); // that came while other channels were looked at
    }
  }
}

void remove_getter(ChannelObject* channel, parallel::Waiter& waiter) {
  if (channel->values != nullptr) {
    channel->values->unwatch(waiter);
  } else {
    waiter.leave();
  }
}

// A sleeping thread in the lists of several channels between threads. Its waiters are made in place, since a wait may end by unwinding.
class ManyWaiters {
public:
  ManyWaiters(PyObject* channels, uint64_t waiting, parallel::Parker& parker) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(channels); ++i) {
      PyObject* channel = PyTuple_GET_ITEM(channels, i);
      if ((waiting >> i & 1) != 0 && !is_shared_channel(channel)) {
        new (at(count_)) parallel::ThreadWaiter(parker);
        channels_[count_] = cast(channel);
        ++count_;
        add_getter(cast(channel), *at(count_ - 1));
      }
    }
  }
  ~ManyWaiters() {
    for (Py_ssize_t i = 0; i < count_; ++i) {
      remove_getter(channels_[i], *at(i));
      at(i)->~ThreadWaiter();
    }
  }
  ManyWaiters(const ManyWaiters&) = delete;
  ManyWaiters& operator=(const ManyWaiters&) = delete;

private:
  parallel::ThreadWaiter* at(Py_ssize_t index) {
    return std::launder(reinterpret_cast<parallel::ThreadWaiter*>(storage_ + static_cast<size_t>(index) * sizeof(parallel::ThreadWaiter)));
  }

  Py_ssize_t count_ = 0;
  ChannelObject* channels_[kMostChannels]; // the caller keeps them alive
  alignas(parallel::ThreadWaiter) unsigned char storage_[kMostChannels * sizeof(parallel::ThreadWaiter)];
};

// Waits until one of the channels may have something, a signal has come, or the deadline. False: a signal's handler raised.
bool wait_in(PyObject* channels, uint64_t waiting, int64_t deadline) {
  std::vector<Queue*> shared;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(channels); ++i) {
    PyObject* channel = PyTuple_GET_ITEM(channels, i);
    if ((waiting >> i & 1) != 0 && is_shared_channel(channel)) {
      shared.push_back(active_queue_of(channel)); // it was used before, so there is one
    }
  }
  parallel::Parker parker;
  {
    const ManyWaiters waiters(channels, waiting, parker);
    PyThreadState* state = PyEval_SaveThread();
    if (shared.empty()) {
      parker.park(deadline);
    } else {
      const int64_t now = parallel::steady_now();
      Queue::wait_for_any(shared, parker.word(), std::min(kSlice, deadline - now));
    }
    take_gil_again(state);
  }
  return PyErr_CheckSignals() == 0;
}

// This thread takes an item of any channel, or none: who waits behind it at one that has woken it is woken in its place.
void wake_others(PyObject* channels) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(channels); ++i) {
    if (!is_shared_channel(PyTuple_GET_ITEM(channels, i))) {
      wake_getter(cast(PyTuple_GET_ITEM(channels, i)));
    }
  }
}

PyObject* select_until(PyObject* channels, int64_t deadline) {
  for (;;) {
    const bool is_late = deadline != parallel::kForever && parallel::steady_now() >= deadline;
    const Look seen = look(channels);
    const bool is_over = seen.taken != Taken::kNothing || is_late;
    if (!is_over && wait_in(channels, seen.waiting, deadline)) {
      continue;
    }
    wake_others(channels);
    if (seen.taken == Taken::kItem) {
      return Py_BuildValue("(ON)", seen.channel, seen.item);
    }
    if (seen.taken == Taken::kEnd) {
      raise_closed("select() on channels that are all closed and empty");
    } else if (is_over && seen.taken == Taken::kNothing) {
      raise_empty();
    }
    return nullptr;
  }
}

PyObject* select(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  static const char* const names[] = {"channels", "timeout", nullptr};
  PyObject* found[2];
  int64_t deadline = 0;
  if (!sort_arguments({"select", names, 2, 1}, args, count, keywords, found) || !queue_deadline_of(found[1], &deadline)) {
    return nullptr;
  }
  PyObject* channels = PySequence_Tuple(found[0]);
  if (channels == nullptr) {
    return nullptr;
  }
  const Py_ssize_t size = PyTuple_GET_SIZE(channels);
  bool is_valid = size > 0 && size <= kMostChannels;
  for (Py_ssize_t i = 0; is_valid && i < size; ++i) {
    is_valid = PyObject_TypeCheck(PyTuple_GET_ITEM(channels, i), channel_type) != 0;
  }
  PyObject* chosen = nullptr;
  if (is_valid) {
    chosen = select_until(channels, deadline);
  } else {
    PyErr_Format(PyExc_TypeError, "select() takes 1 to %zd channels, not %R", kMostChannels, found[0]);
  }
  Py_DECREF(channels);
  return chosen;
}

PyMethodDef functions[] = {
    {"channel_select", python_method(select), METH_FASTCALL | METH_KEYWORDS,
     "channel_select(channels, timeout=None)\n--\n\nTake an item of whichever channel has one first."},
    {nullptr, nullptr, 0, nullptr},
};

} // namespace

bool init_channel_select(PyObject* module) { return PyModule_AddFunctions(module, functions) == 0; }

} // namespace hasten::bindings
