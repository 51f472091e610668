#include "hasten/compiler/passes/ownership.h"

#include <gtest/gtest.h>

#include "hasten/compiler/ir/parser.h"
#include "hasten/compiler/ir/printer.h"
#include "hasten/compiler/ir/verifier.h"
#include "interpreter.h"
#include "random_function.h"

namespace hasten::passes {
namespace {

using namespace ir;

// The first function with counts, as text.
std::string counted(const std::string& text) {
  Module module = parse(text);
  EXPECT_EQ(verify(module), "");
  insert_counts(module.functions[0]);
  EXPECT_EQ(verify(module), "");
  return print(module, module.functions[0]);
}

// Arrays are written A, so that the flow can be seen.
std::string spelled(std::string text) {
  for (size_t at = text.find(": A"); at != std::string::npos; at = text.find(": A", at + 1)) {
    text.replace(at + 2, 1, "array(float64, 1d, C)");
  }
  return text;
}

constexpr const char* kOthers = R"(
func @1 double(float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  ret %0
func @2 callee(array(float64, 1d, C)) -> array(float64, 1d, C)
b0:
  %0 = param 0 : A
  ret %0
)";

void expect_counted(const std::string& head, const std::string& before, const std::string& after) {
  EXPECT_EQ(counted(head + spelled(before + kOthers)), head + spelled(after));
}

constexpr const char* kArrayToArray = "func @0 f(array(float64, 1d, C)) -> array(float64, 1d, C)\n";

TEST(Ownership, ReleasesBehindTheLastUseAndMovesTheResultOut) {
  expect_counted(kArrayToArray,
                 R"(b0:
  %0 = param 0 : A
  %1 = ewise @1 %0 : A
  %2 = ewise @1 %1 : A
  ret %2
)",
                 R"(b0:
  %0 = param 0 : A
  %1 = ewise @1 %0 : A
  %2 = ewise @1 %1 : A
  release %1
  ret %2
)");
}

TEST(Ownership, ReleasesAtOnceWhatIsNeverUsedAndKeepsWhatAViewNeeds) {
  expect_counted("func @0 f(array(float64, 1d, C)) -> float64\n",
                 R"(b0:
  %0 = param 0 : A
  %1 = const 0 : pyint
  %2 = call @2 %0 : A
  %3 = call @2 %0 : A
  %4 = view %3, %1, %1, %1 : A
  poll
  %5 = load %4, %1 : float64
  ret %5
)",
                 R"(b0:
  %0 = param 0 : A
  %1 = const 0 : pyint
  %2 = call @2 %0 : A
  release %2
  %3 = call @2 %0 : A
  %4 = view %3, %1, %1, %1 : A
  poll
  %5 = load %4, %1 : float64
  release %3
  ret %5
)");
}

TEST(Ownership, RetRetainsWhatIsBorrowedAndMovesAViewsBase) {
  expect_counted(kArrayToArray, "b0:\n  %0 = param 0 : A\n  ret %0\n", "b0:\n  %0 = param 0 : A\n  retain %0\n  ret %0\n");
  const std::string view = "b0:\n  %0 = param 0 : A\n  %1 = const 0 : pyint\n  %2 = ewise @1 %0 : A\n"
                           "  %3 = view %2, %1, %1, %1 : A\n  ret %3\n";
  expect_counted(kArrayToArray, view, view);
}

TEST(Ownership, ATupleHandsOverTheCountsOfItsItems) {
  expect_counted("func @0 f(array(float64, 1d, C)) -> tuple(array(float64, 1d, C), array(float64, 1d, C), array(float64, 1d, C))\n",
                 R"(b0:
  %0 = param 0 : A
  %1 = ewise @1 %0 : A
  %2 = tuple %0, %1, %1 : tuple(array(float64, 1d, C), array(float64, 1d, C), array(float64, 1d, C))
  ret %2
)",
                 R"(b0:
  %0 = param 0 : A
  %1 = ewise @1 %0 : A
  %2 = tuple %0, %1, %1 : tuple(array(float64, 1d, C), array(float64, 1d, C), array(float64, 1d, C))
  retain %1
  retain %0
  ret %2
)");
}

TEST(Ownership, OneItemOfAnOwnedTupleIsRetainedBeforeTheTupleIsReleased) {
  const auto f = [](const char* type, const char* counts) {
    return std::string("b0:\n  %0 = runtime \"hst_pair\" : ") + type + "\n  %1 = item %0, 0 : A\n" + counts + "  ret %1\n";
  };
  const char* head = "func @0 f() -> array(float64, 1d, C)\n";
  const char* pair = "tuple(array(float64, 1d, C), array(float64, 1d, C))";
  expect_counted(head, f(pair, ""), f(pair, "  retain %1\n  release %0\n"));
  const char* single = "tuple(array(float64, 1d, C), float64)";
  expect_counted(head, f(single, ""), f(single, ""));
}

TEST(Ownership, ALoopCarriedArrayMovesOnTheBackEdge) {
  expect_counted("func @0 f(array(float64, 1d, C), pybool) -> array(float64, 1d, C)\n",
                 R"(b0:
  %0 = param 0 : A
  %1 = param 1 : pybool
  br b1
b1: <- b0, b2
  %2 = phi %0, %3 : A
  condbr %1, b2, b3
b2: <- b1
  %3 = ewise @1 %2 : A
  br b1
b3: <- b1
  ret %2
)",
                 R"(b0:
  %0 = param 0 : A
  %1 = param 1 : pybool
  retain %0
  br b1
b1: <- b0, b2
  %2 = phi %0, %3 : A
  condbr %1, b2, b3
b2: <- b1
  %3 = ewise @1 %2 : A
  release %2
  move %3
  br b1
b3: <- b1
  ret %2
)");
}

