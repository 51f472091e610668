#include "hasten/memo/memory_digest.h"

#include <array>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace hasten::memo {

namespace {

// The scheme is that of XXH3 for long inputs: eight lanes, each of which takes in the product of the halves of a word, mixed with a key,
// and its neighbour's word as it is; after each block every lane is stirred. All lanes go into BLAKE2b in the end.
constexpr size_t kLanes = 8;
constexpr size_t kStripeBytes = kLanes * sizeof(uint64_t);
constexpr size_t kStripesPerBlock = 16;
constexpr size_t kBlockBytes = kStripesPerBlock * kStripeBytes;
constexpr uint64_t kStir = 0x9E3779B1u; // odd, so that stirring loses nothing
constexpr size_t kDirectly = 512;       // below that BLAKE2b alone is as fast

using Lanes = std::array<uint64_t, kLanes>;
// One key word further with each stripe, and a last stripe for stirring.
using Keys = std::array<uint64_t, kLanes + kStripesPerBlock>;

struct alignas(64) State {
  Lanes lanes;
};

const Keys& keys() {
  static const Keys made = [] {
    Keys words{};
    for (size_t i = 0; i < words.size(); ++i) {
      const base::Digest digest = base::FieldHasher().add("hasten memory digest").add(uint64_t{i}).finish();
      for (size_t byte = 0; byte < sizeof(uint64_t); ++byte) { // little-endian wherever it runs
        words[i] |= uint64_t{digest.bytes[byte]} << (8 * byte);
      }
    }
    return words;
  }();
  return made;
}

using Absorb = void(const char* bytes, size_t stripes, const Keys& keys, State& state);

[[maybe_unused]] uint64_t load_word(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof word);
  if constexpr (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) {
    word = __builtin_bswap64(word);
  }
  return word;
}

// Takes in up to a block, without the stirring.
void absorb_base(const char* bytes, size_t stripes, const Keys& keys, State& state) {
  for (size_t stripe = 0; stripe < stripes; ++stripe) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const uint64_t word = load_word(bytes + stripe * kStripeBytes + lane * sizeof(uint64_t));
      const uint64_t mixed = word ^ keys[stripe + lane];
      state.lanes[lane ^ 1] += word;
      state.lanes[lane] += (mixed & 0xFFFFFFFFu) * (mixed >> 32);
    }
  }
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) inline __m256i absorb_half(__m256i lanes, const char* words, const uint64_t* key) {
  const __m256i word = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(words));
  const __m256i mixed = _mm256_xor_si256(word, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(key)));
  const __m256i product = _mm256_mul_epu32(mixed, _mm256_srli_epi64(mixed, 32));
  return _mm256_add_epi64(_mm256_add_epi64(lanes, _mm256_shuffle_epi32(word, 0x4E)), product);
}

__attribute__((target("avx2"))) void absorb_avx2(const char* bytes, size_t stripes, const Keys& keys, State& state) {
  auto* lanes = reinterpret_cast<__m256i*>(state.lanes.data());
  __m256i low = _mm256_load_si256(lanes);
  __m256i high = _mm256_load_si256(lanes + 1);
  for (size_t stripe = 0; stripe < stripes; ++stripe, bytes += kStripeBytes) {
    low = absorb_half(low, bytes, &keys[stripe]);
    high = absorb_half(high, bytes + kStripeBytes / 2, &keys[stripe + kLanes / 2]);
  }
  _mm256_store_si256(lanes, low);
  _mm256_store_si256(lanes + 1, high);
}
#endif

Absorb* pick_absorb() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) {
    return absorb_avx2;
  }
#endif
  return absorb_base;
}

void stir(const Keys& keys, State& state) {
  for (size_t lane = 0; lane < kLanes; ++lane) {
    uint64_t& value = state.lanes[lane];
    value = (value ^ value >> 47 ^ keys[kStripesPerBlock + lane]) * kStir;
  }
}

base::Digest digest_with(Absorb* absorb, std::string_view bytes) {
  base::FieldHasher hash;
  hash.add(uint64_t{bytes.size()});
  if (bytes.size() >= kDirectly) {
    State state{};
    std::memcpy(&state.lanes, keys().data(), sizeof state.lanes);
    for (; bytes.size() >= kBlockBytes; bytes.remove_prefix(kBlockBytes)) {
      absorb(bytes.begin(), kStripesPerBlock, keys(), state);
      stir(keys(), state);
    }
    const size_t stripes = bytes.size() / kStripeBytes;
    absorb(bytes.begin(), stripes, keys(), state);
    bytes.remove_prefix(stripes * kStripeBytes);
    for (const uint64_t lane : state.lanes) {
      hash.add(lane);
    }
  }
  return hash.add(bytes).finish();
}

} // namespace

base::Digest memory_digest(std::string_view bytes) {
  static Absorb* const absorb = pick_absorb();
  return digest_with(absorb, bytes);
}

base::Digest portable_memory_digest(std::string_view bytes) { return digest_with(absorb_base, bytes); }

} // namespace hasten::memo
