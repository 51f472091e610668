#include "hasten/array/kernels/scalar_math.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "helpers.h"

namespace hasten::array {
namespace {

constexpr int32_t kOk = 0;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double exact_sum(const std::vector<double>& items) {
  abi::Env env{};
  double result = -1;
  Array<double> array({static_cast<int64_t>(items.size())});
  EXPECT_EQ(hst_exact_sum(&env, &result, &array.set(items).view()), kOk);
  return result;
}

double length(const std::vector<double>& items) {
  abi::Env env{};
  double result = -1;
  Array<double> array({static_cast<int64_t>(items.size())});
  EXPECT_EQ(hst_vector_length(&env, &result, &array.set(items).view()), kOk);
  return result;
}

TEST(ScalarMath, SumsAreExact) {
  EXPECT_EQ(exact_sum({}), 0.0);
  EXPECT_EQ(exact_sum(std::vector<double>(10, 0.1)), 1.0);
  EXPECT_EQ(exact_sum({1e100, 1.0, -1e100}), 1.0);
  EXPECT_EQ(exact_sum({1e16, 1.0, 1e-16}), 10000000000000002.0); // half way, and the rest decides
  EXPECT_EQ(exact_sum({kInfinity, 1.0}), kInfinity);
  EXPECT_TRUE(std::isnan(exact_sum({kInfinity, -kInfinity})));
}

TEST(ScalarMath, SumsBeyondTheRangeRaise) {
  abi::Env env{};
  double result = 0;
  const double top = std::numeric_limits<double>::max();
  Array<double> array({2});
  EXPECT_NE(hst_exact_sum(&env, &result, &array.set({top, top}).view()), kOk);
}

TEST(ScalarMath, LengthsNeitherOverflowNorVanish) {
  EXPECT_EQ(length({3, 4}), 5.0);
  EXPECT_EQ(length({}), 0.0);
  EXPECT_DOUBLE_EQ(length({3e200, 4e200}), 5e200);
  EXPECT_EQ(length({0.0, -0.0}), 0.0);
  EXPECT_EQ(length({std::numeric_limits<double>::quiet_NaN(), -kInfinity}), kInfinity);
  EXPECT_TRUE(std::isnan(length({std::numeric_limits<double>::quiet_NaN(), 1})));
}

TEST(ScalarMath, PermutationsAreCounted) {
  abi::Env env{};
  int64_t result = -1;
  EXPECT_EQ(hst_perm(&env, &result, 5, 2), kOk);
  EXPECT_EQ(result, 20);
  EXPECT_EQ(hst_perm(&env, &result, 2, 3), kOk);
  EXPECT_EQ(result, 0);
  EXPECT_NE(hst_perm(&env, &result, -1, 3), kOk);
  EXPECT_NE(hst_perm(&env, &result, 100, 60), kOk);
}

} // namespace
} // namespace hasten::array
