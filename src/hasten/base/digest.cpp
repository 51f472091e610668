#include "hasten/base/digest.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace hasten::base {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read and written as they lie in memory");

constexpr int kRounds = 12;

constexpr std::array<uint64_t, 8> kInitial = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

constexpr uint8_t kOrder[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

using Words = std::array<uint64_t, 16>;

void mix(Words& v, int a, int b, int c, int d, uint64_t x, uint64_t y) {
  v[a] += v[b] + x;
  v[d] = std::rotr(v[d] ^ v[a], 32);
  v[c] += v[d];
  v[b] = std::rotr(v[b] ^ v[c], 24);
  v[a] += v[b] + y;
  v[d] = std::rotr(v[d] ^ v[a], 16);
  v[c] += v[d];
  v[b] = std::rotr(v[b] ^ v[c], 63);
}

} // namespace

Blake2b::Blake2b(size_t digest_bytes) : state_(kInitial), digest_bytes_(digest_bytes) {
  // The parameter block of an unkeyed sequential hash: its length, fan-out 1, depth 1.
  state_[0] ^= 0x01010000 ^ static_cast<uint64_t>(digest_bytes);
}

void Blake2b::update(std::string_view bytes) {
  while (!bytes.empty()) {
    // A full buffer waits until more comes, for the last block is compressed differently.
    if (buffered_ == kBlockBytes) {
      compress(buffer_.data(), false);
      buffered_ = 0;
    }
    const size_t count = std::min(bytes.size(), kBlockBytes - buffered_);
    std::memcpy(buffer_.data() + buffered_, bytes.data(), count);
    buffered_ += count;
    total_ += count;
    bytes.remove_prefix(count);
  }
}

void Blake2b::finish(uint8_t* out) {
  std::fill(buffer_.begin() + static_cast<ptrdiff_t>(buffered_), buffer_.end(), uint8_t{0});
  compress(buffer_.data(), true);
  std::memcpy(out, state_.data(), digest_bytes_);
}

void Blake2b::compress(const uint8_t* block, bool last) {
  Words m;
  std::memcpy(m.data(), block, kBlockBytes);
  Words v;
  std::copy(state_.begin(), state_.end(), v.begin());
  std::copy(kInitial.begin(), kInitial.end(), v.begin() + 8);
  v[12] ^= total_;
  v[14] ^= last ? ~uint64_t{0} : 0;
  for (int round = 0; round < kRounds; ++round) {
    const uint8_t* s = kOrder[round % 10];
    mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
    mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
    mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
    mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
    mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
    mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
    mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
    mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
  }
  for (size_t i = 0; i < state_.size(); ++i) {
    state_[i] ^= v[i] ^ v[i + 8];
  }
}

std::string Digest::hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

Digest digest_of(std::string_view bytes) {
  Digest digest;
  Blake2b hash(digest.bytes.size());
  hash.update(bytes);
  hash.finish(digest.bytes.data());
  return digest;
}

FieldHasher& FieldHasher::add(std::string_view field) {
  add(static_cast<uint64_t>(field.size()));
  hash_.update(field);
  return *this;
}

FieldHasher& FieldHasher::add(uint64_t number) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  hash_.update({bytes, sizeof bytes});
  return *this;
}

FieldHasher& FieldHasher::add(const Digest& digest) {
  return add(std::string_view(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size()));
}

Digest FieldHasher::finish() {
  Digest digest;
  hash_.finish(digest.bytes.data());
  return digest;
}

} // namespace hasten::base
