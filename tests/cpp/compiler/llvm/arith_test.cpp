// Ops that only compute: each one as scalar code and as vectors, against C++.
#include <functional>

#include "dtypes.h"
#include "harness.h"

namespace hasten::llvm_backend::testing {
namespace {

std::string array_of(const char* dtype) { return std::string("array(") + dtype + ", 1d, C)"; }

// A function of a scalar kernel, and one that applies the kernel to arrays; `body` computes %r from %0 and %1 (or %0 alone).
std::string scalar_text(const std::string& body, int operands, const char* operand, const char* result) {
  std::string text = std::string("func f(") + operand + (operands == 2 ? std::string(", ") + operand : "") + ") -> " + result + "\nb0:\n";
  for (int i = 0; i < operands; ++i) {
    text += "  %" + std::to_string(i) + " = param " + std::to_string(i) + " : " + operand + "\n";
  }
  return text + "  %2 = " + body + " : " + result + "\n  ret %2\n";
}

std::string vector_text(const std::string& body, int operands, const char* operand, const char* result) {
  const std::string in = array_of(operand);
  const std::string out = array_of(result);
  std::string kernel = scalar_text(body, operands, operand, result);
  kernel.insert(kernel.find("\nb0"), " kernel straight");
  std::string text =
      "func @0 whole(" + out + ", " + in + (operands == 2 ? ", " + in : "") + ") -> none\nb0:\n  %0 = param 0 : " + out + "\n";
  std::string args;
  for (int i = 1; i <= operands; ++i) {
    text += "  %" + std::to_string(i) + " = param " + std::to_string(i) + " : " + in + "\n";
    args += ", %" + std::to_string(i);
  }
  return text + "  ewise.into @1 %0" + args + "\n  %3 = const {} : none\n  ret %3\n\n" + kernel;
}

template <typename T, typename R> using Unary = std::type_identity_t<std::function<R(T)>>;
template <typename T, typename R> using Binary = std::type_identity_t<std::function<R(T, T)>>;
template <typename T> using Keep = std::type_identity_t<std::function<bool(T, T)>>;

template <typename T, typename R = T>
void check_binary(const std::string& op, const Binary<T, R>& reference, const Keep<T>& keep = [](T, T) { return true; }) {
  SCOPED_TRACE(op + " on " + dtype_name<T>());
  std::vector<T> left;
  std::vector<T> right;
  for (T a : interesting<T>()) {
    for (T b : interesting<T>()) {
      if (keep(a, b)) {
        left.push_back(a);
        right.push_back(b);
      }
    }
  }
  Code scalar(scalar_text(op + " %0, %1", 2, dtype_name<T>(), dtype_name<R>()));
  Code vector(vector_text(op + " %0, %1", 2, dtype_name<T>(), dtype_name<R>()));
  Array<R> out{std::vector<R>(left.size())};
  Array<T> a(left);
  Array<T> b(right);
  ASSERT_EQ(vector.call(out, a, b), 0) << vector.env.message;
  for (size_t i = 0; i < left.size(); ++i) {
    const R expected = reference(left[i], right[i]);
    const std::string what = show<T>(left[i]) + ", " + show<T>(right[i]) + " should give " + show(expected);
    const R alone = scalar.run<R>(T(left[i]), T(right[i]));
    EXPECT_TRUE(same<R>(alone, expected)) << what << ", not " << show(alone);
    EXPECT_TRUE(same<R>(R(out.items[i]), expected)) << what << " in a vector, not " << show(R(out.items[i]));
  }
}

template <typename T, typename R = T> void check_unary(const std::string& op, const Unary<T, R>& reference) {
  SCOPED_TRACE(op + " from " + dtype_name<T>() + " to " + dtype_name<R>());
  std::vector<T> values = interesting<T>();
  for (T value : interesting<T>()) {
    values.push_back(value);
  }
  Code scalar(scalar_text(op + " %0", 1, dtype_name<T>(), dtype_name<R>()));
  Code vector(vector_text(op + " %0", 1, dtype_name<T>(), dtype_name<R>()));
  Array<R> out{std::vector<R>(values.size())};
  Array<T> in(values);
  ASSERT_EQ(vector.call(out, in), 0) << vector.env.message;
  for (size_t i = 0; i < values.size(); ++i) {
    const R expected = reference(values[i]);
    const R alone = scalar.run<R>(T(values[i]));
    EXPECT_TRUE(same<R>(alone, expected)) << show<T>(values[i]) << " should give " << show(expected) << ", not " << show(alone);
    EXPECT_TRUE(same<R>(R(out.items[i]), expected))
        << show<T>(values[i]) << " should give " << show(expected) << " in a vector, not " << show(R(out.items[i]));
  }
}

// ---- Python's and C's division, in C++

template <typename T> T floor_div(T a, T b) {
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) {
      return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(a));
    }
    const T q = static_cast<T>(a / b);
    return a % b != 0 && ((a < 0) != (b < 0)) ? static_cast<T>(q - 1) : q;
  } else {
    return static_cast<T>(a / b);
  }
}

