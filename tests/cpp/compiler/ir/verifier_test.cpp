// Each rule of the verifier is broken once.
#include "hasten/compiler/ir/verifier.h"

#include <gtest/gtest.h>

#include "hasten/compiler/ir/parser.h"

namespace hasten::ir {
namespace {

struct Case {
  const char* rule;
  const char* body;
};

// One function of two arguments, a kernel, a callee and a loop body.
std::string verify_body(const std::string& body) {
  return verify(
      parse("site 0 = binding 0 ()\n"
            "func f(array(float64, 1d, C), pyint, array(float64, 1d, A, readonly)) -> pyint\n" +
            body +
            "\nfunc k(float64, float64) -> float64 kernel straight\nb0:\n  %0 = param 0 : float64\n  ret %0\n"
            "func g(pyint) -> array(float64, 1d, C)\nb0:\n  %0 = param 0 : pyint\n  %1 = alloc %0, 0 : array(float64, 1d, C)\n  ret %1\n"
            "func body(int64, int64, pyint) -> tuple(float64) loop_body +\nb0:\n  %0 = const 0 : float64\n"
            "  %1 = tuple %0 : tuple(float64)\n  ret %1\n"));
}

void expect_complaints(std::initializer_list<Case> cases) {
  for (const Case& c : cases) {
    const std::string found = verify_body(c.body);
    EXPECT_NE(found.find(c.rule), std::string::npos) << "found: '" << found << "'\nexpected: '" << c.rule << "' for\n" << c.body;
  }
}

// Straight code between the parameters and a return.
std::string straight(const std::string& instr) {
  return "b0:\n  %0 = param 0 : array(float64, 1d, C)\n  %1 = param 1 : pyint\n  %2 = param 2 : array(float64, 1d, A, readonly)\n"
         "  %3 = const true : pybool\n  %4 = const 1.5 : float64\n  %5 = tuple %1, %4 : tuple(pyint, float64)\n  " +
         instr + "\n  ret %1\n";
}

void expect_complaints_straight(std::initializer_list<Case> cases) {
  for (const Case& c : cases) {
    const std::string found = verify_body(straight(c.body));
    EXPECT_NE(found.find(c.rule), std::string::npos) << "found: '" << found << "'\nexpected: '" << c.rule << "' for " << c.body;
  }
}

TEST(Verifier, AcceptsWhatIsValid) {
  for (const char* instr : {
           "%9 = add %1, %1 : int64",
           "%9 = lt %4, %4 : bool",
           "%9 = select %3, %0, %0 : array(float64, 1d, C)",
           "%9 = cast %1 : float32",
           "%9 = bitcast %1 : float64",
           "%9 = complex %4, %4 : complex128",
           "%9 = intrinsic copysign %4, %4 : float64",
           "%9 = item %5, 1 : pyfloat",
           "%9 = view %0, %1, %1, %1 : array(float64, 1d, A)",
           "%9 = relabel %0 : array(float64, 1d, A, readonly)",
           "%9 = load %0, %1 : pyfloat",
           "store %0, %1, %4",
           "%9 = alloc %1, 1 : array(float64, 1d, C)",
           "%9 = ewise @1 %0, %4 : array(float64, 1d, C)",
           "%9 = ewise.shaped @1 %1, %0, %4 : array(float64, 1d, C)",
           "ewise.into @1 %0, %2, %4",
           "%9 = ewise.reduce @1.sum %0, %2 : float64",
           "%9 = call @2 %1 : array(float64, 1d, C)",
           "%9 = parallel.for @3 %1, %1 : tuple(float64)",
           "raise.if site 0 %3",
           "retain %0",
           "move %0",
       }) {
    EXPECT_EQ(verify_body(straight(instr)), "") << instr;
  }
}

TEST(Verifier, ChecksTheTypesOfEachOp) {
  expect_complaints_straight({
      {"f: %9 = add: operand 1 is float64 where pyint belongs", "%9 = add %1, %4 : pyint"},
      {"not defined on float64", "%9 = shl %4, %4 : float64"},
      {"it takes 2 operands", "%9 = mul %4 : float64"},
      {"its immediate has no meaning", "%9 = mul %4, %4, 3 : float64"},
      {"the result of a comparison is a bool", "%9 = eq %1, %1 : pyint"},
      {"operand 1 is float64 where pyint belongs", "%9 = eq %1, %4 : bool"},
      {"the condition is no bool", "%9 = select %1, %4, %4 : float64"},
      {"operand 2 is pyint where float64 belongs", "%9 = select %3, %4, %1 : float64"},
      {"a cast is from scalar to scalar", "%9 = cast %0 : float64"},
      {"between scalars of one size", "%9 = bitcast %1 : float32"},
      {"two floats of half its size", "%9 = complex %4, %4 : complex64"},
      {"a float of half its size", "%9 = real %4 : float64"},
      {"sqrt takes 1 operands", "%9 = intrinsic sqrt %4, %4 : float64"},
      {"clz is not defined on float64", "%9 = intrinsic clz %4 : float64"},
      {"the result is float64 where pybool belongs", "%9 = intrinsic isnan %4 : float64"},
      {"operand 0 is no scalar", "%9 = extern \"cbrt\" %0 : float64"},
      {"the operands are not the items of tuple(pyint)", "%9 = tuple %1, %1 : tuple(pyint)"},
      {"operand 0 is float64 where pybool belongs", "%9 = tuple %4, %4 : optional(float64)"},
      {"no such item of tuple(pyint, float64)", "%9 = item %5, 2 : pyint"},
      {"the result is pyint where float64 belongs", "%9 = item %5, 1 : pyint"},
      {"no such axis", "%9 = dim %0, 1 : int64"},
      {"the result is no int64", "%9 = dim %0, 0 : int32"},
      {"one size and one stride for each axis", "%9 = view %0, %1, %1 : array(float64, 1d, A)"},
      {"offset, sizes and strides are int64", "%9 = view %0, %4, %1, %1 : array(float64, 1d, A)"},
      {"gets a weaker layout", "%9 = relabel %2 : array(float64, 1d, C, readonly)"},
      {"stays readonly", "%9 = relabel %2 : array(float64, 1d, A)"},
      {"one int64 for each axis", "%9 = load %0 : float64"},
      {"the result is pyint where float64 belongs", "%9 = load %0, %1 : pyint"},
      {"the array is readonly", "store %2, %1, %4"},
      {"the value is pyint where float64 belongs", "store %0, %1, %1"},
      {"index, size and result are int64", "%9 = check.index %4, %1, 0 : int64"},
      {"one int64 for each axis", "%9 = alloc %1, %1, 0 : array(float64, 1d, C)"},
      {"the immediate is 0 or 1", "%9 = alloc %1, 2 : array(float64, 1d, C)"},
      {"no such kernel", "%9 = ewise @2 %0, %0 : array(float64, 1d, C)"},
      {"the kernel takes 2 operands", "%9 = ewise @1 %0 : array(float64, 1d, C)"},
      {"operand 1 is pyint where float64 belongs", "%9 = ewise @1 %0, %1 : array(float64, 1d, C)"},
      {"the highest rank of the operands", "%9 = ewise @1 %0, %0 : array(float64, 2d, C)"},
      {"the kernel's result is float64", "%9 = ewise @1 %0, %0 : array(float32, 1d, C)"},
      {"the linear index is an int64", "%9 = ewise.shaped @1 %1, %0 : array(float64, 1d, C)"},
      {"the array is readonly", "ewise.into @1 %2, %0, %0"},
      {"the result is float32 where float64 belongs", "%9 = ewise.reduce @1.sum %0, %0 : float32"},
      {"no such function", "%9 = call @1 %4, %4 : float64"},
      {"operand 0 is float64 where pyint belongs", "%9 = call @2 %4 : array(float64, 1d, C)"},
      {"the result is float64 where array(float64, 1d, C) belongs", "%9 = call @2 %1 : float64"},
      {"no such loop body", "%9 = parallel.for @2 %1 : tuple(float64)"},
      {"one item for each reduction", "%9 = parallel.for @3 %1, %1 : tuple()"},
      {"no such raise site", "raise.if site 1 %3"},
      {"the condition, a bool", "raise.if site 0 %1"},
      {"pyint holds no counts", "release %1"},
  });
}

TEST(Verifier, ChecksBlocksAndEdges) {
  expect_complaints({
      {"b1 is empty", "b0:\n  %0 = undef : pyint\n  ret %0\nb1:\n"},
      {"exactly one control op ends a block", "b0:\n  %0 = undef : pyint\n"},
      {"exactly one control op ends a block", "b0:\n  %0 = undef : pyint\n  ret %0\n  ret %0\n"},
      {"b0 ends in br and has 2 successors", "b0:\n  %0 = undef : pyint\n  br b1, b1\nb1: <- b0, b0\n  ret %0\n"},
      {"the entry block has a predecessor", "b0: <- b0\n  br b0\n"},
      {"preds and succs of b0 and b1 do not agree", "b0:\n  %0 = undef : pyint\n  br b1\nb1: <- b2\n  ret %0\nb2: <- b2\n  br b2\n"},
      {"preds and succs of b0 and b2 do not agree", "b0:\n  %0 = undef : pyint\n  br b1\nb1: <- b0\n  ret %0\nb2: <- b0\n  ret %0\n"},
      {"phis stand first in a block",
       "b0:\n  %0 = undef : pyint\n  br b1\nb1: <- b0\n  %1 = add %0, %0 : pyint\n  %2 = phi %0 : pyint\n  ret %1\n"},
      {"a phi has one operand for each predecessor", "b0:\n  %0 = undef : pyint\n  br b1\nb1: <- b0\n  %2 = phi : pyint\n  ret %2\n"},
      {"two edges from one block bring different operands",
       "b0:\n  %0 = undef : pyint\n  %1 = undef : pyint\n  %2 = const true : bool\n  condbr %2, b1, b1\nb1: <- b0, b0\n"
       "  %3 = phi %0, %1 : pyint\n  ret %3\n"},
      {"what is returned is pybool where pyint belongs", "b0:\n  %0 = undef : pybool\n  ret %0\n"},
      {"no such binding", "b0:\n  %0 = binding 5 : pyint\n  ret %0\n"},
      {"no such parameter", "b0:\n  %0 = param 5 : pyint\n  ret %0\n"},
  });
}

TEST(Verifier, ChecksDominance) {
  expect_complaints({
      {"operand %1 does not dominate its use", "b0:\n  %0 = add %1, %1 : pyint\n  %1 = undef : pyint\n  ret %0\n"},
      {"operand %7 is not in the function", "b0:\n  %0 = add %7, %7 : pyint\n  %8 = undef : pyint\n  ret %0\n"},
      {"operand %2 is no value", "b0:\n  %0 = undef : pyint\n  poll\n  %1 = add %0, %2 : pyint\n  ret %0\n"},
      {"operand %2 does not dominate its use",
       "b0:\n  %0 = const true : bool\n  condbr %0, b1, b2\nb1: <- b0\n  %2 = undef : pyint\n  br b2\nb2: <- b0, b1\n  ret %2\n"},
      {"operand %2 does not dominate its use",
       "b0:\n  %0 = const true : bool\n  condbr %0, b1, b2\nb1: <- b0\n  %2 = undef : pyint\n  br b2\nb2: <- b0, b1\n"
       "  %3 = phi %2, %2 : pyint\n  ret %3\n"},
  });
  EXPECT_EQ(verify_body("b0:\n  %0 = const true : bool\n  %1 = undef : pyint\n  condbr %0, b1, b2\nb1: <- b0\n  %2 = undef : pyint\n"
                        "  br b2\nb2: <- b0, b1\n  %3 = phi %1, %2 : pyint\n  ret %3\n"),
            "");
}

TEST(Verifier, NoticesAValueListedTwiceOrInAForeignBlock) {
  Module module = parse("func f() -> pyint\nb0:\n  %0 = undef : pyint\n  ret %0\n");
  module.functions[0].blocks[0].instrs.insert(module.functions[0].blocks[0].instrs.begin(), 0);
  EXPECT_EQ(verify(module), "f: %0 = undef: it is listed in b0 but belongs elsewhere");
  module.functions[0].blocks[0].instrs[0] = 99;
  EXPECT_EQ(verify(module), "f: b0 lists %99, which is no value");
}

TEST(Verifier, ChecksKernels) {
  const auto kernel = [](const std::string& flags, const std::string& body) {
    return verify(parse("func k(float64) -> float64 " + flags + "\nb0:\n  %0 = param 0 : float64\n" + body));
  };
  EXPECT_EQ(kernel("kernel straight", "  ret %0\n"), "");
  EXPECT_EQ(kernel("kernel straight", "  poll\n  ret %0\n").substr(0, 2), "k:");
  EXPECT_EQ(kernel("kernel straight", "  br b1\nb1: <- b0\n  ret %0\n"), "k: a straight kernel is one block");
  EXPECT_EQ(kernel("kernel", "  unreachable\n"), "k: a kernel returns in one place");
  EXPECT_EQ(kernel("straight", "  ret %0\n"), "k: only kernels are straight");
  EXPECT_EQ(kernel("loop_body", "  ret %0\n"), "k: a loop body takes begin and end and gives a tuple");
}

} // namespace
} // namespace hasten::ir
