#include "hasten/bindings/thread_facts.h"

#include <sys/resource.h>
#include <unistd.h>

#include <optional>

#include "hasten/abi/env.h"
#include "hasten/base/thread.h"

extern "C" void* __libc_stack_end; // the C library's: where the main thread's stack begins

namespace hasten::bindings {
namespace {

// What is left for kernels below compiled code, and for raising the RecursionError.
constexpr int64_t kStackReserve = 256 * 1024;

thread_local ThreadFacts own_facts;

// Of the stack that the process began with: as far as the limit lets it grow. The C library would read the whole memory map to say so.
// Nothing on another stack: a thread that forked is the main thread of the child.
std::optional<int64_t> lowest_address_of_first_stack() {
  rlimit limit{};
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return std::nullopt;
  }
  const auto here = reinterpret_cast<int64_t>(&limit);
  const auto highest = reinterpret_cast<int64_t>(__libc_stack_end);
  const int64_t lowest = highest - static_cast<int64_t>(limit.rlim_cur);
  return here > lowest && here < highest ? std::optional(lowest) : std::nullopt;
}

} // namespace

const ThreadFacts& other_thread_facts() {
  if (own_facts.thread == 0) {
    const bool is_main = gettid() == getpid();
    const std::optional<int64_t> lowest = is_main ? lowest_address_of_first_stack() : std::nullopt;
    own_facts = {pthread_self(), (lowest ? *lowest : base::lowest_stack_address()) + kStackReserve, is_main ? abi::kMainThread : 0U};
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