template <typename T> T floor_mod(T a, T b) {
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) {
      return 0;
    }
    const T r = static_cast<T>(a % b);
    return r != 0 && ((r < 0) != (b < 0)) ? static_cast<T>(r + b) : r;
  } else {
    return static_cast<T>(a % b);
  }
}

template <typename T> T trunc_div(T a, T b) {
  return std::is_signed_v<T> && b == T(-1) ? static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(a)) : static_cast<T>(a / b);
}
template <typename T> T trunc_mod(T a, T b) { return std::is_signed_v<T> && b == T(-1) ? T(0) : static_cast<T>(a % b); }

// CPython's float_divmod.
template <typename T> std::pair<T, T> float_divmod(T a, T b) {
  T mod = std::fmod(a, b);
  if (b == 0) {
    return {a / b, mod};
  }
  T div = (a - mod) / b;
  if (mod != 0) {
    if ((b < 0) != (mod < 0)) {
      mod += b;
      div -= 1;
    }
  } else {
    mod = std::copysign(T(0), b);
  }
  T floor = std::copysign(T(0), a / b);
  if (div != 0) {
    floor = std::floor(div);
    floor += div - floor > T(0.5) ? 1 : 0;
  }
  return {floor, mod};
}

template <typename T> class Integers : public ::testing::Test {};
using IntegerTypes = ::testing::Types<int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t, uint64_t>;
TYPED_TEST_SUITE(Integers, IntegerTypes);

TYPED_TEST(Integers, WrapInArithmetic) {
  using T = TypeParam;
  using U = std::make_unsigned_t<T>;
  check_binary<T>("add", [](T a, T b) { return static_cast<T>(U(a) + U(b)); });
  check_binary<T>("sub", [](T a, T b) { return static_cast<T>(U(a) - U(b)); });
  check_binary<T>("mul", [](T a, T b) { return static_cast<T>(uint64_t(a) * uint64_t(b)); });
  check_unary<T>("neg", [](T a) { return static_cast<T>(0 - U(a)); });
  check_unary<T>("not", [](T a) { return static_cast<T>(~a); });
  check_unary<T>("abs", [](T a) { return std::is_signed_v<T> && a < T(0) ? static_cast<T>(0 - U(a)) : a; });
}

TYPED_TEST(Integers, Divide) {
  using T = TypeParam;
  const Keep<T> divisible = [](T, T b) { return b != 0; };
  check_binary<T>("floordiv", floor_div<T>, divisible);
  check_binary<T>("floormod", floor_mod<T>, divisible);
  check_binary<T>("truncdiv", trunc_div<T>, divisible);
  check_binary<T>("truncmod", trunc_mod<T>, divisible);
}

