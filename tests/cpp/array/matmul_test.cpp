#include "hasten/array/kernels/matmul.h"

#include <gtest/gtest.h>

#include <complex>
#include <memory>

#include "hasten/array/kernels/blas.h"
#include "helpers.h"

namespace hasten::array {
namespace {

using abi::ArrayView;
using abi::Env;

// A BLAS of our own that follows the C interface to the letter, to see that it is called as it must be.
int gemm_calls = 0;
int gemv_calls = 0;
int syrk_calls = 0;
int dot_calls = 0;

template <class Int> double element(const double* a, Int lead, bool row_major, bool transposed, Int i, Int j) {
  return row_major != transposed ? a[i * lead + j] : a[j * lead + i];
}

template <class Int>
void fake_gemm(int order, int trans_a, int trans_b, Int m, Int n, Int k, double alpha, const double* a, Int lda, const double* b, Int ldb,
               double beta, double* c, Int ldc) {
  ++gemm_calls;
  EXPECT_EQ(order, 101);
  EXPECT_EQ(alpha, 1);
  EXPECT_EQ(beta, 0);
  EXPECT_GE(lda, trans_a == 112 ? m : k);
  EXPECT_GE(ldb, trans_b == 112 ? k : n);
  EXPECT_GE(ldc, n);
  for (Int i = 0; i < m; ++i) {
    for (Int j = 0; j < n; ++j) {
      double sum = 0;
      for (Int l = 0; l < k; ++l) {
        sum += element(a, lda, true, trans_a == 112, i, l) * element(b, ldb, true, trans_b == 112, l, j);
      }
      c[i * ldc + j] = sum;
    }
  }
}

template <class Int>
void fake_gemv(int order, int trans, Int m, Int n, double, const double* a, Int lda, const double* x, Int x_step, double, double* y,
               Int y_step) {
  ++gemv_calls;
  EXPECT_EQ(trans, 112);
  for (Int i = 0; i < n; ++i) {
    y[i * y_step] = 0;
    for (Int j = 0; j < m; ++j) {
      y[i * y_step] += element(a, lda, order == 101, false, j, i) * x[j * x_step];
    }
  }
}

template <class Int> void fake_syrk(int, int uplo, int trans, Int n, Int k, double, const double* a, Int lda, double, double* c, Int ldc) {
  ++syrk_calls;
  EXPECT_EQ(uplo, 121);
  for (Int i = 0; i < n; ++i) {
    for (Int j = i; j < n; ++j) {
      double sum = 0;
      for (Int l = 0; l < k; ++l) {
        sum += element(a, lda, true, trans == 112, i, l) * element(a, lda, true, trans == 112, j, l);
      }
      c[i * ldc + j] = sum;
    }
  }
}

template <class Int> double fake_dot(Int n, const double* a, Int a_step, const double* b, Int b_step) {
  ++dot_calls;
  double sum = 0;
  for (Int i = 0; i < n; ++i) {
    sum += a[i * a_step] * b[i * b_step];
  }
  return sum;
}

template <class Int> BlasTable fake_table() {
  BlasTable table;
  table.ilp64 = sizeof(Int) == 8;
  table.f64 = {reinterpret_cast<void*>(&fake_dot<Int>), reinterpret_cast<void*>(&fake_gemv<Int>), reinterpret_cast<void*>(&fake_gemm<Int>),
               reinterpret_cast<void*>(&fake_syrk<Int>)};
  return table;
}

// A product by definition.
std::vector<double> expected_product(const ArrayView& a, const ArrayView& b) {
  const auto at = [](const ArrayView& m, int64_t i, int64_t j) {
    double value;
    std::memcpy(&value, m.data + i * m.strides[0] + j * m.strides[1], sizeof value);
    return value;
  };
  std::vector<double> out;
  for (int64_t i = 0; i < a.shape[0]; ++i) {
    for (int64_t j = 0; j < b.shape[1]; ++j) {
      double sum = 0;
      for (int64_t l = 0; l < a.shape[1]; ++l) {
        sum += at(a, i, l) * at(b, l, j);
      }
      out.push_back(sum);
    }
  }
  return out;
}

std::vector<std::unique_ptr<Strided>> layouts(Array<double>& base, int64_t rows, int64_t columns) {
  std::vector<std::unique_ptr<Strided>> views;
  const auto add = [&](int64_t row, int64_t column, int64_t offset) {
    views.push_back(
        std::make_unique<Strided>(base.view(), std::vector<int64_t>{rows, columns}, std::vector<int64_t>{row * 8, column * 8}, offset * 8));
  };
  add(columns, 1, 0);
  add(1, rows, 0);
  add(columns + 3, 1, 2);
  add(1, rows + 1, 1);
  add(4 * columns, 2, 0);
  add(-columns, 1, (rows - 1) * columns);
  add(-1, -rows, rows * columns - 1);
  return views;
}

void expect_products() {
  Array<double> left({4000});
  Array<double> right({4000});
  left.count_up();
  right.count_up();
  Env env;
  for (const auto& [m, k, n] :
       {std::array<int64_t, 3>{2, 3, 4}, {5, 7, 1}, {1, 6, 3}, {1, 5, 1}, {3, 1, 4}, {9, 8, 9}, {0, 2, 3}, {2, 0, 3}}) {
    for (const auto& a : layouts(left, m, k)) {
      for (const auto& b : layouts(right, k, n)) {
        for (const auto product : {hst_matmul_mm, hst_dot_mm}) {
          Result out(2);
          ASSERT_EQ(product(&env, out.view(), &a->view(), &b->view()), 0);
          ASSERT_EQ(out.items<double>(), expected_product(a->view(), b->view()));
        }
      }
    }
  }
}

TEST(Matmul, ByOwnLoops) { expect_products(); }

TEST(Matmul, ByBlasOfEitherWidth) {
  for (const bool wide : {false, true}) {
    set_blas_table(wide ? fake_table<int64_t>() : fake_table<int32_t>());
    gemm_calls = gemv_calls = dot_calls = 0;
    expect_products();
    EXPECT_GT(gemm_calls, 0);
    EXPECT_GT(gemv_calls, 0);
    EXPECT_GT(dot_calls, 0);
  }
}

TEST(Matmul, AMatrixTimesItsTransposeIsHalfTheWork) {
  set_blas_table(fake_table<int64_t>());
  Array<double> base({40});
  base.count_up();
  Strided a(base.view(), {5, 8}, {64, 8});
  Strided turned(base.view(), {8, 5}, {8, 64});
  Env env;
  syrk_calls = 0;
  Result big(2);
  ASSERT_EQ(hst_matmul_mm(&env, big.view(), &turned.view(), &a.view()), 0);
  EXPECT_EQ(big.items<double>(), expected_product(turned.view(), a.view()));
  Result small(2);
  ASSERT_EQ(hst_matmul_mm(&env, small.view(), &a.view(), &turned.view()), 0);
  EXPECT_EQ(small.items<double>(), expected_product(a.view(), turned.view()));
  EXPECT_EQ(syrk_calls, 2);
}

TEST(Matmul, VectorsAndMatrices) {
  set_blas_table(fake_table<int64_t>());
  Array<double> matrix({2, 3});
  Array<double> three({3});
  Array<double> two({2});
  matrix.count_up();
  three.count_up();
  two.count_up();
  Env env;
  Result mv(1);
  ASSERT_EQ(hst_dot_mv(&env, mv.view(), &matrix.view(), &three.view()), 0);
  EXPECT_EQ(mv.items<double>(), (std::vector<double>{14, 32}));
  Result vm(1);
  ASSERT_EQ(hst_matmul_vm(&env, vm.view(), &two.view(), &matrix.view()), 0);
  EXPECT_EQ(vm.items<double>(), (std::vector<double>{9, 12, 15}));
  double vv = 0;
  ASSERT_EQ(hst_dot_vv(&env, &vv, &three.view(), &three.view()), 0);
  EXPECT_EQ(vv, 14);
  Strided backwards(three.view(), {3}, {-8}, 16);
  ASSERT_EQ(hst_dot_vv(&env, &vv, &three.view(), &backwards.view()), 0);
  EXPECT_EQ(vv, 10);
}

TEST(Matmul, IntegersBoolsAndHalves) {
  Env env;
  Array<int32_t> integers({2, 2});
  integers.set({1 << 30, 2, 3, 4});
  Result product(2, DType::kInt32);
  ASSERT_EQ(hst_matmul_mm(&env, product.view(), &integers.view(), &integers.view()), 0);
  EXPECT_EQ(product.items<int32_t>(), (std::vector<int32_t>{6, INT32_MIN + 8, static_cast<int32_t>(3221225484U), 22}));
  Array<bool> truths({2, 2});
  truths.set({1, 1, 0, 0});
  Result reach(2, DType::kBool);
  ASSERT_EQ(hst_matmul_mm(&env, reach.view(), &truths.view(), &truths.view()), 0);
  EXPECT_EQ(reach.items<bool>(), (std::vector<bool>{true, true, false, false}));
}

TEST(Matmul, ErrorsSayWhatNumpySays) {
  Array<double> a({2, 3});
  Array<double> b({4, 5});
  Array<double> three({3});
  Array<double> four({4});
  Env env;
  Result out(2);
  EXPECT_NE(hst_dot_mm(&env, out.view(), &a.view(), &b.view()), 0);
  EXPECT_STREQ(env.message, "shapes (2,3) and (4,5) not aligned: 3 (dim 1) != 4 (dim 0)");
  EXPECT_NE(hst_matmul_mm(&env, out.view(), &a.view(), &b.view()), 0);
  EXPECT_STREQ(env.message,
               "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature (n?,k),(k,m?)->(n?,m?) (size 4 is "
               "different from 3)");
  double vv = 0;
  EXPECT_NE(hst_dot_vv(&env, &vv, &three.view(), &four.view()), 0);
  EXPECT_STREQ(env.message, "shapes (3,) and (4,) not aligned: 3 (dim 0) != 4 (dim 0)");
}

TEST(FindBlas, LoadsNothing) { EXPECT_FALSE(find_blas("/nonexistent/library.so").has_value()); }

} // namespace
} // namespace hasten::array
