// The printer and the parser are inverses of each other.
#include <gtest/gtest.h>

#include "hasten/base/diagnostic.h"
#include "hasten/compiler/ir/builder.h"
#include "hasten/compiler/ir/parser.h"
#include "hasten/compiler/ir/printer.h"
#include "hasten/compiler/ir/verifier.h"

namespace hasten::ir {
namespace {

constexpr const char* kLoop = R"(func @0 total(array(float64, 1d, C), pyfloat) -> float64
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = param 1 : pyfloat
  %2 = const 0 : pyint
  %3 = const 1 : pyint
  %4 = dim %0, 0 : int64
  br b1
b1: <- b0, b2
  %5 = phi %2, %10 : pyint
  %6 = phi %1, %9 : float64
  %7 = lt %5, %4 : pybool
  condbr %7, b2, b3
b2: <- b1
  %8 = load %0, %5 : float64 !3:12
  %9 = add %6, %8 : float64
  %10 = add %5, %3 : pyint
  br b1
b3: <- b1
  ret %6 !4:4
)";

constexpr const char* kModule = R"(binding 0 = builtins:ValueError : named(20:exception:ValueError)
binding 1 = global:0:table : array(int8, 1d, C, readonly)
site 0 = binding 0 (pyint, named(12:literal:a, b))
site 1 = instance 0 ()

func @0 f(array(float64, 2d, A), tuple(pyint, complex128)) -> none
b0:
  %0 = param 0 : array(float64, 2d, A)
  %1 = param 1 : tuple(pyint, complex128)
  %2 = item %1, 0 : pyint
  %3 = const (1.5, -0) : complex128
  %4 = const 18446744073709551615 : uint64
  %5 = const inf : float32
  %6 = const true : bool
  %7 = const {} : none
  %8 = ewise @1 %0 : array(float64, 2d, C)
  %9 = ewise.reduce @1.mean %8 : float64
  %10 = intrinsic sqrt %9 : float64
  %11 = extern "cbrt" %10 : float64
  %12 = runtime "hst_sort" %8 : array(float64, 2d, C)
  %13 = alloc %2, %2, 1 : array(float64, 2d, C)
  %14 = undef : array(float64, 2d, A)
  %15 = binding 1 : array(int8, 1d, C, readonly)
  raise.if site 0 %6, %2
  poll
  raise site 1

func @1 k(float64) -> float64 kernel straight
b0:
  %0 = param 0 : float64
  %1 = ufunc "npy_loop.exp.dd" %0 : float64
  ret %1

func @2 body(int64, int64) -> tuple(float64, int64) loop_body + max
b0:
  %0 = const 0 : float64
  %1 = const -9223372036854775808 : int64
  %2 = tuple %0, %1 : tuple(float64, int64)
  ret %2
)";

TEST(IrText, RoundTripsALoop) { EXPECT_EQ(print(parse(kLoop)), kLoop); }

TEST(IrText, RoundTripsEverySortOfImmediate) {
  const Module module = parse(kModule);
  EXPECT_EQ(print(module), kModule);
  EXPECT_EQ(verify(module), "");
  EXPECT_TRUE(module.symbols[1].status);
  EXPECT_FALSE(module.symbols[0].status);
  EXPECT_TRUE(module.sites[1].is_instance);
}

TEST(IrText, PrintsWhatTheBuilderMakes) {
  Module module;
  Function& f = module.functions.emplace_back();
  f.name = "twice";
  f.params = {int_type()};
  f.result = int_type();
  Builder b(module, f);
  b.set_block(b.new_block());
  const ValueId x = b.param(0);
  b.ret(b.emit(Op::kAdd, int_type(), {x, x}));
  EXPECT_EQ(print(module), R"(func @0 twice(pyint) -> pyint
b0:
  %0 = param 0 : pyint
  %1 = add %0, %0 : pyint
  ret %1
)");
}

TEST(IrText, PredecessorsFollowTheTextWhereNoneAreListed) {
  const Module module = parse(R"(func f(bool) -> bool
    b0:
      %0 = param 0 : bool
      condbr %0, b1, b2
    b1:
      br b2
    b2:
      ret %0)");
  EXPECT_EQ(module.functions[0].blocks[2].preds, (std::vector<BlockId>{0, 1}));
  EXPECT_EQ(verify(module), "");
}

TEST(IrText, QuotesWhatItCannotRead) {
  const auto message = [](const char* text) {
    try {
      parse(text);
    } catch (const base::Diagnostic& e) {
      return e.message();
    }
    return std::string("no error");
  };
  EXPECT_NE(message("b0:\n").find("'func' expected at 'b0:'"), std::string::npos);
  EXPECT_NE(message("func f() -> bool\nb0:\n  %0 = bad %1 : bool\n").find("no op 'bad'"), std::string::npos);
  EXPECT_NE(message("func f() -> bool\nb0:\n  %0 = undef : boole\n").find("a type expected at 'boole'"), std::string::npos);
  EXPECT_NE(message("func f() -> bool\nb0:\n  undef : bool\n").find("undef has a value"), std::string::npos);
}

} // namespace
} // namespace hasten::ir
