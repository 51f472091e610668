// Many processes in one directory, and processes that die in it.
#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

#include "hasten/memo/disk_store.h"
#include "store_fixture.h"

namespace hasten::memo {
namespace {

constexpr int kKeys = 5;

base::Digest key_number(int number) { return base::digest_of("key" + std::to_string(number % kKeys)); }

// Tells its own key, so that content of another entry would be noticed.
std::string content_for(int number, int length) { return key_number(number).hex() + std::string(static_cast<size_t>(length), 'x'); }

bool is_content_for(int number, const std::string& content) {
  return content.starts_with(key_number(number).hex()) && content.find_first_not_of('x', 32) == std::string::npos;
}

TEST_F(StoreTest, WritersReadersAndRemoversNeverSeeHalfAnEntry) {
  constexpr int kChildren = 4;
  for (int child = 0; child < kChildren; ++child) {
    if (::fork() == 0) {
      DiskStore store(directory_, 200'000);
      bool sound = true;
      for (int i = 0; i < 300; ++i) {
        store.put(key_number(i + child), content_for(i + child, 1000 * (i % 7)));
        const std::optional<std::string> content = store.get(key_number(i));
        sound = sound && (!content || is_content_for(i, *content));
        if (i % 10 == child) {
          store.remove(key_number(i));
        }
        if (i % 50 == child) {
          store.trim();
        }
      }
      ::_exit(sound ? 0 : 1);
    }
  }
  for (int child = 0; child < kChildren; ++child) {
    int status = -1;
    ::wait(&status);
    EXPECT_EQ(status, 0);
  }
  EXPECT_LE(files(), static_cast<size_t>(kKeys)); // no parts are left
}

TEST_F(StoreTest, AWriterKilledInTheMiddleSpoilsNothing) {
  const std::string large(2 << 20, 'x');
  DiskStore store(directory_);
  ASSERT_TRUE(store.put(key_, "whole"));
  size_t parts = 0;
  for (int round = 0; round < 20; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (int i = 0; i < 1000; ++i) {
        DiskStore(directory_).put(key_, large);
      }
      ::_exit(0);
    }
    // Killed while a part is being written, as the directory shows.
    while (files() < 2 + parts) {
      ASSERT_EQ(::waitpid(child, nullptr, WNOHANG), 0) << "the writer ended by itself";
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    parts = files() - 1;
    const std::optional<std::string> content = store.get(key_);
    ASSERT_TRUE(content.has_value());
    EXPECT_TRUE(*content == "whole" || *content == large);
  }
  EXPECT_GT(parts, 0u);
  EXPECT_EQ(store.clear(), 1u);
  EXPECT_EQ(files(), 0u);
}

} // namespace
} // namespace hasten::memo
