#include "hasten/array/kernels/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <limits>

#include "hasten/array/kernels/half.h"
#include "hasten/array/kernels/pairwise.h"
#include "hasten/array/kernels/scan.h"
#include "hasten/array/kernels/tree_sum.h"
#include "helpers.h"

// The exact values come from NumPy 2.4.
namespace hasten::array {
namespace {

using abi::ArrayView;
using abi::Env;
using abi::EwiseOperand;
using abi::EwiseProgram;
using abi::ReduceKind;

// What reduces a whole array: the identity program.
int32_t reduce_whole(Env* env, const ArrayView& in, int32_t item, DType out, ReduceKind kind, void* result, bool parallel = false) {
  const EwiseOperand kind_of_operand = EwiseOperand::kArray;
  const EwiseProgram program{nullptr, 1, 1, INT64_MAX, item, out, parallel ? 1 : 0, 1.0F, &kind_of_operand, &item};
  const void* operands[] = {&in};
  return hst_ewise_reduce(env, &program, operands, static_cast<int32_t>(kind), result);
}

double sum_of(const ArrayView& in, bool parallel = false) {
  Env env;
  double result = -1;
  EXPECT_EQ(reduce_whole(&env, in, 8, DType::kFloat64, ReduceKind::kSum, &result, parallel), 0);
  return result;
}

template <class T> T extreme_of(Array<T>& in, ReduceKind kind) {
  Env env;
  T result{};
  EXPECT_EQ(reduce_whole(&env, in.view(), sizeof(T), kDTypeOf<T>, kind, &result), 0) << env.message;
  return result;
}

// 1, 1/2, 1/3 …
template <class T> class Harmonic : public ::testing::Test {
protected:
  Harmonic() : values_({20'000}) {
    for (int i = 0; i < 20'000; ++i) {
      values_.data()[i] = static_cast<T>(1.0 / (i + 1));
    }
  }
  Array<T> values_;
};
using HarmonicF64 = Harmonic<double>;
using HarmonicF32 = Harmonic<float>;

TEST_F(HarmonicF64, SumsHaveNumpysBits) {
  EXPECT_EQ(sum_of(values_.view()), 0x1.4f62202468758p+3);
  EXPECT_EQ(sum_of(Strided(values_.view(), {6667}, {24}).view()), 0x1.fd4f26ce9daf0p+1);
  EXPECT_EQ(sum_of(Strided(values_.view(), {100, 100}, {1600, 16}).view()), 0x1.65902eb5f2bf8p+2);
  EXPECT_EQ(sum_of(Strided(values_.view(), {50, 100}, {3200, 16}).view()), 0x1.14934562772fep+2);
  EXPECT_EQ(sum_of(Strided(values_.view(), {200, 100}, {8, 1600}).view()), 0x1.4f62202468758p+3);
  EXPECT_EQ(sum_of(Strided(values_.view(), {4, 25, 50}, {40000, 1600, 16}).view()), 0x1.098676cef8ea9p+2);
}

TEST_F(HarmonicF64, AxisSumsHaveNumpysBits) {
  Env env;
  Strided tall(values_.view(), {5000, 4}, {32, 8});
  Result columns(1);
  ASSERT_EQ(hst_reduce_axis(&env, columns.view(), &tall.view(), 0, 0, 0), 0);
  EXPECT_EQ(columns.items<double>(),
            (std::vector<double>{0x1.97d3bc82ef70bp+1, 0x1.4f61ebb7a4517p+1, 0x1.334ca0e8f60c3p+1, 0x1.2306376e18040p+1}));
  Strided wide(values_.view(), {4, 5000}, {40000, 8});
  Result rows(2);
  ASSERT_EQ(hst_reduce_axis(&env, rows.view(), &wide.view(), 1, 0, 1), 0);
  EXPECT_EQ(rows.shape(), (std::vector<int64_t>{4, 1}));
  EXPECT_EQ(rows.items<double>(),
            (std::vector<double>{0x1.2306376e18052p+3, 0x1.62dda24c6266cp-1, 0x1.9f2de058c6775p-2, 0x1.2693f1d882c6fp-2}));
}

TEST_F(HarmonicF64, VarianceHasNumpysBits) {
  Env env;
  double result = 0;
  ASSERT_EQ(hst_var(&env, &result, &values_.view(), 0), 0);
  EXPECT_EQ(result, 0x1.57ce2d1fee026p-14);
  ASSERT_EQ(hst_std(&env, &result, &values_.view(), 1), 0);
  EXPECT_EQ(result, 0x1.28ade34ec96a9p-7);
}

TEST_F(HarmonicF64, CumulatesInOrder) {
  Env env;
  Result sums(1);
  ASSERT_EQ(hst_cumulate(&env, sums.view(), &values_.view(), 0), 0);
  EXPECT_EQ(sums.items<double>().back(), 0x1.4f62202468754p+3);
}

TEST_F(HarmonicF32, SumsHaveNumpysBits) {
  Env env;
  float result = 0;
  ASSERT_EQ(reduce_whole(&env, values_.view(), 4, DType::kFloat32, ReduceKind::kSum, &result), 0);
  EXPECT_EQ(result, 0x1.4f622p+3F);
  float variance = 0;
  ASSERT_EQ(hst_var(&env, &variance, &values_.view(), 0), 0);
  EXPECT_EQ(variance, 0x1.57ce2ep-14F);
}

TEST(ComplexSum, HasNumpysBits) {
  std::vector<std::complex<double>> items;
  for (int i = 1; i <= 20'000; ++i) {
    const double v = 1.0 / i;
    items.emplace_back(v, v * v);
  }
  const auto sum = pairwise_sum_c128(reinterpret_cast<const char*>(items.data()), 20'000, 16);
  EXPECT_EQ(sum, std::complex<double>(0x1.4f62202468758p+3, 0x1.a5171f4e3177bp+0));
}

TEST(HalfSum, HasNumpysBits) {
  std::vector<uint16_t> items;
  for (int i = 1; i <= 20'000; ++i) {
    items.push_back(float_to_half(static_cast<float>(1.0 / i)));
  }
  int64_t shape[] = {20'000};
  int64_t strides[] = {2};
  const ArrayView view{nullptr, reinterpret_cast<char*>(items.data()), shape, strides, 1, DType::kFloat16};
  Env env;
  uint16_t result = 0;
  ASSERT_EQ(reduce_whole(&env, view, 2, DType::kFloat16, ReduceKind::kSum, &result), 0);
  EXPECT_EQ(result, 18749);
  ASSERT_EQ(reduce_whole(&env, view, 2, DType::kFloat16, ReduceKind::kMean, &result), 0);
  EXPECT_EQ(result, 4171);
  float variance = 0;
  ASSERT_EQ(hst_var(&env, &variance, &view, 0), 0);
  EXPECT_EQ(float_to_half(variance), 1375);
}

TEST(HalfConversion, RoundTripsEveryValue) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = half_to_float(half);
    if (value == value) {
      ASSERT_EQ(float_to_half(value), half);
    } else {
      ASSERT_GT(float_to_half(value) & 0x7fff, 0x7c00);
    }
  }
  EXPECT_EQ(float_to_half(65519.0F), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0F), 0x7c00);
  EXPECT_EQ(float_to_half(0x1p-25F), 0);
  EXPECT_EQ(float_to_half(0x1.8p-25F), 1);
  EXPECT_EQ(float_to_half(1.0F + 0x1p-11F), 0x3c00);
  EXPECT_EQ(float_to_half(1.0F + 0x1.8p-10F), 0x3c02);
}

TEST(ParallelSum, HasTheBitsOfTheSerialOne) {
  Array<double> big({1'500'007});
  for (int64_t i = 0; i < 1'500'007; ++i) {
    big.data()[i] = 1.0 / static_cast<double>(i + 1);
  }
  EXPECT_EQ(sum_of(big.view(), true), sum_of(big.view(), false));
}

TEST(TreeSum, AddsThePartsAsOneSum) {
  std::vector<double> values(100'003);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = 1.0 / static_cast<double>(i + 1);
  }
  Env env;
  for (const int64_t most : {128, 500, 1024, 5000}) {
    double sum = 0;
    tree_sum<double>(&env, 0, 100'003, most, &sum, [&](Env*, int64_t begin, int64_t n, double* part) {
      EXPECT_LE(n, most);
      *part = pairwise_sum_f64(reinterpret_cast<const char*>(values.data() + begin), n, 8);
      return abi::Status::kOk;
    });
    EXPECT_EQ(sum, pairwise_sum_f64(reinterpret_cast<const char*>(values.data()), 100'003, 8));
  }
}

TEST(Sum, OfNothingAndOfNegativeZeros) {
  Array<double> nothing({0, 3});
  EXPECT_EQ(sum_of(nothing.view()), 0);
  Array<double> zeros({4});
  zeros.set({-0.0, -0.0, -0.0, -0.0});
  EXPECT_FALSE(std::signbit(sum_of(zeros.view())));
}

TEST(Sum, OfIntegersWraps) {
  Array<int64_t> big({3});
  big.set({INT64_MAX, 1, 0});
  EXPECT_EQ(extreme_of(big, ReduceKind::kSum), INT64_MIN);
  Array<bool> truths({3, 40});
  for (int i = 0; i < 120; i += 2) {
    truths.data()[i] = 1;
  }
  Env env;
  int64_t count = 0;
  ASSERT_EQ(reduce_whole(&env, truths.view(), 1, DType::kInt64, ReduceKind::kSum, &count), 0);
  EXPECT_EQ(count, 60);
}

TEST(Extremes, AreFoundWhereverTheyAre) {
  for (const int64_t n : {1, 7, 31, 32, 33, 64, 100, 1000}) {
    for (int64_t where = 0; where < n; where += 1 + n / 37) {
      Array<double> doubles({n});
      Array<float> floats({n});
      Array<int32_t> integers({n});
      doubles.data()[where] = floats.data()[where] = 5;
      integers.data()[where] = 5;
      EXPECT_EQ(extreme_of(doubles, ReduceKind::kMax), 5);
      EXPECT_EQ(extreme_of(floats, ReduceKind::kMax), 5);
      EXPECT_EQ(extreme_of(integers, ReduceKind::kMax), 5);
      doubles.data()[where] = -5;
      integers.data()[where] = -5;
      EXPECT_EQ(extreme_of(doubles, ReduceKind::kMin), -5);
      EXPECT_EQ(extreme_of(integers, ReduceKind::kMin), -5);
      doubles.data()[where] = std::numeric_limits<double>::quiet_NaN();
      floats.data()[where] = std::numeric_limits<float>::quiet_NaN();
      EXPECT_TRUE(std::isnan(extreme_of(doubles, ReduceKind::kMax)));
      EXPECT_TRUE(std::isnan(extreme_of(doubles, ReduceKind::kMin)));
      EXPECT_TRUE(std::isnan(extreme_of(floats, ReduceKind::kMin)));
      int64_t position = -1;
      Env env;
      ASSERT_EQ(hst_argreduce(&env, &position, &doubles.view(), 1), 0);
      EXPECT_EQ(position, where);
      ASSERT_EQ(hst_argreduce(&env, &position, &integers.view(), 0), 0);
      EXPECT_EQ(position, where);
    }
  }
}

TEST(Truth, AnyAndAll) {
  Array<bool> truths({3});
  const auto truth_of = [&](ReduceKind kind) {
    Env env;
    bool result = false;
    EXPECT_EQ(reduce_whole(&env, truths.view(), 1, DType::kBool, kind, &result), 0);
    return result;
  };
  EXPECT_FALSE(truth_of(ReduceKind::kAny));
  truths.data()[1] = 1;
  EXPECT_TRUE(truth_of(ReduceKind::kAny));
  EXPECT_FALSE(truth_of(ReduceKind::kAll));
}

TEST(ReduceAxis, EveryKindAlongEveryAxis) {
  Array<double> cube({2, 3, 4});
  cube.count_up();
  Strided turned(cube.view(), {4, 2, 3}, {8, 96, 32});
  Env env;
  const auto along = [&](const ArrayView& in, int64_t axis, ReduceKind kind, DType dtype = DType::kFloat64) {
    Result out(2, dtype);
    EXPECT_EQ(hst_reduce_axis(&env, out.view(), &in, axis, static_cast<int64_t>(kind), 0), 0) << env.message;
    return dtype == DType::kBool ? std::vector<double>() : out.items<double>();
  };
  EXPECT_EQ(along(cube.view(), 1, ReduceKind::kSum), (std::vector<double>{15, 18, 21, 24, 51, 54, 57, 60}));
  EXPECT_EQ(along(cube.view(), 2, ReduceKind::kMean), (std::vector<double>{2.5, 6.5, 10.5, 14.5, 18.5, 22.5}));
  EXPECT_EQ(along(cube.view(), 0, ReduceKind::kMax), (std::vector<double>{13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24}));
  EXPECT_EQ(along(cube.view(), 2, ReduceKind::kMin), (std::vector<double>{1, 5, 9, 13, 17, 21}));
  EXPECT_EQ(along(turned.view(), 0, ReduceKind::kSum), (std::vector<double>{10, 26, 42, 58, 74, 90}));
  EXPECT_EQ(along(turned.view(), 1, ReduceKind::kProd), (std::vector<double>{13, 85, 189, 28, 108, 220, 45, 133, 253, 64, 160, 288}));
  Result truths(2, DType::kBool);
  ASSERT_EQ(hst_reduce_axis(&env, truths.view(), &cube.view(), 1, static_cast<int64_t>(ReduceKind::kAll), 0), 0);
  EXPECT_EQ(truths.items<bool>(), std::vector<bool>(8, true));
}

TEST(ReduceAxis, OfNothing) {
  Array<double> empty({0, 3});
  Env env;
  Result sums(1);
  ASSERT_EQ(hst_reduce_axis(&env, sums.view(), &empty.view(), 0, static_cast<int64_t>(ReduceKind::kSum), 0), 0);
  EXPECT_EQ(sums.items<double>(), (std::vector<double>{0, 0, 0}));
  Result none(1);
  ASSERT_EQ(hst_reduce_axis(&env, none.view(), &empty.view(), 1, static_cast<int64_t>(ReduceKind::kMax), 0), 0);
  EXPECT_EQ(none.shape(), (std::vector<int64_t>{0}));
  Result extremes(1);
  EXPECT_NE(hst_reduce_axis(&env, extremes.view(), &empty.view(), 0, static_cast<int64_t>(ReduceKind::kMax), 0), 0);
  EXPECT_STREQ(env.message, "zero-size array to reduction operation maximum which has no identity");
}

TEST(Argreduce, FirstOneWinsInCOrder) {
  Array<double> matrix({2, 3});
  matrix.set({1, 7, 3, 7, 0, 0});
  Env env;
  int64_t position = -1;
  ASSERT_EQ(hst_argreduce(&env, &position, &matrix.view(), 1), 0);
  EXPECT_EQ(position, 1);
  Strided turned(matrix.view(), {3, 2}, {8, 24});
  ASSERT_EQ(hst_argreduce(&env, &position, &turned.view(), 0), 0);
  EXPECT_EQ(position, 3);
  Result out(1, DType::kInt64);
  ASSERT_EQ(hst_argreduce_axis(&env, out.view(), &matrix.view(), 0, 1), 0);
  EXPECT_EQ(out.items<int64_t>(), (std::vector<int64_t>{1, 0, 0}));
  Array<double> empty({0});
  EXPECT_NE(hst_argreduce(&env, &position, &empty.view(), 1), 0);
  EXPECT_STREQ(env.message, "attempt to get argmax of an empty sequence");
}

} // namespace
} // namespace hasten::array
