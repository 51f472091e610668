#include "hasten/base/posix.h"

#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "hasten/base/diagnostic.h"

namespace hasten::base {
namespace {

using testing::HasSubstr;

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

class Posix : public testing::Test {
protected:
  Posix() {
    std::string pattern = testing::TempDir() + "posix-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Posix() override {
    for (const std::string& name : names()) {
      ::unlink((folder_ + "/" + name).c_str());
    }
    ::rmdir(folder_.c_str());
  }

  std::vector<std::string> names() const {
    std::vector<std::string> found;
    DIR* directory = ::opendir(folder_.c_str());
    while (const dirent* entry = ::readdir(directory)) {
      if (entry->d_name[0] != '.') {
        found.emplace_back(entry->d_name);
      }
    }
    ::closedir(directory);
    return found;
  }

  std::string folder_;
};

std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Diagnostic& diagnostic) {
    EXPECT_EQ(diagnostic.fault(), Fault::kMachine);
    return diagnostic.what();
  }
  return "nothing was thrown";
}

TEST_F(Posix, DescriptorClosesOnceAndMoves) {
  int raw = -1;
  {
    FileDescriptor first = open_file("/dev/null", O_RDONLY);
    raw = first.get();
    EXPECT_TRUE(::fcntl(raw, F_GETFD) & FD_CLOEXEC);
    FileDescriptor second = std::move(first);
    EXPECT_FALSE(first);
    EXPECT_EQ(second.get(), raw);
    second = FileDescriptor(::dup(raw));
    EXPECT_FALSE(is_open(raw));
    raw = second.get();
  }
  EXPECT_FALSE(is_open(raw));
}

TEST_F(Posix, ReleaseGivesTheDescriptorAway) {
  FileDescriptor file = open_file("/dev/null", O_RDONLY);
  const int raw = file.release();
  file.reset();
  EXPECT_TRUE(is_open(raw));
  ::close(raw);
}

TEST_F(Posix, ErrorsCarryThePathAndTheSystemsWords) {
  EXPECT_THAT(message_of([this] { open_file(folder_ + "/none", O_RDONLY); }), HasSubstr("Can't open " + folder_ + "/none: No such file"));
  EXPECT_THAT(message_of([this] { read_file(folder_); }), HasSubstr("Is a directory"));
  EXPECT_THAT(message_of([] { write_all(-1, "x", 1); }), HasSubstr("Bad file descriptor"));
}

TEST_F(Posix, ReadsAndWritesPassThroughAPipeInPieces) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  FileDescriptor reader(ends[0]);
  FileDescriptor writer(ends[1]);
  const std::string sent(1 << 20, 'h'); // more than a pipe holds
  std::thread thread([&] {
    write_all(writer.get(), sent.data(), sent.size());
    writer.reset();
  });
  std::string received(sent.size() + 10, '\0');
  EXPECT_EQ(read_up_to(reader.get(), received.data(), received.size()), sent.size());
  thread.join();
  received.resize(sent.size());
  EXPECT_EQ(received, sent);
}

TEST_F(Posix, ReadFileTellsAbsentFromEmpty) {
  EXPECT_FALSE(read_file(folder_ + "/none").has_value());
  publish_file(folder_ + "/empty", "");
  EXPECT_EQ(read_file(folder_ + "/empty"), "");
}

TEST_F(Posix, ReadFileReadsFilesThatHideTheirSize) { EXPECT_THAT(read_file("/proc/self/status").value_or(""), HasSubstr("Pid:")); }

TEST_F(Posix, PublishReplacesAndLeavesNothingBehind) {
  const std::string path = folder_ + "/entry";
  publish_file(path, "one");
  publish_file(path, std::string("t\0wo", 4));
  EXPECT_EQ(read_file(path), std::string("t\0wo", 4));
  EXPECT_EQ(names(), std::vector<std::string>{"entry"});
}

TEST_F(Posix, PublishThatFailsLeavesNothingBehind) {
  const std::string path = folder_ + "/folder";
  ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
  EXPECT_THAT(message_of([&] { publish_file(path, "content"); }), HasSubstr("in place"));
  EXPECT_EQ(names(), std::vector<std::string>{"folder"});
  ::rmdir(path.c_str());
}

} // namespace
} // namespace hasten::base
