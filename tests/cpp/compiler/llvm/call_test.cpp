// Calls between compiled functions: small ones become part of their callers, others are called; nobody can tell.
#include "dtypes.h"
#include "harness.h"
#include "hasten/abi/block.h"

namespace hasten::llvm_backend::testing {
namespace {

// A callee with two ways out, of `padding` instructions more than it needs.
std::string text(int padding) {
  std::string filler;
  for (int i = 0; i < padding; ++i) {
    filler += "  %" + std::to_string(100 + i) + " = add %0, %0 : int64\n";
  }
  return R"(binding 0 = builtins:ValueError : named(20:exception:ValueError)
site 0 = binding 0 (int64)

func @0 f(array(int64, 1d, C)) -> tuple(int64, int64)
b0:
  %0 = param 0 : array(int64, 1d, C)
  %1 = dim %0, 0 : int64
  %2 = const 0 : int64
  %3 = const 1 : int64
  br b1
b1: <- b0, b2
  %4 = phi %2, %12 : int64
  %5 = phi %2, %10 : int64
  %6 = phi %2, %11 : int64
  %7 = lt %4, %1 : bool
  condbr %7, b2, b3
b2: <- b1
  %8 = load %0, %4 : int64
  %9 = call @1 %8, %4 : tuple(int64, array(int64, 1d, C)) !1:1
  %13 = item %9, 0 : int64
  %14 = item %9, 1 : array(int64, 1d, C)
  %15 = load %14, %2 : int64
  %10 = add %5, %13 : int64
  %11 = add %6, %15 : int64
  release %9
  %12 = add %4, %3 : int64
  br b1
b3: <- b1
  %16 = tuple %5, %6 : tuple(int64, int64)
  ret %16

func @1 g(int64, int64) -> tuple(int64, array(int64, 1d, C))
b0:
  %0 = param 0 : int64
  %1 = param 1 : int64
  %2 = const 0 : int64
  %3 = const 1 : int64
  %4 = const 100 : int64
)" + filler +
         R"(  %5 = alloc %3 : array(int64, 1d, C)
  store %5, %2, %1
  %6 = gt %0, %4 : bool
  raise.if site 0 %6, %0 !2:2
  %7 = lt %0, %2 : bool
  condbr %7, b1, b2
b1: <- b0
  %8 = neg %0 : int64
  %9 = tuple %8, %5 : tuple(int64, array(int64, 1d, C))
  ret %9
b2: <- b0
  %10 = tuple %0, %5 : tuple(int64, array(int64, 1d, C))
  ret %10
)";
}

TEST(Calls, WorkTheSameInlineAndNot) {
  for (const int padding : {0, 100}) {
    SCOPED_TRACE(padding);
    EmitOptions options;
    options.want_llvm = true;
    Code code(text(padding), options);
    EXPECT_EQ(code.object().llvm.find("define internal i32 @f1(") == std::string::npos, padding == 0);
    const int64_t before = live_blocks();
    Array<int64_t> items({1, -2, 3, -4, 5});
    ASSERT_EQ(code.call(items), 0);
    EXPECT_EQ(code.out[0], 15U);
    EXPECT_EQ(code.out[1], 10U);
    EXPECT_EQ(live_blocks(), before);
    items.items[3] = 101;
    EXPECT_EQ(code.call(items), static_cast<int32_t>(abi::Status::kRaise));
    EXPECT_EQ(code.env.payload[0], 101U);
    ASSERT_EQ(code.env.trace_count, 2);
    EXPECT_EQ(code.env.trace[0], 1);
    EXPECT_EQ(code.env.trace[1], 0);
    EXPECT_EQ(live_blocks(), before);
  }
}

TEST(Calls, OfAFunctionThatAlwaysRaises) {
  Code code(R"(binding 0 = builtins:ValueError : named(20:exception:ValueError)
site 0 = binding 0 ()

func @0 f(int64) -> int64
b0:
  %0 = param 0 : int64
  %1 = call @1 %0 : int64 !1:1
  %2 = add %1, %0 : int64
  ret %2

func @1 g(int64) -> int64
b0:
  raise site 0 !2:2)");
  EXPECT_EQ(code.call(int64_t{1}), static_cast<int32_t>(abi::Status::kRaise));
  EXPECT_EQ(code.env.trace_count, 2);
}

// x = g(x) in a loop: what is fresh in one turn is the argument of the next.
TEST(Calls, ThatFeedThemselves) {
  Code code(R"(func @0 f(array(float64, 1d, C), int64) -> array(float64, 1d, C)
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = param 1 : int64
  %2 = const 0 : int64
  %3 = const 1 : int64
  retain %0
  br b1
b1: <- b0, b2
  %4 = phi %2, %8 : int64
  %5 = phi %0, %7 : array(float64, 1d, C)
  %6 = lt %4, %1 : bool
  condbr %6, b2, b3
b2: <- b1
  %7 = call @1 %5 : array(float64, 1d, C)
  release %5
  %8 = add %4, %3 : int64
  move %7
  br b1
b3: <- b1
  ret %5

func @1 g(array(float64, 1d, C)) -> array(float64, 1d, C)
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = dim %0, 0 : int64
  %2 = alloc %1 : array(float64, 1d, C)
  %3 = const 0 : int64
  %4 = const 1 : int64
  %10 = const 1 : float64
  br b1
b1: <- b0, b2
  %5 = phi %3, %9 : int64
  %6 = lt %5, %1 : bool
  condbr %6, b2, b3
b2: <- b1
  %7 = load %0, %5 : float64
  %8 = add %7, %10 : float64
  store %2, %5, %8
  %9 = add %5, %4 : int64
  br b1
b3: <- b1
  ret %2)");
  const int64_t before = live_blocks();
  Array<double> items(std::vector<double>(100, 1.0));
  ASSERT_EQ(code.call(items, int64_t{5}), 0);
  auto* block = reinterpret_cast<abi::Block*>(code.out[0]);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(reinterpret_cast<double*>(block->data)[i], 6.0);
  }
  abi::hst_block_release(block);
  EXPECT_EQ(live_blocks(), before);
}

} // namespace
} // namespace hasten::llvm_backend::testing
