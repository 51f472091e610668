// What the machine has for a thread.
#pragma once

#include <cstdint>

namespace hasten::base {

// Between two looks at memory that another thread will write: lets the processor do something else meanwhile.
inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Where the stack of the calling thread ends, as an address; 0 where that can't be found out. For the main thread the C library reads the
// map of the process's memory.
int64_t lowest_stack_address();

} // namespace hasten::base
