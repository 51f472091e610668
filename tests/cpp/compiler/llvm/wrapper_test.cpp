// The loops of ufuncs and gufuncs.
#include <numeric>

#include "dtypes.h"
#include "harness.h"

namespace hasten::llvm_backend::testing {
namespace {

std::string last_ufunc_error;

void note_error(abi::Env* env) { last_ufunc_error = env->message; }

class Loops : public ::testing::Test {
protected:
  static void SetUpTestSuite() { jit::add_symbol("hst_ufunc_error", reinterpret_cast<void*>(&note_error)); }

  static EmitOptions ufunc(int outputs = 1) {
    EmitOptions options;
    options.loop = LoopKind::kUfunc;
    options.outputs = outputs;
    return options;
  }

  static EmitOptions gufunc(std::vector<std::vector<int>> dimensions) {
    EmitOptions options;
    options.loop = LoopKind::kGufunc;
    options.core_dimensions = std::move(dimensions);
    return options;
  }

  template <typename... T> static void run(const Code& code, std::vector<int64_t> dimensions, std::vector<int64_t> steps, T*... data) {
    last_ufunc_error.clear();
    char* args[] = {reinterpret_cast<char*>(data)...};
    code.loop()(args, dimensions.data(), steps.data(), nullptr);
  }
};

constexpr const char* kStraight = R"(func f(float64, float32) -> float64
b0:
  %0 = param 0 : float64
  %1 = param 1 : float32
  %2 = cast %1 : float64
  %3 = mul %0, %2 : float64
  ret %3)";

TEST_F(Loops, AUfuncOfOneExpression) {
  Code code(kStraight, ufunc());
  std::vector<double> a(1000);
  std::vector<float> b(1000);
  std::vector<double> out(1000);
  std::iota(a.begin(), a.end(), 1.0);
  std::iota(b.begin(), b.end(), -5.0F);
  run(code, {1000}, {8, 4, 8}, a.data(), b.data(), out.data());
  for (size_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(out[i], a[i] * static_cast<double>(b[i]));
  }
  // Every second item, one factor for all, backwards into the result.
  run(code, {500}, {16, 0, -8}, a.data(), b.data(), out.data() + 499);
  for (size_t i = 0; i < 500; ++i) {
    ASSERT_EQ(out[499 - i], a[2 * i] * -5.0);
  }
  run(code, {0}, {8, 4, 8}, a.data(), b.data(), out.data());
}

constexpr const char* kBranching = R"(func f(int64) -> int64
b0:
  %0 = param 0 : int64
  %1 = const 0 : int64
  %2 = const 10 : int64
  %3 = check.index %0, %2, 0 : int64
  %4 = lt %0, %1 : bool
  condbr %4, b1, b2
b1:
  ret %3
b2:
  %5 = mul %0, %0 : int64
  ret %5)";

TEST_F(Loops, AUfuncThatBranchesAndFails) {
  Code code(kBranching, ufunc());
  std::vector<int64_t> in{1, 2, -3, 4, -5, 6};
  std::vector<int64_t> out(6);
  run(code, {6}, {8, 8}, in.data(), out.data());
  EXPECT_EQ(out, (std::vector<int64_t>{1, 4, 7, 16, 5, 36}));
  EXPECT_EQ(last_ufunc_error, "");
  run(code, {3}, {16, 8}, in.data(), out.data());
  EXPECT_EQ(out, (std::vector<int64_t>{1, 7, 5, 16, 5, 36}));
  in[2] = 11;
  run(code, {6}, {8, 8}, in.data(), out.data());
  EXPECT_EQ(last_ufunc_error, "index 11 is out of bounds for axis 0 with size 10");
  EXPECT_EQ(out[1], 4);
  EXPECT_EQ(out[2], 5);
}

TEST_F(Loops, AUfuncOfSeveralResults) {
  Code code(R"(func f(int32, bool) -> tuple(int64, bool)
b0:
  %0 = param 0 : int32
  %1 = param 1 : bool
  %2 = cast %0 : int64
  %3 = not %1 : bool
  %4 = tuple %2, %3 : tuple(int64, bool)
  ret %4)",
            ufunc(2));
  std::vector<int32_t> a(50);
  std::vector<char> b(50);
  std::vector<int64_t> wide(50);
  std::vector<char> other(50, 9);
  for (int i = 0; i < 50; ++i) {
    a[static_cast<size_t>(i)] = i - 25;
    b[static_cast<size_t>(i)] = static_cast<char>(i % 2);
  }
  run(code, {50}, {4, 1, 8, 1}, a.data(), b.data(), wide.data(), other.data());
  for (size_t i = 0; i < 50; ++i) {
    ASSERT_EQ(wide[i], a[i]);
    ASSERT_EQ(other[i], 1 - b[i]);
  }
}

