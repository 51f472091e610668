#include "hasten/compiler/passes/pipeline.h"

#include <gtest/gtest.h>

#include "hasten/base/diagnostic.h"
#include "hasten/compiler/ir/parser.h"
#include "hasten/compiler/ir/printer.h"
#include "hasten/compiler/ir/verifier.h"
#include "random_program.h"

namespace hasten::passes {
namespace {

using namespace ir;

TEST(Pipeline, TurnsAnExpressionIntoOneKernelAndCountsItsResult) {
  Module module = parse(R"(
func f(array(float64, 1d, C), array(float64, 1d, C)) -> float64
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = param 1 : array(float64, 1d, C)
  %2 = ewise @1 %0, %0 : array(float64, 1d, C)
  %3 = ewise @1 %1, %1 : array(float64, 1d, C)
  %4 = ewise @2 %2, %3 : array(float64, 1d, C)
  %5 = const 0 : int64
  %6 = dim %4, 0 : int64
  %7 = check.index %5, %6, 0 : int64
  %8 = load %4, %7 : float64
  ret %8
func mul(float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = mul %0, %1 : float64
  ret %2
func add(float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = add %0, %1 : float64
  ret %2
)");
  run_all(module);
  EXPECT_EQ(print(module), R"(func @0 f(array(float64, 1d, C), array(float64, 1d, C)) -> float64
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = param 1 : array(float64, 1d, C)
  %4 = ewise @1 %0, %1 : array(float64, 1d, C)
  %5 = const 0 : int64
  %6 = dim %4, 0 : int64
  %7 = check.index %5, %6, 0 : int64
  %8 = load %4, %7 : float64
  release %4
  ret %8

func @1 add(float64, float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = param 1 : float64
  %2 = mul %0, %0 : float64
  %3 = mul %1, %1 : float64
  %4 = add %2, %3 : float64
  ret %4
)");
}

#ifdef HASTEN_IR_CHECKS
TEST(Pipeline, NamesThePassAndTheRuleThatIsBroken) {
  Module module = parse("func f() -> float64\nb0:\n  %0 = const 1 : pyint\n  ret %0\n");
  try {
    run_all(module);
    FAIL() << "no error";
  } catch (const base::Diagnostic& e) {
    EXPECT_NE(e.message().find("wrong after inference: f: %1 = ret: what is returned is pyint where float64 belongs"), std::string::npos)
        << e.message();
    EXPECT_NE(e.message().find("%0 = const 1 : pyint"), std::string::npos);
  }
}
#endif

TEST(PipelineAtRandom, KeepsBehaviourAndEndsAllCounts) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    Module module = testing::random_program(seed);
    const std::string before = print(module, module.functions[0]);
    std::vector<std::string> expected;
    for (uint32_t run = 0; run < 4; ++run) {
      expected.push_back(testing::behaviour(module, seed + run));
    }
    run_all(module);
    ASSERT_EQ(verify(module), "") << before << print(module);
    for (uint32_t run = 0; run < 4; ++run) {
      ASSERT_EQ(testing::behaviour(module, seed + run, true), expected[run]) << "seed " << seed << "\n" << before << print(module);
    }
  }
}

} // namespace
} // namespace hasten::passes
