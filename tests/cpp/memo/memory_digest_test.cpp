#include "hasten/memo/memory_digest.h"

#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace hasten::memo {
namespace {

std::string random_bytes(size_t count, uint32_t seed = 7) {
  std::mt19937 random(seed);
  std::string bytes(count, '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(random());
  }
  return bytes;
}

TEST(MemoryDigest, IsTheSameOnEveryMachine) { // the digests name files that machines share
  EXPECT_EQ(memory_digest("").hex(), "463be1d58a72e9618ea59884367c4358");
  EXPECT_EQ(memory_digest("hasten").hex(), "96e3b907cc14590754f210c40a2a9ac6");
  EXPECT_EQ(memory_digest(random_bytes(100'003)).hex(), "eacc63e36c49a80c7e212eb5736758e5");
}

TEST(MemoryDigest, DoesNotNeedVectorUnits) {
  const std::string bytes = random_bytes(9'000);
  for (size_t count = 0; count < bytes.size(); count += 37) {
    EXPECT_EQ(memory_digest({bytes.data(), count}), portable_memory_digest({bytes.data(), count})) << count;
  }
}

TEST(MemoryDigest, SeesEveryBit) {
  std::string bytes = random_bytes(3'000);
  std::set<base::Digest> seen = {memory_digest(bytes)};
  for (size_t at = 0; at < bytes.size(); ++at) {
    bytes[at] = static_cast<char>(bytes[at] ^ 1 << at % 8);
    EXPECT_TRUE(seen.insert(memory_digest(bytes)).second) << at;
  }
}

TEST(MemoryDigest, SeesLengthAndOrder) {
  std::set<base::Digest> seen;
  for (size_t count = 0; count < 3'000; ++count) {
    EXPECT_TRUE(seen.insert(memory_digest(std::string(count, '\0'))).second) << count;
  }
  for (size_t word = 0; word < 4'096; word += 8) { // one small number that wanders
    std::string bytes(4'096, '\0');
    bytes[word] = 1;
    EXPECT_TRUE(seen.insert(memory_digest(bytes)).second) << word;
  }
}

TEST(MemoryDigest, DoesNotMindWhereBytesLie) {
  const std::string bytes = random_bytes(5'000);
  for (size_t shift = 0; shift < 64; ++shift) {
    const std::string moved = std::string(shift, 'x') + bytes;
    EXPECT_EQ(memory_digest(std::string_view(moved).substr(shift)), memory_digest(bytes));
  }
}

} // namespace
} // namespace hasten::memo
