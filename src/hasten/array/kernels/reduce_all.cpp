#include <algorithm>
#include <vector>

#include "hasten/array/kernels/ewise.h"
#include "hasten/array/kernels/gather.h"
#include "hasten/array/kernels/program.h"
#include "hasten/array/kernels/reduce.h"
#include "hasten/array/kernels/tree_sum.h"

namespace hasten::array {

using abi::ArrayView;
using abi::Env;
using abi::EwiseProgram;
using abi::ReduceKind;
using abi::Status;

namespace {

constexpr int64_t kBufferBytes = 16 * 1024;
constexpr int64_t kParallelItems = 1 << 18; // fewer are summed in a moment
constexpr float kItemCost = 0.15F;          // ns to read and add an item that is in memory
constexpr int64_t kMostMultiple = 256;

bool is_sum(ReduceKind kind) { return kind == ReduceKind::kSum || kind == ReduceKind::kMean; }

// Sums of long runs of these go in a tree that can be cut into parts.
bool has_tree(DType in, DType out) {
  return in == out && (in == DType::kFloat32 || in == DType::kFloat64 || in == DType::kComplex64 || in == DType::kComplex128);
}

template <class Visit> Status visit_tree_type(DType dtype, Visit&& visit) {
  switch (dtype) {
  case DType::kFloat32:
    return visit(float{});
  case DType::kComplex64:
    return visit(std::complex<float>{});
  case DType::kComplex128:
    return visit(std::complex<double>{});
  default:
    return visit(double{});
  }
}

float pairwise(float, const char* items, int64_t n, int64_t stride) { return pairwise_sum_f32(items, n, stride); }
double pairwise(double, const char* items, int64_t n, int64_t stride) { return pairwise_sum_f64(items, n, stride); }
std::complex<float> pairwise(std::complex<float>, const char* items, int64_t n, int64_t stride) {
  return pairwise_sum_c64(items, n, stride);
}
std::complex<double> pairwise(std::complex<double>, const char* items, int64_t n, int64_t stride) {
  return pairwise_sum_c128(items, n, stride);
}

// A long run of floats on all threads.
Status add_run(Env* env, DType dtype, const char* items, int64_t n, int64_t stride, char* accumulator) {
  return visit_tree_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    T sum;
    const Status status =
        tree_sum_parallel<T>(env, n, kParallelItems / 16, kItemCost, &sum, [&](Env*, int64_t begin, int64_t count, T* part) {
          *part = pairwise(T{}, items + begin * stride, count, stride);
          return Status::kOk;
        });
    store_item(accumulator, load_item<T>(accumulator) + sum);
    return status;
  });
}

// The items of a fused expression, computed into a buffer. A few more than asked for are computed where that saves a padded tail.
class ComputedItems {
public:
  ComputedItems(const EwiseProgram& program, const BlockNest& nest)
      : nest_(nest), item_(program.result_item), multiple_(program.multiple),
        step_(std::min(nest.block_items(), kBufferBytes / item_ / multiple_ * multiple_)) {}

  static constexpr int64_t kRoom = kBufferBytes + kMostMultiple * 16;
  int64_t most() const { return kBufferBytes / item_; }

  Status compute(Env* env, int64_t begin, int64_t count, char* buffer) const {
    for (int64_t done = 0; done < count;) {
      const int64_t left = (count - done + multiple_ - 1) / multiple_ * multiple_;
      const int64_t now = std::min({left, step_, nest_.size() - begin - done});
      if (const int32_t status = nest_.compute(env, begin + done, now, buffer + done * item_)) {
        return static_cast<Status>(status);
      }
      done += now;
    }
    return --env->fuel < 0 ? static_cast<Status>(hst_poll(env)) : Status::kOk;
  }

private:
  const BlockNest& nest_;
  int64_t item_;
  int64_t multiple_;
  int64_t step_;
};

Status sum_program(Env* env, const EwiseProgram& program, const BlockNest& nest, char* accumulator) {
  const ComputedItems items(program, nest);
  return visit_tree_type(program.result_dtype, [&](auto zero) {
    using T = decltype(zero);
    T sum;
    const auto part = [&](Env* e, int64_t begin, int64_t count, T* result) {
      alignas(64) char buffer[ComputedItems::kRoom];
      const Status status = items.compute(e, begin, count, buffer);
      *result = pairwise(T{}, buffer, count, sizeof(T));
      return status;
    };
    const bool share = program.parallel != 0 && nest.size() >= kParallelItems / 16;
    const Status status = share ? tree_sum_parallel<T>(env, nest.size(), items.most(), program.cost + kItemCost, &sum, part)
                                : tree_sum<T>(env, 0, nest.size(), items.most(), &sum, part);
    store_item(accumulator, load_item<T>(accumulator) + sum);
    return status;
  });
}

