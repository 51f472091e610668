// A directory of its own for each test of the disk store.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "hasten/base/digest.h"
#include "hasten/memo/entry_file.h"

namespace hasten::memo {

class StoreTest : public ::testing::Test {
protected:
  StoreTest() {
    std::string name = (std::filesystem::temp_directory_path() / "hasten-store-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    directory_ = (root_ / "cache").string();
  }
  ~StoreTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  std::filesystem::path file_of(const base::Digest& key) const { return std::filesystem::path(directory_) / entry_file_name(key); }

  static std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void write_file(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    std::filesystem::permissions(path, std::filesystem::perms(0600));
  }
  size_t files() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(directory_), std::filesystem::directory_iterator()));
  }

  std::filesystem::path root_;
  std::string directory_;
  const base::Digest key_ = base::digest_of("key");
};

} // namespace hasten::memo
