// Digests of content, by BLAKE2b (RFC 7693): what caches call things by. Equal to Python's hashlib.blake2b of the same size.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hasten::base {

// 128 bits: no two contents that anybody ever has are taken for one another.
struct Digest {
  std::array<uint8_t, 16> bytes{};

  auto operator<=>(const Digest&) const = default;
  std::string hex() const;
};

// The algorithm, for digests of 1 to 64 bytes. An object belongs to one thread at a time.
class Blake2b {
public:
  static constexpr size_t kBlockBytes = 128;

  explicit Blake2b(size_t digest_bytes);
  void update(std::string_view bytes);
  // Writes `digest_bytes` bytes; the object takes nothing more after that.
  void finish(uint8_t* out);

private:
  void compress(const uint8_t* block, bool last);

  std::array<uint64_t, 8> state_;
  std::array<uint8_t, kBlockBytes> buffer_{};
  size_t buffered_ = 0;
  uint64_t total_ = 0;
  size_t digest_bytes_;
};

Digest digest_of(std::string_view bytes);

// A digest of several fields. Each goes in with its length, so that ("ab", "c") and ("a", "bc") differ.
class FieldHasher {
public:
  FieldHasher& add(std::string_view field);
  FieldHasher& add(uint64_t number);
  FieldHasher& add(const Digest& digest);
  Digest finish();

private:
  Blake2b hash_{sizeof(Digest::bytes)};
};

} // namespace hasten::base
