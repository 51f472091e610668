#include "hasten/mpi/library.h"

#include <atomic>
#include <cstring>
#include <string>

namespace hasten::mpi {
namespace {

using abi::ErrorKind;

constexpr int kErrorBytes = 8192; // MPI_MAX_ERROR_STRING is less in every library

// Written once, under the GIL, before code is loaded that reads it.
Library current;
std::atomic<bool> is_set{false};

std::atomic<int64_t> calls{0};
std::atomic<bool> owes_announcement{false};

std::string error_text(int code) {
  std::string text(kErrorBytes, '\0');
  int length = 0;
  if (current.call.Error_string(code, text.data(), &length) != 0) {
    return "error " + std::to_string(code);
  }
  text.resize(static_cast<size_t>(length));
  return text;
}

} // namespace

void set_library(const Library& library) {
  current = library;
  is_set.store(true, std::memory_order_release);
}

bool has_library() { return is_set.load(std::memory_order_acquire); }

const Library& library() { return current; }

bool begin_collective() {
  calls.fetch_add(1, std::memory_order_relaxed);
  return owes_announcement.exchange(false, std::memory_order_relaxed);
}

int64_t collective_calls() { return calls.load(std::memory_order_relaxed); }

void owe_announcement() { owes_announcement.store(true, std::memory_order_relaxed); }

int32_t check_thread(abi::Env* env) {
  if (current.any_thread) {
    return 0;
  }
  int is_main = 0;
  current.call.Is_thread_main(&is_main);
  if (is_main != 0) {
    return 0;
  }
  return static_cast<int32_t>(
      fail(env, ErrorKind::kRuntimeError,
           "this MPI library was started for one thread: call MPI from the main thread, outside of parallel loops"));
}

int32_t check(abi::Env* env, int code, const char* function) {
  if (code == 0) {
    return 0;
  }
  return static_cast<int32_t>(fail(env, ErrorKind::kRuntimeError, "%s: %s", function, error_text(code).c_str()));
}

int32_t check_rank(abi::Env* env, int64_t rank, const char* argument) {
  if (rank >= 0 && rank < current.size) {
    return 0;
  }
  return static_cast<int32_t>(
      fail(env, ErrorKind::kValueError, "%s=%lld: there are the ranks 0 to %d", argument, static_cast<long long>(rank), current.size - 1));
}

int32_t enter_collective(abi::Env* env) {
  if (const int32_t status = check_thread(env)) {
    return status;
  }
  if (begin_collective()) {
    current.announce_collective();
  }
  return 0;
}

} // namespace hasten::mpi
