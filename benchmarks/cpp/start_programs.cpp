// start_programs PROGRAM COUNT JOBS: starts a program so often, so many at a time, captures nothing, and waits: the least that any runner
// of programs can take on this system.
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

namespace {

void start(char* program) {
  char* const arguments[] = {program, nullptr};
  if (::vfork() == 0) {
    ::execv(program, arguments);
    ::_exit(127);
  }
}

} // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    return 2;
  }
  const int all = std::atoi(arguments[2]);
  const int jobs = std::atoi(arguments[3]);
  for (int started = 0, ended = 0; ended < all;) {
    if (started < all && started - ended < jobs) {
      start(arguments[1]);
      ++started;
    } else {
      ::wait(nullptr);
      ++ended;
    }
  }
}
