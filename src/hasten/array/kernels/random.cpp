#include "hasten/array/kernels/random.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>

#include "hasten/array/dtype.h"
#include "hasten/array/kernels/gather.h"
#include "hasten/array/kernels/mt19937.h"
#include "hasten/array/kernels/nest.h"
#include "hasten/parallel/threads.h"

namespace hasten::array {
namespace {

using abi::ArrayView;
using abi::Env;
using abi::ErrorKind;
using abi::Status;

struct OwnGenerator {
  TwisterState state;
  int32_t has_gauss = 0;
  double gauss = 0;
};

OwnGenerator& fallback_generator() {
  static OwnGenerator generator = [] {
    OwnGenerator fresh;
    seed_twister(&fresh.state, 5489U);
    return fresh;
  }();
  return generator;
}

LegacyGenerator& main_generator() {
  static LegacyGenerator generator{&fallback_generator().state, &fallback_generator().has_gauss, &fallback_generator().gauss, nullptr,
                                   nullptr};
  return generator;
}

std::atomic_flag main_lock;

// What a kernel draws from, while it lives: the main generator under its locks, or the chunk's own.
class Stream {
public:
  explicit Stream(Env* env, bool always_main = false) : env_(env) {
    parallel::Place& place = parallel::place();
    if (place.inside && place.loop_seed != nullptr && !always_main) {
      use_chunk_generator(place);
    } else {
      use_main_generator();
    }
  }
  ~Stream() {
    if (locked_) {
      unlock_main();
    }
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  TwisterState* state() const { return state_; }
  double next() const { return next_double(state_); }

  // The polar method gives two numbers at a time.
  double normal() const {
    if (*has_gauss_ != 0) {
      const double kept = *gauss_;
      *has_gauss_ = 0;
      *gauss_ = 0;
      return kept;
    }
    double x = 0;
    double y = 0;
    double square = 0;
    do {
      x = 2.0 * next() - 1.0;
      y = 2.0 * next() - 1.0;
      square = x * x + y * y;
    } while (square >= 1.0 || square == 0.0);
    const double factor = std::sqrt(-2.0 * std::log(square) / square);
    *gauss_ = factor * x;
    *has_gauss_ = 1;
    return factor * y;
  }

  double exponential() const { return -std::log(1.0 - next()); }

  // In [0, most], as NumPy's masked rejection finds it.
  uint64_t at_most(uint64_t most) const {
    if (most == 0) {
      return 0;
    }
    const uint64_t mask = ~uint64_t{0} >> std::countl_zero(most);
    uint64_t value = 0;
    do {
      value = (most <= 0xffffffffU ? next_word(state_) : next_two_words(state_)) & mask;
    } while (value > most);
    return value;
  }

  void forget_gauss() const {
    *has_gauss_ = 0;
    *gauss_ = 0;
  }

private:
  void use_main_generator() {
    while (main_lock.test_and_set(std::memory_order_acquire)) {
      main_lock.wait(true, std::memory_order_relaxed);
    }
    LegacyGenerator& generator = main_generator();
    if (generator.lock != nullptr) {
      generator.lock(env_);
    }
    locked_ = true;
    state_ = generator.state;
    has_gauss_ = generator.has_gauss;
    gauss_ = generator.gauss;
  }

  void unlock_main() {
    LegacyGenerator& generator = main_generator();
    if (generator.unlock != nullptr) {
      generator.unlock(env_);
    }
    main_lock.clear(std::memory_order_release);
    main_lock.notify_one();
    locked_ = false;
  }

  // The loop's seed is drawn once, by the chunk that comes first.
  uint64_t loop_seed(parallel::Place& place) {
    uint64_t seed = place.loop_seed->load(std::memory_order_acquire);
    if (seed == 0) {
      use_main_generator();
      seed = place.loop_seed->load(std::memory_order_relaxed);
      if (seed == 0) {
        seed = next_two_words(state_) | 1;
        place.loop_seed->store(seed, std::memory_order_release);
      }
      unlock_main();
    }
    return seed;
  }

  void use_chunk_generator(parallel::Place& place) {
    static thread_local OwnGenerator own;
    if (!place.seeded) {
      split_twister(&own.state, loop_seed(place), static_cast<uint64_t>(place.chunk));
      own.has_gauss = 0;
      place.seeded = true;
    }
    state_ = &own.state;
    has_gauss_ = &own.has_gauss;
    gauss_ = &own.gauss;
  }

  Env* env_;
  TwisterState* state_ = nullptr;
  int32_t* has_gauss_ = nullptr;
  double* gauss_ = nullptr;
  bool locked_ = false;
};

Status check_scale(Env* env, double scale) {
  return !std::isnan(scale) && std::signbit(scale) ? abi::fail(env, ErrorKind::kValueError, "scale < 0") : Status::kOk;
}

Status check_range(Env* env, double low, double high) {
  return std::isfinite(high - low) ? Status::kOk : abi::fail(env, ErrorKind::kOverflowError, "Range exceeds valid bounds");
}

Status check_bounds(Env* env, int64_t low, int64_t high) {
  return low < high ? Status::kOk : abi::fail(env, ErrorKind::kValueError, "low >= high");
}

int64_t within(const Stream& stream, int64_t low, int64_t high) {
  const uint64_t most = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) - 1;
  return static_cast<int64_t>(static_cast<uint64_t>(low) + stream.at_most(most));
}

// Calls fill(T* items, count) for contiguous pieces of `out`, in C order; strided ones go through a buffer.
template <class T, class Fill> void fill_pieces(const ArrayView& out, Fill&& fill) {
  Nest nest(1, out.ndim, out.shape);
  nest.set_operand(0, out.data, out.ndim, out.shape, out.strides);
  nest.merge_axes();
  if (nest.size() == 0) {
    return;
  }
  if (nest.ndim() == 1 && (nest.inner_stride(0) == sizeof(T) || nest.size() == 1)) {
    fill(reinterpret_cast<T*>(out.data), nest.size());
    return;
  }
  constexpr int64_t kPiece = 1024;
  T items[kPiece];
  for (int64_t at = 0; at < nest.size(); at += kPiece) {
    const int64_t count = std::min(kPiece, nest.size() - at);
    fill(items, count);
    scatter(nest, 0, at, count, sizeof(T), reinterpret_cast<const char*>(items));
  }
}

void fill_uniform(const Stream& stream, double* out, int64_t n, double low, double range) {
  constexpr int64_t kPiece = 1024; // stays in the cache between the two steps
  for (; n > 0; out += kPiece, n -= kPiece) {
    const int64_t count = std::min(n, kPiece);
    fill_doubles(stream.state(), out, count);
    for (int64_t i = 0; i < count; ++i) {
      out[i] = low + range * out[i];
    }
  }
}

// Ranges of one word: words are tempered many at a time.
void fill_word_range(const Stream& stream, int64_t* out, int64_t n, int64_t low, uint32_t most) {
  const uint32_t mask = ~uint32_t{0} >> std::countl_zero(most);
  constexpr int kPiece = 128;
  uint32_t words[kPiece];
  while (n > 0) {
    const int count = peek_words(stream.state(), words, kPiece);
    int used = 0;
    while (used < count && n > 0) {
      const uint32_t value = words[used++] & mask;
      *out = static_cast<int64_t>(static_cast<uint64_t>(low) + value);
      const int accepted = value <= most ? 1 : 0;
      out += accepted;
      n -= accepted;
    }
    advance(stream.state(), used);
  }
}

void fill_randint(const Stream& stream, int64_t* out, int64_t n, int64_t low, int64_t high) {
  const uint64_t most = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) - 1;
  if (most > 0 && most <= 0xffffffffU) {
    fill_word_range(stream, out, n, low, static_cast<uint32_t>(most));
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    out[i] = within(stream, low, high);
  }
}

// Swaps the sub-arrays i and j of the first axis.
void swap_items(const Nest& rest, int64_t item, char* a, char* b) {
  char first[16];
  const char* base = rest.data(0);
  for (int64_t i = 0; i < rest.size(); ++i) {
    const int64_t offset = rest.item(0, i) - base;
    std::memcpy(first, a + offset, static_cast<size_t>(item));
    std::memcpy(a + offset, b + offset, static_cast<size_t>(item));
    std::memcpy(b + offset, first, static_cast<size_t>(item));
  }
}

void shuffle(const Stream& stream, const ArrayView& array) {
  Nest rest(1, array.ndim - 1, array.shape + 1);
  rest.set_operand(0, array.data, array.ndim - 1, array.shape + 1, array.strides + 1);
  rest.merge_axes();
  if (rest.size() == 0) {
    return;
  }
  const int64_t item = item_bytes(array.dtype);
  for (int64_t i = array.shape[0] - 1; i > 0; --i) {
    const auto j = static_cast<int64_t>(stream.at_most(static_cast<uint64_t>(i)));
    if (i != j) {
      swap_items(rest, item, array.data + i * array.strides[0], array.data + j * array.strides[0]);
    }
  }
}

int32_t code(Status status) { return static_cast<int32_t>(status); }

} // namespace