Status fold_program(Env* env, const EwiseProgram& program, const BlockNest& nest, const Reducer& reducer, char* accumulator) {
  const ComputedItems items(program, nest);
  alignas(64) char buffer[ComputedItems::kRoom];
  for (int64_t at = 0; at < nest.size(); at += items.most()) {
    const int64_t count = std::min(items.most(), nest.size() - at);
    if (const Status status = items.compute(env, at, count, buffer); status != Status::kOk) {
      return status;
    }
    if (at == 0) {
      reducer.start(accumulator, buffer);
    }
    reducer.reduce(accumulator, buffer, count, program.result_item);
  }
  return Status::kOk;
}

// A sum of float16 items is rounded once, at its end.
Status sum_half_program(Env* env, const EwiseProgram& program, const BlockNest& nest, char* accumulator) {
  const ComputedItems items(program, nest);
  float sum = 0;
  const Status status = tree_sum<float>(env, 0, nest.size(), items.most(), &sum, [&](Env* e, int64_t begin, int64_t count, float* part) {
    alignas(64) char buffer[ComputedItems::kRoom];
    const Status computed = items.compute(e, begin, count, buffer);
    *part = pairwise_sum_f16(buffer, count, sizeof(Half));
    return computed;
  });
  store_item(accumulator, Half{float_to_half(sum)});
  return status;
}

Status reduce_program(Env* env, const EwiseProgram& program, const void* const* operands, const Shape& shape, ReduceKind kind, DType out,
                      char* accumulator) {
  const Reducer* reducer = find_reducer(kind, program.result_dtype, out);
  if (reducer == nullptr) {
    return abi::fail(env, abi::ErrorKind::kTypeError, "this reduction does not take items of dtype %s",
                     std::string(name_of(program.result_dtype)).c_str());
  }
  const BlockNest nest(program, operands, shape.ndim, shape.dims, nullptr);
  if (is_sum(kind) && has_tree(program.result_dtype, program.result_dtype)) {
    reducer->start(accumulator, nullptr);
    return sum_program(env, program, nest, accumulator);
  }
  if (kind == ReduceKind::kSum && program.result_dtype == DType::kFloat16) {
    return sum_half_program(env, program, nest, accumulator);
  }
  return fold_program(env, program, nest, *reducer, accumulator);
}

template <class T> void divide_all(char* sums, int64_t count, int64_t n) {
  for (int64_t i = 0; i < count; ++i) {
    char* at = sums + i * static_cast<int64_t>(sizeof(T));
    if constexpr (std::is_same_v<T, Half>) {
      store_item(at, narrowed<Half>(widened(load_item<Half>(at)) / static_cast<float>(n)));
    } else if constexpr (kIsComplex<T>) {
      using Part = typename T::value_type;
      const T sum = load_item<T>(at);
      store_item(at, T(sum.real() / static_cast<Part>(n), sum.imag() / static_cast<Part>(n)));
    } else {
      store_item(at, load_item<T>(at) / static_cast<T>(n));
    }
  }
}

} // namespace

Status no_identity(Env* env, ReduceKind kind) {
  return abi::fail(env, abi::ErrorKind::kValueError, "zero-size array to reduction operation %s which has no identity",
                   kind == ReduceKind::kMin ? "minimum" : "maximum");
}

void divide_by_count(char* sums, DType dtype, int64_t count, int64_t n) {
  visit_dtype(dtype, [&](auto item) {
    using T = decltype(item);
    if constexpr (std::is_floating_point_v<T> || kIsComplex<T> || std::is_same_v<T, Half>) {
      divide_all<T>(sums, count, n);
    }
  });
}

namespace {

constexpr int64_t kNumpyBuffer = 8192; // items of NumPy's iterator buffer

// How many items NumPy's iterator copies together and sums as one run, where the axes of an array can't be merged; 0: it sums row by row.
// The iterator buffers where that makes the runs at least as much longer as it makes them dearer: a copied operand counts for one more.
int64_t items_summed_together(const Nest& nest, bool converts) {
  const int ndim = nest.ndim();
  int64_t core = 1;
  int64_t size = nest.inner_size();
  int64_t best = size;
  int64_t best_cost = converts ? 2 : 1;
  for (int axis = ndim - 2; axis >= 0 && (size < kNumpyBuffer || (axis == ndim - 2 && !converts)); --axis) {
    const int64_t before = size;
    size *= nest.extent(axis);
    if (2 * best <= best_cost * std::min(size, kNumpyBuffer)) {
      best_cost = 2;
      best = size;
      core = before;
    }
  }
  if (best_cost == 1) {
    return 0;
  }
  return best <= kNumpyBuffer ? best : kNumpyBuffer / core * core;
}

// Reduces runs of copied items.
Status reduce_gathered(Env* env, const Reducer& reducer, const Nest& nest, int64_t together, char* accumulator) {
  std::vector<char> copies(static_cast<size_t>(together * reducer.in_item));
  for (int64_t at = 0; at < nest.size(); at += together) {
    const int64_t count = std::min(together, nest.size() - at);
    gather(nest, 0, at, count, reducer.in_item, copies.data());
    reducer.reduce(accumulator, copies.data(), count, reducer.in_item);
    if (const int32_t status = --env->fuel < 0 ? hst_poll(env) : 0) {
      return static_cast<Status>(status);
    }
  }
  return Status::kOk;
}

bool is_float(DType dtype) { return kind_of(dtype) == DTypeKind::kFloat || kind_of(dtype) == DTypeKind::kComplex; }

} // namespace

