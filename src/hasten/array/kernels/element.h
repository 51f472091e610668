// How kernels see the items of each dtype: a C++ type, and the functions that differ between types.
#pragma once

#include <complex>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "hasten/array/dtype.h"
#include "hasten/array/kernels/half.h"

namespace hasten::array {

struct Half {
  uint16_t bits;
};

// datetime64 and timedelta64: the least int64 is NaT, which spreads as NaN does.
struct Time {
  int64_t ticks;
};

template <class T> constexpr bool kIsComplex = std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>;

// Items may be aligned to less than their size (complex numbers).
template <class T> T load_item(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
template <class T> void store_item(char* at, const T& value) { std::memcpy(at, &value, sizeof value); }

// The type that is calculated with.
template <class T> auto widened(T value) {
  if constexpr (std::is_same_v<T, Half>) {
    return half_to_float(value.bits);
  } else {
    return value;
  }
}

template <class T> T narrowed(decltype(widened(T{})) value) {
  if constexpr (std::is_same_v<T, Half>) {
    return Half{float_to_half(value)};
  } else {
    return value;
  }
}

template <class T> bool is_nan(T value) {
  if constexpr (std::is_same_v<T, Half>) {
    return (value.bits & 0x7fffU) > 0x7c00U;
  } else if constexpr (std::is_same_v<T, Time>) {
    return value.ticks == std::numeric_limits<int64_t>::min();
  } else if constexpr (kIsComplex<T>) {
    return value.real() != value.real() || value.imag() != value.imag();
  } else if constexpr (std::is_floating_point_v<T>) {
    return value != value;
  } else {
    return false;
  }
}

// a < b for numbers; complex ones in the order of their parts.
template <class T> bool is_less(T a, T b) {
  if constexpr (std::is_same_v<T, Half>) {
    return half_to_float(a.bits) < half_to_float(b.bits);
  } else if constexpr (std::is_same_v<T, Time>) {
    return a.ticks < b.ticks;
  } else if constexpr (kIsComplex<T>) {
    return a.real() < b.real() || (a.real() == b.real() && a.imag() < b.imag());
  } else {
    return a < b;
  }
}

template <class T> bool is_true(T value) {
  if constexpr (std::is_same_v<T, Half>) {
    return (value.bits & 0x7fffU) != 0;
  } else if constexpr (std::is_same_v<T, Time>) {
    return value.ticks != 0;
  } else if constexpr (kIsComplex<T>) {
    return value.real() != 0 || value.imag() != 0;
  } else {
    return value != T{};
  }
}

// Calls visit with a value of the C++ type that stands for the dtype.
template <class Visit> auto visit_dtype(DType dtype, Visit&& visit) {
  switch (dtype) {
  case DType::kBool:
    return visit(bool{});
  case DType::kInt8:
    return visit(int8_t{});
  case DType::kUInt8:
    return visit(uint8_t{});
  case DType::kInt16:
    return visit(int16_t{});
  case DType::kUInt16:
    return visit(uint16_t{});
  case DType::kInt32:
    return visit(int32_t{});
  case DType::kUInt32:
    return visit(uint32_t{});
  case DType::kInt64:
    return visit(int64_t{});
  case DType::kUInt64:
    return visit(uint64_t{});
  case DType::kFloat16:
    return visit(Half{});
  case DType::kFloat32:
    return visit(float{});
  case DType::kFloat64:
    return visit(double{});
  case DType::kComplex64:
    return visit(std::complex<float>{});
  case DType::kComplex128:
    return visit(std::complex<double>{});
  default:
    return visit(Time{});
  }
}

} // namespace hasten::array
