#include "hasten/array/kernels/mt19937.h"

#include <algorithm>
#include <cstring>

#include "hasten/array/kernels/isa.h"

namespace hasten::array {
namespace {

constexpr int kMiddle = 397;

HASTEN_INLINE uint32_t mixed(uint32_t first, uint32_t second) {
  const uint32_t y = (first & 0x80000000U) | (second & 0x7fffffffU);
  return y >> 1 ^ ((0U - (y & 1U)) & 0x9908b0dfU);
}

// Three stretches within each of which no word depends on a new one that is nearer than a vector.
HASTEN_INLINE void twist_in(uint32_t* key) {
  constexpr int kRest = kTwisterWords - kMiddle;
  HASTEN_NO_DEPENDENCE
  for (int i = 0; i < kRest; ++i) {
    key[i] = key[i + kMiddle] ^ mixed(key[i], key[i + 1]);
  }
  HASTEN_NO_DEPENDENCE
  for (int i = kRest; i < 2 * kRest; ++i) {
    key[i] = key[i - kRest] ^ mixed(key[i], key[i + 1]);
  }
  HASTEN_NO_DEPENDENCE
  for (int i = 2 * kRest; i < kTwisterWords - 1; ++i) {
    key[i] = key[i - kRest] ^ mixed(key[i], key[i + 1]);
  }
  key[kTwisterWords - 1] = key[kMiddle - 1] ^ mixed(key[kTwisterWords - 1], key[0]);
}

// n doubles of 2n words. The quotient by 2^53 is exact, so it may be a product.
HASTEN_INLINE void doubles_in(const uint32_t* words, double* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    uint64_t pair;
    std::memcpy(&pair, words + 2 * i, sizeof pair);
    // Both words of the pair are tempered at once; masks keep one word's bits out of the other.
    pair ^= pair >> 11 & 0x001fffff001fffffULL;
    pair ^= pair << 7 & 0x9d2c56809d2c5680ULL;
    pair ^= pair << 15 & 0xefc60000efc60000ULL;
    pair ^= pair >> 18 & 0x00003fff00003fffULL;
    const uint64_t bits = ((pair & 0xffffffffU) >> 5) << 26 | pair >> 38;
    out[i] = static_cast<double>(static_cast<int64_t>(bits)) * (1.0 / 9007199254740992.0);
  }
}

HASTEN_INLINE void temper_in(const uint32_t* key, uint32_t* words, int n) {
  for (int i = 0; i < n; ++i) {
    words[i] = temper(key[i]);
  }
}

void twist_base(uint32_t* key) { twist_in(key); }
HASTEN_AVX2 void twist_avx2(uint32_t* key) { twist_in(key); }
HASTEN_AVX512 void twist_avx512(uint32_t* key) { twist_in(key); }

void doubles_base(const uint32_t* words, double* out, int64_t n) { doubles_in(words, out, n); }
HASTEN_AVX2 void doubles_avx2(const uint32_t* words, double* out, int64_t n) { doubles_in(words, out, n); }
HASTEN_AVX512 void doubles_avx512(const uint32_t* words, double* out, int64_t n) { doubles_in(words, out, n); }

void temper_base(const uint32_t* key, uint32_t* words, int n) { temper_in(key, words, n); }
HASTEN_AVX2 void temper_avx2(const uint32_t* key, uint32_t* words, int n) { temper_in(key, words, n); }
HASTEN_AVX512 void temper_avx512(const uint32_t* key, uint32_t* words, int n) { temper_in(key, words, n); }

} // namespace

void seed_twister(TwisterState* state, uint32_t seed) {
  for (int i = 0; i < kTwisterWords; ++i) {
    state->key[i] = seed;
    seed = 1812433253U * (seed ^ seed >> 30) + static_cast<uint32_t>(i) + 1;
  }
  state->pos = kTwisterWords;
}

namespace {

uint64_t mix(uint64_t z) {
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
  return z ^ z >> 31;
}

} // namespace

void split_twister(TwisterState* state, uint64_t seed, uint64_t stream) {
  constexpr uint64_t kGolden = 0x9e3779b97f4a7c15ULL;
  const uint64_t start = mix(mix(seed + kGolden) ^ stream);
  for (uint64_t i = 0; i < kTwisterWords / 2; ++i) {
    const uint64_t word = mix(start + (i + 1) * kGolden);
    state->key[2 * i] = static_cast<uint32_t>(word);
    state->key[2 * i + 1] = static_cast<uint32_t>(word >> 32);
  }
  state->key[0] |= 0x80000000U; // the state must not be zero
  state->pos = kTwisterWords;
}

void twist(TwisterState* state) {
  static const auto best = pick_isa(twist_base, twist_avx2, twist_avx512);
  best(state->key);
  state->pos = 0;
}

void fill_doubles(TwisterState* state, double* out, int64_t n) {
  static const auto best = pick_isa(doubles_base, doubles_avx2, doubles_avx512);
  while (n > 0) {
    if (state->pos >= kTwisterWords - 1) { // one word left belongs to a pair with the next block's first
      *out++ = next_double(state);
      --n;
      continue;
    }
    const int64_t count = std::min<int64_t>(n, (kTwisterWords - state->pos) / 2);
    best(state->key + state->pos, out, count);
    state->pos += static_cast<int>(2 * count);
    out += count;
    n -= count;
  }
}

int peek_words(TwisterState* state, uint32_t* words, int most) {
  static const auto best = pick_isa(temper_base, temper_avx2, temper_avx512);
  if (state->pos == kTwisterWords) {
    twist(state);
  }
  const int count = std::min(most, kTwisterWords - state->pos);
  best(state->key + state->pos, words, count);
  return count;
}

} // namespace hasten::array