Status reduce_all(Env* env, const Reducer& reducer, const ArrayView& in, DType out, ReduceKind kind, char* accumulator, bool parallel) {
  Nest nest(1, in.ndim, in.shape);
  nest.set_operand(0, in.data, in.ndim, in.shape, in.strides);
  nest.sort_axes();
  nest.merge_axes();
  const bool sum_or_product = is_sum(kind) || kind == ReduceKind::kProd;
  if (nest.ndim() > 1 && is_float(out) && sum_or_product) {
    if (const int64_t together = items_summed_together(nest, in.dtype != out)) {
      return reduce_gathered(env, reducer, nest, together, accumulator);
    }
  }
  const int64_t row = nest.inner_size();
  const int64_t stride = nest.inner_stride(0);
  const bool shared = parallel && is_sum(kind) && has_tree(in.dtype, out) && row >= kParallelItems;
  for (int64_t at = 0; at < nest.size(); at += row) {
    if (shared) {
      if (const Status status = add_run(env, in.dtype, nest.item(0, at), row, stride, accumulator); status != Status::kOk) {
        return status;
      }
    } else {
      reducer.reduce(accumulator, nest.item(0, at), row, stride);
    }
    if (const int32_t status = --env->fuel < 0 ? hst_poll(env) : 0) {
      return static_cast<Status>(status);
    }
  }
  return Status::kOk;
}

namespace {

Status reduce_identity(Env* env, const EwiseProgram& program, const ArrayView& in, ReduceKind kind, DType out, char* accumulator) {
  const Reducer* reducer = find_reducer(kind, in.dtype, out);
  if (reducer == nullptr) {
    return abi::fail(env, abi::ErrorKind::kTypeError, "this reduction does not take items of dtype %s",
                     std::string(name_of(in.dtype)).c_str());
  }
  reducer->start(accumulator, in.data);
  return reduce_all(env, *reducer, in, out, kind, accumulator, program.parallel != 0);
}

Status reduce_empty(Env* env, ReduceKind kind, DType dtype, char* accumulator) {
  const Reducer* reducer = find_reducer(kind, dtype, dtype);
  if (kind == ReduceKind::kMin || kind == ReduceKind::kMax || reducer == nullptr) {
    return no_identity(env, kind);
  }
  reducer->start(accumulator, nullptr);
  return Status::kOk;
}

Status reduce(Env* env, const EwiseProgram& program, const void* const* operands, ReduceKind kind, char* result) {
  Shape shape;
  if (const Status status = operands_shape(env, program, operands, &shape); status != Status::kOk) {
    return status;
  }
  const int64_t items = count_items(shape.dims, shape.ndim);
  // NumPy takes the mean of float16 in float32.
  const bool half_mean = kind == ReduceKind::kMean && program.result_dtype == DType::kFloat16;
  const DType out = half_mean ? DType::kFloat32 : program.result_dtype;
  float wide = 0;
  char* accumulator = half_mean ? reinterpret_cast<char*>(&wide) : result;
  Status status;
  if (items == 0) {
    status = reduce_empty(env, kind, out, accumulator);
  } else if (program.block == nullptr) {
    status = reduce_identity(env, program, array_operand(operands, 0), kind, out, accumulator);
  } else {
    status = reduce_program(env, program, operands, shape, kind, out, accumulator);
  }
  if (kind == ReduceKind::kMean) {
    divide_by_count(accumulator, out, 1, items);
  }
  if (half_mean) {
    store_item(result, Half{float_to_half(wide)});
  }
  return status;
}

} // namespace
} // namespace hasten::array

extern "C" int32_t hst_ewise_reduce(hasten::abi::Env* env, const hasten::abi::EwiseProgram* program, const void* const* operands,
                                    int32_t kind, void* result) {
  return static_cast<int32_t>(
      hasten::array::reduce(env, *program, operands, static_cast<hasten::abi::ReduceKind>(kind), static_cast<char*>(result)));
}
