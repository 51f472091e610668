// Index checks in loops: they go where a guard can speak for them, loops vectorise, and errors come in the right turn all the same.
#include <numeric>

#include "dtypes.h"
#include "harness.h"

namespace hasten::llvm_backend::testing {
namespace {

constexpr auto kRuntimeError = static_cast<int32_t>(abi::Status::kRuntimeError);

// for i in start .. stop: out[i + shift] = in[scale · i] + 1, with the index checks that Python's rules ask for.
constexpr const char* kCopy = R"(func f(array(float64, 1d, C), array(float64, 1d, C), int64, int64, int64, int64) -> int64
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = param 1 : array(float64, 1d, C)
  %2 = param 2 : int64
  %3 = param 3 : int64
  %4 = param 4 : int64
  %5 = param 5 : int64
  %6 = dim %0, 0 : int64
  %7 = dim %1, 0 : int64
  %8 = const 1 : int64
  %9 = const 1 : float64
  br b1
b1: <- b0, b2
  %10 = phi %2, %19 : int64
  %11 = lt %10, %3 : bool
  condbr %11, b2, b3
b2: <- b1
  %12 = mul %10, %5 : int64
  %13 = check.index %12, %6, 0 : int64 !1:1
  %14 = load %0, %13 : float64
  %15 = add %14, %9 : float64
  %16 = add %10, %4 : int64
  %17 = check.index %16, %7, 0 : int64 !2:2
  store %1, %17, %15
  %19 = add %10, %8 : int64
  br b1
b3: <- b1
  ret %10)";

EmitOptions with_text() {
  EmitOptions options;
  options.want_llvm = true;
  return options;
}

// The same with in[scale + i]: loads that lie side by side, so that vectors are worth their while.
std::string even_copy() {
  std::string text = kCopy;
  return text.replace(text.find("mul %10, %5"), 3, "add");
}

TEST(Bounds, ACheckedLoopIsVectorised) {
  Code code(even_copy(), with_text());
  EXPECT_NE(code.object().llvm.find("vector.body"), std::string::npos);
}

TEST(Bounds, AllIndicesInside) {
  Code code(kCopy);
  std::vector<double> values(1000);
  std::iota(values.begin(), values.end(), 0.0);
  Array<double> in(values);
  Array<double> out(std::vector<double>(1000));
  EXPECT_EQ(code.run<int64_t>(in, out, int64_t{3}, int64_t{997}, int64_t{3}, int64_t{1}), 997);
  for (size_t i = 3; i < 997; ++i) {
    ASSERT_EQ(out.items[i + 3], values[i] + 1);
  }
  EXPECT_EQ(out.items[5], 0);
}

TEST(Bounds, AnErrorComesInItsTurnAfterTheEffectsOfTheTurnsBefore) {
  Code code(kCopy);
  Array<double> in(std::vector<double>(100, 5.0));
  Array<double> out(std::vector<double>(90));
  EXPECT_EQ(code.call(in, out, int64_t{0}, int64_t{100}, int64_t{0}, int64_t{1}), kRuntimeError);
  EXPECT_STREQ(code.env.message, "index 90 is out of bounds for axis 0 with size 90");
  EXPECT_EQ(code.env.trace[0], 1);
  EXPECT_EQ(out.items, std::vector<double>(90, 6.0));

  Array<double> room(std::vector<double>(200));
  EXPECT_EQ(code.call(in, room, int64_t{0}, int64_t{100}, int64_t{0}, int64_t{3}), kRuntimeError);
  EXPECT_STREQ(code.env.message, "index 102 is out of bounds for axis 0 with size 100");
  EXPECT_EQ(room.items[33], 6.0);
  EXPECT_EQ(room.items[34], 0.0);
}

TEST(Bounds, NegativeIndicesWrapInEachTurn) {
  Code code(kCopy);
  std::vector<double> values(10);
  std::iota(values.begin(), values.end(), 0.0);
  Array<double> in(values);
  Array<double> out(std::vector<double>(10));
  // Reads 0, -1, -2, …; writes at -2, -1, 0, …
  EXPECT_EQ(code.run<int64_t>(in, out, int64_t{0}, int64_t{10}, int64_t{-2}, int64_t{-1}), 10);
  for (int64_t i = 0; i < 10; ++i) {
    ASSERT_EQ(out.items[static_cast<size_t>((i + 8) % 10)], values[static_cast<size_t>((10 - i) % 10)] + 1);
  }
}

TEST(Bounds, GuardsSurviveWrappingArithmetic) {
  Code code(kCopy);
  Array<double> in(std::vector<double>(16, 1.0));
  Array<double> out(std::vector<double>(16));
  // 2^60 · 16 wraps to 0 in turn 16: turns before are far outside.
  EXPECT_EQ(code.call(in, out, int64_t{0}, int64_t{16}, int64_t{0}, int64_t{1} << 60), kRuntimeError);
  EXPECT_EQ(out.items[0], 2.0);
  EXPECT_EQ(out.items[1], 0.0);
  // Starts beyond everything.
  EXPECT_EQ(code.call(in, out, INT64_MAX - 1, INT64_MAX, int64_t{0}, int64_t{1}), kRuntimeError);
  // Starts below zero, ends inside: the first index raises.
  EXPECT_EQ(code.call(in, out, int64_t{-100}, int64_t{5}, int64_t{0}, int64_t{1}), kRuntimeError);
  EXPECT_STREQ(code.env.message, "index -100 is out of bounds for axis 0 with size 16");
  // No turn at all: nothing is checked.
  EXPECT_EQ(code.call(in, out, int64_t{500}, int64_t{5}, int64_t{900}, int64_t{7}), 0);
}

// for i: for j < i: s += a[i, j], and a break where the sum passes a limit.
constexpr const char* kTriangle = R"(func f(array(float64, 2d, C), int64, float64) -> float64
b0:
  %0 = param 0 : array(float64, 2d, C)
  %1 = param 1 : int64
  %2 = param 2 : float64
  %3 = dim %0, 0 : int64
  %4 = dim %0, 1 : int64
  %5 = const 0 : int64
  %6 = const 1 : int64
  %7 = const 0 : float64
  br b1
b1: <- b0, b5
  %8 = phi %5, %9 : int64
  %10 = phi %7, %11 : float64
  %12 = lt %8, %1 : bool
  condbr %12, b2, b6
b2: <- b1
  br b3
b3: <- b2, b7
  %13 = phi %5, %14 : int64
  %11 = phi %10, %15 : float64
  %16 = lt %13, %8 : bool
  condbr %16, b4, b5
b4: <- b3
  %17 = check.index %8, %3, 0 : int64
  %18 = check.index %13, %4, 1 : int64
  %19 = load %0, %17, %18 : float64
  %15 = add %11, %19 : float64
  %20 = gt %15, %2 : bool
  condbr %20, b8, b7
b7: <- b4
  %14 = add %13, %6 : int64
  br b3
b5: <- b3
  %9 = add %8, %6 : int64
  br b1
b6: <- b1
  ret %10
b8: <- b4
  ret %15)";

