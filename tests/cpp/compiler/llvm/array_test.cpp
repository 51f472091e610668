// Items, indices, views and fresh memory of arrays.
#include "dtypes.h"
#include "harness.h"
#include "hasten/abi/block.h"

namespace hasten::llvm_backend::testing {
namespace {

using abi::Status;

constexpr auto kRuntimeError = static_cast<int32_t>(Status::kRuntimeError);

template <typename T> void copies_items() {
  const std::string type = dtype_name<T>();
  SCOPED_TRACE(type);
  Code code("func f(array(" + type + ", 2d, A), array(" + type + ", 2d, A), int64, int64) -> " + type + R"(
b0:
  %0 = param 0 : array()" +
            type + R"(, 2d, A)
  %1 = param 1 : array()" +
            type + R"(, 2d, A)
  %2 = param 2 : int64
  %3 = param 3 : int64
  %4 = load %0, %2, %3 : )" +
            type + R"(
  store %1, %3, %2, %4
  ret %4)");
  const std::vector<T> values = interesting<T>();
  Array<T> in(std::vector<T>{values[0], values[1], values[1], values[0], values[0], values[1]}, {2, 3});
  Array<T> out(std::vector<T>(6), {3, 2});
  for (int64_t i = 0; i < 2; ++i) {
    for (int64_t j = 0; j < 3; ++j) {
      ASSERT_EQ(code.call(in, out, i, j), 0);
      const T item(in.items[static_cast<size_t>(3 * i + j)]);
      EXPECT_TRUE(same<T>(take_scalar<T>(code.out.data()), item));
      EXPECT_TRUE(same<T>(T(out.items[static_cast<size_t>(2 * j + i)]), item));
    }
  }
}

TEST(Items, OfEveryDtypeAreReadAndWritten) {
  copies_items<bool>();
  copies_items<int8_t>();
  copies_items<uint16_t>();
  copies_items<int32_t>();
  copies_items<uint64_t>();
  copies_items<float>();
  copies_items<double>();
  copies_items<std::complex<float>>();
  copies_items<std::complex<double>>();
}

TEST(Items, FollowTheLayout) {
  const auto load = [](const char* layout) {
    return "func f(array(float64, 2d, " + std::string(layout) + "), int64, int64) -> float64\nb0:\n  %0 = param 0 : array(float64, 2d, " +
           layout + ")\n  %1 = param 1 : int64\n  %2 = param 2 : int64\n  %3 = load %0, %1, %2 : float64\n  ret %3";
  };
  Array<double> items({0, 1, 2, 3, 4, 5}, {2, 3});
  EXPECT_EQ(Code(load("C")).run<double>(items, int64_t{1}, int64_t{2}), 5);
  Array<double> transposed = items;
  transposed.shape = {3, 2};
  transposed.strides = {8, 24};
  EXPECT_EQ(Code(load("F")).run<double>(transposed, int64_t{2}, int64_t{1}), 5);
  EXPECT_EQ(Code(load("A")).run<double>(transposed, int64_t{2}, int64_t{0}), 2);
}

TEST(Items, ABoolIsTrueWhateverItsByteIs) {
  Code code("func f(array(bool, 1d, C)) -> int64\nb0:\n  %0 = param 0 : array(bool, 1d, C)\n  %1 = const 0 : int64\n"
            "  %2 = load %0, %1 : bool\n  %3 = cast %2 : int64\n  ret %3");
  Array<uint8_t> odd({2});
  EXPECT_EQ(code.run<int64_t>(odd), 1);
}

TEST(Items, OfArraysWithoutAxes) {
  Code code("func f(array(float64, 0d, C)) -> float64\nb0:\n  %0 = param 0 : array(float64, 0d, C)\n  %1 = load %0 : float64\n  ret %1");
  Array<double> one({4.5}, {});
  EXPECT_EQ(code.run<double>(one), 4.5);
}

constexpr const char* kIndexed = R"(func f(array(int64, 1d, C), int64) -> int64
b0:
  %0 = param 0 : array(int64, 1d, C)
  %1 = param 1 : int64
  %2 = dim %0, 0 : int64
  %3 = check.index %1, %2, 0 : int64 !7:3
  %4 = load %0, %3 : int64
  ret %4)";

