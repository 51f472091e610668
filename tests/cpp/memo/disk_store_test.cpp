#include "hasten/memo/disk_store.h"

#include <algorithm>
#include <ctime>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_fixture.h"

namespace hasten::memo {
namespace {

constexpr int64_t kDay = int64_t{24} * 3600 * 1'000'000'000;

void set_age(const std::filesystem::path& path, int64_t seconds) {
  struct timespec times[2];
  ::clock_gettime(CLOCK_REALTIME, &times[0]);
  times[0].tv_sec -= seconds;
  times[1] = times[0];
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

TEST_F(StoreTest, GivesBackWhatWasPut) {
  DiskStore store(directory_);
  EXPECT_EQ(store.get(key_), std::nullopt);
  const std::string content("with\0zero", 9);
  EXPECT_TRUE(store.put(key_, content));
  EXPECT_TRUE(store.put(base::digest_of("empty"), ""));
  EXPECT_EQ(store.get(key_), content);
  EXPECT_EQ(store.get(base::digest_of("empty")), "");
  EXPECT_EQ(DiskStore(directory_).get(key_), content);
  EXPECT_TRUE(store.put(key_, "newer"));
  EXPECT_EQ(store.get(key_), "newer");
  EXPECT_EQ(files(), 2u);
}

TEST_F(StoreTest, ConstructionAndReadingMakeNoDirectory) {
  DiskStore store(directory_);
  store.get(key_);
  store.list();
  store.trim();
  EXPECT_EQ(store.clear(), 0u);
  EXPECT_FALSE(std::filesystem::exists(directory_));
}

TEST_F(StoreTest, TheDirectoryAndFilesArePrivate) {
  directory_ = (root_ / "a" / "b").string();
  DiskStore store(directory_);
  ASSERT_TRUE(store.put(key_, "x"));
  struct stat info;
  ASSERT_EQ(::stat(directory_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  ASSERT_EQ(::stat(file_of(key_).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(StoreTest, ADirectoryThatWasTakenAwayIsMadeAgain) {
  DiskStore store(directory_);
  ASSERT_TRUE(store.put(key_, "x"));
  std::filesystem::remove_all(directory_);
  EXPECT_EQ(store.get(key_), std::nullopt);
  EXPECT_TRUE(store.put(key_, "x"));
  EXPECT_EQ(store.get(key_), "x");
}

TEST_F(StoreTest, ListsAndRemoves) {
  DiskStore store(directory_);
  store.put(key_, "12345");
  store.put(base::digest_of("other"), "");
  write_file(directory_ + "/README", "not an entry");
  write_file(directory_ + "/" + key_.hex() + ".v0", "an older format");
  std::vector<DiskEntry> entries = store.list();
  ASSERT_EQ(entries.size(), 2u);
  std::sort(entries.begin(), entries.end(), [](const DiskEntry& x, const DiskEntry& y) { return x.bytes > y.bytes; });
  EXPECT_EQ(entries[0].key, key_);
  EXPECT_EQ(entries[0].bytes, kEntryHeaderBytes + 5);
  EXPECT_TRUE(store.remove(key_));
  EXPECT_FALSE(store.remove(key_));
  EXPECT_EQ(store.clear(), 1u);
  EXPECT_EQ(files(), 2u); // what isn't ours stays
}

TEST_F(StoreTest, KeepsWhatWasUsedLast) {
  DiskStore big(directory_);
  std::vector<base::Digest> keys;
  for (int i = 0; i < 10; ++i) {
    keys.push_back(base::digest_of("entry" + std::to_string(i)));
    ASSERT_TRUE(big.put(keys.back(), std::string(1000, 'x')));
    set_age(file_of(keys.back()), (100 - i) * 86400);
  }
  EXPECT_TRUE(big.get(keys[0])); // used now, so it is the youngest
  DiskStore small(directory_, 3 * (1000 + kEntryHeaderBytes));
  small.trim();
  EXPECT_EQ(small.list().size(), 3u);
  EXPECT_TRUE(small.get(keys[0]));
  EXPECT_TRUE(small.get(keys[9]));
  EXPECT_TRUE(small.get(keys[8]));
  EXPECT_FALSE(small.get(keys[1]));
}

TEST_F(StoreTest, StaysNearItsLimitByItself) {
  const uint64_t limit = 100'000;
  DiskStore store(directory_, limit);
  uint64_t largest = 0;
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(store.put(base::digest_of(std::to_string(i)), std::string(1000, 'x')));
    uint64_t total = 0;
    for (const DiskEntry& entry : store.list()) {
      total += entry.bytes;
    }
    largest = std::max(largest, total);
  }
  EXPECT_LE(largest, limit + limit / 4);
  EXPECT_GE(largest, limit / 2);
}

TEST_F(StoreTest, WhatIsLargerThanTheLimitIsRefused) {
  EXPECT_FALSE(DiskStore(directory_, 1000).put(key_, std::string(1000, 'x')));
  ASSERT_TRUE(DiskStore(directory_).put(key_, std::string(1000, 'x')));
  EXPECT_EQ(DiskStore(directory_, 1000).get(key_), std::nullopt);
  EXPECT_TRUE(std::filesystem::exists(file_of(key_)));
}

TEST_F(StoreTest, AHitWritesAtMostDaily) {
  DiskStore store(directory_);
  store.put(key_, "x");
  const auto used_at = [&] { return store.list().at(0).used_at; };
  set_age(file_of(key_), 3600);
  const int64_t before = used_at();
  ASSERT_TRUE(store.get(key_));
  EXPECT_EQ(used_at(), before);
  set_age(file_of(key_), 2 * 86400);
  ASSERT_TRUE(store.get(key_));
  EXPECT_GE(used_at(), before);
  EXPECT_LT(used_at(), before + kDay);
}

TEST_F(StoreTest, TrimRemovesWhatDeadWritersLeft) {
  DiskStore store(directory_);
  store.put(key_, "x");
  write_file(directory_ + "/part-dead", "half");
  write_file(directory_ + "/part-alive", "half");
  set_age(directory_ + "/part-dead", 86400);
  store.trim();
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/part-dead"));
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/part-alive"));
  EXPECT_EQ(store.get(key_), "x");
}

} // namespace
} // namespace hasten::memo
