#include "hasten/array/kernels/copy.h"

#include <gtest/gtest.h>

#include <set>

#include "hasten/array/kernels/overlap.h"
#include "hasten/array/kernels/table.h"
#include "helpers.h"

namespace hasten::array {
namespace {

using abi::ArrayView;
using abi::Env;

TEST(Copy, EitherOrder) {
  Array<double> base({70, 90});
  base.count_up();
  Strided turned(base.view(), {90, 70}, {8, 90 * 8});
  Env env;
  for (const int64_t fortran : {0, 1}) {
    Result out(2);
    ASSERT_EQ(hst_copy(&env, out.view(), &turned.view(), fortran), 0);
    EXPECT_EQ(out.shape(), (std::vector<int64_t>{90, 70}));
    EXPECT_EQ(out.strides(), fortran != 0 ? (std::vector<int64_t>{8, 90 * 8}) : (std::vector<int64_t>{70 * 8, 8}));
    const std::vector<double> items = out.items<double>();
    for (size_t i = 0; i < items.size(); ++i) {
      ASSERT_EQ(items[i], base.items()[i % 70 * 90 + i / 70]);
    }
  }
}

TEST(Copy, EveryItemSizeAndLayout) {
  std::vector<uint8_t> bytes(16 * 6 * 10);
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(i * 7);
  }
  for (const int64_t item : {1, 2, 4, 8, 16}) {
    int64_t shape[] = {5, 3};
    int64_t from_strides[] = {-10 * item, 2 * item};
    std::vector<uint8_t> target(static_cast<size_t>(15 * item));
    int64_t to_strides[] = {item, 5 * item};
    const ArrayView from{nullptr, reinterpret_cast<char*>(bytes.data()) + 40 * item, shape, from_strides, 2, DType::kFloat64};
    const ArrayView to{nullptr, reinterpret_cast<char*>(target.data()), shape, to_strides, 2, DType::kFloat64};
    copy_view(to, from, item);
    for (int64_t r = 0; r < 5; ++r) {
      for (int64_t c = 0; c < 3; ++c) {
        EXPECT_EQ(std::memcmp(to.data + r * item + c * 5 * item, from.data - r * 10 * item + c * 2 * item, static_cast<size_t>(item)), 0);
      }
    }
  }
}

// Three items of eight, seen twice.
TEST(Apart, CopiesWhatSharesMemoryUnlessItIsTheSame) {
  abi::Env env;
  Array<double> base({8});
  base.count_up();
  const auto part = [&](int64_t* stride, int first) {
    static int64_t three = 3;
    return ArrayView{nullptr, base.view().data + first * 8, &three, stride, 1, DType::kFloat64};
  };
  int64_t forward = 8;
  int64_t backward = -8;
  int64_t far = 16;
  const ArrayView in = part(&forward, 2);
  for (const auto& [written, copied] : {std::pair{part(&forward, 2), false},
                                        {part(&forward, 5), false},
                                        {part(&backward, 1), false},
                                        {part(&forward, 4), true},
                                        {part(&backward, 4), true},
                                        {part(&far, 1), true}}) {
    Result out(1);
    ASSERT_EQ(hst_apart(&env, out.view(), &in, &written), 0);
    EXPECT_EQ(out.view()->data != in.data, copied);
    EXPECT_EQ(std::memcmp(out.view()->data, in.data, 24), 0);
  }
}

class Reshape : public ::testing::Test {
protected:
  int32_t reshape(const ArrayView& in, const std::vector<int64_t>& dims, Result* out) {
    Array<int64_t> wanted({static_cast<int64_t>(dims.size())});
    wanted.set(dims);
    return hst_reshape(&env_, out->view(), &in, &wanted.view());
  }
  Env env_;
};

TEST_F(Reshape, SharesMemoryWherePossible) {
  abi::Block* block = abi::hst_block_new(24 * 8, 1);
  Array<double> base({24});
  base.count_up();
  ArrayView whole = base.view();
  whole.block = block;
  {
    Result out(3);
    ASSERT_EQ(reshape(whole, {2, -1, 4}, &out), 0);
    EXPECT_EQ(out.shape(), (std::vector<int64_t>{2, 3, 4}));
    EXPECT_EQ(out.view()->data, whole.data);
    EXPECT_EQ(block->refs, 2);
    EXPECT_EQ(out.items<double>(), base.items());
    Strided every_other(whole, {3, 4}, {64, 16});
    Result cut(3);
    ASSERT_EQ(reshape(every_other.view(), {3, 2, 2}, &cut), 0);
    EXPECT_EQ(cut.strides(), (std::vector<int64_t>{64, 32, 16}));
    Result joined(1);
    ASSERT_EQ(reshape(every_other.view(), {12}, &joined), 0);
    EXPECT_EQ(joined.strides(), (std::vector<int64_t>{16}));
    Strided parts(whole, {2, 3}, {96, 8});
    Result ones(4);
    ASSERT_EQ(reshape(parts.view(), {1, 2, 1, 3}, &ones), 0);
    EXPECT_EQ(ones.items<double>(), (std::vector<double>{1, 2, 3, 13, 14, 15}));
    EXPECT_EQ(block->refs, 5);
  }
  EXPECT_EQ(block->refs, 1);
  abi::hst_block_release(block);
}

TEST_F(Reshape, CopiesWhereNoStridesFit) {
  Array<double> base({3, 4});
  base.count_up();
  Strided turned(base.view(), {4, 3}, {8, 32});
  Result out(1);
  ASSERT_EQ(reshape(turned.view(), {12}, &out), 0);
  EXPECT_EQ(out.items<double>(), (std::vector<double>{1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12}));
  Result flat(1);
  ASSERT_EQ(hst_ravel(&env_, flat.view(), &turned.view()), 0);
  EXPECT_EQ(flat.items<double>(), out.items<double>());
  EXPECT_NE(flat.view()->block, nullptr);
}

TEST_F(Reshape, EmptyAndZeroDimensional) {
  Array<double> empty({0, 3});
  Result out(2);
  ASSERT_EQ(reshape(empty.view(), {3, 0}, &out), 0);
  EXPECT_EQ(out.shape(), (std::vector<int64_t>{3, 0}));
  Array<double> one({1, 1});
  Result scalar(0);
  ASSERT_EQ(reshape(one.count_up().view(), {}, &scalar), 0);
  EXPECT_EQ(scalar.items<double>(), (std::vector<double>{1}));
}

TEST_F(Reshape, ErrorsSayWhatNumpySays) {
  Array<double> six({6});
  Result out(2);
  EXPECT_NE(reshape(six.view(), {4, -1}, &out), 0);
  EXPECT_STREQ(env_.message, "cannot reshape array of size 6 into shape (4,newaxis)");
  EXPECT_NE(reshape(six.view(), {-1, -1}, &out), 0);
  EXPECT_STREQ(env_.message, "can only specify one unknown dimension");
  EXPECT_NE(reshape(six.view(), {0, -1}, &out), 0);
  EXPECT_STREQ(env_.message, "cannot reshape array of size 6 into shape (0,newaxis)");
  Result flat(1);
  EXPECT_NE(reshape(six.view(), {4}, &flat), 0);
  EXPECT_STREQ(env_.message, "cannot reshape array of size 6 into shape (4,)");
}

TEST(Allocate, RefusesWhatCannotBe) {
  Env env;
  Result out(2);
  out.view()->shape[0] = int64_t{1} << 40;
  out.view()->shape[1] = int64_t{1} << 40;
  EXPECT_EQ(allocate(&env, out.view(), 8), abi::Status::kRuntimeError);
  EXPECT_EQ(env.error, abi::ErrorKind::kMemoryError);
  EXPECT_STREQ(env.message, "Unable to allocate an array with shape (1099511627776,1099511627776) and data type float64");
  out.view()->shape[0] = -1;
  EXPECT_EQ(allocate(&env, out.view(), 8), abi::Status::kRuntimeError);
  EXPECT_STREQ(env.message, "negative dimensions are not allowed");
}

TEST(Overlap, KnowsWhatIsSafe) {
  Array<double> base({100});
  const auto view = [&](int64_t n, int64_t stride, int64_t offset) {
    return std::make_unique<Strided>(base.view(), std::vector<int64_t>{n}, std::vector<int64_t>{stride * 8}, offset * 8);
  };
  const auto clash = [](const std::unique_ptr<Strided>& out, const std::unique_ptr<Strided>& in) {
    return may_clash(out->view(), 8, in->view(), 8);
  };
  EXPECT_FALSE(clash(view(50, 1, 0), view(50, 1, 50)));
  EXPECT_FALSE(clash(view(50, 1, 0), view(50, 1, 0)));
  EXPECT_TRUE(clash(view(50, 1, 0), view(50, 1, 1)));
  EXPECT_TRUE(clash(view(50, 1, 0), view(50, -1, 49)));
  EXPECT_FALSE(clash(view(50, 2, 0), view(50, 2, 1)));
  EXPECT_TRUE(clash(view(50, 2, 0), view(50, 1, 1)));
  EXPECT_TRUE(clash(view(50, 1, 0), view(1, 1, 7)));
  EXPECT_FALSE(clash(view(0, 1, 0), view(50, 1, 0)));
}

TEST(KernelTable, NamesAreUniqueAndBound) {
  std::set<std::string_view> names;
  for (const auto& [name, address] : kernel_symbols()) {
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_NE(address, nullptr) << name;
  }
  for (const char* name : {"hst_ewise_new", "hst_reshape", "hst_dot_vv_float64", "hst_random_fill_double"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

} // namespace
} // namespace hasten::array
