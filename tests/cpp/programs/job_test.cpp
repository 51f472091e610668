#include "hasten/programs/job.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

namespace hasten::programs {
namespace {

TEST(Job, ARequestThatIsTakenBackStillHasItsInput) {
  ::signal(SIGPIPE, SIG_IGN); // the process may have ended before it is written to
  sigset_t none;
  ::sigemptyset(&none);
  const Spawner spawner(none);
  auto request = std::make_unique<Request>();
  request->arguments = {"no-such-program"};
  request->input = "what it reads";
  StartError error;
  Started started = spawner.start(*request, &error);
  ASSERT_EQ(error.error, 0);
  Job job(std::move(request), std::move(started), 0);
  job.write_input();
  ::waitpid(job.pid(), nullptr, 0);
  EXPECT_EQ(job.start_error().error, ENOENT);
  EXPECT_EQ(job.take_request()->input, "what it reads");
}

} // namespace
} // namespace hasten::programs
