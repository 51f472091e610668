#include "hasten/compiler/passes/simplify/simplify.h"

#include <gtest/gtest.h>

#include "hasten/compiler/ir/parser.h"
#include "hasten/compiler/ir/printer.h"
#include "hasten/compiler/ir/verifier.h"
#include "hasten/compiler/passes/simplify/functions.h"
#include "random_program.h"

namespace hasten::passes {
namespace {

using namespace ir;

// The first function, simplified.
std::string simplified(const std::string& text) {
  Module module = parse(text);
  EXPECT_EQ(verify(module), "");
  simplify(module, module.functions[0]);
  EXPECT_EQ(verify(module), "");
  return print(module, module.functions[0]);
}

TEST(Simplify, FoldsConstantsAndFollowsKnownBranches) {
  EXPECT_EQ(simplified(R"(func @0 f(int64) -> int64
b0:
  %0 = param 0 : int64
  %1 = const 2 : int64
  %2 = const 3 : int64
  %3 = mul %1, %2 : int64
  %4 = lt %3, %2 : bool
  condbr %4, b1, b2
b1: <- b0
  %5 = add %0, %1 : int64
  br b3
b2: <- b0
  br b3
b3: <- b1, b2
  %6 = phi %5, %3 : int64
  %7 = add %6, %0 : int64
  ret %7
)"),
            R"(func @0 f(int64) -> int64
b0:
  %0 = param 0 : int64
  %3 = const 6 : int64
  %7 = add %3, %0 : int64
  ret %7
)");
}

TEST(Simplify, SeesThroughTuplesRangesAndCastsOfTheSameBits) {
  EXPECT_EQ(simplified(R"(func @0 f(array(float64, 1d, C)) -> pyint
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = dim %0, 0 : int64
  %2 = cast %1 : pyint
  %3 = const 0 : pyint
  %4 = const 1 : pyint
  %5 = tuple %3, %2, %4 : pyrange
  %6 = item %5, 1 : pyint
  %7 = cast %6 : int64
  %8 = cast %3 : int64
  %9 = sub %7, %8 : int64
  %10 = max %9, %8 : int64
  %11 = dim %0, 0 : int64
  %12 = add %10, %11 : int64
  %13 = cast %12 : pyint
  ret %13
)"),
            R"(func @0 f(array(float64, 1d, C)) -> pyint
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = dim %0, 0 : int64
  %12 = add %1, %1 : int64
  ret %12
)");
}

TEST(Simplify, KnowsTheSizesOfNewArraysViewsAndStatements) {
  EXPECT_EQ(simplified(R"(func @0 f(array(float64, 1d, A), int64) -> int64
b0:
  %0 = param 0 : array(float64, 1d, A)
  %1 = param 1 : int64
  %2 = alloc %1, 0 : array(float64, 1d, C)
  %3 = dim %2, 0 : int64
  %4 = const 8 : int64
  %5 = view %0, %4, %3, %4 : array(float64, 1d, A)
  %6 = dim %5, 0 : int64
  %7 = stride %5, 0 : int64
  %8 = add %6, %7 : int64
  %9 = ewise @1 %5, %4 : array(float64, 1d, C)
  %10 = dim %9, 0 : int64
  %11 = add %8, %10 : int64
  %12 = ewise @1 %0, %4 : array(float64, 1d, C)
  %13 = dim %12, 0 : int64
  %14 = add %11, %13 : int64
  ret %14
func kernel(float64, int64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  ret %0
)"),
            R"(func @0 f(array(float64, 1d, A), int64) -> int64
b0:
  %0 = param 0 : array(float64, 1d, A)
  %1 = param 1 : int64
  %2 = alloc %1, 0 : array(float64, 1d, C)
  %4 = const 8 : int64
  %8 = add %1, %4 : int64
  %11 = add %8, %1 : int64
  %13 = dim %0, 0 : int64
  %14 = add %11, %13 : int64
  ret %14
)");
}

TEST(Simplify, AViewOfEverythingIsItsBase) {
  EXPECT_EQ(simplified(R"(func @0 f(array(float64, 2d, C)) -> float64
b0:
  %0 = param 0 : array(float64, 2d, C)
  %1 = const 0 : int64
  %2 = dim %0, 0 : int64
  %3 = dim %0, 1 : int64
  %4 = stride %0, 0 : int64
  %5 = const 8 : int64
  %6 = view %0, %1, %2, %3, %4, %5 : array(float64, 2d, A)
  %7 = load %6, %1, %1 : float64
  ret %7
)"),
            R"(func @0 f(array(float64, 2d, C)) -> float64
b0:
  %0 = param 0 : array(float64, 2d, C)
  %1 = const 0 : int64
  %7 = load %0, %1, %1 : float64
  ret %7
)");
}

TEST(Simplify, ASliceFromTheStartBeginsAtTheBase) {
  // a[0:] as infer clamps it: its start is min(max(0, 0), n), where there is something to take.
  EXPECT_EQ(simplified(R"(func @0 f(array(float64, 1d, A)) -> array(float64, 1d, A)
b0:
  %0 = param 0 : array(float64, 1d, A)
  %1 = const 0 : int64
  %2 = dim %0, 0 : int64
  %3 = min %1, %2 : int64
  %4 = sub %2, %3 : int64
  %5 = max %4, %1 : int64
  %6 = gt %5, %1 : bool
  %7 = select %6, %3, %1 : int64
  %8 = stride %0, 0 : int64
  %9 = mul %7, %8 : int64
  %10 = view %0, %9, %5, %8 : array(float64, 1d, A)
  ret %10
)"),
            R"(func @0 f(array(float64, 1d, A)) -> array(float64, 1d, A)
b0:
  %0 = param 0 : array(float64, 1d, A)
  ret %0
)");
}

TEST(Simplify, MergesEqualValuesAndChecksThatWerePassed) {
  EXPECT_EQ(simplified(R"(site 0 = binding 0 ()
func @0 f(array(float64, 1d, C), int64, bool) -> float64
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = param 1 : int64
  %2 = param 2 : bool
  %3 = dim %0, 0 : int64
  %4 = check.index %1, %3, 0 : int64
  %5 = load %0, %4 : float64
  raise.if site 0 %2
  condbr %2, b1, b2
b1: <- b0
  %6 = dim %0, 0 : int64
  %7 = check.index %1, %6, 0 : int64
  %8 = load %0, %7 : float64
  raise.if site 0 %2
  %9 = const 0 : float64
  %10 = const -0 : float64
  %11 = add %8, %9 : float64
  %12 = add %11, %10 : float64
  ret %12
b2: <- b0
  ret %5
)"),
            R"(func @0 f(array(float64, 1d, C), int64, bool) -> float64
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = param 1 : int64
  %2 = param 2 : bool
  %3 = dim %0, 0 : int64
  %4 = check.index %1, %3, 0 : int64
  %5 = load %0, %4 : float64
  raise.if site 0 %2
  condbr %2, b1, b2
b1: <- b0
  %8 = load %0, %4 : float64
  %9 = const 0 : float64
  %10 = const -0 : float64
  %11 = add %8, %9 : float64
  %12 = add %11, %10 : float64
  ret %12
b2: <- b0
  ret %5
)");
}

TEST(Simplify, DropsWhatIsNotUsedUnlessItMayFail) {
  EXPECT_EQ(simplified(R"(func @0 f(array(float64, 1d, C), array(float64, 1d, C), int64) -> int64
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = param 1 : array(float64, 1d, C)
  %2 = param 2 : int64
  %3 = ewise @1 %0, %0 : array(float64, 1d, C)
  %4 = ewise @1 %0, %1 : array(float64, 1d, C)
  %5 = alloc %2, 0 : array(float64, 1d, C)
  %6 = dim %1, 0 : int64
  %7 = alloc %6, 0 : array(float64, 1d, C)
  %8 = ewise.reduce @1.sum %0, %3 : float64
  %9 = ewise.reduce @1.max %0, %3 : float64
  %10 = load %0, %6 : float64
  ret %2
func kernel(float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  ret %0
)"),
            R"(func @0 f(array(float64, 1d, C), array(float64, 1d, C), int64) -> int64
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = param 1 : array(float64, 1d, C)
  %2 = param 2 : int64
  %3 = ewise @1 %0, %0 : array(float64, 1d, C)
  %4 = ewise @1 %0, %1 : array(float64, 1d, C)
  %5 = alloc %2, 0 : array(float64, 1d, C)
  %9 = ewise.reduce @1.max %0, %3 : float64
  ret %2
)");
}

TEST(Simplify, DropsLoopsOfPhisThatNothingReads) {
  EXPECT_EQ(simplified(R"(func @0 f(int64, int64) -> int64
b0:
  %0 = param 0 : int64
  %1 = param 1 : int64
  br b1
b1: <- b0, b2
  %2 = phi %0, %6 : int64
  %3 = phi %0, %7 : int64
  %4 = phi %1, %4 : int64
  %5 = lt %2, %4 : bool
  condbr %5, b2, b3
b2: <- b1
  %6 = add %2, %4 : int64
  %7 = mul %3, %4 : int64
  br b1
b3: <- b1
  ret %2
)"),
            R"(func @0 f(int64, int64) -> int64
b0:
  %0 = param 0 : int64
  %1 = param 1 : int64
  br b1
b1: <- b0, b2
  %2 = phi %0, %6 : int64
  %5 = lt %2, %1 : bool
  condbr %5, b2, b3
b2: <- b1
  %6 = add %2, %1 : int64
  br b1
b3: <- b1
  ret %2
)");
}

TEST(Simplify, JumpsOverEmptyBlocksAndJoinsChains) {
  EXPECT_EQ(simplified(R"(func @0 f(int64, bool) -> int64
b0:
  %0 = param 0 : int64
  %1 = param 1 : bool
  br b1
b1: <- b0
  %2 = add %0, %0 : int64
  condbr %1, b2, b3
b2: <- b1
  br b4
b3: <- b1
  br b5
b4: <- b2
  poll
  br b5
b5: <- b3, b4
  %3 = phi %0, %2 : int64
  ret %3
)"),
            R"(func @0 f(int64, bool) -> int64
b0:
  %0 = param 0 : int64
  %1 = param 1 : bool
  %2 = add %0, %0 : int64
  condbr %1, b1, b2
b1: <- b0
  poll
  br b2
b2: <- b1, b0
  %3 = phi %2, %0 : int64
  ret %3
)");
}

TEST(Simplify, PrunesFunctions) {
  Module module = parse(R"(func f(array(float64, 1d, C)) -> array(float64, 1d, C)
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = ewise @3 %0 : array(float64, 1d, C)
  %2 = ewise @1 %1 : array(float64, 1d, C)
  %3 = ewise.reduce @4.max %1 : float64
  ret %2
func a(float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = const 1 : float64
  %2 = add %0, %1 : float64
  ret %2
func unused(float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  ret %0
func b(float64) -> float64 kernel straight
b0:
  %5 = param 0 : float64
  %6 = const 1 : float64
  %7 = add %5, %6 : float64
  ret %7
func c(float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = const -1 : float64
  %2 = add %0, %1 : float64
  ret %2
)");
  prune_functions(module);
  EXPECT_EQ(verify(module), "");
  EXPECT_EQ(print(module), R"(func @0 f(array(float64, 1d, C)) -> array(float64, 1d, C)
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = ewise @1 %0 : array(float64, 1d, C)
  %2 = ewise @1 %1 : array(float64, 1d, C)
  %3 = ewise.reduce @2.max %1 : float64
  ret %2

func @1 a(float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = const 1 : float64
  %2 = add %0, %1 : float64
  ret %2

func @2 c(float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = const -1 : float64
  %2 = add %0, %1 : float64
  ret %2
)");
}

TEST(SimplifyAtRandom, KeepsResultsEffectsAndErrors) {
  int returned = 0;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    Module module = testing::random_program(seed);
    ASSERT_EQ(verify(module), "") << print(module);
    const std::string before = print(module, module.functions[0]);
    std::vector<std::string> expected;
    for (uint32_t run = 0; run < 4; ++run) {
      expected.push_back(testing::behaviour(module, seed + run));
    }
    simplify(module, module.functions[0]);
    ASSERT_EQ(verify(module), "") << before << print(module, module.functions[0]);
    for (uint32_t run = 0; run < 4; ++run) {
      ASSERT_EQ(testing::behaviour(module, seed + run), expected[run]) << "seed " << seed << "\n"
                                                                       << before << print(module, module.functions[0]);
      returned += expected[run].find(';') != std::string::npos ? 1 : 0;
    }
  }
  EXPECT_GT(returned, 300); // most programs should get somewhere
}

} // namespace
} // namespace hasten::passes