// Constant divisors take other ways: shifts, masks, a step where the remainder is negative.
TYPED_TEST(Integers, DivideByConstants) {
  using T = TypeParam;
  for (const int divisor : {1, 2, 3, 8, 10, 64, 100}) {
    const std::string operand = std::to_string(divisor) + " : " + dtype_name<T>();
    for (const auto& [op, reference] : {std::pair{"floordiv", &floor_div<T>}, std::pair{"floormod", &floor_mod<T>}}) {
      SCOPED_TRACE(std::string(op) + " by " + operand);
      std::string text = "func f(T) -> T\nb0:\n  %0 = param 0 : T\n  %1 = const " + operand + "\n  %2 = " + op + " %0, %1 : T\n  ret %2";
      for (size_t at = text.find('T'); at != std::string::npos; at = text.find('T', at)) {
        text.replace(at, 1, dtype_name<T>());
      }
      Code code(text);
      for (T value : interesting<T>()) {
        EXPECT_EQ(code.run<T>(T(value)), reference(value, T(divisor))) << show<T>(value);
      }
    }
  }
}

TYPED_TEST(Integers, ShiftAndCombineBits) {
  using T = TypeParam;
  using U = std::make_unsigned_t<T>;
  constexpr int kBits = 8 * sizeof(T);
  check_binary<T>("shl", [](T a, T n) { return U(n) < kBits ? static_cast<T>(U(a) << n) : T(0); });
  check_binary<T>("shr", [](T a, T n) { return U(n) < kBits ? static_cast<T>(a >> n) : a < T(0) ? static_cast<T>(-1) : T(0); });
  check_binary<T>("and", [](T a, T b) { return static_cast<T>(a & b); });
  check_binary<T>("or", [](T a, T b) { return static_cast<T>(a | b); });
  check_binary<T>("xor", [](T a, T b) { return static_cast<T>(a ^ b); });
  check_binary<T>("min", [](T a, T b) { return a < b ? a : b; });
  check_binary<T>("max", [](T a, T b) { return a > b ? a : b; });
  check_unary<T>("intrinsic popcount", [](T a) { return static_cast<T>(__builtin_popcountll(U(a))); });
  check_unary<T>("intrinsic clz", [](T a) { return static_cast<T>(a == 0 ? kBits : __builtin_clzll(U(a)) - (64 - kBits)); });
  check_unary<T>("intrinsic ctz", [](T a) { return static_cast<T>(a == 0 ? kBits : __builtin_ctzll(U(a))); });
}

template <typename T> class Ordered : public ::testing::Test {};
using OrderedTypes = ::testing::Types<bool, int8_t, uint16_t, int64_t, uint64_t, float, double>;
TYPED_TEST_SUITE(Ordered, OrderedTypes);

TYPED_TEST(Ordered, Compare) {
  using T = TypeParam;
  check_binary<T, bool>("eq", [](T a, T b) { return a == b; });
  check_binary<T, bool>("ne", [](T a, T b) { return a != b; });
  check_binary<T, bool>("lt", [](T a, T b) { return a < b; });
  check_binary<T, bool>("le", [](T a, T b) { return a <= b; });
  check_binary<T, bool>("gt", [](T a, T b) { return a > b; });
  check_binary<T, bool>("ge", [](T a, T b) { return a >= b; });
}

template <typename T> class Floats : public ::testing::Test {};
using FloatTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Floats, FloatTypes);

TYPED_TEST(Floats, Compute) {
  using T = TypeParam;
  check_binary<T>("add", [](T a, T b) { return a + b; });
  check_binary<T>("sub", [](T a, T b) { return a - b; });
  check_binary<T>("mul", [](T a, T b) { return a * b; });
  check_binary<T>("div", [](T a, T b) { return a / b; });
  check_binary<T>("min", [](T a, T b) { return a < b ? a : b; });
  check_binary<T>("max", [](T a, T b) { return a > b ? a : b; });
  check_unary<T>("neg", [](T a) { return -a; });
  check_unary<T>("abs", [](T a) { return std::fabs(a); });
}

TYPED_TEST(Floats, DivideAsPythonDoes) {
  using T = TypeParam;
  check_binary<T>("floordiv", [](T a, T b) { return float_divmod(a, b).first; });
  check_binary<T>("floormod", [](T a, T b) { return float_divmod(a, b).second; });
  check_binary<T>("truncmod", [](T a, T b) { return std::fmod(a, b); });
}

