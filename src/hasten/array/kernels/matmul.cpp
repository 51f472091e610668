#include "hasten/array/kernels/matmul.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "hasten/array/kernels/blas.h"
#include "hasten/array/kernels/copy.h"
#include "hasten/array/kernels/element.h"
#include "hasten/array/kernels/views.h"

namespace hasten::array {
namespace {

using abi::ArrayView;
using abi::Env;
using abi::Status;

// The C interface's constants.
constexpr int kRowMajor = 101, kColumnMajor = 102, kNoTranspose = 111, kTranspose = 112, kUpper = 121;

struct Matrix {
  char* data;
  int64_t rows, columns;
  int64_t row_stride, column_stride; // bytes

  Matrix transposed() const { return {data, columns, rows, column_stride, row_stride}; }
};

template <class T> constexpr bool kHasBlas = std::is_floating_point_v<T> || kIsComplex<T>;

template <class T> const BlasRoutines* routines() {
  const BlasTable* table = blas_table();
  if constexpr (std::is_same_v<T, float>) {
    return table != nullptr ? &table->f32 : nullptr;
  } else if constexpr (std::is_same_v<T, double>) {
    return table != nullptr ? &table->f64 : nullptr;
  } else if constexpr (std::is_same_v<T, std::complex<float>>) {
    return table != nullptr ? &table->c64 : nullptr;
  } else if constexpr (std::is_same_v<T, std::complex<double>>) {
    return table != nullptr ? &table->c128 : nullptr;
  } else {
    return nullptr;
  }
}

// Calls with integers of the library's width. T by value for real types, by pointer for complex ones, as CBLAS wants it.
template <class T, class Int> struct Blas {
  using Scalar = std::conditional_t<kIsComplex<T>, const T*, T>;

  static Scalar scalar(const T& value) {
    if constexpr (kIsComplex<T>) {
      return &value;
    } else {
      return value;
    }
  }

  static T dot(void* routine, int64_t n, const void* a, int64_t a_step, const void* b, int64_t b_step) {
    const auto size = static_cast<Int>(n);
    if constexpr (kIsComplex<T>) {
      T result{};
      reinterpret_cast<void (*)(Int, const void*, Int, const void*, Int, void*)>(routine)(size, a, static_cast<Int>(a_step), b,
                                                                                          static_cast<Int>(b_step), &result);
      return result;
    } else {
      return reinterpret_cast<T (*)(Int, const void*, Int, const void*, Int)>(routine)(size, a, static_cast<Int>(a_step), b,
                                                                                       static_cast<Int>(b_step));
    }
  }

  static void gemv(void* routine, int order, int64_t m, int64_t n, const void* a, int64_t lda, const void* x, int64_t x_step, void* y,
                   int64_t y_step) {
    using Routine = void (*)(int, int, Int, Int, Scalar, const void*, Int, const void*, Int, Scalar, void*, Int);
    const T one(1);
    const T zero(0);
    reinterpret_cast<Routine>(routine)(order, kTranspose, static_cast<Int>(m), static_cast<Int>(n), scalar(one), a, static_cast<Int>(lda),
                                       x, static_cast<Int>(x_step), scalar(zero), y, static_cast<Int>(y_step));
  }

  static void gemm(void* routine, int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, const void* a, int64_t lda,
                   const void* b, int64_t ldb, void* c, int64_t ldc) {
    using Routine = void (*)(int, int, int, Int, Int, Int, Scalar, const void*, Int, const void*, Int, Scalar, void*, Int);
    const T one(1);
    const T zero(0);
    reinterpret_cast<Routine>(routine)(kRowMajor, transpose_a, transpose_b, static_cast<Int>(m), static_cast<Int>(n), static_cast<Int>(k),
                                       scalar(one), a, static_cast<Int>(lda), b, static_cast<Int>(ldb), scalar(zero), c,
                                       static_cast<Int>(ldc));
  }

  static void syrk(void* routine, int transpose, int64_t n, int64_t k, const void* a, int64_t lda, void* c, int64_t ldc) {
    using Routine = void (*)(int, int, int, Int, Int, Scalar, const void*, Int, Scalar, void*, Int);
    const T one(1);
    const T zero(0);
    reinterpret_cast<Routine>(routine)(kRowMajor, kUpper, transpose, static_cast<Int>(n), static_cast<Int>(k), scalar(one), a,
                                       static_cast<Int>(lda), scalar(zero), c, static_cast<Int>(ldc));
  }
};

// Calls visit with the Blas of the library's integer width.
template <class T, class Visit> auto with_blas(Visit&& visit) {
  return blas_table()->ilp64 ? visit(Blas<T, int64_t>{}) : visit(Blas<T, int32_t>{});
}

// Whether BLAS can take the matrix as one in row-major order.
template <class T> bool is_row_major(const Matrix& m) {
  constexpr int64_t kItem = sizeof(T);
  return m.column_stride == kItem && m.row_stride % kItem == 0 && m.row_stride / kItem >= m.columns &&
         m.row_stride / kItem <= INT32_MAX - 1;
}

template <class T> bool is_blas_matrix(const Matrix& m) { return is_row_major<T>(m) || is_row_major<T>(m.transposed()); }

// A vector's distance between items, for BLAS; 0 where it can't take it.
template <class T> int64_t blas_step(int64_t stride) {
  constexpr int64_t kItem = sizeof(T);
  return stride > 0 && stride % kItem == 0 && stride / kItem < INT32_MAX ? stride / kItem : 0;
}

template <class Wide> Wide multiply_add(Wide sum, Wide a, Wide b) {
  if constexpr (std::is_same_v<Wide, bool>) {
    return sum || (a && b);
  } else if constexpr (std::is_integral_v<Wide>) {
    return static_cast<Wide>(static_cast<uint64_t>(sum) + static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  } else if constexpr (kIsComplex<Wide>) {
    return {sum.real() + (a.real() * b.real() - a.imag() * b.imag()), sum.imag() + (a.real() * b.imag() + a.imag() * b.real())};
  } else {
    return sum + a * b;
  }
}

// Each item of the result is added up in the order of the inner dimension, as NumPy's loops do it; a row of results is carried along at
// once.
template <class T> void multiply_by_loops(const Matrix& a, const Matrix& b, const Matrix& out) {
  using Wide = decltype(widened(T{}));
  std::unique_ptr<Wide[]> sums(new Wide[static_cast<size_t>(std::max<int64_t>(out.columns, 1))]);
  for (int64_t i = 0; i < out.rows; ++i) {
    std::fill_n(sums.get(), out.columns, Wide{});
    for (int64_t k = 0; k < a.columns; ++k) {
      const Wide left = widened(load_item<T>(a.data + i * a.row_stride + k * a.column_stride));
      const char* row = b.data + k * b.row_stride;
      for (int64_t j = 0; j < out.columns; ++j) {
        sums[static_cast<size_t>(j)] = multiply_add(sums[static_cast<size_t>(j)], left, widened(load_item<T>(row + j * b.column_stride)));
      }
    }
    for (int64_t j = 0; j < out.columns; ++j) {
      store_item(out.data + i * out.row_stride + j * out.column_stride, narrowed<T>(sums[static_cast<size_t>(j)]));
    }
  }
}

template <class T> T dot(const char* a, int64_t a_stride, const char* b, int64_t b_stride, int64_t n) {
  if constexpr (kHasBlas<T>) {
    const int64_t a_step = blas_step<T>(a_stride);
    const int64_t b_step = blas_step<T>(b_stride);
    if (routines<T>() != nullptr && a_step != 0 && b_step != 0 && n < INT32_MAX) {
      return with_blas<T>([&](auto blas) { return T(0) + decltype(blas)::dot(routines<T>()->dot, n, a, a_step, b, b_step); });
    }
  }
  using Wide = decltype(widened(T{}));
  Wide sum{};
  for (int64_t i = 0; i < n; ++i) {
    sum = multiply_add(sum, widened(load_item<T>(a + i * a_stride)), widened(load_item<T>(b + i * b_stride)));
  }
  return narrowed<T>(sum);
}

// out = a times the vector x of n items.
template <class T> void multiply_vector(const Matrix& a, const char* x, int64_t x_stride, char* out, int64_t out_stride) {
  constexpr int64_t kItem = sizeof(T);
  const bool rows = is_row_major<T>(a);
  with_blas<T>([&](auto blas) {
    decltype(blas)::gemv(routines<T>()->gemv, rows ? kColumnMajor : kRowMajor, a.columns, a.rows, a.data,
                         (rows ? a.row_stride : a.column_stride) / kItem, x, x_stride / kItem, out, out_stride / kItem);
  });
}

// A copy of a matrix that BLAS can't take, in the order that it nearly has.
template <class T> Matrix made_compact(const Matrix& m, std::vector<char>* memory) {
  constexpr int64_t kItem = sizeof(T);
  memory->resize(static_cast<size_t>(m.rows * m.columns * kItem));
  const bool columns_first = std::abs(m.row_stride) < std::abs(m.column_stride);
  const Matrix copy{memory->data(), m.rows, m.columns, columns_first ? kItem : kItem * m.columns, columns_first ? kItem * m.rows : kItem};
  int64_t shape[] = {m.rows, m.columns};
  int64_t from[] = {m.row_stride, m.column_stride};
  int64_t to[] = {copy.row_stride, copy.column_stride};
  copy_view(ArrayView{nullptr, copy.data, shape, to, 2, DType::kFloat64}, ArrayView{nullptr, m.data, shape, from, 2, DType::kFloat64},
            kItem);
  return copy;
}

// A matrix times its own transpose: half of it is computed, the rest copied.
template <class T> void multiply_by_own_transpose(const Matrix& a, int transpose, int64_t lda, const Matrix& out) {
  const int64_t n = out.rows;
  auto* c = reinterpret_cast<T*>(out.data);
  with_blas<T>([&](auto blas) { decltype(blas)::syrk(routines<T>()->syrk, transpose, n, a.columns, a.data, lda, c, n); });
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i + 1; j < n; ++j) {
      c[j * n + i] = c[i * n + j];
    }
  }
}

template <class T> void multiply_matrices(const Matrix& left, const Matrix& right, const Matrix& out) {
  constexpr int64_t kItem = sizeof(T);
  std::vector<char> left_memory;
  std::vector<char> right_memory;
  const Matrix a = is_blas_matrix<T>(left) ? left : made_compact<T>(left, &left_memory);
  const Matrix b = is_blas_matrix<T>(right) ? right : made_compact<T>(right, &right_memory);
  const bool a_rows = is_row_major<T>(a);
  const bool b_rows = is_row_major<T>(b);
  const int64_t lda = (a_rows ? a.row_stride : a.column_stride) / kItem;
  const int64_t ldb = (b_rows ? b.row_stride : b.column_stride) / kItem;
  if (a.data == b.data && a.rows == b.columns && a.row_stride == b.column_stride && a.column_stride == b.row_stride && a_rows != b_rows) {
    multiply_by_own_transpose<T>(a, a_rows ? kNoTranspose : kTranspose, a_rows ? lda : ldb, out);
    return;
  }
  with_blas<T>([&](auto blas) {
    decltype(blas)::gemm(routines<T>()->gemm, a_rows ? kNoTranspose : kTranspose, b_rows ? kNoTranspose : kTranspose, a.rows, b.columns,
                         a.columns, a.data, lda, b.data, ldb, out.data, out.row_stride / kItem);
  });
}

// out is in C order.
template <class T> void multiply(const Matrix& a, const Matrix& b, const Matrix& out) {
  if constexpr (kHasBlas<T>) {
    const bool empty = a.rows == 0 || a.columns == 0 || b.columns == 0;
    const bool too_big = std::max({a.rows, a.columns, b.columns}) >= INT32_MAX;
    if (routines<T>() == nullptr || empty || too_big) {
      return multiply_by_loops<T>(a, b, out);
    }
    const bool row_vector = a.rows == 1;
    const bool column_vector = b.columns == 1;
    if (row_vector && column_vector) {
      return store_item(out.data, dot<T>(a.data, a.column_stride, b.data, b.row_stride, a.columns));
    }
    if (row_vector || column_vector || a.columns == 1) {
      if (a.columns > 1 && row_vector && is_blas_matrix<T>(b) && blas_step<T>(a.column_stride) > 0) {
        return multiply_vector<T>(b.transposed(), a.data, a.column_stride, out.data, out.column_stride);
      }
      if (a.columns > 1 && column_vector && is_blas_matrix<T>(a) && blas_step<T>(b.row_stride) > 0) {
        return multiply_vector<T>(a, b.data, b.row_stride, out.data, out.row_stride);
      }
      return multiply_by_loops<T>(a, b, out);
    }
    return multiply_matrices<T>(a, b, out);
  } else {
    multiply_by_loops<T>(a, b, out);
  }
}

enum class Face { kDot, kMatmul };

// Whether the inner dimensions are the same. ValueError as numpy.dot or numpy.matmul says it.
Status check_inner(Env* env, const ArrayView& a, const ArrayView& b, Face face) {
  const int64_t left = a.shape[a.ndim - 1];
  const int64_t right = b.shape[0];
  if (left == right) {
    return Status::kOk;
  }
  if (face == Face::kMatmul) {
    return abi::fail(env, abi::ErrorKind::kValueError,
                     "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature (n?,k),(k,m?)->(n?,m?) "
                     "(size %lld is different from %lld)",
                     static_cast<long long>(right), static_cast<long long>(left));
  }
  return abi::fail(env, abi::ErrorKind::kValueError, "shapes %s and %s not aligned: %lld (dim %d) != %lld (dim 0)",
                   shape_text(a.shape, a.ndim).c_str(), shape_text(b.shape, b.ndim).c_str(), static_cast<long long>(left), a.ndim - 1,
                   static_cast<long long>(right));
}

// A vector on the left is a row, one on the right a column.
Matrix as_left(const ArrayView& a) {
  return a.ndim == 2 ? Matrix{a.data, a.shape[0], a.shape[1], a.strides[0], a.strides[1]}
                     : Matrix{a.data, 1, a.shape[0], a.shape[0] * a.strides[0], a.strides[0]};
}

Matrix as_right(const ArrayView& b) {
  return b.ndim == 2 ? Matrix{b.data, b.shape[0], b.shape[1], b.strides[0], b.strides[1]}
                     : Matrix{b.data, b.shape[0], 1, b.strides[0], item_bytes(b.dtype)};
}

template <class Visit> Status visit_number(Env* env, DType dtype, Visit&& visit) {
  return visit_dtype(dtype, [&](auto zero) {
    if constexpr (std::is_same_v<decltype(zero), Time>) {
      return abi::fail(env, abi::ErrorKind::kTypeError, "dates can't be multiplied");
    } else {
      visit(zero);
      return Status::kOk;
    }
  });
}

// numpy.dot, other than matmul, first copies what BLAS can't walk through.
class DotOperand {
public:
  explicit DotOperand(const ArrayView& view) : view_(view) {
    const int64_t item = item_bytes(view.dtype);
    const bool walks = view.ndim == 1 ? view.shape[0] <= 1 || (view.strides[0] > 0 && view.strides[0] % item == 0)
                                      : is_c_contiguous(view, item) || is_fortran_contiguous(view, item);
    if (walks) {
      return;
    }
    memory_.resize(static_cast<size_t>(count_items(view) * item));
    view_.data = memory_.data();
    view_.strides = strides_;
    const bool columns_first = view.ndim == 2 && std::abs(view.strides[0]) < std::abs(view.strides[1]);
    columns_first ? set_fortran_strides(&view_, item) : set_c_strides(&view_, item);
    copy_view(view_, view, item);
  }
  DotOperand(const DotOperand&) = delete;
  DotOperand& operator=(const DotOperand&) = delete;

