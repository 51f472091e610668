// What the disk store does about damaged, foreign and unreadable files, and about disks that take nothing.
#include <csignal>
#include <functional>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hasten/memo/disk_store.h"
#include "store_fixture.h"

namespace hasten::memo {
namespace {

const std::string kContent = "some content that is long enough to be damaged in the middle";

// Runs `body` in a child, as an ordinary user where the tests run as root; true where it returned true.
bool in_child(const std::function<bool()>& body, bool as_nobody = false) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (as_nobody && ::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) {
      ::_exit(2);
    }
    ::_exit(body() ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(StoreTest, TruncatedAtAnyByteItIsAbsentAndDeleted) {
  DiskStore store(directory_);
  ASSERT_TRUE(store.put(key_, kContent));
  const std::string whole = read_file(file_of(key_));
  ASSERT_EQ(whole.size(), kEntryHeaderBytes + kContent.size());
  for (size_t length = 0; length < whole.size(); ++length) {
    write_file(file_of(key_), whole.substr(0, length));
    EXPECT_EQ(store.get(key_), std::nullopt) << length;
    EXPECT_FALSE(std::filesystem::exists(file_of(key_))) << length;
  }
  write_file(file_of(key_), whole + "x");
  EXPECT_EQ(store.get(key_), std::nullopt);
  write_file(file_of(key_), whole);
  EXPECT_EQ(store.get(key_), kContent);
}

TEST_F(StoreTest, WithAnyBitFlippedItIsAbsentAndDeleted) {
  DiskStore store(directory_);
  ASSERT_TRUE(store.put(key_, kContent));
  const std::string whole = read_file(file_of(key_));
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    write_file(file_of(key_), flipped);
    EXPECT_EQ(store.get(key_), std::nullopt) << bit;
    EXPECT_FALSE(std::filesystem::exists(file_of(key_))) << bit;
  }
}

TEST_F(StoreTest, AnEntryUnderAnotherNameIsDamaged) {
  DiskStore store(directory_);
  ASSERT_TRUE(store.put(key_, kContent));
  const base::Digest other = base::digest_of("other");
  std::filesystem::rename(file_of(key_), file_of(other));
  EXPECT_EQ(store.get(other), std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(file_of(other)));
}

TEST_F(StoreTest, AFileThatOthersMayWriteIsRefusedAndKept) {
  DiskStore store(directory_);
  for (const int mode : {0620, 0602, 0666}) {
    ASSERT_TRUE(store.put(key_, kContent));
    ASSERT_EQ(::chmod(file_of(key_).c_str(), static_cast<mode_t>(mode)), 0);
    EXPECT_EQ(store.get(key_), std::nullopt);
    EXPECT_TRUE(std::filesystem::exists(file_of(key_)));
  }
  EXPECT_TRUE(store.put(key_, kContent)); // a file of one's own takes its place
  EXPECT_EQ(store.get(key_), kContent);
}

TEST_F(StoreTest, AForeignFileIsRefused) {
  DiskStore store(directory_);
  ASSERT_TRUE(store.put(key_, kContent));
  if (::geteuid() != 0) {
    return; // only root can give a file away; what it takes to be refused is tested with the mode above
  }
  ASSERT_EQ(::chown(file_of(key_).c_str(), 12345, 12345), 0);
  EXPECT_EQ(store.get(key_), std::nullopt);
  EXPECT_TRUE(std::filesystem::exists(file_of(key_)));
}

TEST_F(StoreTest, ALinkOrPipeOrDirectoryIsRefused) {
  DiskStore store(directory_);
  const base::Digest target = base::digest_of("target");
  ASSERT_TRUE(store.put(target, kContent));
  std::filesystem::create_symlink(file_of(target), file_of(key_));
  EXPECT_EQ(store.get(key_), std::nullopt);
  std::filesystem::remove(file_of(key_));
  ASSERT_EQ(::mkfifo(file_of(key_).c_str(), 0600), 0);
  EXPECT_EQ(store.get(key_), std::nullopt);
  std::filesystem::remove(file_of(key_));
  std::filesystem::create_directory(file_of(key_));
  EXPECT_EQ(store.get(key_), std::nullopt);
  EXPECT_FALSE(store.put(key_, kContent));
  EXPECT_TRUE(std::filesystem::exists(file_of(key_)));
  EXPECT_EQ(files(), 2u); // nothing of the put that failed
}

TEST_F(StoreTest, AReadOnlyDirectoryCanBeReadAndTakesNothing) {
  ASSERT_TRUE(DiskStore(directory_).put(key_, kContent));
  std::filesystem::permissions(root_, std::filesystem::perms(0755));
  std::filesystem::permissions(directory_, std::filesystem::perms(0555));
  std::filesystem::permissions(file_of(key_), std::filesystem::perms(0444));
  const auto use = [&] {
    DiskStore store(directory_);
    const bool readable = store.get(key_) == kContent; // root's file may be trusted by everybody
    store.trim();
    return readable && !store.put(base::digest_of("new"), kContent) && !store.remove(key_) && store.clear() == 0 &&
           store.list().size() == 1;
  };
  EXPECT_TRUE(in_child(use, true));
  std::filesystem::permissions(directory_, std::filesystem::perms(0755));
}

TEST_F(StoreTest, AnEntryThatCantBeReadNowIsKept) {
  ASSERT_TRUE(DiskStore(directory_).put(key_, kContent));
  std::filesystem::permissions(root_, std::filesystem::perms(0755));
  std::filesystem::permissions(directory_, std::filesystem::perms(0777));
  std::filesystem::permissions(file_of(key_), std::filesystem::perms(0));
  EXPECT_TRUE(in_child([&] { return DiskStore(directory_).get(key_) == std::nullopt; }, true));
  EXPECT_TRUE(std::filesystem::exists(file_of(key_)));
}

TEST_F(StoreTest, AFullDiskTakesNothingAndKeepsWhatWasThere) {
  ASSERT_TRUE(DiskStore(directory_).put(key_, kContent));
  EXPECT_TRUE(in_child([&] {
    const struct rlimit limit = {100, 100}; // a write beyond it fails after having written a part
    ::signal(SIGXFSZ, SIG_IGN);
    return ::setrlimit(RLIMIT_FSIZE, &limit) == 0 && !DiskStore(directory_).put(key_, std::string(1000, 'x'));
  }));
  EXPECT_EQ(files(), 1u);
  EXPECT_EQ(DiskStore(directory_).get(key_), kContent);
}

TEST_F(StoreTest, APlaceThatCantBeADirectoryIsNoError) {
  write_file(root_ / "cache", "a file");
  for (const std::string& place : {directory_, directory_ + "/below", std::string("/proc/nowhere"), std::string(5000, 'x')}) {
    DiskStore store(place);
    EXPECT_FALSE(store.put(key_, kContent));
    EXPECT_EQ(store.get(key_), std::nullopt);
    EXPECT_FALSE(store.remove(key_));
    EXPECT_TRUE(store.list().empty());
    EXPECT_EQ(store.clear(), 0u);
    store.trim();
  }
}

} // namespace
} // namespace hasten::memo
