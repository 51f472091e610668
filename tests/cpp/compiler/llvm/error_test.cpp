// How a compiled function is left with an error: statuses, payloads, traces, and what it owned.
#include <thread>

#include "dtypes.h"
#include "harness.h"
#include "hasten/abi/block.h"

namespace hasten::llvm_backend::testing {
namespace {

using abi::ErrorKind;
using abi::Status;

constexpr auto kRaise = static_cast<int32_t>(Status::kRaise);
constexpr auto kRuntimeError = static_cast<int32_t>(Status::kRuntimeError);

TEST(Checked, RaisesOnOverflow) {
  for (const char* op : {"add", "sub", "mul"}) {
    for (const char* type : {"int64", "uint64", "int8"}) {
      SCOPED_TRACE(std::string(op) + " on " + type);
      const std::string t = type;
      std::string text = "func f(T, T) -> T\nb0:\n  %0 = param 0 : T\n  %1 = param 1 : T\n  %2 = OP.checked %0, %1 : T !4:2\n  ret %2";
      text.replace(text.find("OP"), 2, op);
      for (size_t at = text.find('T'); at != std::string::npos; at = text.find('T', at)) {
        text.replace(at, 1, t);
      }
      Code code(text);
      const bool is_signed = t != "uint64";
      const int64_t big = t == "int8" ? 127 : t == "int64" ? INT64_MAX : -1;
      const int64_t other = std::string(op) == "sub" ? (is_signed ? -1 : 0) : 2;
      const int64_t left = std::string(op) == "sub" && !is_signed ? 0 : big;
      const int64_t right = std::string(op) == "sub" && !is_signed ? 1 : other;
      EXPECT_EQ(code.run<int64_t>(int64_t{3}, int64_t{2}), std::string(op) == "add" ? 5 : std::string(op) == "sub" ? 1 : 6);
      EXPECT_EQ(code.call(left, right), kRuntimeError);
      EXPECT_EQ(code.env.error, ErrorKind::kOverflowError);
      EXPECT_EQ(code.env.trace_count, 1);
    }
  }
}

TEST(Raise, PutsItsArgumentsIntoThePayload) {
  Code code(R"(binding 0 = builtins:ValueError : named(20:exception:ValueError)
site 0 = binding 0 ()
site 1 = binding 0 (int8, complex64, bool)

func @0 f(bool, int8, complex64) -> int64
b0:
  %0 = param 0 : bool
  %1 = param 1 : int8
  %2 = param 2 : complex64
  raise.if site 1 %0, %1, %2, %0 !9:9
  %3 = const 5 : int64
  ret %3)");
  EXPECT_EQ(code.run<int64_t>(false, int8_t{0}, std::complex<float>()), 5);
  EXPECT_EQ(code.call(true, int8_t{-2}, std::complex<float>(1.5F, -2.0F)), kRaise);
  EXPECT_EQ(code.env.site, 1);
  EXPECT_EQ(static_cast<int64_t>(code.env.payload[0]), -2);
  EXPECT_EQ(take_scalar<std::complex<float>>(&code.env.payload[1]), std::complex<float>(1.5F, -2.0F));
  EXPECT_EQ(code.env.payload[3], 1U);
  EXPECT_EQ(code.env.trace_count, 1);
}

TEST(Raise, RetainsTheArraysThatItCarries) {
  const int64_t before = live_blocks();
  Code code(R"(binding 0 = builtins:ValueError : named(20:exception:ValueError)
site 0 = binding 0 (array(float64, 1d, C))

func @0 f(int64) -> int64
b0:
  %0 = param 0 : int64
  %1 = alloc %0 : array(float64, 1d, C)
  raise site 0 %1)");
  EXPECT_EQ(code.call(int64_t{4}), kRaise);
  auto* block = reinterpret_cast<abi::Block*>(code.env.payload[0]);
  EXPECT_EQ(block->refs, 1);
  EXPECT_EQ(live_blocks(), before + 1);
  abi::hst_block_release(block);
}

TEST(Trace, FollowsTheCalls) {
  Code code(R"(func @0 f(int64) -> int64
b0:
  %0 = param 0 : int64
  %1 = call @1 %0 : int64 !1:1
  ret %1

func @1 g(int64) -> int64
b0:
  %0 = param 0 : int64
  %1 = call @2 %0 : int64 !2:2
  ret %1

func @2 h(int64) -> int64
b0:
  %0 = param 0 : int64
  %1 = const 3 : int64
  %2 = check.index %0, %1, 0 : int64 !3:3
  ret %2)");
  EXPECT_EQ(code.run<int64_t>(int64_t{-1}), 2);
  EXPECT_EQ(code.call(int64_t{9}), kRuntimeError);
  ASSERT_EQ(code.env.trace_count, 3);
  EXPECT_EQ(code.env.trace[0], 2); // locations are numbered in the order of the text
  EXPECT_EQ(code.env.trace[1], 1);
  EXPECT_EQ(code.env.trace[2], 0);
}

// Owns a, then b, then c; `fail` says where the function is left: between any two of them or not at all.
constexpr const char* kOwner = R"(binding 0 = builtins:ValueError : named(20:exception:ValueError)
site 0 = binding 0 ()

func @0 f(int64, int64) -> array(float64, 1d, C)
b0:
  %0 = param 0 : int64
  %1 = param 1 : int64
  %2 = const 1 : int64
  %3 = const 2 : int64
  %4 = const 3 : int64
  %5 = alloc %0 : array(float64, 1d, C)
  %6 = eq %1, %2 : bool
  raise.if site 0 %6
  %7 = alloc %0 : array(float64, 1d, C)
  %8 = eq %1, %3 : bool
  raise.if site 0 %8
  release %5
  %9 = call @1 %0, %1 : tuple(array(float64, 1d, C), array(float64, 1d, C))
  %10 = eq %1, %4 : bool
  raise.if site 0 %10
  release %9
  ret %7

func @1 g(int64, int64) -> tuple(array(float64, 1d, C), array(float64, 1d, C))
b0:
  %0 = param 0 : int64
  %1 = param 1 : int64
  %2 = const 4 : int64
  %3 = alloc %0 : array(float64, 1d, C)
  %4 = eq %1, %2 : bool
  raise.if site 0 %4
  %5 = alloc %0 : array(float64, 1d, C)
  %6 = tuple %3, %5 : tuple(array(float64, 1d, C), array(float64, 1d, C))
  ret %6
)";

TEST(Owned, IsReleasedWhereverTheFunctionIsLeft) {
  const int64_t before = live_blocks();
  Code code(kOwner);
  for (int64_t fail = 1; fail <= 4; ++fail) {
    EXPECT_EQ(code.call(int64_t{10}, fail), kRaise);
    EXPECT_EQ(live_blocks(), before) << "left at " << fail;
  }
  ASSERT_EQ(code.call(int64_t{10}, int64_t{0}), 0);
  EXPECT_EQ(live_blocks(), before + 1);
  abi::hst_block_release(reinterpret_cast<abi::Block*>(code.out[0]));
}

// A loop that replaces an array each turn, and fails in a turn of choice: what was moved is released once.
constexpr const char* kReplacing = R"(binding 0 = builtins:ValueError : named(20:exception:ValueError)
site 0 = binding 0 ()

func @0 f(int64, int64) -> int64
b0:
  %0 = param 0 : int64
  %1 = param 1 : int64
  %2 = const 0 : int64
  %3 = const 1 : int64
  %4 = alloc %0 : array(float64, 1d, C)
  move %4
  br b1
b1: <- b0, b2
  %5 = phi %2, %10 : int64
  %6 = phi %4, %9 : array(float64, 1d, C)
  %7 = lt %5, %0 : bool
  condbr %7, b2, b3
b2: <- b1
  %8 = eq %5, %1 : bool
  raise.if site 0 %8
  %9 = alloc %0 : array(float64, 1d, C)
  release %6
  %10 = add %5, %3 : int64
  move %9
  br b1
b3: <- b1
  release %6
  ret %5
)";

