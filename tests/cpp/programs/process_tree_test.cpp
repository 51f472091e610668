#include "hasten/programs/process_tree.h"

#include <csignal>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hasten::programs {
namespace {

// A shell in a group of its own, with a child in another session, that has said that both are there.
pid_t start_tree(base::FileDescriptor* reader) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setpgid(0, 0);
    ::dup2(ends[1], 1);
    ::close(ends[0]);
    ::close(ends[1]);
    ::execl("/bin/sh", "sh", "-c", "trap '' TERM; setsid sh -c 'echo x; exec sleep 60' & wait", nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  reader->reset(ends[0]);
  char said = 0;
  EXPECT_EQ(base::read_up_to(ends[0], &said, 1), 1U);
  return pid;
}

TEST(ProcessTree, FindsAndKillsWhatLeftTheSession) {
  base::FileDescriptor reader;
  const pid_t root = start_tree(&reader);
  ProcessTree tree(root, {});
  EXPECT_FALSE(tree.is_alive()); // it has not looked yet
  tree.look();
  EXPECT_TRUE(tree.is_alive());
  tree.kill();
  int status = 0;
  EXPECT_EQ(::waitpid(root, &status, 0), root);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  char rest[8];
  // The end of the pipe comes when all that held it are gone.
  while (base::read_up_to(reader.get(), rest, sizeof rest) > 0) {
  }
  EXPECT_FALSE(tree.is_alive());
}

} // namespace
} // namespace hasten::programs