  const ArrayView& view() const { return view_; }

private:
  ArrayView view_;
  int64_t strides_[2];
  std::vector<char> memory_;
};

int32_t vector_product(Env* env, void* out, const ArrayView& a, const ArrayView& b, Face face) {
  Status status = check_inner(env, a, b, face);
  if (status == Status::kOk) {
    status = visit_number(env, a.dtype, [&](auto zero) {
      using T = decltype(zero);
      store_item(static_cast<char*>(out), dot<T>(a.data, a.strides[0], b.data, b.strides[0], a.shape[0]));
    });
  }
  return static_cast<int32_t>(status);
}

int32_t product(Env* env, ArrayView* out, const ArrayView& a, const ArrayView& b, Face face) {
  Status status = check_inner(env, a, b, face);
  if (status != Status::kOk) {
    return static_cast<int32_t>(status);
  }
  const Matrix left = as_left(a);
  const Matrix right = as_right(b);
  int ndim = 0;
  if (a.ndim == 2) {
    out->shape[ndim++] = left.rows;
  }
  if (b.ndim == 2) {
    out->shape[ndim++] = right.columns;
  }
  const int64_t item = item_bytes(a.dtype);
  status = allocate(env, out, item);
  if (status == Status::kOk) {
    const Matrix result{out->data, left.rows, right.columns, item * right.columns, item};
    status = visit_number(env, a.dtype, [&](auto zero) { multiply<decltype(zero)>(left, right, result); });
  }
  return static_cast<int32_t>(status);
}

int32_t dot_product(Env* env, ArrayView* out, const ArrayView& a, const ArrayView& b) {
  return product(env, out, DotOperand(a).view(), DotOperand(b).view(), Face::kDot);
}

} // namespace
} // namespace hasten::array

