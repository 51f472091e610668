#include "hasten/pool/stderr_relay.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hasten::pool {
namespace {

void say(int fd, const std::string& text) { base::write_all(fd, text.data(), text.size()); }

// Waits for the thread, however busy the machine is.
void catch_up() {
  while (StderrRelay::is_behind()) {
    StderrRelay::catch_up();
  }
}

int count_descriptors() {
  DIR* folder = opendir("/proc/self/fd");
  int count = 0;
  while (readdir(folder) != nullptr) {
    ++count;
  }
  closedir(folder);
  return count;
}

// Puts a file in the place of stderr.
class StderrRelayTest : public testing::Test {
public:
  StderrRelayTest() { dup2(file_.get(), STDERR_FILENO); }
  ~StderrRelayTest() override { dup2(before_.get(), STDERR_FILENO); }

protected:
  std::string written() const {
    std::string text(1 << 20, '\0');
    text.resize(static_cast<size_t>(pread(file_.get(), text.data(), text.size(), 0)));
    return text;
  }

private:
  base::FileDescriptor before_{dup(STDERR_FILENO)};
  base::FileDescriptor file_{memfd_create("stderr", MFD_CLOEXEC)};
};

TEST_F(StderrRelayTest, BytesArriveUnchangedAndTheirEndIsKept) {
  const auto [stream, worker_end] = StderrRelay::open();
  std::string all;
  for (int i = 0; i < 20000; ++i) {
    all += "line " + std::to_string(i) + "\n";
  }
  say(worker_end.get(), all);
  catch_up();
  EXPECT_EQ(written(), all);
  const std::string tail = stream->tail();
  EXPECT_GT(tail.size(), 16000U);
  EXPECT_LE(tail.size(), 16384U);
  EXPECT_TRUE(all.ends_with("\n" + tail));
}

TEST_F(StderrRelayTest, ALineWithoutAnEndIsCut) {
  const auto [stream, worker_end] = StderrRelay::open();
  say(worker_end.get(), std::string(50000, 'x'));
  catch_up();
  EXPECT_EQ(stream->tail(), std::string(16384, 'x'));
}

TEST_F(StderrRelayTest, StreamsAreKeptApart) {
  const auto one = StderrRelay::open();
  const auto two = StderrRelay::open();
  say(one.worker_end.get(), "one\n");
  catch_up();
  say(two.worker_end.get(), "two\n");
  catch_up();
  EXPECT_EQ(written(), "one\ntwo\n");
  EXPECT_EQ(one.stream->tail(), "one\n");
  EXPECT_EQ(two.stream->tail(), "two\n");
}

TEST_F(StderrRelayTest, DescriptorsGoWithTheLastWriter) {
  StderrRelay::open(); // the thread and what it needs stay
  catch_up();
  const int before = count_descriptors();
  for (int i = 0; i < 50; ++i) {
    auto opened = StderrRelay::open();
    say(opened.worker_end.get(), "x");
    opened.worker_end.reset();
    catch_up();
  }
  EXPECT_LE(count_descriptors(), before);
}

TEST_F(StderrRelayTest, AForkHasARelayOfItsOwn) {
  const auto outer = StderrRelay::open();
  const pid_t pid = fork();
  if (pid == 0) {
    const auto inner = StderrRelay::open();
    say(inner.worker_end.get(), "inner\n");
    catch_up();
    _exit(inner.stream->tail() == "inner\n" ? 0 : 1);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(written(), "inner\n");
  EXPECT_EQ(outer.stream->tail(), "");
}

TEST_F(StderrRelayTest, WithoutAStderrThereIsNoStream) {
  close(STDERR_FILENO);
  const auto opened = StderrRelay::open();
  EXPECT_EQ(opened.stream, nullptr);
  EXPECT_FALSE(opened.worker_end);
}

TEST(StderrRelayAtATerminal, TheWorkersIsOneToo) {
  const base::FileDescriptor before(dup(STDERR_FILENO));
  const base::FileDescriptor terminal(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(terminal && grantpt(terminal.get()) == 0 && unlockpt(terminal.get()) == 0);
  const base::FileDescriptor other_side(open(ptsname(terminal.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  dup2(other_side.get(), STDERR_FILENO);
  const auto [stream, worker_end] = StderrRelay::open();
  const bool is_terminal = isatty(worker_end.get()) == 1;
  say(worker_end.get(), "line\n");
  std::string seen(64, '\0');
  seen.resize(static_cast<size_t>(read(terminal.get(), seen.data(), seen.size())));
  dup2(before.get(), STDERR_FILENO);
  EXPECT_TRUE(is_terminal);
  EXPECT_EQ(seen, "line\r\n"); // by the one terminal that changes line ends, the program's own
  EXPECT_EQ(stream->tail(), "line\n");
}

} // namespace
} // namespace hasten::pool
