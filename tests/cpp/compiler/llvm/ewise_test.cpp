// Whole-array statements: block functions of every sort, and the ops that run them.
#include <numeric>

#include "dtypes.h"
#include "harness.h"
#include "hasten/abi/block.h"
#include "hasten/abi/slots.h"
#include "hasten/compiler/ir/parser.h"
#include "hasten/compiler/llvm/ewise_plan.h"

namespace hasten::llvm_backend::testing {
namespace {

std::vector<double> counting(size_t n, double first = 0) {
  std::vector<double> values(n);
  std::iota(values.begin(), values.end(), first);
  return values;
}

// The items of the array that begins at `slot` of the result, whose block is released.
template <typename T> std::vector<T> take_array(const Code& code, size_t slot = 0, size_t ndim = 1) {
  auto* block = reinterpret_cast<abi::Block*>(code.out[slot]);
  size_t count = 1;
  for (size_t axis = 0; axis < ndim; ++axis) {
    count *= code.out[slot + 2 + axis];
  }
  const T* items = reinterpret_cast<T*>(code.out[slot + 1]);
  std::vector<T> result(items, items + count);
  abi::hst_block_release(block);
  return result;
}

// ---- how kernels are cut into stages

EwisePlan plan(const char* text, int iota = -1) {
  static std::vector<ir::Module> kept;
  kept.push_back(ir::parse(text));
  EXPECT_TRUE(is_straight(kept.back().functions[0]));
  return plan_ewise(kept.back().functions[0], iota);
}

TEST(Plan, ASingleCallNeedsNoLoopAndNoBuffer) {
  const EwisePlan p = plan(
      "func k(float64) -> float64 kernel straight\nb0:\n  %0 = param 0 : float64\n  %1 = ufunc \"npy_loop.exp.dd\" %0 : float64\n  ret %1");
  ASSERT_EQ(p.stages.size(), 1U);
  EXPECT_TRUE(p.stages[0].computed.empty());
  EXPECT_TRUE(p.result_from_call);
  EXPECT_FALSE(p.has_buffers);
}

TEST(Plan, ValuesAreComputedAsLateAsTheirUsersAllow) {
  // exp(a * b) + (a - b): the difference waits for the second loop and needs no buffer.
  const EwisePlan p = plan(R"(func k(float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = sub %0, %1 : float64
  %3 = mul %0, %1 : float64
  %4 = ufunc "npy_loop.exp.dd" %3 : float64
  %5 = add %4, %2 : float64
  ret %5)");
  ASSERT_EQ(p.stages.size(), 2U);
  EXPECT_EQ(p.stages[0].computed, std::vector<ir::ValueId>{3});
  EXPECT_EQ(p.stages[0].calls, std::vector<ir::ValueId>{4});
  EXPECT_EQ(p.stages[1].computed, (std::vector<ir::ValueId>{2, 5}));
  EXPECT_TRUE(p.buffered[3]);
  EXPECT_TRUE(p.buffered[4]);
  EXPECT_FALSE(p.buffered[2]);
}

TEST(Plan, WhatIsNotUsedIsNotComputed) {
  const EwisePlan p = plan("func k(float64) -> float64 kernel straight\nb0:\n  %0 = param 0 : float64\n  %1 = extern \"sin\" %0 : float64\n"
                           "  %2 = mul %0, %0 : float64\n  ret %2");
  ASSERT_EQ(p.stages.size(), 1U);
  EXPECT_TRUE(p.stages[0].calls.empty());
  EXPECT_FALSE(p.has_buffers);
}

TEST(Plan, BranchesAndErrorsAreNotStraight) {
  EXPECT_FALSE(is_straight(ir::parse("func k(bool) -> bool kernel\nb0:\n  %0 = param 0 : bool\n  br b1\nb1:\n  ret %0").functions[0]));
  EXPECT_FALSE(is_straight(
      ir::parse("func k(int64) -> int64 kernel\nb0:\n  %0 = param 0 : int64\n  %1 = add.checked %0, %0 : int64\n  ret %1").functions[0]));
}

// ---- running them

constexpr const char* kAxpy = R"(func @0 f(array(float64, 1d, C), array(float64, 1d, C), float64) -> array(float64, 1d, C)
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = param 1 : array(float64, 1d, C)
  %2 = param 2 : float64
  %3 = ewise @1 %0, %1, %2 : array(float64, 1d, C) !2:1
  ret %3

func @1 k(float64, float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = param 2 : float64
  %3 = mul %0, %2 : float64
  %4 = add %3, %1 : float64
  ret %4
)";

TEST(Ewise, MakesANewArrayOfAnyLength) {
  const int64_t before = live_blocks();
  Code code(kAxpy);
  for (const size_t n : {0, 1, 7, 64, 65, 1000, 5000}) {
    Array<double> a(counting(n));
    Array<double> b(counting(n, 100));
    ASSERT_EQ(code.call(a, b, 2.0), 0) << code.env.message;
    EXPECT_EQ(code.out[2], n);
    const std::vector<double> result = take_array<double>(code);
    for (size_t i = 0; i < n; ++i) {
      ASSERT_EQ(result[i], 2.0 * a.items[i] + b.items[i]) << i << " of " << n;
    }
  }
  EXPECT_EQ(live_blocks(), before);
}

TEST(Ewise, ReportsShapesThatDontFit) {
  Code code(kAxpy);
  Array<double> a(counting(3));
  Array<double> b(counting(4));
  EXPECT_EQ(code.call(a, b, 2.0), static_cast<int32_t>(abi::Status::kRuntimeError));
  EXPECT_EQ(code.env.error, abi::ErrorKind::kValueError);
  EXPECT_EQ(code.env.trace_count, 1);
}

TEST(Ewise, ReadsStridedOperands) {
  Code code(R"(func @0 f(array(float64, 1d, A), array(float64, 1d, A)) -> array(float64, 1d, C)
b0:
  %0 = param 0 : array(float64, 1d, A)
  %1 = param 1 : array(float64, 1d, A)
  %2 = ewise @1 %0, %1 : array(float64, 1d, C)
  ret %2

func @1 k(float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = sub %0, %1 : float64
  ret %2
)");
  Array<double> a(counting(300));
  Array<double> b(counting(300, 1000));
  a.shape = b.shape = {100};
  a.strides = {24};
  b.strides = {16};
  ASSERT_EQ(code.call(a, b), 0);
  const std::vector<double> result = take_array<double>(code);
  for (size_t i = 0; i < 100; ++i) {
    ASSERT_EQ(result[i], a.items[3 * i] - b.items[2 * i]);
  }
}

TEST(Ewise, MixesWidths) {
  // int8, bool, float64 and complex items in one kernel.
  Code code(R"(func @0 f(array(int8, 1d, C), array(bool, 1d, C), array(complex128, 1d, C)) -> array(complex64, 1d, C)
b0:
  %0 = param 0 : array(int8, 1d, C)
  %1 = param 1 : array(bool, 1d, C)
  %2 = param 2 : array(complex128, 1d, C)
  %3 = ewise @1 %0, %1, %2 : array(complex64, 1d, C)
  ret %3

func @1 k(int8, bool, complex128) -> complex64 kernel straight
b0:
  %0 = param 0 : int8
  %1 = param 1 : bool
  %2 = param 2 : complex128
  %3 = cast %0 : complex128
  %4 = mul %2, %2 : complex128
  %5 = select %1, %4, %3 : complex128
  %6 = cast %5 : complex64
  ret %6
)");
  std::vector<int8_t> a(70);
  std::vector<bool> b(70);
  std::vector<std::complex<double>> c(70);
  for (int i = 0; i < 70; ++i) {
    a[static_cast<size_t>(i)] = static_cast<int8_t>(i - 35);
    b[static_cast<size_t>(i)] = i % 3 == 0;
    c[static_cast<size_t>(i)] = {i * 0.5, 1.0 - i};
  }
  Array<int8_t> x(a);
  Array<bool> y(b);
  Array<std::complex<double>> z(c);
  ASSERT_EQ(code.call(x, y, z), 0);
  const auto result = take_array<std::complex<float>>(code);
  for (size_t i = 0; i < 70; ++i) {
    const std::complex<double> square(c[i].real() * c[i].real() - c[i].imag() * c[i].imag(), 2 * c[i].real() * c[i].imag());
    ASSERT_EQ(result[i], std::complex<float>(b[i] ? square : std::complex<double>(a[i], 0))) << i;
  }
}

TEST(EwiseShaped, CountsWithTheIota) {
  Code code(R"(func @0 f(int64, int64, float64) -> array(float64, 2d, C)
b0:
  %0 = param 0 : int64
  %1 = param 1 : int64
  %2 = param 2 : float64
  %3 = ewise.shaped @1 %0, %1, %2 : array(float64, 2d, C)
  ret %3

func @1 k(float64, int64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : int64
  %2 = cast %1 : float64
  %3 = mul %2, %0 : float64
  ret %3
)");
  ASSERT_EQ(code.call(int64_t{30}, int64_t{41}, 0.5), 0);
  const std::vector<double> result = take_array<double>(code, 0, 2);
  ASSERT_EQ(result.size(), 30U * 41U);
  for (size_t i = 0; i < result.size(); ++i) {
    ASSERT_EQ(result[i], 0.5 * static_cast<double>(i));
  }
}

TEST(EwiseShaped, FillsWithAConstant) {
  Code code(
      "func @0 f(int64) -> array(bool, 1d, C)\nb0:\n  %0 = param 0 : int64\n  %1 = ewise.shaped @1 %0 : array(bool, 1d, C)\n  ret %1\n\n"
      "func @1 k() -> bool kernel straight\nb0:\n  %0 = const true : bool\n  ret %0");
  ASSERT_EQ(code.call(int64_t{77}), 0);
  EXPECT_EQ(take_array<char>(code), std::vector<char>(77, 1));
}

TEST(EwiseInto, WritesInPlace) {
  Code code(R"(func @0 f(array(int32, 1d, C)) -> none
b0:
  %0 = param 0 : array(int32, 1d, C)
  ewise.into @1 %0, %0, %0
  %1 = const {} : none
  ret %1

func @1 k(int32, int32) -> int32 kernel straight
b0:
  %0 = param 0 : int32
  %1 = param 1 : int32
  %2 = mul %0, %1 : int32
  ret %2
)");
  std::vector<int32_t> values(999);
  std::iota(values.begin(), values.end(), -500);
  Array<int32_t> a(values);
  ASSERT_EQ(code.call(a), 0);
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(a.items[i], values[i] * values[i]);
  }
}

TEST(EwiseReduce, FoldsTheExpression) {
  Code code(R"(func @0 f(array(int32, 1d, C)) -> tuple(int64, int64, bool)
b0:
  %0 = param 0 : array(int32, 1d, C)
  %1 = ewise.reduce @1.sum %0 : int64
  %2 = ewise.reduce @1.max %0 : int64
  %3 = ewise.reduce @2.all %0 : bool
  %4 = tuple %1, %2, %3 : tuple(int64, int64, bool)
  ret %4

func @1 k(int32) -> int64 kernel straight
b0:
  %0 = param 0 : int32
  %1 = cast %0 : int64
  %2 = mul %1, %1 : int64
  ret %2

func @2 l(int32) -> bool kernel straight
b0:
  %0 = param 0 : int32
  %1 = const 0 : int32
  %2 = gt %0, %1 : bool
  ret %2
)");
  std::vector<int32_t> values(1500);
  std::iota(values.begin(), values.end(), 1);
  Array<int32_t> a(values);
  ASSERT_EQ(code.call(a), 0);
  EXPECT_EQ(code.out[0], uint64_t{1500} * 1501 * 3001 / 6);
  EXPECT_EQ(code.out[1], 1500U * 1500U);
  EXPECT_EQ(code.out[2], 1U);
}

// ---- calls inside kernels

void exp_loop(char** args, const int64_t* dimensions, const int64_t* steps, void*) {
  EXPECT_LE(dimensions[0], 1 << 20);
  for (int64_t i = 0; i < dimensions[0]; ++i) {
    *reinterpret_cast<double*>(args[1] + i * steps[1]) = std::exp(*reinterpret_cast<double*>(args[0] + i * steps[0]));
  }
}

void power_loop(char** args, const int64_t* dimensions, const int64_t* steps, void*) {
  for (int64_t i = 0; i < dimensions[0]; ++i) {
    *reinterpret_cast<double*>(args[2] + i * steps[2]) =
        std::pow(*reinterpret_cast<double*>(args[0] + i * steps[0]), *reinterpret_cast<double*>(args[1] + i * steps[1]));
  }
}

int64_t twice(int64_t x) { return 2 * x; }

abi::NumpyLoop exp_row = {exp_loop, nullptr};
abi::NumpyLoop power_row = {power_loop, nullptr};

class EwiseCalls : public ::testing::Test {
protected:
  static void SetUpTestSuite() {
    jit::add_symbol("npy_loop.exp.dd", &exp_row);
    jit::add_symbol("npy_loop.power.ddd", &power_row);
    jit::add_symbol("test_twice", reinterpret_cast<void*>(&twice));
  }
};

TEST_F(EwiseCalls, WorkOnBlocksBetweenVectorLoops) {
  // exp(a · s)² + power(exp(a · s), 2) + cbrt(a), with scalars, constants and several calls.
  Code code(R"(func @0 f(array(float64, 1d, C), float64) -> array(float64, 1d, C)
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = param 1 : float64
  %2 = ewise @1 %0, %1 : array(float64, 1d, C)
  ret %2

func @1 k(float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = const 2 : float64
  %3 = mul %0, %1 : float64
  %4 = ufunc "npy_loop.exp.dd" %3 : float64
  %5 = mul %4, %4 : float64
  %6 = ufunc "npy_loop.power.ddd" %4, %2 : float64
  %7 = extern "cbrt" %0 : float64
  %8 = add %5, %6 : float64
  %9 = add %8, %7 : float64
  ret %9
)");
  for (const size_t n : {1, 100, 1024, 1025, 4000}) {
    Array<double> a(counting(n));
    ASSERT_EQ(code.call(a, 0.001), 0);
    const std::vector<double> result = take_array<double>(code);
    for (size_t i = 0; i < n; ++i) {
      const double x = a.items[i];
      const double e = std::exp(x * 0.001);
      volatile double two = 2; // or the compiler multiplies
      ASSERT_EQ(result[i], e * e + std::pow(e, two) + std::cbrt(x)) << i << " of " << n;
    }
  }
}

TEST_F(EwiseCalls, TakeOperandsAndGiveResultsWithoutCopies) {
  Code code(R"(func @0 f(array(float64, 1d, C), array(float64, 1d, C)) -> none
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = param 1 : array(float64, 1d, C)
  ewise.into @1 %0, %0, %1
  %2 = const {} : none
  ret %2

func @1 k(float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = ufunc "npy_loop.power.ddd" %0, %1 : float64
  ret %2
)");
  Array<double> a(counting(2000, 1));
  Array<double> b(std::vector<double>(2000, 0.5));
  ASSERT_EQ(code.call(a, b), 0);
  for (size_t i = 0; i < 2000; ++i) {
    ASSERT_EQ(a.items[i], std::pow(static_cast<double>(i + 1), 0.5));
  }
}

TEST_F(EwiseCalls, TakeTheIota) {
  Code code(R"(func @0 f(int64) -> array(float64, 1d, C)
b0:
  %0 = param 0 : int64
  %1 = ewise.shaped @1 %0 : array(float64, 1d, C)
  ret %1

func @1 k(int64) -> float64 kernel straight
b0:
  %0 = param 0 : int64
  %1 = extern "test_twice" %0 : int64
  %2 = add %1, %0 : int64
  %3 = cast %2 : float64
  ret %3
)");
  ASSERT_EQ(code.call(int64_t{3000}), 0);
  const std::vector<double> result = take_array<double>(code);
  for (size_t i = 0; i < 3000; ++i) {
    ASSERT_EQ(result[i], 3.0 * static_cast<double>(i));
  }
}

// ---- kernels that branch, loop or fail

constexpr const char* kBranching = R"(binding 0 = builtins:ValueError : named(20:exception:ValueError)
site 0 = binding 0 (float64)

func @0 f(array(float64, 1d, C)) -> array(float64, 1d, C)
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = ewise @1 %0 : array(float64, 1d, C) !1:1
  ret %1

func @1 k(float64) -> float64 kernel
b0:
  %0 = param 0 : float64
  %1 = const 0 : float64
  %2 = const 1000 : float64
  %3 = gt %0, %2 : bool
  raise.if site 0 %3, %0 !5:5
  %4 = lt %0, %1 : bool
  condbr %4, b1, b2
b1: <- b0
  %5 = neg %0 : float64
  br b3
b2: <- b0
  %6 = mul %0, %0 : float64
  br b3
b3: <- b1, b2
  %7 = phi %5, %6 : float64
  ret %7
)";

TEST(BranchingKernel, GivesEachItemItsOwnWay) {
  Code code(kBranching);
  Array<double> a(counting(100, -50));
  ASSERT_EQ(code.call(a), 0);
  const std::vector<double> result = take_array<double>(code);
  for (size_t i = 0; i < 100; ++i) {
    const double x = a.items[i];
    ASSERT_EQ(result[i], x < 0 ? -x : x * x);
  }
}

TEST(BranchingKernel, FailsAsAWhole) {
  const int64_t before = live_blocks();
  Code code(kBranching);
  Array<double> a(counting(2000));
  EXPECT_EQ(code.call(a), static_cast<int32_t>(abi::Status::kRaise));
  EXPECT_EQ(take_scalar<double>(&code.env.payload[0]), 1001.0);
  EXPECT_EQ(code.env.trace_count, 2);
  EXPECT_EQ(live_blocks(), before);
}

} // namespace
} // namespace hasten::llvm_backend::testing
