#include "hasten/memo/table.h"

#include <map>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace hasten::memo {
namespace {

struct Item : Node {
  int key = 0;
};

int key_of(const Node& node) { return static_cast<const Item&>(node).key; }

std::unique_ptr<Item> item(int key, uint64_t hash) {
  auto made = std::make_unique<Item>();
  made->key = key;
  made->hash = hash;
  return made;
}

Found find(const Table& table, int key, uint64_t hash) {
  return table.find(hash, [key](Node& node) { return key_of(node) == key ? Match::kYes : Match::kNo; });
}

// Keys in the order in which they would go.
std::vector<int> drain(Table& table) {
  std::vector<int> order;
  while (Node* node = table.victim()) {
    order.push_back(key_of(*node));
    table.erase(*node);
  }
  return order;
}

void insert_and_erase_at_random(uint32_t seed) {
  Table table(PolicyKind::kNone, 0);
  std::map<int, std::unique_ptr<Item>> there;
  std::mt19937 random(seed);
  for (int step = 0; step < 20'000; ++step) {
    const int key = static_cast<int>(random() % 300);
    const auto hash = static_cast<uint64_t>(key % 40); // many keys to a hash
    const Found found = find(table, key, hash);
    ASSERT_EQ(found.outcome, there.count(key) != 0 ? Search::kFound : Search::kAbsent);
    if (found.outcome == Search::kFound) {
      ASSERT_EQ(found.node, there[key].get());
      table.erase(*found.node);
      there.erase(key);
    } else {
      there[key] = item(key, hash);
      table.insert(*there[key]);
    }
    ASSERT_EQ(table.size(), there.size());
  }
}

TEST(Table, HasWhatWasInserted) {
  for (uint32_t seed = 1; seed <= 3; ++seed) {
    insert_and_erase_at_random(seed);
  }
}

TEST(Table, AComparisonMayChangeIt) {
  Table table(PolicyKind::kLru, 0);
  auto first = item(1, 9);
  auto second = item(2, 9);
  table.insert(*first);
  const Found found = table.find(9, [&](Node&) {
    table.insert(*second);
    return Match::kYes;
  });
  EXPECT_EQ(found.outcome, Search::kChanged);
  EXPECT_EQ(table.find(9, [](Node&) { return Match::kFailed; }).outcome, Search::kFailed);
}

TEST(Table, ForgetsAll) {
  Table table(PolicyKind::kLru, 0);
  std::vector<std::unique_ptr<Item>> items;
  for (int i = 0; i < 100; ++i) {
    table.insert(*items.emplace_back(item(i, static_cast<uint64_t>(i))));
  }
  const uint64_t version = table.version();
  int seen = 0;
  table.clear([&](Node&) { ++seen; });
  EXPECT_EQ(seen, 100);
  EXPECT_NE(table.version(), version);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.victim(), nullptr);
  EXPECT_EQ(find(table, 5, 5).outcome, Search::kAbsent);
}

class PolicyTest : public ::testing::Test {
protected:
  void fill(Table& table, int count) {
    for (int i = 0; i < count; ++i) {
      table.insert(*items_.emplace_back(item(i, static_cast<uint64_t>(i) + 1)));
    }
  }
  std::vector<std::unique_ptr<Item>> items_;
};

TEST_F(PolicyTest, LruGivesUpTheLeastRecentlyUsed) {
  Table table(PolicyKind::kLru, 4);
  fill(table, 4);
  table.used(*items_[0]);
  table.used(*items_[2]);
  table.used(*items_[2]);
  EXPECT_EQ(drain(table), (std::vector{1, 3, 0, 2}));
}

TEST_F(PolicyTest, LfuGivesUpTheLeastOftenUsed) {
  Table table(PolicyKind::kLfu, 4);
  fill(table, 4);
  for (int use = 0; use < 1000; ++use) {
    table.used(*items_[0]);
  }
  table.used(*items_[3]);
  table.used(*items_[1]);
  EXPECT_EQ(drain(table), (std::vector{2, 3, 1, 0}));
}

TEST_F(PolicyTest, S3FifoKeepsWhatIsUsedThroughAScan) {
  constexpr int kCapacity = 50;
  Table table(PolicyKind::kS3Fifo, kCapacity);
  fill(table, 20);
  for (auto& used : items_) {
    table.used(*used);
  }
  for (int i = 1000; i < 3000; ++i) { // each of these is asked for once
    while (table.size() >= kCapacity) {
      table.erase(*table.victim());
    }
    table.insert(*items_.emplace_back(item(i, static_cast<uint64_t>(i) + 1)));
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(find(table, i, static_cast<uint64_t>(i) + 1).outcome, Search::kFound) << i;
  }
}

TEST_F(PolicyTest, S3FifoTakesBackAtOnceWhatItGaveUpTooSoon) {
  Table table(PolicyKind::kS3Fifo, 10);
  fill(table, 10);
  Node* gone = table.victim();
  EXPECT_EQ(key_of(*gone), 0);
  table.erase(*gone);
  table.insert(*gone);
  EXPECT_EQ(drain(table).back(), 0);
}

} // namespace
} // namespace hasten::memo
