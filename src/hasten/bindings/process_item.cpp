#include "hasten/bindings/process_item.h"

#include <utility>

namespace hasten::bindings {

using pool::shm::GetEnd;
using pool::shm::PutEnd;
using pool::shm::Queue;
using pool::shm::WaitFor;

bool ProcessWait::is_interrupted(void* self) {
  auto* wait = static_cast<ProcessWait*>(self);
  take_gil_again(wait->state_);
  const bool is_failed = PyErr_CheckSignals() != 0;
  wait->state_ = PyEval_SaveThread();
  return is_failed;
}

PutEnd put_item(Queue& queue, const EncodedItem& item, WaitFor what, int64_t deadline) {
  if (!item.is_large()) {
    const PutEnd end = queue.try_put(item.outgoing());
    if (end != PutEnd::kFull && end != PutEnd::kNoRoom) {
      return end;
    }
  }
  ProcessWait wait(deadline);
  wait.begin();
  const PutEnd end = queue.put(item.outgoing(), what, wait.patience());
  wait.end();
  return end;
}

PyObject* get_item(Queue& queue, int64_t deadline, GetEnd* end) {
  pool::shm::SmallItem small;
  *end = queue.try_get(small);
  if (*end == GetEnd::kSmall) {
    return decode_small(small);
  }
  ProcessWait wait(deadline);
  ItemReceiver receiver(wait.state());
  wait.begin();
  *end = queue.get(small, receiver, wait.patience());
  wait.end();
  if (*end == GetEnd::kSmall) {
    return decode_small(small);
  }
  if (*end == GetEnd::kLarge) {
    return receiver.take();
  }
  receiver.release();
  return nullptr;
}

Queue* create_queue(const Queue::Options& options) {
  return made_or_raise([&] { return new Queue(Queue::create(options)); });
}

Queue* adopt_queue(PyObject* descriptor) {
  const int fd = static_cast<int>(PyLong_AsLong(descriptor));
  if (fd == -1 && PyErr_Occurred() != nullptr) {
    return nullptr;
  }
  return made_or_raise([&] { return new Queue(Queue::adopt(base::FileDescriptor(fd))); });
}

} // namespace hasten::bindings
