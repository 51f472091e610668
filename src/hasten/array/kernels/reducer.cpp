#include "hasten/array/kernels/reducer.h"

#include <algorithm>

#include "hasten/array/kernels/add.h"
#include "hasten/array/kernels/element.h"
#include "hasten/array/kernels/extreme.h"
#include "hasten/array/kernels/pairwise.h"

namespace hasten::array {
namespace {

using abi::ReduceKind;

float sum_items(Half, const char* items, int64_t n, int64_t stride) { return pairwise_sum_f16(items, n, stride); }
float sum_items(float, const char* items, int64_t n, int64_t stride) { return pairwise_sum_f32(items, n, stride); }
double sum_items(double, const char* items, int64_t n, int64_t stride) { return pairwise_sum_f64(items, n, stride); }
std::complex<float> sum_items(std::complex<float>, const char* items, int64_t n, int64_t stride) {
  return pairwise_sum_c64(items, n, stride);
}
std::complex<double> sum_items(std::complex<double>, const char* items, int64_t n, int64_t stride) {
  return pairwise_sum_c128(items, n, stride);
}

// Integers wrap.
template <class T> T plus(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  } else {
    return a + b;
  }
}

template <class In, class Acc> struct Sum {
  static constexpr bool kPairwise =
      std::is_same_v<In, Acc> && (std::is_floating_point_v<Acc> || kIsComplex<Acc> || std::is_same_v<Acc, Half>);
  using Part = std::conditional_t<std::is_same_v<Acc, float> || std::is_same_v<Acc, std::complex<float>>, float, double>;
  static constexpr bool kConverted = !kPairwise && std::is_floating_point_v<Acc>;

  static void start(char* acc, const char*) { store_item(acc, Acc{}); }

  static void reduce(char* acc, const char* items, int64_t n, int64_t stride) {
    auto sum = widened(load_item<Acc>(acc));
    if constexpr (kPairwise) {
      sum += sum_items(In{}, items, n, stride);
    } else if constexpr (kConverted) {
      for (; n > 0; n -= kConvertedItems, items += kConvertedItems * stride) {
        sum += pairwise_by<Acc>(0, std::min(n, kConvertedItems), [&](int64_t i) { return convert(load_item<In>(items + i * stride)); });
      }
    } else if (std::is_integral_v<In> && stride == sizeof(In)) {
      sum = plus(sum, static_cast<Acc>(sum_integers(reinterpret_cast<const In*>(items), n)));
    } else {
      for (int64_t i = 0; i < n; ++i) {
        sum = plus(sum, convert(load_item<In>(items + i * stride)));
      }
    }
    store_item(acc, narrowed<Acc>(sum));
  }

  static void combine(char* acc, int64_t acc_stride, const char* items, int64_t stride, int64_t n) {
    if (acc_stride == sizeof(Acc) && stride == sizeof(In)) {
      if constexpr (kPairwise && !std::is_same_v<In, Half>) {
        add_numbers(reinterpret_cast<Part*>(acc), reinterpret_cast<const Part*>(items), kIsComplex<In> ? 2 * n : n);
        return;
      }
      for (int64_t i = 0; i < n; ++i) { // strides that the compiler knows
        add(acc + i * static_cast<int64_t>(sizeof(Acc)), items + i * static_cast<int64_t>(sizeof(In)));
      }
      return;
    }
    for (int64_t i = 0; i < n; ++i) {
      add(acc + i * acc_stride, items + i * stride);
    }
  }

private:
  static auto convert(In value) { return static_cast<decltype(widened(Acc{}))>(widened(value)); }
  static void add(char* acc, const char* item) {
    store_item(acc, narrowed<Acc>(plus(widened(load_item<Acc>(acc)), convert(load_item<In>(item)))));
  }
};

template <class T> T times(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  } else {
    return a * b;
  }
}
// NumPy's product: no care for infinities.
template <class T> std::complex<T> times(std::complex<T> a, std::complex<T> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

template <class In, class Acc> struct Product {
  using Wide = decltype(widened(Acc{}));

  static void start(char* acc, const char*) { store_item(acc, narrowed<Acc>(Wide(1))); }
  static void reduce(char* acc, const char* items, int64_t n, int64_t stride) {
    Wide product = widened(load_item<Acc>(acc));
    for (int64_t i = 0; i < n; ++i) {
      product = static_cast<Wide>(times(product, static_cast<Wide>(widened(load_item<In>(items + i * stride)))));
    }
    store_item(acc, narrowed<Acc>(product));
  }
  static void combine(char* acc, int64_t acc_stride, const char* items, int64_t stride, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      reduce(acc + i * acc_stride, items + i * stride, 1, stride);
    }
  }
};

