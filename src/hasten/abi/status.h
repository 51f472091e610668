// What a compiled function says when it returns. Compiled code never throws: it cleans up what it held and returns one of these.
#pragma once

#include <cstdint>

namespace hasten::abi {

enum class Status : int32_t {
  kOk = 0,
  kRaise = 1,        // a `raise` of the user's: Env::site names it, Env::payload holds its arguments
  kRuntimeError = 2, // found by generated code or a kernel: Env::error and Env::message say what
  kPythonError = 3,  // a Python exception is already set in this thread (Ctrl-C, a call into Python)
  kCancelled = 4,    // another thread of the same parallel loop failed; never leaves hst_parallel_for, and no handler catches it
};

// The built-in exceptions that kernels and generated checks raise.
enum class ErrorKind : int32_t {
  kNone = 0,
  kIndexError,
  kValueError,
  kTypeError,
  kZeroDivisionError,
  kOverflowError,
  kMemoryError,
  kRecursionError,
  kUnboundLocalError,
  kLinAlgError,
  kRuntimeError,
  kAssertionError,
  kFloatingPointError,
  kSystemError,
  kChannelClosed,
  kQueueFull,
  kQueueEmpty,
};

} // namespace hasten::abi
