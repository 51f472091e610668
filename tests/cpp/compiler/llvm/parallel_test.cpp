// Parallel loops: bodies over captures, reductions in the order of the chunks, errors.
#include <numeric>

#include "dtypes.h"
#include "harness.h"
#include "hasten/abi/block.h"
#include "hasten/abi/parallel.h"

namespace hasten::llvm_backend::testing {
namespace {

constexpr const char* kReductions = R"(func @0 f(array(int64, 1d, C), float64) -> tuple(int64, float64, int64, int64, bool, bool, int64)
b0:
  %0 = param 0 : array(int64, 1d, C)
  %1 = param 1 : float64
  %2 = dim %0, 0 : int64
  %3 = parallel.for @1 %2, %0, %1 : tuple(int64, float64, int64, int64, bool, bool, int64) !1:1
  ret %3

func @1 body(int64, int64, array(int64, 1d, C), float64) -> tuple(int64, float64, int64, int64, bool, bool, int64) loop_body + * min max & | ^
b0:
  %0 = param 0 : int64
  %1 = param 1 : int64
  %2 = param 2 : array(int64, 1d, C)
  %3 = param 3 : float64
  %4 = const 0 : int64
  %5 = const 1 : float64
  %6 = const 9223372036854775807 : int64
  %7 = const -9223372036854775808 : int64
  %8 = const true : bool
  %9 = const false : bool
  %10 = const 1 : int64
  %11 = const 500 : int64
  br b1
b1: <- b0, b2
  %12 = phi %0, %30 : int64
  %13 = phi %4, %20 : int64
  %14 = phi %5, %21 : float64
  %15 = phi %6, %22 : int64
  %16 = phi %7, %23 : int64
  %17 = phi %8, %24 : bool
  %18 = phi %9, %25 : bool
  %31 = phi %4, %32 : int64
  %19 = lt %12, %1 : bool
  condbr %19, b2, b3
b2: <- b1
  %26 = load %2, %12 : int64
  %20 = add %13, %26 : int64
  %21 = mul %14, %3 : float64
  %22 = min %15, %26 : int64
  %23 = max %16, %26 : int64
  %27 = lt %26, %11 : bool
  %24 = and %17, %27 : bool
  %25 = or %18, %27 : bool
  %32 = xor %31, %26 : int64
  %30 = add %12, %10 : int64
  br b1
b3: <- b1
  %28 = tuple %13, %14, %15, %16, %17, %18, %31 : tuple(int64, float64, int64, int64, bool, bool, int64)
  ret %28
)";

TEST(ParallelFor, CombinesEveryReduction) {
  Code code(kReductions);
  for (const int64_t n : {1, 2, 3, 100, 1000, 20000}) {
    std::vector<int64_t> values(static_cast<size_t>(n));
    std::iota(values.begin(), values.end(), -7);
    Array<int64_t> a(values);
    ASSERT_EQ(code.call(a, 1.0001), 0);
    int64_t bits = 0;
    for (int64_t v : values) {
      bits ^= v;
    }
    EXPECT_EQ(static_cast<int64_t>(code.out[0]), n * (n - 1) / 2 - 7 * n);
    EXPECT_NEAR(take_scalar<double>(&code.out[1]) / std::pow(1.0001, static_cast<double>(n)), 1.0, 1e-10);
    EXPECT_EQ(static_cast<int64_t>(code.out[2]), -7);
    EXPECT_EQ(static_cast<int64_t>(code.out[3]), n - 8);
    EXPECT_EQ(code.out[4], n - 8 < 500 ? 1U : 0U);
    EXPECT_EQ(code.out[5], 1U);
    EXPECT_EQ(static_cast<int64_t>(code.out[6]), bits);
  }
}

TEST(ParallelFor, OfNothingGivesTheIdentities) {
  Code code(kReductions);
  Array<int64_t> none(std::vector<int64_t>{});
  ASSERT_EQ(code.call(none, 3.0), 0);
  EXPECT_EQ(code.out[0], 0U);
  EXPECT_EQ(take_scalar<double>(&code.out[1]), 1.0);
  EXPECT_EQ(static_cast<int64_t>(code.out[2]), INT64_MAX);
  EXPECT_EQ(static_cast<int64_t>(code.out[3]), INT64_MIN);
  EXPECT_EQ(code.out[4], 1U);
  EXPECT_EQ(code.out[5], 0U);
  EXPECT_EQ(code.out[6], 0U);
}

// Each turn allocates, counts, and fails where the item is negative.
constexpr const char* kFailing = R"(binding 0 = builtins:ValueError : named(20:exception:ValueError)
site 0 = binding 0 (int64)

func @0 f(array(int64, 1d, C)) -> none
b0:
  %0 = param 0 : array(int64, 1d, C)
  %1 = dim %0, 0 : int64
  %2 = alloc %1 : array(int64, 1d, C)
  %3 = parallel.for @1 %1, %0, %2 : tuple() !1:1
  release %2
  %4 = const {} : none
  ret %4

func @1 body(int64, int64, array(int64, 1d, C), array(int64, 1d, C)) -> tuple() loop_body
b0:
  %0 = param 0 : int64
  %1 = param 1 : int64
  %2 = param 2 : array(int64, 1d, C)
  %3 = param 3 : array(int64, 1d, C)
  %4 = const 0 : int64
  %5 = const 1 : int64
  br b1
b1: <- b0, b2
  %6 = phi %0, %12 : int64
  %7 = lt %6, %1 : bool
  condbr %7, b2, b3
b2: <- b1
  %8 = alloc %5 : array(int64, 1d, C)
  %9 = load %2, %6 : int64
  %10 = lt %9, %4 : bool
  raise.if site 0 %10, %9 !2:2
  store %8, %4, %9
  %11 = load %8, %4 : int64
  store %3, %6, %11
  store %2, %6, %11
  release %8
  %12 = add %6, %5 : int64
  br b1
b3: <- b1
  %13 = tuple : tuple()
  ret %13
)";

TEST(ParallelFor, TheFirstErrorWinsAndNothingLeaks) {
  const int64_t before = live_blocks();
  Code code(kFailing);
  std::vector<int64_t> values(30000, 1);
  Array<int64_t> good(values);
  EXPECT_EQ(code.call(good), 0);
  EXPECT_EQ(live_blocks(), before);
  values[10] = -3;
  values[29990] = -5;
  Array<int64_t> bad(values);
  EXPECT_EQ(code.call(bad), static_cast<int32_t>(abi::Status::kRaise));
  EXPECT_EQ(static_cast<int64_t>(code.env.payload[0]), -3);
  EXPECT_EQ(live_blocks(), before);
}

TEST(ParallelFor, CountsAtomicallyInItsBody) {
  EmitOptions options;
  options.want_llvm = true;
  Code code(kFailing, options);
  const std::string& text = code.object().llvm;
  const size_t body = text.find("@loop1(");
  ASSERT_NE(body, std::string::npos);
  EXPECT_NE(text.find("@hst_release_slots_atomic"), std::string::npos);
  EXPECT_NE(text.find("@hst_release_slots("), std::string::npos);
}

} // namespace
} // namespace hasten::llvm_backend::testing