TYPED_TEST(Floats, KnowTheTargetsFunctions) {
  using T = TypeParam;
  check_unary<T>("intrinsic sqrt", [](T a) { return std::sqrt(a); });
  check_unary<T>("intrinsic floor", [](T a) { return std::floor(a); });
  check_unary<T>("intrinsic ceil", [](T a) { return std::ceil(a); });
  check_unary<T>("intrinsic trunc", [](T a) { return std::trunc(a); });
  check_unary<T>("intrinsic rint", [](T a) { return std::rint(a); });
  check_binary<T>("intrinsic copysign", [](T a, T b) { return std::copysign(a, b); });
  check_unary<T, bool>("intrinsic isnan", [](T a) { return std::isnan(a); });
  check_unary<T, bool>("intrinsic isinf", [](T a) { return std::isinf(a); });
  check_unary<T, bool>("intrinsic isfinite", [](T a) { return std::isfinite(a); });
  const Keep<T> differ = [](T a, T b) { return a != b; }; // fmin(0.0, -0.0) may be either
  check_binary<T>("intrinsic minnum", [](T a, T b) { return std::fmin(a, b); }, differ);
  check_binary<T>("intrinsic maxnum", [](T a, T b) { return std::fmax(a, b); }, differ);
}

template <typename T> class Complexes : public ::testing::Test {};
using ComplexTypes = ::testing::Types<std::complex<float>, std::complex<double>>;
TYPED_TEST_SUITE(Complexes, ComplexTypes);

// NumPy's loop.
template <typename T> T smith_divide(T x, T y) {
  using R = typename T::value_type;
  const R re = std::fabs(y.real());
  const R im = std::fabs(y.imag());
  if (re >= im) {
    if (re == 0 && im == 0) {
      return {x.real() / re, x.imag() / re};
    }
    const R ratio = y.imag() / y.real();
    const R scale = R(1) / (y.real() + y.imag() * ratio);
    return {(x.real() + x.imag() * ratio) * scale, (x.imag() - x.real() * ratio) * scale};
  }
  const R ratio = y.real() / y.imag();
  const R scale = R(1) / (y.imag() + y.real() * ratio);
  return {(x.real() * ratio + x.imag()) * scale, (x.imag() * ratio - x.real()) * scale};
}

TYPED_TEST(Complexes, Compute) {
  using T = TypeParam;
  check_binary<T>("add", [](T a, T b) { return T(a.real() + b.real(), a.imag() + b.imag()); });
  check_binary<T>("sub", [](T a, T b) { return T(a.real() - b.real(), a.imag() - b.imag()); });
  check_binary<T>("mul", [](T a, T b) { return T(a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()); });
  check_binary<T>("div", smith_divide<T>);
  check_binary<T, bool>("eq", [](T a, T b) { return a == b; });
  check_binary<T, bool>("ne", [](T a, T b) { return a != b; });
  check_unary<T>("neg", [](T a) { return T(-a.real(), -a.imag()); });
  using R = typename T::value_type;
  check_unary<T, R>("real", [](T a) { return a.real(); });
  check_unary<T, R>("imag", [](T a) { return a.imag(); });
  check_binary<R, T>("complex", [](R a, R b) { return T(a, b); });
}

TEST(Complexes, OfPythonDivideAsPythonDoes) {
  Code code("func f(pycomplex, pycomplex) -> pycomplex\nb0:\n  %0 = param 0 : pycomplex\n  %1 = param 1 : pycomplex\n"
            "  %2 = div %0, %1 : pycomplex\n  ret %2");
  // (0.25 - 3j) / (2 + 1.5j), whose last bits NumPy has differently.
  using C = std::complex<double>;
  const auto divide = [](C x, C y) {
    const bool by_real = std::fabs(y.real()) >= std::fabs(y.imag());
    const double ratio = by_real ? y.imag() / y.real() : y.real() / y.imag();
    const double divisor = by_real ? y.real() + y.imag() * ratio : y.real() * ratio + y.imag();
    return by_real ? C((x.real() + x.imag() * ratio) / divisor, (x.imag() - x.real() * ratio) / divisor)
                   : C((x.real() * ratio + x.imag()) / divisor, (x.imag() * ratio - x.real()) / divisor);
  };
  for (C x : {C(0.25, -3), C(1, 2), C(-7, 0.1)}) {
    for (C y : {C(2, 1.5), C(1.5, -2.5), C(3, 0), C(0, 3)}) {
      EXPECT_EQ(code.run<C>(x, y), divide(x, y));
    }
  }
}