TEST(Owned, MovesThroughLoops) {
  const int64_t before = live_blocks();
  Code code(kReplacing);
  EXPECT_EQ(code.run<int64_t>(int64_t{5}, int64_t{-1}), 5);
  EXPECT_EQ(live_blocks(), before);
  for (int64_t turn = 0; turn < 5; ++turn) {
    EXPECT_EQ(code.call(int64_t{5}, turn), kRaise);
    EXPECT_EQ(live_blocks(), before) << "left in turn " << turn;
  }
}

TEST(Owned, RetainsAndReleasesPassOverNothing) {
  // An optional without a value, and an undefined array, hold null blocks.
  Code code(R"(func f(bool, array(int64, 1d, C)) -> int64
b0:
  %0 = param 0 : bool
  %1 = param 1 : array(int64, 1d, C)
  %2 = undef : array(int64, 1d, C)
  condbr %0, b1, b2
b1: <- b0
  retain %1
  br b3
b2: <- b0
  retain %2
  br b3
b3: <- b1, b2
  %3 = phi %1, %2 : array(int64, 1d, C)
  %4 = dim %3, 0 : int64
  release %3
  ret %4)");
  Array<int64_t> items({1, 2, 3});
  const int64_t refs = abi::hst_immortal_block.refs;
  EXPECT_EQ(code.run<int64_t>(true, items), 3);
  EXPECT_EQ(code.run<int64_t>(false, items), 0);
  EXPECT_EQ(abi::hst_immortal_block.refs, refs + 1); // what counts on nothing, counts on the block that lives for ever
}

