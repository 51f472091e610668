// What a worker process of a ProcessPool does, and how it and the parent write to each other.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "hasten/base/posix.h"

namespace hasten::detail {

// The meaning of a result's bytes.
enum class Tag : uint8_t { kResult, kFailure };

// What a task's payload holds: a function, and the arguments of each item.
struct Payload {
  std::string function;
  std::vector<std::string> arguments;

  std::string encoded() const;
};

// Of an exception.
struct Failure {
  std::string type;
  std::string what;

  std::string encoded() const;
  static Failure decoded(std::string_view bytes);
};

struct WorkerEnds {
  base::FileDescriptor lane;
  base::FileDescriptor bell;
  uint64_t most_tasks;
};

// Serves until it is told to stop, and ends the process.
[[noreturn]] void run_worker(WorkerEnds ends, const std::function<void()>& initializer);

} // namespace hasten::detail