TEST_F(Loops, AUfuncCanBeCalledAsAFunctionToo) {
  Code code(kStraight, ufunc());
  EXPECT_EQ(code.run<double>(3.0, 0.5F), 1.5);
}

// (n),()->(n): adds a number to each row.
constexpr const char* kAddToRow = R"(func f(array(float64, 1d, A), float64, array(float64, 1d, A)) -> none
b0:
  %0 = param 0 : array(float64, 1d, A)
  %1 = param 1 : float64
  %2 = param 2 : array(float64, 1d, A)
  %3 = dim %0, 0 : int64
  %4 = const 0 : int64
  %5 = const 1 : int64
  br b1
b1: <- b0, b2
  %6 = phi %4, %11 : int64
  %7 = lt %6, %3 : bool
  condbr %7, b2, b3
b2: <- b1
  %8 = check.index %6, %3, 0 : int64
  %9 = load %0, %8 : float64
  %10 = add %9, %1 : float64
  store %2, %8, %10
  %11 = add %6, %5 : int64
  br b1
b3: <- b1
  %12 = const {} : none
  ret %12)";

TEST_F(Loops, AGufuncOfRows) {
  Code code(kAddToRow, gufunc({{0}, {}, {0}}));
  // Four rows of three, read with gaps.
  std::vector<double> in(24);
  std::iota(in.begin(), in.end(), 0.0);
  std::vector<double> add{100, 200, 300, 400};
  std::vector<double> out(12);
  run(code, {4, 3}, {48, 8, 24, 16, 8}, in.data(), add.data(), out.data());
  for (size_t i = 0; i < 4; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      ASSERT_EQ(out[3 * i + j], in[6 * i + 2 * j] + add[i]);
    }
  }
}

// (n)->(): the result is an array of one item, as guvectorize hands it over.
TEST_F(Loops, AGufuncWithAScalarResult) {
  Code code(R"(func f(array(int64, 1d, A), array(int64, 1d, A)) -> none
b0:
  %0 = param 0 : array(int64, 1d, A)
  %1 = param 1 : array(int64, 1d, A)
  %2 = const 0 : int64
  %3 = const 1 : int64
  %5 = dim %0, 0 : int64
  %4 = check.index %3, %5, 0 : int64
  %6 = load %0, %4 : int64
  %7 = dim %1, 0 : int64
  %8 = add %6, %7 : int64
  store %1, %2, %8
  %9 = const {} : none
  ret %9)",
            gufunc({{0}, {}}));
  std::vector<int64_t> in{1, 2, 3, 4, 5, 6};
  std::vector<int64_t> out(3);
  run(code, {3, 2}, {16, 8, 8}, in.data(), out.data());
  EXPECT_EQ(out, (std::vector<int64_t>{3, 5, 7}));
  run(code, {3, 1}, {8, 8, 8}, in.data(), out.data());
  EXPECT_EQ(last_ufunc_error, "index 1 is out of bounds for axis 0 with size 1");
}

TEST_F(Loops, GlobalsComeThroughTheLoopsData) {
  Code code(R"(binding 0 = global:0:a : array(float64, 1d, C, readonly)

func @0 f(float64) -> float64
b0:
  %0 = param 0 : float64
  %1 = binding 0 : array(float64, 1d, C, readonly)
  %2 = const 1 : int64
  %3 = load %1, %2 : float64
  %4 = mul %0, %3 : float64
  ret %4)",
            ufunc());
  Array<double> global({1, 10});
  Slots slots;
  add_argument(slots, global);
  std::vector<double> in{1, 2, 3};
  std::vector<double> out(3);
  char* args[] = {reinterpret_cast<char*>(in.data()), reinterpret_cast<char*>(out.data())};
  const int64_t dimensions[] = {3};
  const int64_t steps[] = {8, 8};
  code.loop()(args, dimensions, steps, slots.data());
  EXPECT_EQ(out, (std::vector<double>{10, 20, 30}));
}

} // namespace
} // namespace hasten::llvm_backend::testing