TEST(CheckIndex, WrapsNegativeIndicesAndRaisesOutside) {
  Code code(kIndexed);
  Array<int64_t> items({10, 11, 12});
  EXPECT_EQ(code.run<int64_t>(items, int64_t{0}), 10);
  EXPECT_EQ(code.run<int64_t>(items, int64_t{2}), 12);
  EXPECT_EQ(code.run<int64_t>(items, int64_t{-1}), 12);
  EXPECT_EQ(code.run<int64_t>(items, int64_t{-3}), 10);
  for (const int64_t outside : {int64_t{3}, int64_t{-4}, INT64_MAX, INT64_MIN}) {
    EXPECT_EQ(code.call(items, outside), kRuntimeError);
    EXPECT_EQ(code.env.error, abi::ErrorKind::kIndexError);
    EXPECT_EQ(code.env.message, "index " + std::to_string(outside) + " is out of bounds for axis 0 with size 3");
  }
  EXPECT_EQ(code.env.trace_count, 1);
  EXPECT_EQ(code.env.trace[0], 0);
}

TEST(WrapIndex, WrapsWithoutChecking) {
  Code code(
      "func f(int64, int64) -> int64\nb0:\n  %0 = param 0 : int64\n  %1 = param 1 : int64\n  %2 = wrap.index %0, %1 : int64\n  ret %2");
  EXPECT_EQ(code.run<int64_t>(int64_t{5}, int64_t{3}), 5);
  EXPECT_EQ(code.run<int64_t>(int64_t{-1}, int64_t{3}), 2);
}

TEST(View, ChangesShapeAndStrides) {
  // Every second item, backwards.
  Code code(R"(func f(array(int64, 1d, C)) -> tuple(int64, int64, int64)
b0:
  %0 = param 0 : array(int64, 1d, C)
  %1 = const 32 : int64
  %2 = const 3 : int64
  %3 = const -16 : int64
  %4 = view %0, %1, %2, %3 : array(int64, 1d, A)
  %5 = const 0 : int64
  %6 = const 2 : int64
  %7 = load %4, %5 : int64
  %8 = load %4, %6 : int64
  %9 = dim %4, 0 : int64
  %10 = tuple %7, %8, %9 : tuple(int64, int64, int64)
  ret %10)");
  Array<int64_t> items({0, 1, 2, 3, 4});
  ASSERT_EQ(code.call(items), 0);
  EXPECT_EQ(code.out[0], 4U);
  EXPECT_EQ(code.out[1], 0U);
  EXPECT_EQ(code.out[2], 3U);
}

TEST(Relabel, KeepsTheArray) {
  Code code(
      "func f(array(int64, 1d, C)) -> int64\nb0:\n  %0 = param 0 : array(int64, 1d, C)\n  %1 = relabel %0 : array(int64, 1d, A, readonly)\n"
      "  %2 = const 1 : int64\n  %3 = load %1, %2 : int64\n  %4 = stride %1, 0 : int64\n  %5 = add %3, %4 : int64\n  ret %5");
  Array<int64_t> items({5, 6});
  EXPECT_EQ(code.run<int64_t>(items), 14);
}

std::string alloc_text(const char* layout, const char* immediate) {
  return std::string("func f(int64, int64) -> array(float32, 2d, ") + layout +
         ")\nb0:\n  %0 = param 0 : int64\n  %1 = param 1 : int64\n  %2 = alloc %0, %1" + immediate + " : array(float32, 2d, " + layout +
         ") !3:5\n  ret %2";
}

