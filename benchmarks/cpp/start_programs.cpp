// start_programs PROGRAM COUNT JOBS: starts a program so often, so many at a time, captures nothing, and waits: the least that any runner
// of programs can take on this system. Each of JOBS processes starts its share one after the other.
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

namespace {

void run(char* program) {
  char* const arguments[] = {program, nullptr};
  if (::vfork() == 0) {
    ::execv(program, arguments);
    ::_exit(127);
  }
  ::wait(nullptr);
}

} // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    return 2;
  }
  const int all = std::atoi(arguments[2]);
  const int jobs = std::atoi(arguments[3]);
  for (int job = 0; job < jobs; ++job) {
    if (::fork() == 0) {
      for (int at = job; at < all; at += jobs) {
        run(arguments[1]);
      }
      ::_exit(0);
    }
  }
  while (::wait(nullptr) > 0) {
  }
}
