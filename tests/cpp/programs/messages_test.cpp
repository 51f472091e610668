#include "hasten/programs/messages.h"

#include <cstring>
#include <gtest/gtest.h>

#include "hasten/base/diagnostic.h"

namespace hasten::programs {
namespace {

void feed(MessageReader& reader, std::string_view bytes) {
  std::memcpy(reader.room(bytes.size()), bytes.data(), bytes.size());
  reader.add(bytes.size());
}

TEST(MessageReader, FindsMessagesInPiecesOfAnySize) {
  std::string stream;
  append_output(stream, 7, 1, "hello");
  append_output(stream, 8, 2, "");
  for (size_t piece = 1; piece <= stream.size(); ++piece) {
    MessageReader reader;
    std::vector<std::string> bodies;
    for (size_t at = 0; at < stream.size(); at += piece) {
      feed(reader, std::string_view(stream).substr(at, piece));
      while (const auto message = reader.next()) {
        EXPECT_EQ(message->kind, Kind::kOutput);
        bodies.emplace_back(message->body);
      }
    }
    ASSERT_EQ(bodies.size(), 2U) << piece;
    EXPECT_EQ(bodies[0].substr(9), "hello");
    EXPECT_EQ(bodies[1].size(), 9U);
  }
}

TEST(Messages, ARequestThatIsTooShortIsRefused) {
  EXPECT_THROW(read_request("short"), base::Diagnostic);
  EXPECT_THROW(read_request(std::string(64, '\xff')), base::Diagnostic);
}

} // namespace
} // namespace hasten::programs
