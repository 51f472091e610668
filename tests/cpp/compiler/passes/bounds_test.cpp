#include "hasten/compiler/passes/bounds/bounds.h"

#include <gtest/gtest.h>

#include "hasten/compiler/ir/parser.h"
#include "hasten/compiler/ir/printer.h"
#include "hasten/compiler/ir/verifier.h"
#include "hasten/compiler/passes/simplify/simplify.h"
#include "random_program.h"

namespace hasten::passes {
namespace {

using namespace ir;

std::string remove_all(const std::string& text) {
  Module module = parse(text);
  EXPECT_EQ(verify(module), "") << text;
  for (Function& function : module.functions) {
    simplify(module, function);
  }
  remove_checks(module);
  EXPECT_EQ(verify(module), "");
  return print(module);
}

size_t count(const std::string& text, const std::string& word) {
  size_t found = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    ++found;
  }
  return found;
}

// for k in range(start, stop) as infer writes it, in strips with a poll each. `head` runs before the loop: %0 is an array, %1 and %2 are
// its sizes, %3 an int. `start` and `stop` are values; `index` is code that makes %90 and %91 of %50, the loop's variable: they index the
// axes.
std::string loop(const std::string& head, const std::string& start, const std::string& stop, const std::string& index,
                 const char* step = "1") {
  const bool down = step[0] == '-';
  return std::string("func f(array(float64, 2d, A), int64) -> float64\nb0:\n  %0 = param 0 : array(float64, 2d, A)\n") +
         "  %1 = dim %0, 0 : int64\n  %2 = dim %0, 1 : int64\n  %3 = param 1 : int64\n  %4 = const 0 : int64\n  %5 = const 1 : int64\n"
         "  %6 = const 0 : float64\n  %7 = const 2 : int64\n  %8 = const -1 : int64\n" +
         head + "  %40 = sub " + (down ? start + ", " + stop : stop + ", " + start) +
         " : int64\n  %41 = max %40, %4 : int64\n  br b1\n"
         "b1: <- b0, b3\n  %42 = phi %4, %46 : int64\n  %43 = lt %42, %41 : bool\n  condbr %43, b2, b5\n"
         "b2: <- b1\n  poll\n  %44 = const 16384 : int64\n  %45 = add %42, %44 : int64\n  %58 = min %45, %41 : int64\n  br b3\n"
         "b3: <- b2, b4\n  %46 = phi %42, %49 : int64\n  %47 = lt %46, %58 : bool\n  condbr %47, b4, b1\n"
         "b4: <- b3\n  %51 = mul %46, " +
         (down ? "%8" : "%5") + " : int64\n  %50 = add " + start + ", %51 : int64\n" + index +
         "  %96 = check.index %90, %1, 0 : int64\n  %97 = check.index %91, %2, 1 : int64\n  %98 = load %0, %96, %97 : float64\n"
         "  store %0, %96, %97, %98\n  %49 = add %46, %5 : int64\n  br b3\nb5: <- b1\n  ret %6\n";
}

size_t checks_left(const std::string& text) { return count(remove_all(text), "check.index"); }

// Both axes by the loop's variable, where the second is as long as the first for certain.
std::string first_axis(const std::string& start, const std::string& stop, const std::string& index, const std::string& head = "",
                       const char* step = "1") {
  return loop(head, start, stop, index + "  %91 = add %4, %4 : int64\n", step);
}

TEST(Bounds, KnowsTheVariableOfARange) {
  const std::string same = "  %90 = add %50, %4 : int64\n";
  const std::string before = "  %90 = sub %50, %5 : int64\n";
  const std::string after = "  %90 = add %50, %5 : int64\n";
  // One check, of the constant 0 in the other axis, always stays.
  EXPECT_EQ(checks_left(first_axis("%4", "%1", same)), 1U) << "for k in range(n): a[k]";
  EXPECT_EQ(checks_left(first_axis("%4", "%1", after)), 2U) << "for k in range(n): a[k + 1]";
  EXPECT_EQ(checks_left(first_axis("%4", "%1", before)), 2U) << "for k in range(n): a[k - 1]";
  EXPECT_EQ(checks_left(first_axis("%5", "%1", before)), 1U) << "for k in range(1, n): a[k - 1]";
  EXPECT_EQ(checks_left(first_axis("%5", "%1", same)), 1U) << "for k in range(1, n): a[k]";
  EXPECT_EQ(checks_left(first_axis("%7", "%1", before)), 1U) << "for k in range(2, n): a[k - 1]";
  const std::string shorter = "  %30 = sub %1, %5 : int64\n";
  EXPECT_EQ(checks_left(first_axis("%4", "%30", after, shorter)), 1U) << "for k in range(n - 1): a[k + 1]";
  EXPECT_EQ(checks_left(first_axis("%5", "%30", after, shorter)), 1U) << "for k in range(1, n - 1): a[k + 1]";
  const std::string longer = "  %30 = add %1, %5 : int64\n";
  EXPECT_EQ(checks_left(first_axis("%4", "%30", same, longer)), 2U) << "for k in range(n + 1): a[k]";
  EXPECT_EQ(checks_left(first_axis("%4", "%3", same)), 2U) << "for k in range(m): a[k]";
  EXPECT_EQ(checks_left(first_axis("%4", "%2", same)), 1U) << "the other axis: its size is not 0 in the loop, so 0 is inside";
  EXPECT_EQ(checks_left(first_axis("%8", "%1", same)), 2U) << "for k in range(-1, n): a[k]";
  EXPECT_EQ(checks_left(first_axis("%3", "%1", same)), 2U) << "for k in range(m, n): a[k]";
}

TEST(Bounds, KnowsARangeThatStartsAtANonnegativeNumber) {
  const std::string same = "  %90 = add %50, %4 : int64\n";
  const std::string nonnegative = "  %30 = max %3, %4 : int64\n";
  EXPECT_EQ(checks_left(first_axis("%30", "%1", same, nonnegative)), 1U) << "for k in range(max(m, 0), n): a[k]";
}

TEST(Bounds, KnowsARangeThatRunsDown) {
  const std::string same = "  %90 = add %50, %4 : int64\n";
  const std::string last = "  %30 = sub %1, %5 : int64\n";
  EXPECT_EQ(checks_left(first_axis("%30", "%8", same, last, "-1")), 1U) << "for k in range(n - 1, -1, -1): a[k]";
  EXPECT_EQ(checks_left(first_axis("%30", "%4", "  %90 = sub %50, %5 : int64\n", last, "-1")), 1U)
      << "for k in range(n - 1, 0, -1): a[k - 1]";
  EXPECT_EQ(checks_left(first_axis("%1", "%4", same, "", "-1")), 2U) << "for k in range(n, 0, -1): a[k]";
  EXPECT_EQ(checks_left(first_axis("%1", "%4", "  %90 = sub %50, %5 : int64\n", "", "-1")), 1U) << "for k in range(n, 0, -1): a[k - 1]";
}

TEST(Bounds, KnowsWhatConditionsSay) {
  const auto guarded = [](const std::string& condition) {
    return "func f(array(float64, 1d, C), int64) -> float64\nb0:\n  %0 = param 0 : array(float64, 1d, C)\n  %1 = param 1 : int64\n"
           "  %2 = dim %0, 0 : int64\n  %3 = const 0 : int64\n  %4 = const 0 : float64\n" +
           condition +
           "  condbr %9, b1, b2\nb1: <- b0\n  %10 = check.index %1, %2, 0 : int64\n  %11 = load %0, %10 : float64\n  ret %11\n"
           "b2: <- b0\n  ret %4\n";
  };
  EXPECT_EQ(checks_left(guarded("  %7 = le %3, %1 : bool\n  %8 = lt %1, %2 : bool\n  %9 = and %7, %8 : bool\n")), 0U);
  EXPECT_EQ(checks_left(guarded("  %7 = ge %1, %3 : bool\n  %8 = gt %2, %1 : bool\n  %9 = and %7, %8 : bool\n")), 0U);
  EXPECT_EQ(checks_left(guarded("  %7 = lt %1, %3 : bool\n  %8 = ge %1, %2 : bool\n  %6 = or %7, %8 : bool\n  %9 = not %6 : bool\n")), 0U);
  EXPECT_EQ(checks_left(guarded("  %7 = lt %1, %3 : bool\n  %8 = ge %1, %2 : bool\n  %9 = or %7, %8 : bool\n")), 1U);
  EXPECT_EQ(checks_left(guarded("  %9 = lt %1, %2 : bool\n")), 1U) << "it may be negative";
  EXPECT_EQ(checks_left(guarded("  %9 = ge %1, %3 : bool\n")), 1U);
  EXPECT_EQ(checks_left(guarded("  %7 = le %3, %1 : bool\n  %8 = le %1, %2 : bool\n  %9 = and %7, %8 : bool\n")), 1U);
}

TEST(Bounds, KnowsConstantsRemaindersAndIndicesThatPassed) {
  const auto checked = [](const std::string& code) {
    return "site 0 = binding 0 ()\nfunc f(array(float64, 1d, C), int64) -> int64\nb0:\n  %0 = param 0 : array(float64, 1d, C)\n  %1 = "
           "param 1 : int64\n"
           "  %2 = dim %0, 0 : int64\n  %3 = const 4 : int64\n  %4 = const -1 : int64\n  %5 = const 3 : int64\n  %6 = const 0 : int64\n" +
           code + "  ret %9\n";
  };
  EXPECT_EQ(checks_left(checked("  %9 = check.index %5, %3, 0 : int64\n")), 0U);
  EXPECT_EQ(checks_left(checked("  %9 = check.index %3, %3, 0 : int64\n")), 1U);
  EXPECT_NE(remove_all(checked("  %9 = check.index %4, %3, 0 : int64\n")).find("%9 = const 3 : int64\n  ret %9"), std::string::npos);
  EXPECT_EQ(checks_left(checked("  %7 = floormod %1, %3 : int64\n  %9 = check.index %7, %3, 0 : int64\n")), 0U);
  EXPECT_EQ(checks_left(checked("  %7 = check.index %1, %2, 0 : int64\n  %9 = check.index %7, %2, 0 : int64\n")), 1U);
  EXPECT_EQ(checks_left(checked(
                "  %7 = lt %1, %6 : bool\n  raise.if site 0 %7\n  %8 = min %1, %5 : int64\n  %9 = check.index %8, %3, 0 : int64\n")),
            0U);
}

TEST(Bounds, WrapsNothingThatIsNotNegative) {
  const std::string text = first_axis("%4", "%3", "  %90 = add %50, %4 : int64\n");
  std::string wrapping = text;
  for (size_t at = wrapping.find("check.index"); at != std::string::npos; at = wrapping.find("check.index", at)) {
    wrapping.replace(at, 11, "wrap.index");
  }
  EXPECT_EQ(count(remove_all(wrapping), "wrap.index"), 0U);
}

TEST(Bounds, LooksOutForWrapping) {
  // k + c near the top: the sum may be negative, however great k is.
  const auto sum = [](const std::string& condition) {
    return "func f(int64, int64, int64) -> int64\nb0:\n  %0 = param 0 : int64\n  %1 = param 1 : int64\n  %2 = param 2 : int64\n  %3 = "
           "const 0 : int64\n"
           "  %4 = const 1 : int64\n" +
           condition +
           "  condbr %9, b1, b2\nb1: <- b0\n  %10 = add %0, %4 : int64\n  %11 = wrap.index %10, %1 : int64\n  ret %11\nb2: <- b0\n  ret "
           "%3\n";
  };
  EXPECT_EQ(count(remove_all(sum("  %9 = ge %0, %3 : bool\n")), "wrap.index"), 1U) << "0 <= k does not say 0 <= k + 1";
  EXPECT_EQ(count(remove_all(sum("  %7 = ge %0, %3 : bool\n  %8 = lt %0, %2 : bool\n  %9 = and %7, %8 : bool\n")), "wrap.index"), 0U)
      << "k < m keeps it from the top";
}

TEST(Bounds, ChecksNoOverflowOfSumsThatStayInRange) {
  const std::string checked = "  %90 = add.checked %50, %5 : int64\n";
  EXPECT_EQ(count(remove_all(first_axis("%4", "%1", checked)), "add.checked"), 0U);
  const std::string down = "  %90 = sub.checked %50, %5 : int64\n";
  EXPECT_EQ(count(remove_all(first_axis("%4", "%1", down)), "sub.checked"), 0U);
  const std::string other = "  %90 = add.checked %3, %5 : int64\n";
  EXPECT_EQ(count(remove_all(first_axis("%4", "%1", other)), "add.checked"), 1U);
}

TEST(Bounds, ALoopThatCountsInStepsOfItsOwnProvesNothing) {
  // i = i + i is no induction: it may wrap.
  EXPECT_EQ(checks_left(R"(func f(array(float64, 1d, C)) -> float64
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = dim %0, 0 : int64
  %2 = const 1 : int64
  %3 = const 0 : float64
  br b1
b1: <- b0, b2
  %4 = phi %2, %6 : int64
  %5 = lt %4, %1 : bool
  condbr %5, b2, b3
b2: <- b1
  %7 = check.index %4, %1, 0 : int64
  %8 = load %0, %7 : float64
  store %0, %7, %8
  %6 = add %4, %4 : int64
  br b1
b3: <- b1
  ret %3
)"),
            1U);
}

std::string parallel(const std::string& length, const std::string& index) {
  return "func f(array(float64, 1d, C), array(float64, 1d, C), int64) -> tuple()\nb0:\n  %0 = param 0 : array(float64, 1d, C)\n"
         "  %1 = param 1 : array(float64, 1d, C)\n  %2 = param 2 : int64\n  %3 = dim %0, 0 : int64\n  %4 = const 0 : int64\n"
         "  %5 = const 2 : int64\n" +
         length +
         "  %9 = parallel.for @1 %8, %0, %1, %3 : tuple()\n  ret %9\n"
         "func body(int64, int64, array(float64, 1d, C), array(float64, 1d, C), int64) -> tuple() loop_body\n"
         "b0:\n  %0 = param 0 : int64\n  %1 = param 1 : int64\n  %2 = param 2 : array(float64, 1d, C)\n  %3 = param 3 : array(float64, 1d, "
         "C)\n"
         "  %4 = param 4 : int64\n  %5 = dim %2, 0 : int64\n  %6 = dim %3, 0 : int64\n  %7 = const 1 : int64\n  %16 = tuple : tuple()\n  "
         "br b1\n"
         "b1: <- b0, b2\n  %8 = phi %0, %15 : int64\n  %9 = lt %8, %1 : bool\n  condbr %9, b2, b3\n"
         "b2: <- b1\n" +
         index +
         "  %11 = load %2, %10 : float64\n  store %2, %10, %11\n  %15 = add %8, %7 : int64\n  br b1\n"
         "b3: <- b1\n  ret %16\n";
}

TEST(Bounds, KnowsTheRangeOfAParallelLoop) {
  const std::string whole = "  %8 = max %3, %4 : int64\n";
  EXPECT_EQ(checks_left(parallel(whole, "  %10 = check.index %8, %5, 0 : int64\n")), 0U) << "for k in prange(len(a)): a[k]";
  EXPECT_EQ(checks_left(parallel(whole, "  %10 = check.index %8, %6, 0 : int64\n")), 1U) << "another array";
  EXPECT_EQ(checks_left(parallel(whole, "  %10 = check.index %8, %4, 0 : int64\n")), 0U) << "its size, captured as a number";
  EXPECT_EQ(checks_left(parallel("  %8 = max %2, %4 : int64\n", "  %10 = check.index %8, %5, 0 : int64\n")), 1U)
      << "for k in prange(m): a[k]";
  const std::string inner = "  %7 = sub %3, %5 : int64\n  %8 = max %7, %4 : int64\n";
  const std::string shifted = "  %12 = add %8, %7 : int64\n  %13 = add %12, %7 : int64\n  %10 = check.index %13, %5, 0 : int64\n";
  EXPECT_EQ(checks_left(parallel(inner, shifted)), 0U) << "for k in prange(1, n - 1): a[k + 1]";
  EXPECT_EQ(checks_left(parallel(whole, shifted)), 1U);
}

TEST(BoundsAtRandom, KeepsResultsEffectsAndErrors) {
  size_t before = 0;
  size_t after = 0;
  for (uint32_t seed = 0; seed < 500; ++seed) {
    Module module = testing::random_program(seed);
    simplify(module, module.functions[0]);
    const std::string text = print(module, module.functions[0]);
    std::vector<std::string> expected;
    for (uint32_t run = 0; run < 4; ++run) {
      expected.push_back(testing::behaviour(module, seed + run));
    }
    remove_checks(module);
    before += count(text, "check.index");
    after += count(print(module, module.functions[0]), "check.index");
    ASSERT_EQ(verify(module), "") << text;
    for (uint32_t run = 0; run < 4; ++run) {
      ASSERT_EQ(testing::behaviour(module, seed + run), expected[run]) << "seed " << seed << "\n" << text << print(module);
    }
  }
  EXPECT_LT(after * 20, before * 19) << after << " of " << before;
}

} // namespace
} // namespace hasten::passes
