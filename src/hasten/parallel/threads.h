// How many threads a loop may use, and which of them the caller is.
#pragma once

#include <atomic>
#include <cstdint>

namespace hasten::parallel {

// The most threads that a loop may use: the cores that this process may run on, or HASTEN_NUM_THREADS where that is set.
int max_threads();

// What the calling thread knows of its place. A thread inside a chunk of a loop has the limit of the thread that started the loop.
struct Place {
  int limit = 0;                              // threads that its loops may use; 0: max_threads()
  int seat = 0;                               // number of the thread within the loop that it works for
  bool inside = false;                        // in a chunk of a parallel loop: further loops run serially
  int32_t chunk = 0;                          // which one
  std::atomic<uint64_t>* loop_seed = nullptr; // shared by the chunks of the loop: 0 until one of them needs random numbers
  bool seeded = false;                        // whether the thread has seeded its random numbers for the chunk
};

Place& place();

// Threads that a loop begun here may use.
int thread_limit();

} // namespace hasten::parallel
