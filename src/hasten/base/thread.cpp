#include "hasten/base/thread.h"

#include <cstddef>
#include <pthread.h>

namespace hasten::base {

int64_t lowest_stack_address() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
    return 0;
  }
  void* lowest = nullptr;
  size_t size = 0;
  pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  return reinterpret_cast<int64_t>(lowest);
}

} // namespace hasten::base
