#include "hasten/compiler/ir/fold.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "hasten/compiler/ir/parser.h"
#include "hasten/compiler/ir/printer.h"

namespace hasten::ir {
namespace {

// One instruction on constants, in the text of the IR: "add 1, 2 : int8"; the answer is a literal, or "-" where nothing is folded.
std::string folded(const std::string& op, const std::vector<std::string>& operands, const std::string& type,
                   const std::string& operand_type = {}) {
  std::string text = "func f() -> " + type + "\nb0:\n";
  std::string names;
  for (size_t i = 0; i < operands.size(); ++i) {
    text += "  %" + std::to_string(i) + " = const " + operands[i] + " : " + (operand_type.empty() ? type : operand_type) + "\n";
    names += (i == 0 ? "%" : ", %") + std::to_string(i);
  }
  text += "  %9 = " + op + " " + names + " : " + type + "\n  ret %9\n";
  const Module module = parse(text);
  const Function& f = module.functions[0];
  const auto result = fold(f.values[9].op, f.values[9].type, f.constants);
  if (!result) {
    return "-";
  }
  Module shown = module;
  shown.functions[0].constants = {*result};
  shown.functions[0].values[0].type = result->type;
  const std::string printed = print(shown);
  const size_t at = printed.find("const ") + 6;
  return printed.substr(at, printed.find(" : ", at) - at);
}

TEST(Fold, IntegersWrapAtTheirWidth) {
  EXPECT_EQ(folded("add", {"100", "100"}, "int8"), "-56");
  EXPECT_EQ(folded("add", {"200", "100"}, "uint8"), "44");
  EXPECT_EQ(folded("mul", {"9223372036854775807", "2"}, "int64"), "-2");
  EXPECT_EQ(folded("neg", {"-128"}, "int8"), "-128");
  EXPECT_EQ(folded("sub", {"0", "1"}, "uint64"), "18446744073709551615");
  EXPECT_EQ(folded("not", {"0"}, "uint16"), "65535");
  EXPECT_EQ(folded("not", {"true"}, "bool"), "false");
}

TEST(Fold, ChecksLeaveOverflowsToTheProgram) {
  EXPECT_EQ(folded("add.checked", {"1", "2"}, "pyint"), "3");
  EXPECT_EQ(folded("add.checked", {"9223372036854775807", "1"}, "pyint"), "-");
  EXPECT_EQ(folded("mul.checked", {"100", "2"}, "int8"), "-");
}

TEST(Fold, DivisionFollowsPython) {
  EXPECT_EQ(folded("floordiv", {"-7", "2"}, "int64"), "-4");
  EXPECT_EQ(folded("floormod", {"-7", "2"}, "int64"), "1");
  EXPECT_EQ(folded("floormod", {"7", "-2"}, "int64"), "-1");
  EXPECT_EQ(folded("floordiv", {"-9223372036854775808", "-1"}, "int64"), "-9223372036854775808");
  EXPECT_EQ(folded("floordiv", {"1", "0"}, "int64"), "-");
}

TEST(Fold, ComparesByTheOperandsType) {
  EXPECT_EQ(folded("lt", {"18446744073709551615", "1"}, "bool", "uint64"), "false");
  EXPECT_EQ(folded("lt", {"-1", "1"}, "bool", "int64"), "true");
  EXPECT_EQ(folded("eq", {"nan", "nan"}, "bool", "float64"), "false");
  EXPECT_EQ(folded("ne", {"nan", "nan"}, "bool", "float64"), "true");
  EXPECT_EQ(folded("eq", {"-0", "0"}, "bool", "float64"), "true");
  EXPECT_EQ(folded("eq", {"(1, 2)", "(1, 3)"}, "bool", "complex128"), "false");
}

TEST(Fold, FloatsRoundToTheirType) {
  EXPECT_EQ(folded("add", {"0.1", "0.2"}, "float64"), "0.30000000000000004");
  EXPECT_EQ(folded("div", {"1", "3"}, "float32"), "0.3333333432674408");
  EXPECT_EQ(folded("div", {"1", "0"}, "float64"), "-");
  EXPECT_EQ(folded("mul", {"2", "3"}, "float16"), "-");
  EXPECT_EQ(folded("neg", {"0"}, "float64"), "-0");
}

TEST(Fold, CastsWhereTheMachineAgreesWithC) {
  EXPECT_EQ(folded("cast", {"300"}, "int8", "int64"), "44");
  EXPECT_EQ(folded("cast", {"18446744073709551615"}, "float64", "uint64"), "18446744073709551616");
  EXPECT_EQ(folded("cast", {"16777217"}, "float32", "int64"), "16777216");
  EXPECT_EQ(folded("cast", {"9007199791611905"}, "float32", "int64"), "9007200328482816"); // by way of double it would be 9007199254740992
  EXPECT_EQ(folded("cast", {"-2.75"}, "int64", "float64"), "-2");
  EXPECT_EQ(folded("cast", {"nan"}, "int64", "float64"), "-");
  EXPECT_EQ(folded("cast", {"300.5"}, "int8", "float64"), "-");
  EXPECT_EQ(folded("cast", {"0.5"}, "bool", "float64"), "true");
}

TEST(Fold, IdenticalMeansBits) {
  const Constant zero{float_type()};
  Constant negative = zero;
  negative.re = -0.0;
  Constant nan = zero;
  nan.re = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(identical(zero, negative));
  EXPECT_TRUE(identical(nan, nan));
  EXPECT_FALSE(identical(zero, Constant{scalar_type(array::DType::kFloat64)}));
}

} // namespace
} // namespace hasten::ir