TEST(Bounds, NestedLoopsWithOtherExits) {
  Code code(kTriangle);
  Array<double> a(std::vector<double>(30, 1.0), {5, 6});
  EXPECT_EQ(code.run<double>(a, int64_t{5}, 1e9), 10.0);
  EXPECT_EQ(code.run<double>(a, int64_t{5}, 6.5), 7.0);
  EXPECT_EQ(code.call(a, int64_t{6}, 1e9), kRuntimeError);
  EXPECT_STREQ(code.env.message, "index 5 is out of bounds for axis 0 with size 5");
  EXPECT_EQ(code.run<double>(a, int64_t{6}, 3.5), 4.0); // leaves before it would fail
}

// A gather: one check is for the loop's own index, the other depends on the data.
constexpr const char* kGather = R"(func f(array(float64, 1d, C), array(int64, 1d, C)) -> float64
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = param 1 : array(int64, 1d, C)
  %2 = dim %0, 0 : int64
  %3 = dim %1, 0 : int64
  %4 = const 0 : int64
  %5 = const 1 : int64
  %6 = const 0 : float64
  br b1
b1: <- b0, b2
  %7 = phi %4, %8 : int64
  %9 = phi %6, %10 : float64
  %11 = lt %7, %2 : bool
  condbr %11, b2, b3