TEST(Alloc, GivesABlockWithTheLayoutAskedFor) {
  const int64_t before = live_blocks();
  Code c_order(alloc_text("C", ", 1"));
  ASSERT_EQ(c_order.call(int64_t{3}, int64_t{5}), 0);
  auto* block = reinterpret_cast<abi::Block*>(c_order.out[0]);
  EXPECT_EQ(block->refs, 1);
  EXPECT_EQ(block->bytes, 60);
  EXPECT_EQ(reinterpret_cast<char*>(c_order.out[1]), block->data);
  EXPECT_EQ((std::vector<uint64_t>(c_order.out.begin() + 2, c_order.out.begin() + 6)), (std::vector<uint64_t>{3, 5, 20, 4}));
  EXPECT_EQ(*reinterpret_cast<float*>(block->data + 56), 0.0F);
  abi::hst_block_release(block);

  Code f_order(alloc_text("F", ""));
  ASSERT_EQ(f_order.call(int64_t{3}, int64_t{5}), 0);
  EXPECT_EQ((std::vector<uint64_t>(f_order.out.begin() + 4, f_order.out.begin() + 6)), (std::vector<uint64_t>{4, 12}));
  abi::hst_block_release(reinterpret_cast<abi::Block*>(f_order.out[0]));
  EXPECT_EQ(live_blocks(), before);
}

TEST(Alloc, RefusesSizesThatDontFit) {
  Code code(alloc_text("C", ""));
  EXPECT_EQ(code.call(int64_t{-1}, int64_t{5}), kRuntimeError);
  EXPECT_EQ(code.env.error, abi::ErrorKind::kValueError);
  EXPECT_STREQ(code.env.message, "negative dimensions are not allowed");
  EXPECT_EQ(code.call(int64_t{1} << 40, int64_t{1} << 40), kRuntimeError);
  EXPECT_EQ(code.env.error, abi::ErrorKind::kValueError);
  EXPECT_EQ(code.call(int64_t{1} << 40, int64_t{1} << 19), kRuntimeError);
  EXPECT_EQ(code.env.error, abi::ErrorKind::kMemoryError);
  EXPECT_EQ(code.env.trace_count, 1);
}

TEST(Binding, IsReadFromTheEnv) {
  Code code(R"(binding 0 = builtins:ValueError : named(20:exception:ValueError)
binding 1 = global:0:a : array(int8, 2d, C, readonly)
binding 2 = global:0:b : array(float64, 1d, C, readonly)

func @0 f(int64) -> float64
b0:
  %0 = param 0 : int64
  %1 = binding 2 : array(float64, 1d, C, readonly)
  %2 = load %1, %0 : float64
  ret %2)");
  Array<int8_t> first({1}, {1, 1});
  Array<double> second({1.5, 2.5});
  Slots slots;
  add_argument(slots, first);
  add_argument(slots, second);
  code.env.bindings = slots.data();
  EXPECT_EQ(code.run<double>(int64_t{1}), 2.5);
}

TEST(Aliasing, FreshArraysAndParametersAreToldApart) {
  // The vectorised loop needs no check at run time whether what it reads and what it writes overlap.
  EmitOptions options;
  options.want_llvm = true;
  Code code(R"(func f(array(float64, 1d, C)) -> array(float64, 1d, C)
b0:
  %0 = param 0 : array(float64, 1d, C)
  %1 = dim %0, 0 : int64
  %2 = alloc %1 : array(float64, 1d, C)
  %3 = const 0 : int64
  %4 = const 1 : int64
  br b1
b1: <- b0, b2
  %5 = phi %3, %9 : int64
  %6 = lt %5, %1 : bool
  condbr %6, b2, b3
b2: <- b1
  %7 = load %0, %5 : float64
  %8 = add %7, %7 : float64
  store %2, %5, %8
  %9 = add %5, %4 : int64
  br b1
b3: <- b1
  ret %2)",
            options);
  EXPECT_NE(code.object().llvm.find("vector.body"), std::string::npos);
  EXPECT_EQ(code.object().llvm.find("memcheck"), std::string::npos);
  Array<double> in({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17});
  ASSERT_EQ(code.call(in), 0);
  auto* block = reinterpret_cast<abi::Block*>(code.out[0]);
  for (size_t i = 0; i < in.items.size(); ++i) {
    EXPECT_EQ(reinterpret_cast<double*>(block->data)[i], 2 * in.items[i]);
  }
  abi::hst_block_release(block);
}

} // namespace
} // namespace hasten::llvm_backend::testing