TEST(Ownership, SplitsACriticalEdgeWhereAValueDies) {
  expect_counted("func @0 f(array(float64, 1d, C), pybool) -> float64\n",
                 R"(b0:
  %0 = param 0 : A
  %1 = param 1 : pybool
  %2 = const 0 : pyint
  %3 = const 0 : float64
  %4 = ewise @1 %0 : A
  condbr %1, b1, b2
b1: <- b0
  %5 = load %4, %2 : float64
  br b2
b2: <- b0, b1
  %6 = phi %3, %5 : float64
  ret %6
)",
                 R"(b0:
  %0 = param 0 : A
  %1 = param 1 : pybool
  %2 = const 0 : pyint
  %3 = const 0 : float64
  %4 = ewise @1 %0 : A
  condbr %1, b1, b3
b1: <- b0
  %5 = load %4, %2 : float64
  release %4
  br b2
b2: <- b3, b1
  %6 = phi %3, %5 : float64
  ret %6
b3: <- b0
  release %4
  br b2
)");
}

TEST(Ownership, AValueLivesAroundALoopAndDiesBehindIt) {
  expect_counted("func @0 f(array(float64, 1d, C), pybool) -> float64\n",
                 R"(b0:
  %0 = param 0 : A
  %1 = param 1 : pybool
  %2 = const 0 : pyint
  %3 = const 0 : float64
  %4 = ewise @1 %0 : A
  br b1
b1: <- b0, b2
  %5 = phi %3, %6 : float64
  condbr %1, b2, b3
b2: <- b1
  %6 = load %4, %2 : float64
  br b1
b3: <- b1
  ret %5
)",
                 R"(b0:
  %0 = param 0 : A
  %1 = param 1 : pybool
  %2 = const 0 : pyint
  %3 = const 0 : float64
  %4 = ewise @1 %0 : A
  br b1
b1: <- b0, b2
  %5 = phi %3, %6 : float64
  condbr %1, b2, b3
b2: <- b1
  %6 = load %4, %2 : float64
  br b1
b3: <- b1
  release %4
  ret %5
)");
}

TEST(Ownership, ABlockThatRaisesLeavesReleasesToTheSlots) {
  const std::string body = R"(b0:
  %0 = param 0 : A
  %1 = param 1 : pybool
  %2 = ewise @1 %0 : A
  condbr %1, b1, b2
b1: <- b0
  raise site 0
b2: <- b0
  ret %2
)";
  const std::string head = "func @0 f(array(float64, 1d, C), pybool) -> array(float64, 1d, C)\n";
  EXPECT_EQ(counted("site 0 = binding 0 ()\n" + head + spelled(body + kOthers)), head + spelled(body));
}

TEST(Ownership, AnUndefinedOperandOfAPhiIsNeitherRetainedNorMoved) {
  const std::string body = R"(b0:
  %0 = param 0 : A
  %1 = param 1 : pybool
  %2 = undef : A
  condbr %1, b1, b2
b1: <- b0
  %3 = ewise @1 %0 : A
REST  br b2
b2: <- b0, b1
  %4 = phi %2, %3 : A
  ret %4
)";
  const auto with = [&](const char* rest) {
    std::string text = body;
    return text.replace(text.find("REST"), 4, rest);
  };
  expect_counted("func @0 f(array(float64, 1d, C), pybool) -> array(float64, 1d, C)\n", with(""), with("  move %3\n"));
}

void run_at_random(uint32_t seed) {
  Module module = testing::random_module(seed);
  ASSERT_EQ(verify(module), "") << print(module);
  const std::string before = print(module);
  insert_counts(module.functions[0]);
  insert_counts(module.functions[2]);
  ASSERT_EQ(verify(module), "") << before << print(module);
  std::mt19937 chance(seed);
  for (int walk = 0; walk < 12; ++walk) {
    testing::Interpreter machine(module, {.count = true, .chance = &chance, .failure = walk % 3 * 0.04, .steps = 400});
    const Function& f = module.functions[0];
    const testing::Value a = machine.array(f.params[0], {1}, {1});
    const testing::Value b = machine.array(f.params[0], {1}, {2});
    const testing::Value c = machine.array(f.params[0], {1}, {3});
    const testing::Value pair{.type = f.params[2], .items = {b, c}};
    const testing::Outcome outcome = machine.run(0, {a, b, pair, machine.scalar(f.params[3], 1)});
    if (outcome.cut_short) {
      continue;
    }
    std::vector<int64_t> expected(machine.blocks.size(), 0);
    expected[0] = expected[1] = expected[2] = 1;
    if (outcome.error.empty()) {
      machine.for_each_block(outcome.result, [&](int block) { ++expected[static_cast<size_t>(block)]; });
    }
    for (size_t block = 0; block < machine.blocks.size(); ++block) {
      ASSERT_EQ(machine.blocks[block].refs, expected[block]) << "block " << block << " seed " << seed << "\n" << before << print(module);
    }
    ASSERT_TRUE(machine.faults.empty()) << machine.faults[0] << " seed " << seed << "\n" << before << print(module);
  }
}

TEST(OwnershipAtRandom, EveryCountEndsWhereItShould) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    run_at_random(seed);
    if (HasFatalFailure()) {
      return;
    }
  }
}

} // namespace
} // namespace hasten::passes