b2: <- b1
  %12 = check.index %7, %3, 0 : int64
  %13 = load %1, %12 : int64
  %14 = check.index %13, %2, 0 : int64
  %15 = load %0, %14 : float64
  %10 = add %9, %15 : float64
  %8 = add %7, %5 : int64
  br b1
b3: <- b1
  ret %9)";

TEST(Bounds, DataThatIndexesIsStillChecked) {
  Code code(kGather);
  Array<double> a({1, 2, 4, 8});
  Array<int64_t> index({3, -1, 0, 2});
  EXPECT_EQ(code.run<double>(a, index), 8 + 8 + 1 + 4);
  index.items[2] = 4;
  EXPECT_EQ(code.call(a, index), kRuntimeError);
  EXPECT_STREQ(code.env.message, "index 4 is out of bounds for axis 0 with size 4");
  index.items[2] = 0;
  index.shape[0] = 3;
  EXPECT_EQ(code.call(a, index), kRuntimeError);
  EXPECT_STREQ(code.env.message, "index 3 is out of bounds for axis 0 with size 3");
}

// Without checks, a possibly negative index still keeps loops from being vectorised, until a guard says that there is none.
TEST(Bounds, WrappedIndicesAreVersionedToo) {
  std::string text = even_copy();
  for (size_t at = text.find("check.index"); at != std::string::npos; at = text.find("check.index")) {
    const size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    line.replace(0, 11, "wrap.index");
    line.erase(line.find(", 0 :"), 3);
    text.replace(at, end - at, line);
  }
  Code code(text, with_text());
  EXPECT_NE(code.object().llvm.find("vector.body"), std::string::npos);
  std::vector<double> values(10);
  std::iota(values.begin(), values.end(), 0.0);
  Array<double> in(values);
  Array<double> out(std::vector<double>(10));
  EXPECT_EQ(code.run<int64_t>(in, out, int64_t{0}, int64_t{10}, int64_t{-2}, int64_t{0}), 10);
  for (size_t i = 0; i < 10; ++i) {
    ASSERT_EQ(out.items[(i + 8) % 10], values[i] + 1);
  }
}

// An inner loop of a few turns is unrolled, checks and all, and the loop around it is guarded as a whole.
TEST(Bounds, ShortInnerLoopsAreUnrolledFirst) {
  Code code(R"(func f(array(float64, 1d, C), array(float64, 1d, C)) -> none
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = param 1 : array(float64, 1d, C)
  %2 = dim %0, 0 : int64
  %3 = dim %1, 0 : int64
  %4 = const 0 : int64
  %5 = const 1 : int64
  %6 = const 4 : int64
  %7 = const 0 : float64
  br b1
b1: <- b0, b5
  %8 = phi %4, %9 : int64
  %10 = lt %8, %3 : bool
  condbr %10, b2, b6
b2: <- b1
  br b3
b3: <- b2, b4
  %11 = phi %4, %12 : int64
  %13 = phi %7, %14 : float64
  %15 = lt %11, %6 : bool
  condbr %15, b4, b5
b4: <- b3
  %16 = add %8, %11 : int64
  %17 = check.index %16, %2, 0 : int64
  %18 = load %0, %17 : float64
  %14 = add %13, %18 : float64
  %12 = add %11, %5 : int64
  br b3
b5: <- b3
  %19 = check.index %8, %3, 0 : int64
  store %1, %19, %13
  %9 = add %8, %5 : int64
  br b1
b6: <- b1
  %20 = const {} : none
  ret %20)",
            with_text());
  EXPECT_NE(code.object().llvm.find("vector.body"), std::string::npos);
  Array<double> in({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21});
  Array<double> out(std::vector<double>(18));
  ASSERT_EQ(code.call(in, out), 0);
  for (size_t i = 0; i < 18; ++i) {
    ASSERT_EQ(out.items[i], 4.0 * static_cast<double>(i) + 10);
  }
  Array<double> too_long(std::vector<double>(19));
  EXPECT_EQ(code.call(in, too_long), kRuntimeError);
  EXPECT_EQ(too_long.items[17], 78.0);
  EXPECT_EQ(too_long.items[18], 0.0);
}

} // namespace
} // namespace hasten::llvm_backend::testing
