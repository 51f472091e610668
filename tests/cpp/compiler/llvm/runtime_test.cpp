// Calls out of compiled code: kernels with a status, C functions, NumPy's inner loops.
#include "dtypes.h"
#include "harness.h"
#include "hasten/abi/block.h"
#include "hasten/abi/slots.h"

namespace hasten::llvm_backend::testing {
namespace {

using abi::ArrayView;
using abi::Env;
using abi::TypeNum;

// ---- kernels that check what they get

int32_t scalars(Env*, double* result, int8_t flag, int8_t a, uint8_t b, int16_t c, uint16_t half, int64_t d, float e, double re,
                double im) {
  *result = flag * 1e6 + a * 1e5 + b * 1e2 + c + half + static_cast<double>(d) + e + re + im;
  return 0;
}

int32_t flags(Env*, int8_t* result, int8_t flag) {
  *result = static_cast<int8_t>(flag == 0 ? 2 : 0);
  return 0;
}

int32_t several(Env*, int64_t* count, std::complex<double>* sum, ArrayView* array, int8_t* has, double* value, const ArrayView* in,
                int64_t n) {
  EXPECT_EQ(in->ndim, 2);
  EXPECT_EQ(in->dtype, TypeNum::kInt32);
  EXPECT_EQ(in->shape[1], 3);
  EXPECT_EQ(in->strides[0], 12);
  EXPECT_EQ(array->ndim, 1);
  EXPECT_EQ(array->dtype, TypeNum::kFloat32);
  *count = n + in->shape[0];
  *sum = {1, 2};
  array->block = abi::hst_block_new(4 * n, 0);
  array->data = array->block->data;
  array->shape[0] = n;
  array->strides[0] = 4;
  *has = 1;
  *value = 0.5;
  return 0;
}

int calls_of_nothing = 0;

int32_t nothing(Env* env, int64_t n) {
  ++calls_of_nothing;
  return n < 0 ? static_cast<int32_t>(abi::fail(env, abi::ErrorKind::kTypeError, "%d is too little", static_cast<int>(n))) : 0;
}

int32_t shape_of(Env*, int64_t* result, const ArrayView* a) {
  *result = a->shape[0] * 100 + a->strides[0];
  return 0;
}

// ---- C functions

double real_function(double a, float b) { return 10 * a + static_cast<double>(b); }
int8_t narrow(int8_t a, uint16_t b, bool c) { return static_cast<int8_t>(a + b + (c ? 1 : 0)); }
std::complex<double> conjugate(std::complex<double> z) { return std::conj(z); }
std::complex<float> conjugate_f(std::complex<float> z) { return std::conj(z); }
bool is_small(int32_t a) { return a < 10; }

// ---- a stand-in for one of NumPy's loops

void add_loop(char** args, const int64_t* dimensions, const int64_t* steps, void* data) {
  for (int64_t i = 0; i < dimensions[0]; ++i) {
    *reinterpret_cast<double*>(args[2] + i * steps[2]) = *reinterpret_cast<double*>(args[0] + i * steps[0]) +
                                                         *reinterpret_cast<float*>(args[1] + i * steps[1]) + *static_cast<double*>(data);
  }
}

double bias = 1000;
abi::NumpyLoop add_row = {add_loop, &bias};

class Runtime : public ::testing::Test {
protected:
  static void SetUpTestSuite() {
    const auto add = [](const char* name, auto* function) { jit::add_symbol(name, reinterpret_cast<void*>(function)); };
    add("test_scalars", scalars);
    add("test_flags", flags);
    add("test_several", several);
    add("test_nothing", nothing);
    add("test_shape_of", shape_of);
    add("test_real_function", real_function);
    add("test_narrow", narrow);
    add("test_conjugate", conjugate);
    add("test_conjugate_f", conjugate_f);
    add("test_is_small", is_small);
    jit::add_symbol("npy_loop.test.dfd", &add_row);
  }
};

TEST_F(Runtime, PassesScalarsByValue) {
  Code code(R"(func f(bool, int8, uint8, int16, float16, int64, float32, complex128) -> float64
b0:
  %0 = param 0 : bool
  %1 = param 1 : int8
  %2 = param 2 : uint8
  %3 = param 3 : int16
  %4 = param 4 : float16
  %5 = param 5 : int64
  %6 = param 6 : float32
  %7 = param 7 : complex128
  %8 = runtime "test_scalars" %0, %1, %2, %3, %4, %5, %6, %7 : float64
  ret %8)");
  Slots slots;
  put_scalar(slots, true);
  put_scalar(slots, int8_t{-2});
  put_scalar(slots, uint8_t{200});
  put_scalar(slots, int16_t{-5});
  slots.push_back(7); // bits of a half
  put_scalar(slots, int64_t{4});
  put_scalar(slots, 0.5F);
  put_scalar(slots, std::complex<double>(0.25, 0.125));
  ASSERT_EQ(code.call_slots(slots), 0);
  EXPECT_EQ(take_scalar<double>(code.out.data()), 1e6 - 2e5 + 2e4 - 5 + 7 + 4 + 0.5 + 0.25 + 0.125);
}

TEST_F(Runtime, TakesAnyByteForABool) {
  Code code("func f(bool) -> bool\nb0:\n  %0 = param 0 : bool\n  %1 = runtime \"test_flags\" %0 : bool\n  ret %1");
  EXPECT_EQ(code.run<uint64_t>(false), 1U);
  EXPECT_EQ(code.run<uint64_t>(true), 0U);
}

TEST_F(Runtime, GivesTuplesThroughAPointerForEachItem) {
  const int64_t before = live_blocks();
  Code code(R"(func f(tuple(array(int32, 2d, C), int64)) -> tuple(int64, complex128, array(float32, 1d, C), optional(float64))
b0:
  %0 = param 0 : tuple(array(int32, 2d, C), int64)
  %1 = runtime "test_several" %0 : tuple(int64, complex128, array(float32, 1d, C), optional(float64))
  ret %1)");
  Array<int32_t> in(std::vector<int32_t>(6), {2, 3});
  ASSERT_EQ(code.call(in, int64_t{5}), 0);
  EXPECT_EQ(code.out[0], 7U);
  EXPECT_EQ(take_scalar<std::complex<double>>(&code.out[1]), std::complex<double>(1, 2));
  auto* block = reinterpret_cast<abi::Block*>(code.out[3]);
  EXPECT_EQ(reinterpret_cast<char*>(code.out[4]), block->data);
  EXPECT_EQ(code.out[5], 5U);
  EXPECT_EQ(code.out[6], 4U);
  EXPECT_EQ(code.out[7], 1U);
  EXPECT_EQ(take_scalar<double>(&code.out[8]), 0.5);
  abi::hst_block_release(block);
  EXPECT_EQ(live_blocks(), before);
}

TEST_F(Runtime, PassesNoResultForNoneAndLeavesOnAStatus) {
  Code code("func f(int64) -> none\nb0:\n  %0 = param 0 : int64\n  %1 = runtime \"test_nothing\" %0 : none !6:1\n  ret %1");
  EXPECT_EQ(code.call(int64_t{3}), 0);
  EXPECT_EQ(code.call(int64_t{-3}), static_cast<int32_t>(abi::Status::kRuntimeError));
  EXPECT_STREQ(code.env.message, "-3 is too little");
  EXPECT_EQ(code.env.trace_count, 1);
  EXPECT_EQ(calls_of_nothing, 2);
}

TEST_F(Runtime, SeesTheViewOfEachTurn) {
  // A view and a phi of arrays get new contents in each turn of the loop.
  Code code(R"(func f(array(int64, 1d, A)) -> int64
b0:
  %0 = param 0 : array(int64, 1d, A)
  %1 = const 0 : int64
  %2 = const 1 : int64
  %3 = const 3 : int64
  %20 = dim %0, 0 : int64
  br b1
b1: <- b0, b2
  %4 = phi %1, %12 : int64
  %5 = phi %1, %13 : int64
  %6 = phi %0, %11 : array(int64, 1d, A)
  %7 = lt %4, %3 : bool
  condbr %7, b2, b3
b2: <- b1
  %8 = runtime "test_shape_of" %6 : int64
  %9 = sub %20, %4 : int64
  %10 = add %4, %3 : int64
  %11 = view %0, %1, %9, %10 : array(int64, 1d, A)
  %14 = runtime "test_shape_of" %11 : int64
  retain %11
  release %6
  %15 = add %5, %8 : int64
  %13 = add %15, %14 : int64
  %12 = add %4, %2 : int64
  br b1
b3: <- b1
  release %6
  ret %5)");
  Array<int64_t> items(std::vector<int64_t>(9));
  // Before: 908; views: (9, 3), (8, 4), (7, 5). Each but the last is seen twice.
  EXPECT_EQ(code.run<int64_t>(items), 908 + 2 * 903 + 2 * 804 + 705);
}

TEST_F(Runtime, CallsCFunctions) {
  Code real("func f(float64, float32) -> float64\nb0:\n  %0 = param 0 : float64\n  %1 = param 1 : float32\n"
            "  %2 = extern \"test_real_function\" %0, %1 : float64\n  ret %2");
  EXPECT_EQ(real.run<double>(1.5, 0.25F), 15.25);
  Code small("func f(int8, uint16, bool) -> int8\nb0:\n  %0 = param 0 : int8\n  %1 = param 1 : uint16\n  %2 = param 2 : bool\n"
             "  %3 = extern \"test_narrow\" %0, %1, %2 : int8\n  ret %3");
  EXPECT_EQ(small.run<int8_t>(int8_t{-100}, uint16_t{65530}, true), int8_t(-100 - 6 + 1));
  Code truth("func f(int32) -> bool\nb0:\n  %0 = param 0 : int32\n  %1 = extern \"test_is_small\" %0 : bool\n  ret %1");
  EXPECT_EQ(truth.run<uint64_t>(int32_t{-4}), 1U);
  EXPECT_EQ(truth.run<uint64_t>(int32_t{10}), 0U);
  Code sine("func f(float64) -> float64\nb0:\n  %0 = param 0 : float64\n  %1 = extern \"sin\" %0 : float64\n  ret %1");
  EXPECT_EQ(sine.run<double>(0.3), std::sin(0.3));
}

TEST_F(Runtime, CallsCFunctionsOfComplexNumbers) {
  Code wide(
      "func f(complex128) -> complex128\nb0:\n  %0 = param 0 : complex128\n  %1 = extern \"test_conjugate\" %0 : complex128\n  ret %1");
  EXPECT_EQ(wide.run<std::complex<double>>(std::complex<double>(1, 2)), std::complex<double>(1, -2));
  Code narrow(
      "func f(complex64) -> complex64\nb0:\n  %0 = param 0 : complex64\n  %1 = extern \"test_conjugate_f\" %0 : complex64\n  ret %1");
  EXPECT_EQ(narrow.run<std::complex<float>>(std::complex<float>(1, 2)), std::complex<float>(1, -2));
}

TEST_F(Runtime, CallsNumpysLoopsOnScalars) {
  Code code("func f(float64, float32) -> float64\nb0:\n  %0 = param 0 : float64\n  %1 = param 1 : float32\n"
            "  %2 = ufunc \"npy_loop.test.dfd\" %0, %1 : float64\n  ret %2");
  EXPECT_EQ(code.run<double>(1.5, 0.25F), 1001.75);
}

} // namespace
} // namespace hasten::llvm_backend::testing