void set_legacy_generator(const LegacyGenerator& generator) { main_generator() = generator; }

} // namespace hasten::array

using namespace hasten;
using array::code;
using array::Stream;

extern "C" {

int32_t hst_random_seed(abi::Env* env, int64_t seed) {
  if (seed < 0 || seed > 0xffffffffLL) {
    return code(abi::fail(env, abi::ErrorKind::kValueError, "Seed must be between 0 and 2**32 - 1"));
  }
  const Stream stream(env, true);
  array::seed_twister(stream.state(), static_cast<uint32_t>(seed));
  stream.forget_gauss();
  return 0;
}

int32_t hst_random_double(abi::Env* env, double* out) {
  *out = Stream(env).next();
  return 0;
}

int32_t hst_random_uniform(abi::Env* env, double* out, double low, double high) {
  if (const abi::Status status = array::check_range(env, low, high); status != abi::Status::kOk) {
    return code(status);
  }
  *out = low + (high - low) * Stream(env).next();
  return 0;
}

int32_t hst_random_normal(abi::Env* env, double* out, double loc, double scale) {
  if (const abi::Status status = array::check_scale(env, scale); status != abi::Status::kOk) {
    return code(status);
  }
  *out = loc + scale * Stream(env).normal();
  return 0;
}

int32_t hst_random_exponential(abi::Env* env, double* out, double scale) {
  if (const abi::Status status = array::check_scale(env, scale); status != abi::Status::kOk) {
    return code(status);
  }
  *out = scale * Stream(env).exponential();
  return 0;
}

int32_t hst_random_randint(abi::Env* env, int64_t* out, int64_t low, int64_t high) {
  if (const abi::Status status = array::check_bounds(env, low, high); status != abi::Status::kOk) {
    return code(status);
  }
  *out = array::within(Stream(env), low, high);
  return 0;
}

int32_t hst_random_fill_double(abi::Env* env, const abi::ArrayView* out) {
  const Stream stream(env);
  array::fill_pieces<double>(*out, [&](double* items, int64_t n) { array::fill_doubles(stream.state(), items, n); });
  return 0;
}

int32_t hst_random_fill_uniform(abi::Env* env, const abi::ArrayView* out, double low, double high) {
  if (const abi::Status status = array::check_range(env, low, high); status != abi::Status::kOk) {
    return code(status);
  }
  const Stream stream(env);
  array::fill_pieces<double>(*out, [&](double* items, int64_t n) { array::fill_uniform(stream, items, n, low, high - low); });
  return 0;
}

int32_t hst_random_fill_normal(abi::Env* env, const abi::ArrayView* out, double loc, double scale) {
  if (const abi::Status status = array::check_scale(env, scale); status != abi::Status::kOk) {
    return code(status);
  }
  const Stream stream(env);
  array::fill_pieces<double>(*out, [&](double* items, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      items[i] = loc + scale * stream.normal();
    }
  });
  return 0;
}

