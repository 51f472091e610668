#include "hasten/compiler/passes/fusion/fusion.h"

#include <gtest/gtest.h>

#include "hasten/compiler/ir/parser.h"
#include "hasten/compiler/ir/printer.h"
#include "hasten/compiler/ir/verifier.h"
#include "hasten/compiler/passes/simplify/functions.h"
#include "random_program.h"

namespace hasten::passes {
namespace {

using namespace ir;

// Kernels that the statements below use, by index.
constexpr const char* kKernels = R"(
func @1 mul(float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = mul %0, %1 : float64
  ret %2
func @2 add(float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = add %0, %1 : float64
  ret %2
func @3 exp(float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = ufunc "npy_loop.exp.dd" %0 : float64
  ret %1
func @4 same(float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  ret %0
func @5 iota(int64) -> float64 kernel straight
b0:
  %0 = param 0 : int64
  %1 = cast %0 : float64
  ret %1
func @6 branchy(float64) -> float64 kernel
b0:
  %0 = param 0 : float64
  %1 = lt %0, %0 : bool
  condbr %1, b1, b2
b1: <- b0
  %2 = neg %0 : float64
  br b2
b2: <- b0, b1
  %3 = phi %0, %2 : float64
  ret %3
func @7 raising(float64) -> float64 kernel
b0:
  %0 = param 0 : float64
  poll
  ret %0
)";

// "A": array(float64, 1d, C), "B": array(float64, 2d, C).
std::string spelled(std::string text) {
  for (const auto& [name, type] :
       {std::pair{": A", ": array(float64, 1d, C)"}, std::pair{": B", ": array(float64, 2d, C)"}, std::pair{"(A", "(array(float64, 1d, C)"},
        std::pair{", A", ", array(float64, 1d, C)"}, std::pair{"(B", "(array(float64, 2d, C)"}, std::pair{", B", ", array(float64, 2d, C)"},
        std::pair{"> A", "> array(float64, 1d, C)"}, std::pair{"> B", "> array(float64, 2d, C)"}}) {
    for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 2)) {
      if (std::isalnum(static_cast<unsigned char>(text[at + 3])) == 0) {
        text.replace(at, std::string(name).size(), type);
      }
    }
  }
  return text;
}

// The module with its statements fused, without the kernels that are not needed any longer.
std::string fused(const std::string& text) {
  Module module = parse("site 0 = binding 0 ()\n" + spelled(text) + kKernels);
  EXPECT_EQ(verify(module), "");
  fuse_statements(module, 0);
  EXPECT_EQ(verify(module), "");
  prune_functions(module);
  EXPECT_EQ(verify(module), "");
  module.sites.clear();
  return print(module);
}

// How many statements are left.
size_t statements_left(const std::string& text) {
  const std::string after = fused(text);
  size_t count = 0;
  for (size_t at = after.find("ewise"); at != std::string::npos; at = after.find("ewise", at + 1)) {
    ++count;
  }
  return count;
}

TEST(Fusion, MakesOneKernelOfAChain) {
  EXPECT_EQ(fused(R"(func @0 f(A, A, float64) -> A
b0:
  %0 = param 0 : A
  %1 = param 1 : A
  %2 = param 2 : float64
  %3 = const 2 : float64
  %4 = ewise @1 %0, %1 : A !1:4
  %5 = ewise @1 %4, %3 : A
  %6 = ewise @2 %5, %2 : A
  %7 = ewise @3 %6 : A !2:4
  ret %7
)"),
            spelled(R"(func @0 f(A, A, float64) -> A
b0:
  %0 = param 0 : A
  %1 = param 1 : A
  %2 = param 2 : float64
  %3 = const 2 : float64
  %7 = ewise @1 %0, %1, %2 : A !2:4
  ret %7

func @1 exp(float64, float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = const 2 : float64
  %3 = param 2 : float64
  %4 = mul %0, %1 : float64
  %5 = mul %4, %2 : float64
  %6 = add %5, %3 : float64
  %7 = ufunc "npy_loop.exp.dd" %6 : float64
  ret %7
)"));
}

TEST(Fusion, SharesOperandsAndWhatOneStatementUsesTwice) {
  EXPECT_EQ(fused(R"(func @0 f(A, A) -> A
b0:
  %0 = param 0 : A
  %1 = param 1 : A
  %2 = ewise @2 %0, %1 : A
  %3 = ewise @1 %2, %2 : A
  %4 = ewise @2 %0, %3 : A
  ret %4
)"),
            spelled(R"(func @0 f(A, A) -> A
b0:
  %0 = param 0 : A
  %1 = param 1 : A
  %4 = ewise @1 %0, %1 : A
  ret %4

func @1 add(float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = add %0, %1 : float64
  %3 = mul %2, %2 : float64
  %4 = add %0, %3 : float64
  ret %4
)"));
}

TEST(Fusion, TakesInADiamondWhoseSidesAreBothInside) {
  EXPECT_EQ(statements_left(R"(func @0 f(A, A) -> A
b0:
  %0 = param 0 : A
  %1 = param 1 : A
  %2 = ewise @2 %0, %1 : A
  %3 = ewise @1 %2, %0 : A
  %4 = ewise @1 %2, %1 : A
  %5 = ewise @2 %3, %4 : A
  ret %5
)"),
            1U);
}

TEST(Fusion, KeepsWhatHasOtherUses) {
  EXPECT_EQ(statements_left(R"(func @0 f(A, A) -> tuple(A, A)
b0:
  %0 = param 0 : A
  %1 = param 1 : A
  %2 = ewise @2 %0, %1 : A
  %3 = ewise @1 %2, %0 : A
  %4 = tuple %2, %3 : tuple(A, A)
  ret %4
)"),
            2U);
  EXPECT_EQ(statements_left(R"(func @0 f(A, A) -> int64
b0:
  %0 = param 0 : A
  %1 = param 1 : A
  %2 = ewise @2 %0, %1 : A
  ewise.into @1 %2, %2, %0
  %3 = dim %2, 0 : int64
  ret %3
)"),
            2U);
}

TEST(Fusion, ReducesAnExpressionWithoutMakingIt) {
  EXPECT_EQ(fused(R"(func @0 f(A, A) -> float64
b0:
  %0 = param 0 : A
  %1 = param 1 : A
  %2 = ewise @1 %0, %1 : A
  %3 = ewise.reduce @4.sum %2 : float64
  ret %3
)"),
            spelled(R"(func @0 f(A, A) -> float64
b0:
  %0 = param 0 : A
  %1 = param 1 : A
  %3 = ewise.reduce @1.sum %0, %1 : float64
  ret %3

func @1 mul(float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = mul %0, %1 : float64
  ret %2
)"));
}

TEST(Fusion, WritesAnExpressionWhereItBelongs) {
  EXPECT_EQ(fused(R"(func @0 f(A, A) -> float64
b0:
  %0 = param 0 : A
  %1 = param 1 : A
  %2 = const 1 : float64
  %3 = ewise @1 %0, %1 : A
  ewise.into @4 %0, %3
  ret %2
)"),
            spelled(R"(func @0 f(A, A) -> float64
b0:
  %0 = param 0 : A
  %1 = param 1 : A
  %2 = const 1 : float64
  ewise.into @1 %0, %0, %1
  ret %2

func @1 mul(float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = mul %0, %1 : float64
  ret %2
)"));
}

// Two statements, the first an operand of the second, with something between them.
std::string with_between(const std::string& between, const std::string& first = "%6 = ewise @1 %0, %0 : A") {
  return "func @0 f(A, A, int64, bool) -> A\nb0:\n  %0 = param 0 : A\n  %1 = param 1 : A\n  %2 = param 2 : int64\n  %3 = param 3 : bool\n"
         "  %4 = const 1 : float64\n  %5 = alloc %2, 0 : A\n  " +
         first + "\n  " + between + "\n  %9 = ewise @2 %6, %4 : A\n  ret %9\n";
}

TEST(Fusion, DoesNotReadBehindAWrite) {
  EXPECT_EQ(statements_left(with_between("poll")), 1U);
  EXPECT_EQ(statements_left(with_between("store %0, %2, %4")), 2U);
  EXPECT_EQ(statements_left(with_between("store %1, %2, %4")), 2U) << "two arguments may be one array";
  EXPECT_EQ(statements_left(with_between("store %5, %2, %4")), 1U) << "a new array is no argument";
  EXPECT_EQ(statements_left(with_between("%7 = view %0, %2, %2, %2 : A\n  store %7, %2, %4")), 2U);
  EXPECT_EQ(statements_left(with_between("%7 = runtime \"hst_sort\" %1 : A")), 2U);
  const char* of_new = "%6 = ewise @1 %5, %5 : A";
  EXPECT_EQ(statements_left(with_between("store %1, %2, %4", of_new)), 1U);
  EXPECT_EQ(statements_left(with_between("store %5, %2, %4", of_new)), 2U);
  EXPECT_EQ(statements_left(with_between("%7 = runtime \"hst_sort\" %1 : A", of_new)), 1U);
  EXPECT_EQ(statements_left(with_between("%7 = runtime \"hst_shuffle\" %5 : none", of_new)), 2U);
}

TEST(Fusion, DoesNotLetAnotherErrorComeFirst) {
  const char* may_fail = "%6 = ewise @1 %0, %1 : A"; // sizes that do not agree
  EXPECT_EQ(statements_left(with_between("poll", may_fail)), 1U);
  EXPECT_EQ(statements_left(with_between("raise.if site 0 %3", may_fail)), 2U);
  EXPECT_EQ(statements_left(with_between("%7 = check.index %2, %2, 0 : int64", may_fail)), 2U);
  EXPECT_EQ(statements_left(with_between("store %5, %2, %4", may_fail)), 2U) << "the effect would be seen before the error";
  EXPECT_EQ(statements_left(with_between("raise.if site 0 %3")), 1U) << "one array fits itself";
  EXPECT_EQ(statements_left(with_between("%7 = ewise @1 %0, %5 : A", may_fail)), 2U) << "fused past a statement that fails the same way";
}

TEST(Fusion, KnowsThatSizesWhichWentTogetherOnceGoTogether) {
  EXPECT_EQ(statements_left(R"(func @0 f(A, A, bool) -> tuple(A, A)
b0:
  %0 = param 0 : A
  %1 = param 1 : A
  %2 = param 2 : bool
  %3 = ewise @2 %0, %1 : A
  %4 = ewise @1 %3, %1 : A
  raise.if site 0 %2
  %5 = ewise @1 %4, %0 : A
  %6 = tuple %3, %5 : tuple(A, A)
  ret %6
)"),
            2U);
}

TEST(Fusion, BroadcastsCheapWorkAndKeepsTheRest) {
  const auto outer = [](const char* first) {
    return std::string("func @0 f(A, B, B) -> B\nb0:\n  %0 = param 0 : A\n  %1 = param 1 : B\n  %2 = param 2 : B\n  ") + first +
           "\n  %9 = ewise @1 %3, %1 : B\n  ret %9\n";
  };
  EXPECT_EQ(statements_left(outer("%3 = ewise @1 %0, %0 : A")), 1U);
  EXPECT_EQ(statements_left(outer("%3 = ewise @3 %0 : A")), 2U) << "exp of each row's item again for each row";
  EXPECT_EQ(statements_left(outer("%3 = ewise @1 %2, %2 : B")), 1U);
  EXPECT_EQ(statements_left(outer("%3 = ewise @3 %2 : B")), 2U) << "one of the two may be a column";
  EXPECT_EQ(statements_left(outer("%3 = ewise @3 %1 : B")), 1U) << "certainly one shape";
  EXPECT_EQ(statements_left("func @0 f(A, A) -> A\nb0:\n  %0 = param 0 : A\n  %1 = param 1 : A\n  %2 = ewise @3 %0 : A\n"
                            "  %3 = ewise @1 %2, %1 : A\n  ret %3\n"),
            1U);
}

TEST(Fusion, KeepsExpensiveWorkOnNewAxes) {
  const auto outer = [](int kernel) {
    return "func @0 f(A, A) -> B\nb0:\n  %0 = param 0 : A\n  %1 = param 1 : A\n  %2 = const 1 : int64\n  %3 = const 0 : int64\n"
           "  %4 = dim %0, 0 : int64\n  %5 = stride %0, 0 : int64\n  %6 = view %0, %3, %4, %2, %5, %3 : B\n  %7 = ewise @" +
           std::to_string(kernel) + " %6" + (kernel == 1 ? ", %6" : "") + " : B\n  %8 = ewise @1 %7, %1 : B\n  ret %8\n";
  };
  EXPECT_EQ(statements_left(outer(1)), 1U);
  EXPECT_EQ(statements_left(outer(3)), 2U);
}

TEST(Fusion, DoesNotRecomputeALongChainForEachRow) {
  std::string text = "func @0 f(A, B) -> B\nb0:\n  %0 = param 0 : A\n  %1 = param 1 : B\n  %2 = ewise @1 %0, %0 : A\n";
  for (int i = 3; i < 20; ++i) {
    text += "  %" + std::to_string(i) + " = ewise @1 %" + std::to_string(i - 1) + ", %0 : A\n";
  }
  EXPECT_EQ(statements_left(text + "  %20 = ewise @1 %19, %1 : B\n  ret %20\n"), 2U);
}

TEST(Fusion, FusesNewArraysOfOneShape) {
  EXPECT_EQ(fused(R"(func @0 f(int64, float64) -> A
b0:
  %0 = param 0 : int64
  %1 = param 1 : float64
  %2 = ewise.shaped @5 %0 : A
  %3 = ewise @1 %2, %1 : A
  %4 = ewise.shaped @4 %0, %1 : A
  %5 = ewise @2 %4, %3 : A
  ret %5
)"),
            spelled(R"(func @0 f(int64, float64) -> A
b0:
  %0 = param 0 : int64
  %1 = param 1 : float64
  %5 = ewise.shaped @1 %0, %1 : A
  ret %5

func @1 add(float64, int64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : int64
  %2 = cast %1 : float64
  %3 = mul %2, %0 : float64
  %4 = add %0, %3 : float64
  ret %4
)"));
  EXPECT_EQ(statements_left("func @0 f(A, int64) -> A\nb0:\n  %0 = param 0 : A\n  %1 = param 1 : int64\n  %2 = ewise.shaped @5 %1 : A\n"
                            "  %3 = ewise @1 %2, %0 : A\n  ret %3\n"),
            2U)
      << "another length";
  EXPECT_EQ(statements_left("func @0 f(A) -> A\nb0:\n  %0 = param 0 : A\n  %1 = dim %0, 0 : int64\n  %2 = ewise.shaped @5 %1 : A\n"
                            "  %3 = ewise @1 %2, %0 : A\n  ret %3\n"),
            1U)
      << "arange(len(a)) * a";
}

TEST(Fusion, KeepsANewArrayThatGivesTheResultItsOrder) {
  // zeros(a.shape) + a, where a may be in Fortran order: without the first operand the driver would follow the second.
  const auto sum = [](const std::string& layout, const std::string& kernel) {
    const std::string type = "array(float64, 2d, " + layout + ")";
    return "func @0 f(" + type + ") -> B\nb0:\n  %0 = param 0 : " + type + "\n  %1 = dim %0, 0 : int64\n  %2 = dim %0, 1 : int64\n" +
           "  %3 = const 0 : float64\n  %4 = ewise.shaped " + kernel + " : B\n  %5 = ewise @2 %4, %0 : B\n  ret %5\n";
  };
  EXPECT_EQ(statements_left(sum("C", "@4 %1, %2, %3")), 1U);
  EXPECT_EQ(statements_left(sum("F", "@4 %1, %2, %3")), 2U);
  EXPECT_EQ(statements_left(sum("F", "@5 %1, %2")), 1U) << "a linear index is in C order";
}

TEST(Fusion, KeepsVectorsAndErrorsOfKernels) {
  const auto chain = [](const char* first, const char* second) {
    return std::string("func @0 f(A) -> A\nb0:\n  %0 = param 0 : A\n  %1 = ewise ") + first + " : A\n  %2 = ewise " + second +
           " : A\n  ret %2\n";
  };
  EXPECT_EQ(statements_left(chain("@6 %0", "@3 %1")), 2U) << "the second is computed in vectors";
  EXPECT_EQ(statements_left(chain("@3 %0", "@6 %1")), 2U) << "exp is fast in vectors only";
  EXPECT_EQ(statements_left(chain("@4 %0", "@6 %1")), 1U);
  EXPECT_EQ(statements_left(chain("@6 %0", "@6 %1")), 1U);
  EXPECT_EQ(statements_left(chain("@7 %0", "@6 %1")), 2U) << "the first may fail";
  EXPECT_EQ(statements_left(chain("@6 %0", "@7 %1")), 1U);
}

TEST(Fusion, InlinesKernelsOfSeveralBlocks) {
  EXPECT_EQ(fused(R"(func @0 f(A) -> A
b0:
  %0 = param 0 : A
  %1 = ewise @6 %0 : A
  %2 = ewise @6 %1 : A
  ret %2
)"),
            spelled(R"(func @0 f(A) -> A
b0:
  %0 = param 0 : A
  %2 = ewise @1 %0 : A
  ret %2

func @1 branchy(float64) -> float64 kernel
b0:
  %0 = param 0 : float64
  %1 = lt %0, %0 : bool
  condbr %1, b1, b2
b1: <- b0
  %3 = neg %0 : float64
  br b2
b2: <- b0, b1
  %5 = phi %0, %3 : float64
  %6 = lt %5, %5 : bool
  condbr %6, b3, b4
b3: <- b2
  %8 = neg %5 : float64
  br b4
b4: <- b2, b3
  %10 = phi %5, %8 : float64
  ret %10
)"));
}

TEST(Fusion, StaysWithinItsLimits) {
  // A sum of 40 arrays: statements of at most 16 operands.
  std::string params = "A";
  std::string body;
  for (int i = 0; i < 40; ++i) {
    params += i > 0 ? ", A" : "";
    body += "  %" + std::to_string(i) + " = param " + std::to_string(i) + " : A\n";
  }
  for (int i = 1; i < 40; ++i) {
    body += "  %" + std::to_string(40 + i) + " = ewise @2 %" + std::to_string(i == 1 ? 0 : 39 + i) + ", %" + std::to_string(i) + " : A\n";
  }
  EXPECT_EQ(statements_left("func @0 f(" + params + ") -> A\nb0:\n" + body + "  ret %79\n"), 3U);
  // A chain of 20 calls of a library loop: eight in one kernel.
  std::string chain = "func @0 f(A) -> A\nb0:\n  %0 = param 0 : A\n";
  for (int i = 1; i <= 20; ++i) {
    chain += "  %" + std::to_string(i) + " = ewise @3 %" + std::to_string(i - 1) + " : A\n";
  }
  EXPECT_EQ(statements_left(chain + "  ret %20\n"), 3U);
}

TEST(FusionAtRandom, KeepsResultsEffectsAndErrors) {
  int64_t before_count = 0;
  int64_t after_count = 0;
  const auto count = [](const Module& module) {
    int64_t statements = 0;
    for (const Block& block : module.functions[0].blocks) {
      for (ValueId value : block.instrs) {
        statements += std::string_view(info(module.functions[0].values[value].op).text).starts_with("ewise") ? 1 : 0;
      }
    }
    return statements;
  };
  for (uint32_t seed = 0; seed < 400; ++seed) {
    Module module = testing::random_program(seed);
    const std::string before = print(module, module.functions[0]);
    before_count += count(module);
    std::vector<std::string> expected;
    for (uint32_t run = 0; run < 4; ++run) {
      expected.push_back(testing::behaviour(module, seed + run));
    }
    fuse_statements(module, 0);
    after_count += count(module);
    ASSERT_EQ(verify(module), "") << before << print(module);
    for (uint32_t run = 0; run < 4; ++run) {
      ASSERT_EQ(testing::behaviour(module, seed + run), expected[run]) << "seed " << seed << "\n" << before << print(module);
    }
  }
  EXPECT_LT(after_count * 5, before_count * 4); // a good part of the statements goes
}

} // namespace
} // namespace hasten::passes
