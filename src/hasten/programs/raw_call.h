// Calls of the system that touch no memory but their operands': the C library's own write errno, which a process that shares the memory
// of another would overwrite under its hands.
#pragma once

#include <cstdint>
#include <type_traits>

// For functions that run in such a process: what sanitizers add to them would write to the other's memory, too.
#define HASTEN_UNSANITIZED __attribute__((no_sanitize("address", "thread", "undefined")))

namespace hasten::programs {

template <typename Operand> HASTEN_UNSANITIZED long as_register(Operand operand) {
  if constexpr (std::is_pointer_v<Operand>) {
    return static_cast<long>(reinterpret_cast<intptr_t>(operand));
  } else {
    return static_cast<long>(operand);
  }
}

// Returns what the system does: a negative error number where it fails.
#if defined(__x86_64__)

HASTEN_UNSANITIZED inline long call_system(long number, long first, long second, long third, long fourth) {
  long result = number;
  register long r10 asm("r10") = fourth;
  asm volatile("syscall" : "+a"(result) : "D"(first), "S"(second), "d"(third), "r"(r10) : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

HASTEN_UNSANITIZED inline long call_system(long number, long first, long second, long third, long fourth) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = first;
  register long x1 asm("x1") = second;
  register long x2 asm("x2") = third;
  register long x3 asm("x3") = fourth;
  asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}

#else
#error "How this processor calls the system is not known; call_system needs a version for it."
#endif

template <typename A, typename B = long, typename C = long, typename D = long>
HASTEN_UNSANITIZED long raw_call(long number, A first, B second = {}, C third = {}, D fourth = {}) {
  return call_system(number, as_register(first), as_register(second), as_register(third), as_register(fourth));
}

} // namespace hasten::programs
