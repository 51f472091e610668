// Shapes and memory: the two analyses that fusion rests on.
#include "hasten/compiler/passes/shapes.h"

#include <gtest/gtest.h>

#include "hasten/compiler/ir/parser.h"
#include "hasten/compiler/ir/verifier.h"
#include "hasten/compiler/passes/fusion/memory.h"

namespace hasten::passes {
namespace {

using namespace ir;

Module module_of(const std::string& body) {
  Module module = parse("func f(array(float64, 2d, C), array(float64, 2d, C), int64, pybool) -> int64\nb0:\n"
                        "  %0 = param 0 : array(float64, 2d, C)\n  %1 = param 1 : array(float64, 2d, C)\n  %2 = param 2 : int64\n"
                        "  %3 = param 3 : pybool\n  %4 = const 0 : int64\n  %5 = const 3 : int64\n" +
                        body +
                        "  ret %2\nfunc k(float64, float64) -> float64 kernel straight\nb0:\n  %0 = param 0 : float64\n  ret %0\n"
                        "func k1(float64) -> float64 kernel straight\nb0:\n  %0 = param 0 : float64\n  ret %0\n"
                        "func failing(float64) -> float64 kernel\nb0:\n  %0 = param 0 : float64\n  poll\n  ret %0\n");
  EXPECT_EQ(verify(module), "");
  return module;
}

TEST(Shapes, AreEqualWhereTheirLeavesAre) {
  const Module module = module_of(R"(  %6 = ewise @1 %0, %1 : array(float64, 2d, C)
  %7 = ewise @1 %6, %1 : array(float64, 2d, C)
  %8 = ewise @1 %0, %0 : array(float64, 2d, C)
  %9 = dim %8, 0 : int64
  %10 = dim %8, 1 : int64
  %11 = alloc %9, %10, 0 : array(float64, 2d, C)
  %12 = alloc %10, %9, 0 : array(float64, 2d, C)
  %13 = alloc %9, %2, 0 : array(float64, 2d, C)
  %14 = alloc %9, %2, 0 : array(float64, 2d, C)
  %15 = relabel %14 : array(float64, 2d, A)
)");
  Shapes shapes(module, module.functions[0]);
  EXPECT_EQ(shapes.shape_of(6), shapes.shape_of(7));
  EXPECT_NE(shapes.shape_of(6), shapes.shape_of(0));
  EXPECT_NE(shapes.shape_of(0), shapes.shape_of(1));
  EXPECT_EQ(shapes.shape_of(8), shapes.shape_of(0));
  EXPECT_EQ(shapes.shape_of(11), shapes.shape_of(0)) << "made of the other's sizes";
  EXPECT_NE(shapes.shape_of(12), shapes.shape_of(0)) << "in another order";
  EXPECT_EQ(shapes.shape_of(13), shapes.shape_of(15));
}

TEST(Shapes, KnowWhatCannotFail) {
  const Module module = module_of(R"(  %6 = ewise @1 %0, %1 : array(float64, 2d, C)
  %7 = ewise @1 %6, %1 : array(float64, 2d, C)
  %8 = ewise @2 %0 : array(float64, 2d, C)
  %9 = ewise @3 %0 : array(float64, 2d, C)
  %10 = dim %0, 0 : int64
  %11 = alloc %10, %5, 0 : array(float64, 2d, C)
  %12 = alloc %2, %5, 0 : array(float64, 2d, C)
  %13 = cast %5 : float64
  %14 = ewise.shaped @2 %10, %5, %13 : array(float64, 2d, C)
  %15 = ewise.shaped @2 %10, %5, %0 : array(float64, 2d, C)
  ewise.into @1 %0, %0, %13
  ewise.into @1 %0, %1, %13
  %16 = ewise.reduce @2.sum %0 : float64
  %17 = ewise.reduce @2.min %0 : float64
  %18 = load %0, %4, %4 : float64
  %19 = check.index %4, %5, 0 : int64
)");
  const Function& f = module.functions[0];
  Shapes shapes(module, f);
  const auto may = [&](ValueId value) { return shapes.may_fail(f.values[value]); };
  EXPECT_TRUE(may(6));
  EXPECT_FALSE(may(7)) << "one operand has the result's shape";
  EXPECT_FALSE(may(8));
  EXPECT_TRUE(may(9)) << "by its kernel";
  EXPECT_FALSE(may(11));
  EXPECT_TRUE(may(12)) << "a negative size";
  EXPECT_FALSE(may(14));
  EXPECT_TRUE(may(15));
  EXPECT_FALSE(may(16));
  EXPECT_TRUE(may(17)) << "of nothing";
  EXPECT_FALSE(may(18));
  EXPECT_TRUE(may(19));
  std::vector<bool> into;
  for (ValueId value : f.blocks[0].instrs) {
    if (f.values[value].op == Op::kEwiseInto) {
      into.push_back(may(value));
    }
  }
  EXPECT_EQ(into, (std::vector<bool>{false, true}));
}

TEST(Shapes, KnowWhatIsNotNegative) {
  const Module module = module_of(R"(  %6 = dim %0, 0 : int64
  %7 = max %2, %4 : int64
  %8 = min %7, %6 : int64
  %9 = min %2, %6 : int64
  %10 = floormod %2, %6 : int64
  %11 = select %3, %6, %5 : int64
  %12 = sub %6, %5 : int64
  %13 = cast %2 : uint8
  %14 = cast %13 : int64
  %15 = cast %2 : uint64
  %16 = cast %15 : int64
  %17 = const -1 : int64
)");
  const Function& f = module.functions[0];
  for (ValueId value : {6, 7, 8, 10, 11, 14, 5}) {
    EXPECT_TRUE(is_nonnegative(f, value)) << value;
  }
  for (ValueId value : {2, 9, 12, 16, 17}) {
    EXPECT_FALSE(is_nonnegative(f, value)) << value;
  }
}

TEST(Memory, IsPrivateUntilItIsHandedOn) {
  const auto is_private = [](const std::string& use) {
    const Module module = module_of("  %6 = alloc %5, %5, 0 : array(float64, 2d, C)\n  %7 = relabel %6 : array(float64, 2d, A)\n" + use);
    const Memory memory(module.functions[0]);
    EXPECT_EQ(memory.is_private(6), memory.is_private(7));
    EXPECT_EQ(memory.base(7), 6U);
    return memory.is_private(6);
  };
  EXPECT_TRUE(is_private(""));
  EXPECT_TRUE(is_private("  %8 = load %6, %4, %4 : float64\n  store %7, %4, %4, %8\n"));
  EXPECT_TRUE(is_private("  %8 = ewise @1 %6, %7 : array(float64, 2d, C)\n"));
  EXPECT_FALSE(is_private("  %8 = runtime \"hst_sort\" %7 : array(float64, 2d, C)\n"));
  EXPECT_FALSE(is_private("  %8 = select %3, %6, %0 : array(float64, 2d, C)\n"));
  EXPECT_FALSE(is_private("  %8 = tuple %6 : tuple(array(float64, 2d, C))\n  %9 = item %8, 0 : array(float64, 2d, C)\n"));
  EXPECT_FALSE(is_private("  br b1\nb1: <- b0\n  %8 = phi %6 : array(float64, 2d, C)\n"));
}

TEST(Memory, OfAResultIsPrivateUpToTheReturn) {
  const Module module = parse(R"(func f(int64) -> tuple(array(float64, 1d, C), array(float64, 1d, C))
b0:
  %0 = param 0 : int64
  %1 = alloc %0, 0 : array(float64, 1d, C)
  %2 = alloc %0, 0 : array(float64, 1d, C)
  %3 = tuple %1, %2 : tuple(array(float64, 1d, C), array(float64, 1d, C))
  ret %3
)");
  EXPECT_TRUE(Memory(module.functions[0]).is_private(1));
}

TEST(Memory, OverlapsAsFarAsTheOpsShow) {
  const Module module = module_of(R"(  %6 = alloc %5, %5, 0 : array(float64, 2d, C)
  %7 = ewise @1 %0, %1 : array(float64, 2d, C)
  %8 = view %6, %4, %5, %5, %5, %5 : array(float64, 2d, A)
  %9 = view %0, %4, %5, %5, %5, %5 : array(float64, 2d, A)
  %10 = runtime "hst_sort" %0 : array(float64, 2d, C)
)");
  const Memory memory(module.functions[0]);
  EXPECT_TRUE(memory.may_overlap(0, 1)) << "two arguments may be one array";
  EXPECT_TRUE(memory.may_overlap(0, 9));
  EXPECT_TRUE(memory.may_overlap(1, 10)) << "a kernel may give back what it got";
  EXPECT_TRUE(memory.may_overlap(6, 8));
  EXPECT_FALSE(memory.may_overlap(6, 7));
  EXPECT_FALSE(memory.may_overlap(8, 9));
  EXPECT_FALSE(memory.may_overlap(6, 10));
}

} // namespace
} // namespace hasten::passes