int32_t hst_random_fill_exponential(abi::Env* env, const abi::ArrayView* out, double scale) {
  if (const abi::Status status = array::check_scale(env, scale); status != abi::Status::kOk) {
    return code(status);
  }
  const Stream stream(env);
  array::fill_pieces<double>(*out, [&](double* items, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      items[i] = scale * stream.exponential();
    }
  });
  return 0;
}

int32_t hst_random_fill_randint(abi::Env* env, const abi::ArrayView* out, int64_t low, int64_t high) {
  if (const abi::Status status = array::check_bounds(env, low, high); status != abi::Status::kOk) {
    return code(status);
  }
  const Stream stream(env);
  array::fill_pieces<int64_t>(*out, [&](int64_t* items, int64_t n) { array::fill_randint(stream, items, n, low, high); });
  return 0;
}

int32_t hst_random_shuffle(abi::Env* env, const abi::ArrayView* array) {
  array::shuffle(Stream(env), *array);
  return 0;
}

int32_t hst_random_permutation(abi::Env* env, abi::ArrayView* out, int64_t n) {
  out->shape[0] = n;
  if (const abi::Status status = array::allocate(env, out, sizeof(int64_t)); status != abi::Status::kOk) {
    return code(status);
  }
  auto* items = reinterpret_cast<int64_t*>(out->data);
  std::iota(items, items + n, int64_t{0});
  array::shuffle(Stream(env), *out);
  return 0;
}
}
