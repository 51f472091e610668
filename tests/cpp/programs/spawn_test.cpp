#include "hasten/programs/spawn.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hasten::programs {
namespace {

namespace fs = std::filesystem;

// A command with a PATH of its own, where that is not empty.
Request command(const std::string& program, const std::string& path = "", const std::string& directory = "") {
  Request request;
  request.arguments = {program};
  request.directory = directory;
  if (!path.empty()) {
    request.has_environment = true;
    request.environment = {"PATH=" + path};
  }
  return request;
}

class SpawnerTest : public testing::Test {
protected:
  SpawnerTest() {
    std::string pattern = (fs::temp_directory_path() / "spawner-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    sigset_t none;
    ::sigemptyset(&none);
    spawner_.emplace(none);
  }
  ~SpawnerTest() override { fs::remove_all(folder_); }

  void add_program(const std::string& name, const std::string& line, fs::perms permissions = fs::perms::owner_all) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << "#!/bin/sh\n" << line << "\n";
    fs::permissions(folder_ / name, permissions);
  }

  // What a command writes to its standard output.
  std::string output(const Request& request) {
    StartError error;
    const Started started = spawner_->start(request, &error);
    EXPECT_EQ(error.error, 0);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(started.pid), &info, WEXITED | WNOWAIT);
    EXPECT_EQ(::getpgid(started.pid), started.pid);
    ::waitpid(started.pid, nullptr, 0);
    EXPECT_EQ(started.launch->error().error, 0);
    char text[256];
    return {text, base::read_up_to(started.output.get(), text, sizeof text)};
  }

  StartError failure(const Request& request) {
    StartError error;
    const Started started = spawner_->start(request, &error);
    EXPECT_EQ(error.error, 0) << "a process was started";
    ::waitpid(started.pid, nullptr, 0);
    return started.launch->error();
  }

  fs::path folder_;
  std::optional<Spawner> spawner_;
};

TEST_F(SpawnerTest, TheFirstProgramOfThePathThatCanBeExecutedRuns) {
  add_program("denied/greet", "echo denied", fs::perms::owner_read);
  add_program("first/greet", "echo first");
  add_program("second/greet", "echo second");
  const std::string root = folder_.string();
  EXPECT_EQ(output(command("greet", "/nowhere:" + root + "/denied:" + root + "/first:" + root + "/second")), "first\n");
}

TEST_F(SpawnerTest, ARelativeFolderOfThePathCountsFromTheDirectoryOfTheCommand) {
  add_program("tools/greet", "pwd");
  EXPECT_EQ(output(command("greet", "tools", folder_.string())), folder_.string() + "\n");
}

TEST_F(SpawnerTest, WhatKeptACommandFromStartingIsTold) {
  add_program("denied/greet", "echo denied", fs::perms::owner_read);
  EXPECT_EQ(failure(command("no-such-program")).error, ENOENT);
  const StartError denied = failure(command("greet", folder_.string() + "/denied:/nowhere"));
  EXPECT_EQ(denied.error, EACCES);
  EXPECT_EQ(denied.failure, Failure::kProgram);
  const StartError nowhere = failure(command("/bin/true", "", "/nowhere"));
  EXPECT_EQ(nowhere.error, ENOENT);
  EXPECT_EQ(nowhere.failure, Failure::kDirectory);
}

} // namespace
} // namespace hasten::programs
