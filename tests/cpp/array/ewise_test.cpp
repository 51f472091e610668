#include "hasten/array/kernels/ewise.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

#include "helpers.h"

namespace hasten::array {
namespace {

using abi::ArrayView;
using abi::Env;
using abi::EwiseOperand;
using abi::EwiseProgram;
using abi::ReduceKind;

int64_t block_multiple = 1;
int64_t most_items = INT64_MAX;
std::atomic<bool> broken_contract{false};

void check_block(char* const* pointers, int operands, int64_t n) {
  bool good = n > 0 && n % block_multiple == 0 && n <= most_items;
  for (int k = 0; k <= operands; ++k) {
    good = good && reinterpret_cast<uintptr_t>(pointers[k]) % sizeof(double) == 0;
  }
  broken_contract = broken_contract || !good;
}

// 100 a + b
int32_t combine_block(Env*, char* const* pointers, int64_t n) {
  check_block(pointers, 2, n);
  const auto* a = reinterpret_cast<const double*>(pointers[0]);
  const auto* b = reinterpret_cast<const double*>(pointers[1]);
  auto* out = reinterpret_cast<double*>(pointers[2]);
  for (int64_t i = 0; i < n; ++i) {
    out[i] = 100 * a[i] + b[i];
  }
  return 0;
}

// a + s, for a scalar s
int32_t shift_block(Env*, char* const* pointers, int64_t n) {
  const auto* a = reinterpret_cast<const double*>(pointers[0]);
  const double s = *reinterpret_cast<const double*>(pointers[1]);
  auto* out = reinterpret_cast<double*>(pointers[2]);
  for (int64_t i = 0; i < n; ++i) {
    out[i] = a[i] + s;
  }
  return 0;
}

int32_t index_block(Env*, char* const* pointers, int64_t n) {
  const int64_t first = *reinterpret_cast<const int64_t*>(pointers[0]);
  auto* out = reinterpret_cast<double*>(pointers[1]);
  for (int64_t i = 0; i < n; ++i) {
    out[i] = static_cast<double>(first + i);
  }
  return 0;
}

int32_t failing_block(Env* env, char* const*, int64_t) { return static_cast<int32_t>(abi::fail(env, abi::ErrorKind::kValueError, "no")); }

constexpr EwiseOperand kArrays[] = {EwiseOperand::kArray, EwiseOperand::kArray};
constexpr EwiseOperand kArrayScalar[] = {EwiseOperand::kArray, EwiseOperand::kScalar};
constexpr EwiseOperand kIndex[] = {EwiseOperand::kIota};
constexpr int32_t kEights[] = {8, 8};

struct Form {
  int32_t multiple;
  int64_t max_block;
  int32_t parallel;
};

class Ewise : public ::testing::TestWithParam<Form> {
protected:
  void SetUp() override {
    block_multiple = GetParam().multiple;
    most_items = GetParam().max_block;
    broken_contract = false;
  }
  void TearDown() override { EXPECT_FALSE(broken_contract); }

  static EwiseProgram program(abi::EwiseBlock block, int operands, const EwiseOperand* kinds) {
    const Form& form = GetParam();
    return {block, operands, form.multiple, form.max_block, 8, DType::kFloat64, form.parallel, form.parallel != 0 ? 1000.0F : 1.0F,
            kinds, kEights};
  }
  static EwiseProgram combine() { return program(combine_block, 2, kArrays); }

  // Compares with a loop over indices.
  static void expect_combined(const ArrayView& a, const ArrayView& b, const ArrayView& out) {
    for (int64_t i = 0; i < count_items(out); ++i) {
      double expected = 100 * at(a, out, i) + at(b, out, i);
      ASSERT_EQ(at(out, out, i), expected) << "item " << i;
    }
  }

  // The item of `view`, broadcast to the shape of `whole`, at linear index i.
  static double at(const ArrayView& view, const ArrayView& whole, int64_t i) {
    const char* where = view.data;
    for (int axis = whole.ndim - 1; axis >= 0; --axis) {
      const int own = axis - (whole.ndim - view.ndim);
      if (own >= 0 && view.shape[own] != 1) {
        where += i % whole.shape[axis] * view.strides[own];
      }
      i /= whole.shape[axis];
    }
    double value;
    std::memcpy(&value, where, sizeof value);
    return value;
  }

