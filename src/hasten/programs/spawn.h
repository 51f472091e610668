// Starting one command: its pipes, its files, where it is found.
#pragma once

#include <array>
#include <csignal>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include "hasten/base/posix.h"
#include "hasten/programs/messages.h"

namespace hasten::programs {

struct StartError {
  int error = 0;
  Failure failure = Failure::kNone;

  // Whether it may go once other commands have ended.
  bool is_shortage() const { return error == EMFILE || error == ENFILE || error == EAGAIN || error == ENOMEM; }
};

// What a new process reads until it executes the program, and where it tells what kept it from that. It shares this memory with the
// process that has started it.
class Launch {
public:
  Launch(const Request& request, const sigset_t& mask, std::array<int, 3> streams);

  // Returns the new process, or a negative error number.
  pid_t start();
  // Once the process has ended: why the program was not executed.
  StartError error() const { return plan_.error; }

private:
  // All in plain members, so that the new process calls no function of a library for it.
  struct Plan {
    char* const* paths = nullptr; // where the program may be
    char* const* arguments = nullptr;
    char* const* environment = nullptr;
    const char* directory = nullptr;
    int streams[3] = {-1, -1, -1}; // negative: this process's own
    const sigset_t* mask = nullptr;
    StartError error;
  };

  static int run(void* plan);
  static int execute(const Plan& plan);

  std::vector<std::string> candidates_;
  std::vector<char*> paths_;
  std::vector<char*> arguments_;
  std::vector<char*> environment_;
  Plan plan_;
  std::unique_ptr<char[]> stack_;
};

// A process and this side's ends of its pipes, which don't block. What isn't piped is empty.
struct Started {
  pid_t pid = 0;
  base::FileDescriptor input;
  base::FileDescriptor output;
  base::FileDescriptor error;
  std::unique_ptr<Launch> launch; // to be kept until the process has been waited for
};

// Starts commands as vfork does, in the memory of this process, but without waiting until the program is executed, which takes longer than
// all that this process does for a short command. So the C library must not run in the new process before: it would share its errno. And
// this process must handle no signal, other than by reading them from a descriptor. It belongs to one thread.
class Spawner {
public:
  // `mask`: the signals that are blocked in the commands.
  explicit Spawner(const sigset_t& mask) : mask_(mask) {}

  // Starts the command in a process group of its own. Standard input is this process's where the command has none. Every other descriptor
  // of this process must be O_CLOEXEC. The request must not change until the process has ended. Where no process can be started, `error`
  // tells why; what kept the new process from executing the program, its Launch tells.
  Started start(const Request& request, StartError* error) const;

private:
  sigset_t mask_;
};

} // namespace hasten::programs