using namespace hasten;
using array::Face;

extern "C" {

int32_t hst_dot_vv(abi::Env* env, void* out, const abi::ArrayView* a, const abi::ArrayView* b) {
  return array::vector_product(env, out, array::DotOperand(*a).view(), array::DotOperand(*b).view(), Face::kDot);
}
int32_t hst_dot_mv(abi::Env* env, abi::ArrayView* out, const abi::ArrayView* a, const abi::ArrayView* b) {
  return array::dot_product(env, out, *a, *b);
}
int32_t hst_dot_vm(abi::Env* env, abi::ArrayView* out, const abi::ArrayView* a, const abi::ArrayView* b) {
  return array::dot_product(env, out, *a, *b);
}
int32_t hst_dot_mm(abi::Env* env, abi::ArrayView* out, const abi::ArrayView* a, const abi::ArrayView* b) {
  return array::dot_product(env, out, *a, *b);
}
int32_t hst_matmul_vv(abi::Env* env, void* out, const abi::ArrayView* a, const abi::ArrayView* b) {
  return array::vector_product(env, out, *a, *b, Face::kMatmul);
}
int32_t hst_matmul_mv(abi::Env* env, abi::ArrayView* out, const abi::ArrayView* a, const abi::ArrayView* b) {
  return array::product(env, out, *a, *b, Face::kMatmul);
}
int32_t hst_matmul_vm(abi::Env* env, abi::ArrayView* out, const abi::ArrayView* a, const abi::ArrayView* b) {
  return array::product(env, out, *a, *b, Face::kMatmul);
}
int32_t hst_matmul_mm(abi::Env* env, abi::ArrayView* out, const abi::ArrayView* a, const abi::ArrayView* b) {
  return array::product(env, out, *a, *b, Face::kMatmul);
}
}
