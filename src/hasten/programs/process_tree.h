// The processes below a process, found in /proc. For a process that is a subreaper and the parent of what it looks at: the kernel then
// gives it the orphans, so that nothing below it gets out of sight, whatever groups and sessions it makes.
#pragma once

#include <optional>
#include <sys/stat.h>
#include <sys/types.h>
#include <vector>

#include "hasten/base/posix.h"

namespace hasten::programs {

// A process that is not mistaken for another one that has its number later.
struct Member {
  pid_t pid = 0;
  base::FileDescriptor pidfd;
};

// What one command has started. An object belongs to one thread.
class ProcessTree {
public:
  // `root`: the process of the command, also when it has ended; a group of its own. `outputs`: files that it writes to: an orphan that
  // has left the group is known by them.
  ProcessTree(pid_t root, std::vector<struct stat> outputs) : root_(root), outputs_(std::move(outputs)) {}

  // Looks again: adds those that are new.
  void look();
  // Looks again and sends `signal` to all.
  void signal(int signal);
  // SIGKILL, until no process is left that a dying one has started meanwhile.
  void kill();
  // Whether any but zombies are left of those that were found.
  bool is_alive() const;

private:
  bool knows(pid_t pid) const;

  pid_t root_;
  std::vector<struct stat> outputs_;
  std::vector<Member> members_;
};

// Kills everything below this process.
void kill_descendants();

} // namespace hasten::programs
