#include "hasten/programs/guardian.h"

#include <cerrno>
#include <csignal>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hasten/base/posix.h"
#include "hasten/programs/process_tree.h"

namespace hasten::programs {
namespace {

// Waits for all children, those that it got from others too, until `child` has ended; returns its status.
int wait_for(pid_t child) {
  int status = 0;
  for (pid_t pid = 0; pid != child;) {
    pid = ::waitpid(-1, &status, 0);
    if (pid < 0 && errno != EINTR) {
      return -1;
    }
  }
  return status;
}

} // namespace

void go_on_in_child() {
  ::signal(SIGCHLD, SIG_DFL); // where it is ignored, the system tells nobody how a process ended
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t guardian = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    base::system_error("Can't start a process");
  }
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != guardian) {
      ::_exit(1);
    }
    return;
  }
  ::close(STDIN_FILENO);
  ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
  const int status = wait_for(child);
  const bool is_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!is_well) {
    kill_descendants();
  }
  ::_exit(is_well ? 0 : 1);
}

} // namespace hasten::programs
