#include "hasten/base/digest.h"

#include <gtest/gtest.h>
#include <set>

namespace hasten::base {
namespace {

std::string long_digest(std::string_view text) {
  Blake2b hash(64);
  hash.update(text);
  Digest quarters[4];
  uint8_t bytes[64];
  hash.finish(bytes);
  std::string hex;
  for (int i = 0; i < 4; ++i) {
    std::copy(bytes + 16 * i, bytes + 16 * (i + 1), quarters[i].bytes.begin());
    hex += quarters[i].hex();
  }
  return hex;
}

// RFC 7693, appendix A.
TEST(Digest, PublishedVector) {
  EXPECT_EQ(long_digest("abc"), "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
                                "7d87c5392aab792dc252d5de4533cc9518d38aa8dbc4925ab92386edd4009923");
}

// hashlib.blake2b(bytes(i % 251 for i in range(n)), digest_size=16).hexdigest()
TEST(Digest, AgreesWithPythonAroundBlockEdges) {
  const std::pair<size_t, const char*> cases[] = {
      {0, "cae66941d9efbd404e4d88758ea67670"},   {1, "7025e075d5e2f6cde3cc051a31f07660"},   {127, "28b1296c7d4807883de6ee4ec04dcc0a"},
      {128, "a74787004ef589e31149183900d0294a"}, {129, "aaf1b0371f6d4ee49ee4fb5ddd9c49ef"}, {255, "e2f3b2a57bcf64d626b37fc9c12674a1"},
      {256, "1142c504dcd26338b7cbcf41424540d0"}, {257, "b77b55d3dddcc45c6a52774565cd0dd6"}, {5000, "05ee1ca136ba74b41290c4175909e335"},
  };
  for (const auto& [size, expected] : cases) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) {
      bytes[i] = static_cast<char>(i % 251);
    }
    EXPECT_EQ(digest_of(bytes).hex(), expected) << size;
  }
}

TEST(Digest, PiecesGiveWhatTheWholeGives) {
  const std::string text(1000, 'q');
  for (const size_t step : {1, 7, 64, 127, 128, 129, 999}) {
    Blake2b hash(16);
    for (size_t at = 0; at < text.size(); at += step) {
      hash.update(std::string_view(text).substr(at, step));
    }
    Digest digest;
    hash.finish(digest.bytes.data());
    EXPECT_EQ(digest, digest_of(text)) << step;
  }
}

TEST(Digest, FieldsDoNotRunIntoOneAnother) {
  const std::set<Digest> digests = {
      FieldHasher().add("ab").add("c").finish(), FieldHasher().add("a").add("bc").finish(), FieldHasher().add("abc").finish(),
      FieldHasher().add("abc").add("").finish(), FieldHasher().add(uint64_t{1}).finish(),   FieldHasher().add(digest_of("abc")).finish(),
  };
  EXPECT_EQ(digests.size(), 6U);
}

} // namespace
} // namespace hasten::base