  static void expect_new(const ArrayView& a, const ArrayView& b, int ndim) {
    const int64_t before = live_blocks();
    {
      Env env;
      Result out(ndim);
      const EwiseProgram p = combine();
      const void* operands[] = {&a, &b};
      ASSERT_EQ(hst_ewise_new(&env, &p, operands, 0, nullptr, out.view()), 0) << env.message;
      expect_combined(a, b, *out.view());
    }
    EXPECT_EQ(live_blocks(), before);
  }
};

INSTANTIATE_TEST_SUITE_P(Forms, Ewise,
                         ::testing::Values(Form{1, INT64_MAX, 0}, Form{8, INT64_MAX, 0}, Form{32, 1024, 0}, Form{16, 1024, 1}));

TEST_P(Ewise, Contiguous) {
  for (const int64_t n : {0, 1, 3, 7, 8, 9, 1000, 5000, 300'000}) {
    Array<double> a({n});
    Array<double> b({n});
    expect_new(a.count_up().view(), b.count_up().view(), 1);
  }
}

TEST_P(Ewise, Broadcasts) {
  Array<double> matrix({50, 30});
  Array<double> wide({40, 700});
  Array<double> row({30});
  Array<double> wide_row({700});
  Array<double> column({50, 1});
  Array<double> single({1});
  Array<double> zero_d({});
  matrix.count_up();
  wide.count_up();
  row.count_up();
  wide_row.count_up();
  column.count_up();
  single.count_up();
  zero_d.count_up();
  expect_new(matrix.view(), row.view(), 2);
  expect_new(row.view(), matrix.view(), 2);
  expect_new(matrix.view(), column.view(), 2);
  expect_new(column.view(), row.view(), 2);
  expect_new(matrix.view(), single.view(), 2);
  expect_new(matrix.view(), zero_d.view(), 2);
  expect_new(zero_d.view(), zero_d.view(), 0);
  expect_new(wide.view(), wide_row.view(), 2);
  expect_new(wide_row.view(), wide.view(), 2);
}

TEST_P(Ewise, ShortRowsShareABlock) {
  Array<double> points({4000, 3});
  Array<double> center({3});
  expect_new(points.count_up().view(), center.count_up().view(), 2);
  Array<double> cells({30, 20, 5});
  Array<double> inner({20, 5});
  Array<double> middle({20, 1});
  expect_new(cells.count_up().view(), inner.count_up().view(), 3);
  expect_new(cells.view(), middle.count_up().view(), 3);
}

TEST_P(Ewise, StridedAndTransposed) {
  Array<double> base({600, 700});
  base.count_up();
  Strided half(base.view(), {300, 350}, {2 * 700 * 8, 2 * 8});
  Strided reversed(base.view(), {300, 350}, {-700 * 8, -8}, (599 * 700 + 699) * 8);
  Strided columns(base.view(), {700, 600}, {8, 700 * 8});
  Strided other_columns(base.view(), {300, 350}, {8, 700 * 8});
  expect_new(half.view(), reversed.view(), 2);
  expect_new(half.view(), other_columns.view(), 2);
  expect_new(columns.view(), columns.view(), 2);
  Strided cube(base.view(), {10, 20, 30}, {8, 30 * 10 * 8, 10 * 8});
  Strided other_cube(base.view(), {10, 20, 30}, {20 * 30 * 8, 8, 20 * 8});
  expect_new(cube.view(), other_cube.view(), 3);
}

TEST_P(Ewise, FortranOrderStaysFortranOrder) {
  Array<double> base({20, 30});
  base.count_up();
  Strided columns(base.view(), {30, 20}, {8, 30 * 8});
  Env env;
  Result out(2);
  const EwiseProgram p = combine();
  const void* operands[] = {&columns.view(), &columns.view()};
  ASSERT_EQ(hst_ewise_new(&env, &p, operands, 0, nullptr, out.view()), 0);
  EXPECT_EQ(out.strides(), (std::vector<int64_t>{8, 30 * 8}));
  expect_combined(columns.view(), columns.view(), *out.view());
}

TEST_P(Ewise, ScalarsAndAGivenShape) {
  Env env;
  Array<double> row({3});
  row.count_up();
  const double ten = 10;
  const EwiseProgram p = program(shift_block, 2, kArrayScalar);
  const void* operands[] = {&row.view(), &ten};
  const int64_t shape[] = {2, 3};
  Result out(2);
  ASSERT_EQ(hst_ewise_new(&env, &p, operands, 2, shape, out.view()), 0);
  EXPECT_EQ(out.items<double>(), (std::vector<double>{11, 12, 13, 11, 12, 13}));
}

TEST_P(Ewise, IotaCountsInCOrder) {
  Env env;
  const EwiseProgram p = program(index_block, 1, kIndex);
  const void* operands[] = {nullptr};
  const int64_t shape[] = {70, 50};
  Result out(2);
  ASSERT_EQ(hst_ewise_new(&env, &p, operands, 2, shape, out.view()), 0);
  const std::vector<double> items = out.items<double>();
  for (size_t i = 0; i < items.size(); ++i) {
    ASSERT_EQ(items[i], static_cast<double>(i));
  }
  Array<double> base({50, 140});
  Strided target(base.view(), {70, 50}, {16, 140 * 8});
  ASSERT_EQ(hst_ewise_into(&env, &p, operands, &target.view()), 0);
  EXPECT_EQ(base.items()[2 * 69 + 140 * 49], 69 * 50 + 49);
  EXPECT_EQ(base.items()[2 * 3 + 140 * 7], 3 * 50 + 7);
}

TEST_P(Ewise, WritesIntoStridedViews) {
  Env env;
  Array<double> base({40, 900});
  Array<double> a({20, 300});
  Array<double> b({300});
  a.count_up();
  b.count_up();
  Strided target(base.view(), {20, 300}, {2 * 900 * 8, 3 * 8}, 8);
  const EwiseProgram p = combine();
  const void* operands[] = {&a.view(), &b.view()};
  ASSERT_EQ(hst_ewise_into(&env, &p, operands, &target.view()), 0);
  expect_combined(a.view(), b.view(), target.view());
  EXPECT_EQ(base.items()[0], 0);
  EXPECT_EQ(base.items()[2], 0);
}

TEST_P(Ewise, InPlaceAndOverlapping) {
  for (const int64_t shift : {-3, -1, 0, 1, 700}) {
    Array<double> base({3000});
    base.count_up();
    const std::vector<double> before = base.items();
    Strided source(base.view(), {1200}, {8}, 720 * 8);
    Strided target(base.view(), {1200}, {8}, (720 + shift) * 8);
    Env env;
    const EwiseProgram p = combine();
    const void* operands[] = {&source.view(), &source.view()};
    ASSERT_EQ(hst_ewise_into(&env, &p, operands, &target.view()), 0);
    for (size_t i = 0; i < 1200; ++i) {
      ASSERT_EQ(base.items()[720 + static_cast<size_t>(shift) + i], 101 * before[720 + i]) << shift;
    }
  }
}

TEST_P(Ewise, ReversesInPlace) {
  Array<double> base({777});
  base.count_up();
  Strided backwards(base.view(), {777}, {-8}, 776 * 8);
  Env env;
  const EwiseProgram p = combine();
  const void* operands[] = {&backwards.view(), &backwards.view()};
  ASSERT_EQ(hst_ewise_into(&env, &p, operands, &base.view()), 0);
  for (size_t i = 0; i < 777; ++i) {
    ASSERT_EQ(base.items()[i], 101 * static_cast<double>(777 - i));
  }
}

TEST_P(Ewise, SubtractsItsOwnRow) {
  Array<double> base({5, 400});
  base.count_up();
  const std::vector<double> before = base.items();
  Strided row(base.view(), {400}, {8}, 2 * 400 * 8);
  Env env;
  const EwiseProgram p = combine();
  const void* operands[] = {&base.view(), &row.view()};
  const int64_t blocks = live_blocks();
  ASSERT_EQ(hst_ewise_into(&env, &p, operands, &base.view()), 0);
  EXPECT_EQ(live_blocks(), blocks);
  for (size_t i = 0; i < before.size(); ++i) {
    ASSERT_EQ(base.items()[i], 100 * before[i] + before[800 + i % 400]);
  }
}

TEST_P(Ewise, ErrorsReleaseTheResult) {
  Array<double> a({100});
  const EwiseProgram p = program(failing_block, 2, kArrays);
  const void* operands[] = {&a.view(), &a.view()};
  Env env;
  Result out(1);
  const int64_t before = live_blocks();
  EXPECT_EQ(hst_ewise_new(&env, &p, operands, 0, nullptr, out.view()), static_cast<int32_t>(abi::Status::kRuntimeError));
  EXPECT_STREQ(env.message, "no");
  EXPECT_EQ(live_blocks(), before);
}

TEST_P(Ewise, ReducesExpressions) {
  Array<double> matrix({60, 500});
  Array<double> row({500});
  matrix.count_up();
  row.count_up();
  Env env;
  const EwiseProgram p = combine();
  const void* operands[] = {&matrix.view(), &row.view()};
  double result = 0;
  const double n = 60 * 500;
  const double sum = 100 * n * (n + 1) / 2 + 60 * 500.0 * 501 / 2;
  ASSERT_EQ(hst_ewise_reduce(&env, &p, operands, static_cast<int32_t>(ReduceKind::kSum), &result), 0);
  EXPECT_EQ(result, sum);
  ASSERT_EQ(hst_ewise_reduce(&env, &p, operands, static_cast<int32_t>(ReduceKind::kMean), &result), 0);
  EXPECT_EQ(result, sum / n);
  ASSERT_EQ(hst_ewise_reduce(&env, &p, operands, static_cast<int32_t>(ReduceKind::kMax), &result), 0);
  EXPECT_EQ(result, 100 * n + 500);
  ASSERT_EQ(hst_ewise_reduce(&env, &p, operands, static_cast<int32_t>(ReduceKind::kMin), &result), 0);
  EXPECT_EQ(result, 101);
}

TEST(EwiseErrors, SayWhatNumpySays) {
  block_multiple = 1;
  most_items = INT64_MAX;
  const EwiseProgram p{combine_block, 2, 1, INT64_MAX, 8, DType::kFloat64, 0, 1.0F, kArrays, kEights};
  Array<double> three({3});
  Array<double> four({4});
  Array<double> matrix({2, 3});
  Array<double> empty({0});
  Env env;
  Result out(2);
  {
    const void* operands[] = {&three.view(), &four.view()};
    EXPECT_NE(hst_ewise_new(&env, &p, operands, 0, nullptr, out.view()), 0);
    EXPECT_EQ(env.error, abi::ErrorKind::kValueError);
    EXPECT_STREQ(env.message, "operands could not be broadcast together with shapes (3,) (4,) ");
  }
  {
    const void* operands[] = {&matrix.view(), &four.view()};
    EXPECT_NE(hst_ewise_new(&env, &p, operands, 0, nullptr, out.view()), 0);
    EXPECT_STREQ(env.message, "operands could not be broadcast together with shapes (2,3) (4,) ");
  }
  {
    const void* operands[] = {&four.view(), &four.view()};
    EXPECT_NE(hst_ewise_into(&env, &p, operands, &three.view()), 0);
    EXPECT_STREQ(env.message, "could not broadcast input array from shape (4,) into shape (3,)");
  }
  {
    const void* operands[] = {&empty.view(), &empty.view()};
    double result = 1;
    EXPECT_NE(hst_ewise_reduce(&env, &p, operands, static_cast<int32_t>(ReduceKind::kMin), &result), 0);
    EXPECT_STREQ(env.message, "zero-size array to reduction operation minimum which has no identity");
    EXPECT_EQ(hst_ewise_reduce(&env, &p, operands, static_cast<int32_t>(ReduceKind::kSum), &result), 0);
    EXPECT_EQ(result, 0);
    EXPECT_EQ(hst_ewise_reduce(&env, &p, operands, static_cast<int32_t>(ReduceKind::kMean), &result), 0);
    EXPECT_TRUE(std::isnan(result));
  }
}

TEST(EwiseIdentity, CopiesAndAssigns) {
  const EwiseProgram p{nullptr, 1, 1, INT64_MAX, 8, DType::kFloat64, 0, 1.0F, kArrays, kEights};
  Array<double> base({4, 6});
  base.count_up();
  Strided columns(base.view(), {6, 4}, {8, 48});
  Env env;
  Result out(2);
  const void* operands[] = {&columns.view()};
  ASSERT_EQ(hst_ewise_new(&env, &p, operands, 0, nullptr, out.view()), 0);
  EXPECT_EQ(out.items<double>()[1], 7);
  EXPECT_EQ(out.shape(), (std::vector<int64_t>{6, 4}));
  Array<double> leading({1, 1, 2});
  leading.count_up();
  Array<double> pair({2});
  const void* with_ones[] = {&leading.view()};
  ASSERT_EQ(hst_ewise_into(&env, &p, with_ones, &pair.view()), 0) << env.message;
  EXPECT_EQ(pair.items(), (std::vector<double>{1, 2}));
}

} // namespace
} // namespace hasten::array
