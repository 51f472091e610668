#include "hasten/array/kernels/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "hasten/array/kernels/mt19937.h"
#include "hasten/parallel/loop.h"
#include "hasten/parallel/threads.h"
#include "helpers.h"

// The exact values come from numpy.random.RandomState.
namespace hasten::array {
namespace {

using abi::Env;
using abi::Status;

TEST(SplitTwister, GivesEachPairOfNumbersAStateOfItsOwn) {
  std::set<double> firsts;
  for (const uint64_t seed : {0U, 1U, 2U}) {
    for (uint64_t stream = 0; stream < 50; ++stream) {
      TwisterState state;
      TwisterState again;
      split_twister(&state, seed, stream);
      split_twister(&again, seed, stream);
      const double first = next_double(&state);
      EXPECT_EQ(first, next_double(&again));
      firsts.insert(first);
    }
  }
  EXPECT_EQ(firsts.size(), 150U);
}

TEST(SplitTwister, SpreadsItsNumbersEvenly) {
  double total = 0;
  for (uint64_t stream = 0; stream < 10'000; ++stream) {
    TwisterState state;
    split_twister(&state, 7, stream);
    total += next_double(&state);
  }
  EXPECT_NEAR(total / 10'000, 0.5, 0.01); // 3.5 standard deviations
}

class Random : public ::testing::Test {
protected:
  void seed(int64_t value) { ASSERT_EQ(hst_random_seed(&env_, value), 0) << env_.message; }
  double next() {
    double out = -1;
    EXPECT_EQ(hst_random_double(&env_, &out), 0);
    return out;
  }
  int64_t randint(int64_t low, int64_t high) {
    int64_t out = -1;
    EXPECT_EQ(hst_random_randint(&env_, &out, low, high), 0);
    return out;
  }
  Env env_;
};

TEST_F(Random, ContinuesNumpysStream) {
  seed(12345);
  for (const double expected : {0x1.dbf6a3f8f84b7p-1, 0x1.43f7f410bb044p-2, 0x1.78aa6d0a2dad8p-3}) {
    EXPECT_EQ(next(), expected);
  }
  double out = 0;
  for (const double expected : {0x1.10efdcc0316a6p+1, -0x1.42263d936e54ap+0, 0x1.335788d8f331ep+1}) {
    ASSERT_EQ(hst_random_normal(&env_, &out, 1.5, 2.0), 0);
    EXPECT_EQ(out, expected);
  }
  for (const double expected : {0x1.9cda74f63d0d4p+0, 0x1.fee161afdca62p+0}) {
    ASSERT_EQ(hst_random_uniform(&env_, &out, -1, 3), 0);
    EXPECT_EQ(out, expected);
  }
  for (const double expected : {0x1.0f61049fce7f2p+1, 0x1.608fdc09c2363p+1}) {
    ASSERT_EQ(hst_random_exponential(&env_, &out, 2.0), 0);
    EXPECT_EQ(out, expected);
  }
  for (const int64_t expected : {73, 11, 77, 10, 81}) {
    EXPECT_EQ(randint(0, 100), expected);
  }
  for (const int64_t expected : {1712592589, 1282922657, 216844118}) {
    EXPECT_EQ(randint(-5, int64_t{1} << 31), expected);
  }
  for (const int64_t expected : {377124907044, 278875729903, 564204210940}) {
    EXPECT_EQ(randint(0, int64_t{1} << 40), expected);
  }
  Result order(1, DType::kInt64);
  ASSERT_EQ(hst_random_permutation(&env_, order.view(), 8), 0);
  EXPECT_EQ(order.items<int64_t>(), (std::vector<int64_t>{2, 0, 7, 1, 6, 3, 5, 4}));
  Array<double> rows({3, 2});
  rows.set({0, 1, 2, 3, 4, 5});
  ASSERT_EQ(hst_random_shuffle(&env_, &rows.view()), 0);
  EXPECT_EQ(rows.items(), (std::vector<double>{0, 1, 4, 5, 2, 3}));
  EXPECT_EQ(next(), 0x1.746f91036fcc0p-2);
}

TEST_F(Random, BulkIsTheSameStreamAsOneByOne) {
  for (const bool odd : {false, true}) {
    for (const int64_t n : {1, 2, 311, 312, 313, 5000}) {
      Array<double> bulk({n});
      Array<double> single({n});
      Array<int64_t> bulk_integers({n});
      Array<int64_t> single_integers({n});
      for (const bool together : {true, false}) {
        seed(n);
        if (odd) {
          randint(0, 5); // takes one word, so that doubles straddle the blocks of words
        }
        Array<double>& doubles = together ? bulk : single;
        Array<int64_t>& integers = together ? bulk_integers : single_integers;
        if (together) {
          ASSERT_EQ(hst_random_fill_double(&env_, &doubles.view()), 0);
          ASSERT_EQ(hst_random_fill_randint(&env_, &integers.view(), -7, 1000), 0);
        } else {
          for (int64_t i = 0; i < n; ++i) {
            doubles.data()[i] = next();
          }
          for (int64_t i = 0; i < n; ++i) {
            integers.data()[i] = randint(-7, 1000);
          }
        }
      }
      EXPECT_EQ(bulk.items(), single.items());
      EXPECT_EQ(bulk_integers.items(), single_integers.items());
    }
  }
}

TEST_F(Random, FillsOneHundredThousandAsNumpy) {
  seed(7);
  Array<double> values({100'003});
  ASSERT_EQ(hst_random_fill_double(&env_, &values.view()), 0);
  uint64_t all = 0;
  for (const double value : values.items()) {
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    all ^= bits;
  }
  EXPECT_EQ(all, 4491114489344651287U);
  EXPECT_EQ(values.items().back(), 0x1.64dd0d26c8580p-3);
}

TEST_F(Random, FillsStridedViewsInCOrder) {
  Array<double> base({4, 6});
  Strided columns(base.view(), {3, 4}, {16, 48});
  seed(1);
  ASSERT_EQ(hst_random_fill_uniform(&env_, &columns.view(), 0, 1), 0);
  seed(1);
  for (size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(base.items()[i / 4 * 2 + i % 4 * 6], next());
  }
}

TEST_F(Random, SeedingForgetsTheSecondNormal) {
  double first = 0;
  double again = 0;
  seed(3);
  hst_random_normal(&env_, &first, 0, 1);
  seed(3);
  hst_random_normal(&env_, &again, 0, 1);
  EXPECT_EQ(first, again);
}

TEST_F(Random, ErrorsSayWhatNumpySays) {
  double out = 0;
  int64_t number = 0;
  EXPECT_NE(hst_random_seed(&env_, -1), 0);
  EXPECT_STREQ(env_.message, "Seed must be between 0 and 2**32 - 1");
  EXPECT_NE(hst_random_seed(&env_, int64_t{1} << 32), 0);
  EXPECT_NE(hst_random_normal(&env_, &out, 0, -1), 0);
  EXPECT_STREQ(env_.message, "scale < 0");
  EXPECT_NE(hst_random_randint(&env_, &number, 5, 5), 0);
  EXPECT_STREQ(env_.message, "low >= high");
  EXPECT_NE(hst_random_uniform(&env_, &out, 0, HUGE_VAL), 0);
  EXPECT_EQ(env_.error, abi::ErrorKind::kOverflowError);
  EXPECT_STREQ(env_.message, "Range exceeds valid bounds");
}

TEST_F(Random, DrawsFromTheGeneratorThatItIsGiven) {
  static TwisterState state;
  static int32_t has_gauss = 0;
  static double gauss = 0;
  static int locks = 0;
  LegacyGenerator generator;
  generator.state = &state;
  generator.has_gauss = &has_gauss;
  generator.gauss = &gauss;
  generator.lock = [](Env*) { ++locks; };
  generator.unlock = [](Env*) { --locks; };
  set_legacy_generator(generator);
  seed(12345);
  EXPECT_EQ(state.pos, kTwisterWords);
  EXPECT_EQ(next(), 0x1.dbf6a3f8f84b7p-1);
  EXPECT_EQ(state.pos, 2);
  double out = 0;
  hst_random_normal(&env_, &out, 0, 1);
  EXPECT_EQ(has_gauss, 1);
  EXPECT_EQ(locks, 0);
}

// What each iteration draws, by iteration.
std::vector<double> draws_of_a_loop(int64_t n) {
  std::vector<double> drawn(static_cast<size_t>(n));
  Env env;
  parallel::parallel_for(&env, n, 1e7F, [&](Env* e, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      hst_random_double(e, &drawn[static_cast<size_t>(i)]);
    }
    return Status::kOk;
  });
  return drawn;
}

TEST_F(Random, ParallelLoopsDrawTheSameInEveryRun) {
  if (parallel::max_threads() == 1) {
    GTEST_SKIP() << "one core";
  }
  seed(5);
  const std::vector<double> first = draws_of_a_loop(500);
  const double after = next();
  for (int round = 0; round < 50; ++round) { // a thread often runs the chunk again that it ran last
    seed(5);
    ASSERT_EQ(draws_of_a_loop(500), first);
    ASSERT_EQ(next(), after);
  }
  EXPECT_EQ(std::set<double>(first.begin(), first.end()).size(), 500U) << "chunks share no stream";
  EXPECT_NE(draws_of_a_loop(500), first) << "the next loop draws other numbers";
}

} // namespace
} // namespace hasten::array
