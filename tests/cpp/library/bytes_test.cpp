#include "hasten/bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace hasten {

struct Person {
  std::string name;
  int age = 0;
  bool operator==(const Person&) const = default;
};

template <> struct Codec<Person> {
  static void write(Writer& to, const Person& person) {
    to.put(person.name);
    to.put(person.age);
  }
  static Person read(Reader& from) {
    auto name = from.get<std::string>();
    return {std::move(name), from.get<int>()};
  }
};

namespace {

template <class T> void expect_round_trip(const T& value) { EXPECT_EQ(decode<T>(encode(value)), value); }

TEST(Bytes, ValuesComeBack) {
  expect_round_trip(42);
  expect_round_trip(-0.5);
  expect_round_trip(std::array<short, 3>{1, 2, 3});
  expect_round_trip(std::string("text\0with zeros", 15));
  expect_round_trip(std::vector<double>{1, 2, 3});
  expect_round_trip(std::vector<double>{});
  expect_round_trip(std::vector<bool>{true, false, true});
  expect_round_trip(std::vector<std::string>{"a", "", "ccc"});
  expect_round_trip(std::vector<std::vector<int>>{{1}, {}, {2, 3}});
  expect_round_trip(std::optional<std::string>());
  expect_round_trip(std::optional<std::string>("x"));
  expect_round_trip(std::optional<int>(3));
  expect_round_trip(std::pair<std::string, int>("x", 1));
  expect_round_trip(std::tuple<int, std::string, std::vector<int>>(1, "x", {2}));
  expect_round_trip(std::map<std::string, std::vector<int>>{{"a", {1}}, {"b", {}}});
  expect_round_trip(std::unordered_map<int, std::string>{{1, "a"}, {2, "b"}});
  expect_round_trip(std::vector<Person>{{"Ada", 36}, {"Kurt", 71}});
}

TEST(Bytes, BytesOfAnotherTypeAreRefused) {
  const std::string bytes = encode(std::vector<std::string>{"abc", "def"});
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(decode<std::vector<std::string>>(std::string_view(bytes).substr(0, size)), BadBytes) << size;
  }
  EXPECT_THROW(decode<std::vector<std::string>>(bytes + "x"), BadBytes);
  EXPECT_THROW(decode<int>(encode(1.0)), BadBytes);
}

// A damaged count must not make the reader ask for all memory.
TEST(Bytes, CountsAreCheckedBeforeMemoryIsTaken) {
  const std::string bytes = encode(std::numeric_limits<uint64_t>::max() / 8);
  EXPECT_THROW(decode<std::vector<double>>(bytes), BadBytes);
  EXPECT_THROW(decode<std::vector<std::string>>(bytes), BadBytes);
  EXPECT_THROW(decode<std::string>(bytes), BadBytes);
  EXPECT_THROW((decode<std::map<int, int>>(bytes)), BadBytes);
}

} // namespace
} // namespace hasten
