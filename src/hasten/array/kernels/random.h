// numpy.random's legacy functions on NumPy's own stream: what is drawn here continues what Python drew, and the other way round, with the
// same bits.
//
// Threads: kernels exclude each other by a lock of theirs and by the hooks. In a chunk of a parallel loop that runs on more than one
// thread, each chunk draws from a stream of its own, seeded by its number and by one draw from the main stream, so that a program gives the
// same numbers in every run with the same number of threads. hst_random_seed always seeds the main stream.
#pragma once

#include <cstdint>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"

namespace hasten::array {

struct TwisterState;

// The generator that Python sees. Everything pointed to lives as long as the process, or until the next call of set_legacy_generator.
struct LegacyGenerator {
  TwisterState* state = nullptr; // bit_generator.ctypes.state_address
  int32_t* has_gauss = nullptr;  // RandomState's second normal number, or a copy that the hooks keep in step
  double* gauss = nullptr;
  void (*lock)(abi::Env*) = nullptr; // called before and after each kernel's use of the above; null: nothing
  void (*unlock)(abi::Env*) = nullptr;
};

// Until this is called, kernels draw from a generator of their own.
void set_legacy_generator(const LegacyGenerator& generator);

} // namespace hasten::array

extern "C" {
// ValueError unless 0 <= seed < 2**32.
int32_t hst_random_seed(hasten::abi::Env* env, int64_t seed);

int32_t hst_random_double(hasten::abi::Env* env, double* out); // in [0, 1)
int32_t hst_random_uniform(hasten::abi::Env* env, double* out, double low, double high);
int32_t hst_random_normal(hasten::abi::Env* env, double* out, double loc, double scale);
int32_t hst_random_exponential(hasten::abi::Env* env, double* out, double scale);
int32_t hst_random_randint(hasten::abi::Env* env, int64_t* out, int64_t low, int64_t high); // in [low, high)

// Fill `out`, float64 or int64, in C order. No result parameter.
int32_t hst_random_fill_double(hasten::abi::Env* env, const hasten::abi::ArrayView* out);
int32_t hst_random_fill_uniform(hasten::abi::Env* env, const hasten::abi::ArrayView* out, double low, double high);
int32_t hst_random_fill_normal(hasten::abi::Env* env, const hasten::abi::ArrayView* out, double loc, double scale);
int32_t hst_random_fill_exponential(hasten::abi::Env* env, const hasten::abi::ArrayView* out, double scale);
int32_t hst_random_fill_randint(hasten::abi::Env* env, const hasten::abi::ArrayView* out, int64_t low, int64_t high);

// Shuffles `array`, ndim >= 1, along its first axis, in place.
int32_t hst_random_shuffle(hasten::abi::Env* env, const hasten::abi::ArrayView* array);
// out = numpy.random.permutation(n): 1-d int64.
int32_t hst_random_permutation(hasten::abi::Env* env, hasten::abi::ArrayView* out, int64_t n);
}