// ---- conversions

// As x86's instructions and the compilers for them do it, also out of range.
template <typename R, typename T> R converted(T value) {
  if constexpr (std::is_same_v<R, bool>) {
    return value != T(0);
  } else if constexpr (std::is_floating_point_v<T> && std::is_integral_v<R>) {
    const auto to_int64 = [](double v) { return std::fabs(v) < 0x1p63 ? static_cast<int64_t>(v) : INT64_MIN; };
    const auto to_int32 = [](double v) { return v > -0x1p31 - 1 && v < 0x1p31 ? static_cast<int32_t>(v) : INT32_MIN; };
    if constexpr (std::is_same_v<R, uint64_t>) {
      return value >= T(0x1p63) ? static_cast<uint64_t>(to_int64(value - T(0x1p63))) ^ (uint64_t{1} << 63)
                                : static_cast<uint64_t>(to_int64(value));
    } else if constexpr (sizeof(R) == 8 || std::is_same_v<R, uint32_t>) {
      return static_cast<R>(to_int64(value));
    } else {
      return static_cast<R>(to_int32(value));
    }
  } else {
    return static_cast<R>(value);
  }
}

template <typename T, typename... R> void check_casts() { (check_unary<T, R>("cast", converted<R, T>), ...); }

template <typename T> class Casts : public ::testing::Test {};
using CastTypes = ::testing::Types<bool, int8_t, uint8_t, int32_t, uint32_t, int64_t, uint64_t, float, double>;
TYPED_TEST_SUITE(Casts, CastTypes);

TYPED_TEST(Casts, FollowTheMachine) {
  check_casts<TypeParam, bool, int8_t, uint8_t, int16_t, int32_t, uint32_t, int64_t, uint64_t, float, double>();
}

TEST(Casts, OfComplexNumbers) {
  using C = std::complex<double>;
  check_unary<C, std::complex<float>>("cast", [](C a) { return std::complex<float>(a); });
  check_unary<C, double>("cast", [](C a) { return a.real(); });
  check_unary<C, bool>("cast", [](C a) { return a != C(0); });
  check_unary<double, C>("cast", [](double a) { return C(a, 0); });
  check_unary<int32_t, C>("cast", [](int32_t a) { return C(a, 0); });
}

TEST(Casts, KeepBits) {
  check_unary<double, int64_t>("bitcast", [](double a) { return std::bit_cast<int64_t>(a); });
  check_unary<uint32_t, float>("bitcast", [](uint32_t a) { return std::bit_cast<float>(a); });
}

// ---- half precision, through float32

TEST(Half, ComputesWithItsOwnRounding) {
  const std::string kernel = R"(
func @1 k(float32, float32) -> float32 kernel straight
b0:
  %0 = param 0 : float32
  %1 = param 1 : float32
  %2 = cast %0 : float16
  %3 = cast %1 : float16
  %4 = mul %2, %3 : float16
  %5 = add %4, %3 : float16
  %6 = cast %5 : float32
  ret %6
)";
  Code code(R"(func @0 f(array(float32, 1d, C), array(float32, 1d, C)) -> none
b0:
  %0 = param 0 : array(float32, 1d, C)
  %1 = param 1 : array(float32, 1d, C)
  ewise.into @1 %0, %0, %1
  %3 = const {} : none
  ret %3
)" + kernel);
  Array<float> a({1.0F, 2.0F, 0.1F, 65504.0F});
  Array<float> b({1.0F, 0.0009765625F, 3.0F, 2.0F});
  ASSERT_EQ(code.call(a, b), 0);
  // 2 · 2⁻¹⁰ + 2⁻¹⁰ is exact; 0.1 is 0.0999756 in half precision; the last overflows.
  EXPECT_EQ(a.items[0], 2.0F);
  EXPECT_EQ(a.items[1], 0.0029296875F);
  EXPECT_EQ(a.items[2], 3.30078125F);
  EXPECT_TRUE(std::isinf(a.items[3]));
}

