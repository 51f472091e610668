// Starting one command: its pipes, its files, where it is found.
#pragma once

#include <csignal>
#include <sys/types.h>
#include <vector>

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

// Starts commands in the way of posix_spawn, whose child shares its parent's memory until it executes the program, without what that does
// in each child for parents that handle signals: it asks for the action of each signal there is, which costs a tenth of a short command.
// So this process must handle no signal, other than by reading them from a descriptor. It belongs to one thread.
class Spawner {
public:
  // `mask`: the signals that are blocked in the commands.
  explicit Spawner(const sigset_t& mask);

  // Starts the command in a process group of its own, without the signals that Python ignores. Standard input is this process's where the
  // command has none. Every other descriptor of this process must be O_CLOEXEC. Where it fails, `error` tells why, and there is no process.
  Started start(const Request& request, StartError* error);

private:
  sigset_t mask_;
  std::vector<char> stack_; // of the child, until it executes the program
};

} // namespace hasten::programs
