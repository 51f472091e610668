// C++'s names for NumPy's dtypes, values worth testing, and comparison by bits.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

namespace hasten::llvm_backend::testing {

template <typename T> const char* dtype_name();
template <> inline const char* dtype_name<bool>() { return "bool"; }
template <> inline const char* dtype_name<int8_t>() { return "int8"; }
template <> inline const char* dtype_name<uint8_t>() { return "uint8"; }
template <> inline const char* dtype_name<int16_t>() { return "int16"; }
template <> inline const char* dtype_name<uint16_t>() { return "uint16"; }
template <> inline const char* dtype_name<int32_t>() { return "int32"; }
template <> inline const char* dtype_name<uint32_t>() { return "uint32"; }
template <> inline const char* dtype_name<int64_t>() { return "int64"; }
template <> inline const char* dtype_name<uint64_t>() { return "uint64"; }
template <> inline const char* dtype_name<float>() { return "float32"; }
template <> inline const char* dtype_name<double>() { return "float64"; }
template <> inline const char* dtype_name<std::complex<float>>() { return "complex64"; }
template <> inline const char* dtype_name<std::complex<double>>() { return "complex128"; }

template <typename T> struct IsComplex : std::false_type {};
template <typename T> struct IsComplex<std::complex<T>> : std::true_type {};

// Small values, limits, signed zeros, infinities, NaN.
template <typename T> std::vector<T> interesting() {
  using Limits = std::numeric_limits<T>;
  if constexpr (std::is_same_v<T, bool>) {
    return {false, true};
  } else if constexpr (IsComplex<T>::value) {
    using R = typename T::value_type;
    std::vector<T> values;
    for (R re : {R(0), R(-0.0), R(1.5), R(-3), R(1e30)}) {
      for (R im : {R(0), R(2), R(-0.25)}) {
        values.emplace_back(re, im);
      }
    }
    return values;
  } else if constexpr (std::is_floating_point_v<T>) {
    return {T(0),
            T(-0.0),
            T(1),
            T(-1),
            T(0.5),
            T(2.75),
            T(-2.75),
            T(7),
            T(-7),
            T(3),
            T(1e9),
            T(-1e9),
            T(1e20),
            T(-3e38),
            Limits::min(),
            Limits::max(),
            Limits::lowest(),
            Limits::infinity(),
            -Limits::infinity(),
            Limits::quiet_NaN()};
  } else if constexpr (std::is_signed_v<T>) {
    return {0, 1, -1, 2, -2, 3, -3, 7, -7, 100, -100, Limits::max(), Limits::min(), T(Limits::max() - 1), T(Limits::min() + 1)};
  } else {
    return {0, 1, 2, 3, 7, 8, 100, 200, Limits::max(), T(Limits::max() - 1), T(Limits::max() / 2), T(Limits::max() / 2 + 1)};
  }
}

// Equal bits, or both NaN.
template <typename T> bool same(const T& a, const T& b) {
  if constexpr (IsComplex<T>::value) {
    return same(a.real(), b.real()) && same(a.imag(), b.imag());
  } else if constexpr (std::is_floating_point_v<T>) {
    return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
  } else {
    return a == b;
  }
}

template <typename T> std::string show(const T& value) {
  if constexpr (IsComplex<T>::value) {
    return "(" + show(value.real()) + ", " + show(value.imag()) + ")";
  } else {
    return std::to_string(value);
  }
}

} // namespace hasten::llvm_backend::testing
