// The program that the package starts for each call of run_all: hasten-programs CLIENT_PID MOST_JOBS, with the client's socket as standard
// input, and the counter of messages.h. It is two processes, the server and a guardian that cleans up where that is killed.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hasten/programs/guardian.h"
#include "hasten/programs/server.h"

namespace {

// Commands inherit the standard streams of this process and nothing else of it; their standard input is empty.
hasten::base::FileDescriptor take_socket() {
  hasten::base::FileDescriptor socket(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(null, STDIN_FILENO);
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) < 0) {
      ::dup2(null, stream);
    }
  }
  if (null > STDERR_FILENO) {
    ::close(null);
  }
  return socket;
}

std::atomic<uint64_t>* share_counter() {
  void* const memory = ::mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, hasten::programs::kCounterDescriptor, 0);
  if (memory == MAP_FAILED) {
    hasten::base::system_error("Can't share the counter of commands");
  }
  return static_cast<std::atomic<uint64_t>*>(memory);
}

} // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fputs("hasten-programs is started by the package hasten\n", stderr);
    return 2;
  }
  try {
    hasten::programs::go_on_in_child();
    std::atomic<uint64_t>* const begun = share_counter();
    ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
    hasten::base::FileDescriptor socket = take_socket();
    hasten::programs::Server server(std::move(socket), static_cast<pid_t>(std::strtol(arguments[1], nullptr, 10)),
                                    std::strtoul(arguments[2], nullptr, 10), begun);
    server.serve();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hasten-programs: %s\n", error.what());
    return 1;
  }
  return 0;
}
