// The Mersenne Twister, with the state as NumPy's legacy generator keeps it and the same numbers bit for bit.
#pragma once

#include <cstdint>

namespace hasten::array {

constexpr int kTwisterWords = 624;

// NumPy's mt19937_state.
struct TwisterState {
  uint32_t key[kTwisterWords];
  int pos;
};

// As numpy.random.seed(int) does.
void seed_twister(TwisterState* state, uint32_t seed);
// A state for each pair of numbers, as unlike as chance makes them. By SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
// generators", OOPSLA 2014), whose words don't wait for each other: ten times quicker than seeding, which counts in short loops.
void split_twister(TwisterState* state, uint64_t seed, uint64_t stream);
// Makes the next 624 words.
void twist(TwisterState* state);

inline uint32_t temper(uint32_t y) {
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680U;
  y ^= (y << 15) & 0xefc60000U;
  return y ^ y >> 18;
}

inline uint32_t next_word(TwisterState* state) {
  if (state->pos == kTwisterWords) {
    twist(state);
  }
  return temper(state->key[state->pos++]);
}

inline uint64_t next_two_words(TwisterState* state) {
  const uint64_t high = next_word(state);
  return high << 32 | next_word(state);
}

// In [0, 1), with 53 bits.
inline double next_double(TwisterState* state) {
  const uint32_t a = next_word(state) >> 5;
  const uint32_t b = next_word(state) >> 6;
  return (a * 67108864.0 + b) / 9007199254740992.0;
}

// What n calls of next_double give.
void fill_doubles(TwisterState* state, double* out, int64_t n);

// Tempers the words that follow, up to `most`, into `words` without taking them; returns how many (at least one). advance() takes them.
int peek_words(TwisterState* state, uint32_t* words, int most);
inline void advance(TwisterState* state, int count) { state->pos += count; }

} // namespace hasten::array
