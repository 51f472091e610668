// Starting one command with posix_spawn: its pipes, its files, where it is found.
#pragma once

#include <csignal>
#include <sys/types.h>

#include "hasten/base/posix.h"
#include "hasten/programs/messages.h"

namespace hasten::programs {

// A process and this side's ends of its pipes, which don't block. What isn't piped is empty.
struct Started {
  pid_t pid = 0;
  base::FileDescriptor input;
  base::FileDescriptor output;
  base::FileDescriptor error;
};

struct StartError {
  int error = 0;
  Failure failure = Failure::kNone;

  // Whether it may go once other commands have ended.
  bool is_shortage() const { return error == EMFILE || error == ENFILE || error == EAGAIN || error == ENOMEM; }
};

// Starts the command in a process group of its own, with the signal mask `mask` and without the signals that Python ignores. Standard
// input is this process's where the command has none. Every other descriptor of this process must be O_CLOEXEC.
// Returns an error of the system in `error`, and no process then.
Started start(const Request& request, const sigset_t& mask, StartError* error);

} // namespace hasten::programs
