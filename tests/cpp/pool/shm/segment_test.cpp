#include "hasten/pool/shm/segment.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hasten::pool::shm {
namespace {

TEST(Segment, IsSharedThroughItsDescriptor) {
  const Segment mine = Segment::create("test", 8192);
  const Segment theirs = Segment::adopt(base::FileDescriptor(dup(mine.fd())));
  EXPECT_EQ(theirs.size(), 8192U);
  mine.data()[8191] = 'x';
  EXPECT_EQ(theirs.data()[8191], 'x');
}

TEST(Segment, NobodyCanChangeItsSize) {
  const Segment segment = Segment::create("test", 8192);
  EXPECT_NE(ftruncate(segment.fd(), 4096), 0);
  EXPECT_NE(ftruncate(segment.fd(), 16384), 0);
  EXPECT_EQ(fcntl(segment.fd(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(Segment, OutlivesTheProcessThatWroteIt) {
  const Segment segment = Segment::create("test", 4096);
  const pid_t child = fork();
  if (child == 0) {
    segment.data()[0] = 'y';
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(segment.data()[0], 'y');
}

} // namespace
} // namespace hasten::pool::shm