template <class T, bool kGreatest> struct Extreme {
  static constexpr bool kHasVectors = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

  static void start(char* acc, const char* first) { std::memcpy(acc, first, sizeof(T)); }
  static void reduce(char* acc, const char* items, int64_t n, int64_t stride) {
    T best = load_item<T>(acc);
    if constexpr (kHasVectors) {
      if (stride == sizeof(T) && n > 0) {
        store_item(acc, better(best, extreme(reinterpret_cast<const T*>(items), n, kGreatest)));
        return;
      }
    }
    for (int64_t i = 0; i < n; ++i) {
      best = better(best, load_item<T>(items + i * stride));
    }
    store_item(acc, best);
  }
  static void combine(char* acc, int64_t acc_stride, const char* items, int64_t stride, int64_t n) {
    if constexpr (kHasVectors) {
      if (acc_stride == sizeof(T) && stride == sizeof(T)) {
        keep_better(reinterpret_cast<T*>(acc), reinterpret_cast<const T*>(items), n, kGreatest);
        return;
      }
    }
    for (int64_t i = 0; i < n; ++i) {
      store_item(acc + i * acc_stride, better(load_item<T>(acc + i * acc_stride), load_item<T>(items + i * stride)));
    }
  }

private:
  static T better(T a, T b) {
    if (is_nan(a)) {
      return a;
    }
    return is_nan(b) || (kGreatest ? is_less(a, b) : is_less(b, a)) ? b : a;
  }
};

template <class In, bool kAny> struct Truth {
  static void start(char* acc, const char*) { store_item(acc, !kAny); }
  static void reduce(char* acc, const char* items, int64_t n, int64_t stride) {
    bool truth = load_item<bool>(acc);
    for (int64_t i = 0; i < n && truth != kAny; ++i) {
      truth = is_true(load_item<In>(items + i * stride));
    }
    store_item(acc, truth);
  }
  static void combine(char* acc, int64_t acc_stride, const char* items, int64_t stride, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      reduce(acc + i * acc_stride, items + i * stride, 1, stride);
    }
  }
};

template <class Op, class In, class Acc> const Reducer* reducer() {
  static constexpr Reducer kReducer{sizeof(In), sizeof(Acc), Op::start, Op::reduce, Op::combine};
  return &kReducer;
}

template <template <class, class> class Op, class In> const Reducer* find_additive(DType accumulator) {
  if constexpr (std::is_same_v<In, Time>) {
    return accumulator == DType::kTimedelta64 ? reducer<Op<int64_t, int64_t>, int64_t, int64_t>() : nullptr;
  } else if constexpr (std::is_integral_v<In>) {
    switch (accumulator) {
    case DType::kInt64:
      return reducer<Op<In, int64_t>, In, int64_t>();
    case DType::kUInt64:
      return reducer<Op<In, uint64_t>, In, uint64_t>();
    case DType::kFloat64:
      return reducer<Op<In, double>, In, double>();
    default:
      break;
    }
  } else if constexpr (std::is_same_v<In, Half>) {
    if (accumulator == DType::kFloat32) {
      return reducer<Op<In, float>, In, float>();
    }
  } else if constexpr (std::is_same_v<In, float>) {
    if (accumulator == DType::kFloat64) {
      return reducer<Op<In, double>, In, double>();
    }
  }
  return visit_dtype(accumulator, [](auto acc) -> const Reducer* {
    if constexpr (std::is_same_v<decltype(acc), In> && !std::is_same_v<In, bool> && !std::is_same_v<In, Time>) {
      return reducer<Op<In, In>, In, In>();
    } else {
      return nullptr;
    }
  });
}

} // namespace

const Reducer* find_reducer(ReduceKind kind, DType in, DType accumulator) {
  return visit_dtype(in, [&](auto item) -> const Reducer* {
    using In = decltype(item);
    switch (kind) {
    case ReduceKind::kSum:
    case ReduceKind::kMean:
      return find_additive<Sum, In>(accumulator);
    case ReduceKind::kProd:
      return find_additive<Product, In>(accumulator);
    case ReduceKind::kMin:
      return in == accumulator ? reducer<Extreme<In, false>, In, In>() : nullptr;
    case ReduceKind::kMax:
      return in == accumulator ? reducer<Extreme<In, true>, In, In>() : nullptr;
    case ReduceKind::kAny:
      return accumulator == DType::kBool ? reducer<Truth<In, true>, In, bool>() : nullptr;
    default:
      return accumulator == DType::kBool ? reducer<Truth<In, false>, In, bool>() : nullptr;
    }
  });
}

} // namespace hasten::array
