#include "hasten/bindings/thread_facts.h"

#include <unistd.h>

#include "hasten/abi/env.h"

namespace hasten::bindings {
namespace {

// What is left for kernels below compiled code, and for raising the RecursionError.
constexpr int64_t kStackReserve = 256 * 1024;

thread_local ThreadFacts own_facts;

int64_t lowest_address() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
    return 0;
  }
  void* lowest = nullptr;
  size_t size = 0;
  pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  return reinterpret_cast<int64_t>(lowest) + kStackReserve;
}

} // namespace

const ThreadFacts& other_thread_facts() {
  if (own_facts.thread == 0) {
    const bool is_main = gettid() == getpid();
    own_facts = {pthread_self(), lowest_address(), is_main ? abi::kMainThread : 0U};
    if (is_main) {
      main_thread_facts = own_facts;
    }
  }
  return own_facts;
}

void adopt_main_thread() {
  own_facts.thread = 0;
  main_thread_facts.thread = 0;
}

} // namespace hasten::bindings
