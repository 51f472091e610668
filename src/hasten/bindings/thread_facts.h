// What a native call must know of its thread: how deep it may recurse, and whether Python handles signals in it.
#pragma once

#include <pthread.h>

#include <cstdint>

namespace hasten::bindings {

struct ThreadFacts {
  pthread_t thread = 0;
  int64_t stack_limit = 0; // see abi::Env
  uint32_t flags = 0;      // kMainThread or nothing
};

// Of the process's main thread, once it has called in.
inline ThreadFacts main_thread_facts;

// Of this thread; found out once for each.
const ThreadFacts& other_thread_facts();

// Most calls come from the main thread, and a comparison is cheaper than thread-local storage in a shared library.
inline const ThreadFacts& this_thread_facts() {
  return main_thread_facts.thread == pthread_self() ? main_thread_facts : other_thread_facts();
}

// After fork, in the child: the one thread that there is becomes the main thread.
void adopt_main_thread();

} // namespace hasten::bindings