TEST(Recursion, EndsWithAnError) {
  Code code(R"(func @0 f(int64) -> int64
b0:
  %0 = param 0 : int64
  %1 = const 0 : int64
  %2 = const 1 : int64
  %3 = eq %0, %1 : bool
  condbr %3, b1, b2
b1: <- b0
  ret %1
b2: <- b0
  %4 = sub %0, %2 : int64
  %5 = call @0 %4 : int64 !2:1
  %6 = add %5, %2 : int64
  ret %6)");
  EXPECT_EQ(code.run<int64_t>(int64_t{1000}), 1000);
  code.env.stack_limit = reinterpret_cast<int64_t>(__builtin_frame_address(0)) - (1 << 16);
  EXPECT_EQ(code.run<int64_t>(int64_t{10}), 10);
  EXPECT_EQ(code.call(int64_t{100000}), kRuntimeError);
  EXPECT_EQ(code.env.error, ErrorKind::kRecursionError);
  EXPECT_EQ(code.env.trace_count, abi::kTraceDepth);
}

int32_t stop(abi::Env*) { return static_cast<int32_t>(Status::kPythonError); }

TEST(Poll, LeavesWhereItIsToldTo) {
  Code code(R"(func f() -> int64
b0:
  br b1
b1: <- b0, b1
  poll !5:5
  br b1)");
  abi::set_poll_hook(stop);
  code.env.flags = abi::kMainThread;
  EXPECT_EQ(code.call(), static_cast<int32_t>(Status::kPythonError));
  abi::set_poll_hook(nullptr);
  EXPECT_EQ(code.env.trace_count, 1);
}

TEST(Poll, CostsOnlyFuelUntilItRunsOut) {
  Code code("func f() -> none\nb0:\n  poll\n  poll\n  %0 = const {} : none\n  ret %0");
  code.env.fuel = 5;
  EXPECT_EQ(code.call(), 0);
  EXPECT_EQ(code.env.fuel, 3);
}

TEST(Branches, BetweenTheSameBlocks) {
  Code code(R"(func f(bool) -> int64
b0:
  %0 = param 0 : bool
  %1 = const 4 : int64
  condbr %0, b1, b1
b1: <- b0, b0
  %2 = phi %1, %1 : int64
  ret %2)");
  EXPECT_EQ(code.run<int64_t>(true), 4);
}

TEST(Branches, ThatNothingReachesAreLeftOut) {
  Code code(R"(func f(int64) -> int64
b0:
  %0 = param 0 : int64
  br b2
b1:
  %1 = add %0, %0 : int64
  br b2
b2: <- b0, b1
  %2 = phi %0, %1 : int64
  ret %2)");
  EXPECT_EQ(code.run<int64_t>(int64_t{6}), 6);
}

} // namespace
} // namespace hasten::llvm_backend::testing
