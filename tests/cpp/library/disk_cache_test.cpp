#include "hasten/disk_cache.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace hasten {
namespace {

class DiskCacheTest : public testing::Test {
protected:
  DiskCacheTest() {
    std::string pattern = testing::TempDir() + "hasten-cache-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~DiskCacheTest() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
};

TEST_F(DiskCacheTest, KeepsBytesAndValues) {
  DiskCache cache(folder_ + "/deep/inside");
  EXPECT_EQ(cache.get_bytes("a"), std::nullopt);
  EXPECT_TRUE(cache.put_bytes("a", "bytes"));
  EXPECT_TRUE(cache.put("b", std::vector<double>{1, 2}));
  DiskCache other(folder_ + "/deep/inside");
  EXPECT_EQ(other.get_bytes("a"), "bytes");
  EXPECT_EQ(other.get<std::vector<double>>("b"), (std::vector<double>{1, 2}));
  EXPECT_EQ(other.get<std::string>("b"), std::nullopt);
  EXPECT_EQ(other.size().values, 2U);
  EXPECT_TRUE(other.erase("a"));
  EXPECT_FALSE(cache.erase("a"));
  EXPECT_EQ(cache.clear(), 1U);
  EXPECT_EQ(cache.size().bytes, 0U);
}

TEST_F(DiskCacheTest, ComputesWhatIsNotThere) {
  DiskCache cache(folder_);
  int computed = 0;
  const auto compute = [&] {
    ++computed;
    return std::string("value");
  };
  EXPECT_EQ(cache.get_or_compute("key", compute), "value");
  EXPECT_EQ(cache.get_or_compute("key", compute), "value");
  EXPECT_EQ(computed, 1);
}

TEST_F(DiskCacheTest, DamagedFilesCountAsAbsent) {
  DiskCache cache(folder_);
  cache.put_bytes("key", "a value");
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    std::fstream stream(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(-1, std::ios::end);
    stream.put('X');
  }
  EXPECT_EQ(cache.get_bytes("key"), std::nullopt);
  EXPECT_EQ(cache.size().values, 0U);
}

TEST_F(DiskCacheTest, AFolderThatCannotBeMadeKeepsNothing) {
  DiskCache cache("/proc/no/such/folder");
  EXPECT_FALSE(cache.put_bytes("key", "value"));
  EXPECT_EQ(cache.get_bytes("key"), std::nullopt);
}

TEST_F(DiskCacheTest, KilledWritersLeaveWholeValuesOnly) {
  const std::string value(100'000, 'x');
  for (int round = 0; round < 10; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      DiskCache cache(folder_);
      for (int i = 0;; ++i) {
        cache.put_bytes("key" + std::to_string(i % 10), value);
      }
    }
    DiskCache cache(folder_);
    while (!cache.get_bytes("key0")) {
    }
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(cache.get_bytes("key" + std::to_string(i)).value_or(value), value);
    }
    cache.erase("key0");
  }
}

} // namespace
} // namespace hasten