// ---- aggregates, selection, constants

TEST(Aggregates, TakeAndGiveItems) {
  Code code(R"(func f(tuple(int8, complex128, tuple(bool, float32)), optional(int64), range) -> tuple(float32, int64, bool, complex128)
b0:
  %0 = param 0 : tuple(int8, complex128, tuple(bool, float32))
  %1 = param 1 : optional(int64)
  %2 = param 2 : range
  %3 = item %0, 1 : complex128
  %4 = item %0, 2 : tuple(bool, float32)
  %5 = item %4, 1 : float32
  %6 = item %1, 0 : bool
  %7 = item %1, 1 : int64
  %8 = item %2, 1 : int64
  %9 = select %6, %7, %8 : int64
  %10 = tuple %5, %9, %6, %3 : tuple(float32, int64, bool, complex128)
  ret %10)");
  const auto call = [&](bool has) {
    ASSERT_EQ(code.call(int8_t{-3}, std::complex<double>(1, 2), true, 4.5F, has, int64_t{6}, int64_t{0}, int64_t{10}, int64_t{1}), 0);
  };
  call(true);
  EXPECT_EQ(take_scalar<float>(&code.out[0]), 4.5F);
  EXPECT_EQ(code.out[1], 6U);
  EXPECT_EQ(code.out[2], 1U);
  EXPECT_EQ(take_scalar<std::complex<double>>(&code.out[3]), std::complex<double>(1, 2));
  call(false);
  EXPECT_EQ(code.out[1], 10U);
}

TEST(Aggregates, SelectWholeTuples) {
  Code code(R"(func f(bool, int64, float64) -> tuple(int64, float64)
b0:
  %0 = param 0 : bool
  %1 = param 1 : int64
  %2 = param 2 : float64
  %3 = const -7 : int64
  %4 = const 2.5 : float64
  %5 = tuple %1, %2 : tuple(int64, float64)
  %6 = tuple %3, %4 : tuple(int64, float64)
  %7 = select %0, %5, %6 : tuple(int64, float64)
  ret %7)");
  ASSERT_EQ(code.call(false, int64_t{1}, 2.0), 0);
  EXPECT_EQ(static_cast<int64_t>(code.out[0]), -7);
  EXPECT_EQ(take_scalar<double>(&code.out[1]), 2.5);
}

TEST(Entry, ExtendsNarrowResults) {
  Code code("func f(int8, uint16, float16) -> tuple(int8, uint16, float16)\nb0:\n  %0 = param 0 : int8\n  %1 = param 1 : uint16\n"
            "  %2 = param 2 : float16\n  %3 = tuple %0, %1, %2 : tuple(int8, uint16, float16)\n  ret %3");
  ASSERT_EQ(code.call_slots(Slots{0xfffffffffffffffe, 0xffff, 0xbc00}), 0);
  EXPECT_EQ(code.out[0], 0xfffffffffffffffeU);
  EXPECT_EQ(code.out[1], 0xffffU);
  EXPECT_EQ(code.out[2], 0xbc00U);
}

TEST(Strict, NeverFusesMultiplyAndAdd) {
  Code code(
      "func f(float64, float64, float64) -> float64\nb0:\n  %0 = param 0 : float64\n  %1 = param 1 : float64\n  %2 = param 2 : float64\n"
      "  %3 = mul %0, %1 : float64\n  %4 = add %3, %2 : float64\n  ret %4");
  const double a = 1 + 0x1p-30;
  EXPECT_EQ(code.run<double>(a, a, -1.0), a * a - 1.0);
  Code fused(
      "func f(float64, float64, float64) -> float64\nb0:\n  %0 = param 0 : float64\n  %1 = param 1 : float64\n  %2 = param 2 : float64\n"
      "  %3 = intrinsic fma %0, %1, %2 : float64\n  ret %3");
  EXPECT_EQ(fused.run<double>(a, a, -1.0), std::fma(a, a, -1.0));
}

} // namespace
} // namespace hasten::llvm_backend::testing
