#include "hasten/array/kernels/scalar_math.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

using hasten::abi::Env;
using hasten::abi::ErrorKind;
using hasten::abi::fail;

namespace {

constexpr int32_t kOk = 0;

int32_t error(Env* env, ErrorKind kind, const char* message) { return static_cast<int32_t>(fail(env, kind, "%s", message)); }

// By squaring; *overflow is set where a step leaves 64 bits.
int64_t integer_power(int64_t base, int64_t exponent, bool* overflow) {
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0) {
      *overflow |= __builtin_mul_overflow(result, base, &result);
    }
    exponent >>= 1;
    if (exponent > 0) {
      *overflow |= __builtin_mul_overflow(base, base, &base);
    }
  }
  return result;
}

double item_at(const hasten::abi::ArrayView& items, int64_t i) {
  double value;
  std::memcpy(&value, static_cast<const char*>(items.data) + i * items.strides[0], sizeof value);
  return value;
}

// Adds to partial sums of growing size that do not overlap; false where they leave the range of double.
bool add_exactly(std::vector<double>* partials, double x) {
  size_t kept = 0;
  for (double y : *partials) {
    if (std::fabs(x) < std::fabs(y)) {
      std::swap(x, y);
    }
    const double high = x + y;
    const double low = y - (high - x);
    if (low != 0) {
      (*partials)[kept++] = low;
    }
    x = high;
  }
  partials->resize(kept);
  partials->push_back(x);
  return std::isfinite(x);
}

// The double that is nearest to the sum of the partials; half-way cases go where the rest points.
double rounded_sum(const std::vector<double>& partials) {
  size_t n = partials.size();
  double high = n > 0 ? partials[--n] : 0.0;
  double low = 0;
  while (n > 0) {
    const double x = high;
    const double y = partials[--n];
    high = x + y;
    low = y - (high - x);
    if (low != 0) {
      break;
    }
  }
  if (n > 0 && ((low < 0 && partials[n - 1] < 0) || (low > 0 && partials[n - 1] > 0))) {
    const double twice = low * 2;
    const double up = high + twice;
    high = up - high == twice ? up : high;
  }
  return high;
}

} // namespace

extern "C" {

int32_t hst_ipow(Env* env, int64_t* out, int64_t base, int64_t exponent) {
  if (exponent < 0) {
    return error(env, ErrorKind::kValueError, "Integers to negative integer powers are not allowed.");
  }
  bool overflow = false;
  *out = integer_power(base, exponent, &overflow);
  return kOk;
}

int32_t hst_ipow_checked(Env* env, int64_t* out, int64_t base, int64_t exponent) {
  if (exponent < 0) {
    return error(env, ErrorKind::kValueError,
                 "an int to a negative power is a float, which compiled code knows only for constant exponents; use float(base)");
  }
  bool overflow = false;
  *out = integer_power(base, exponent, &overflow);
  const bool small_base = base >= -1 && base <= 1;
  return overflow && !small_base ? error(env, ErrorKind::kOverflowError, "integer power leaves 64 bits") : kOk;
}

int64_t hst_ipow_numba(int64_t base, int64_t exponent) {
  bool overflow = false;
  if (exponent >= 0) {
    return integer_power(base, exponent, &overflow);
  }
  if (base == 1) {
    return 1;
  }
  if (base == -1) {
    return exponent % 2 == 0 ? 1 : -1;
  }
  return base == 0 ? INT64_MIN : 0;
}

// CPython's float_pow.
int32_t hst_float_pow_checked(Env* env, double* out, double base, double exponent) {
  if (base == 0 && exponent < 0 && std::isfinite(exponent)) {
    return error(env, ErrorKind::kZeroDivisionError, "0.0 cannot be raised to a negative power");
  }
  if (base < 0 && std::isfinite(base) && std::isfinite(exponent) && exponent != std::floor(exponent)) {
    return error(env, ErrorKind::kValueError, "a negative number to a fractional power is complex; use complex(base)");
  }
  *out = std::pow(base, exponent);
  if (std::isinf(*out) && std::isfinite(base) && std::isfinite(exponent)) {
    return error(env, ErrorKind::kOverflowError, "(34, 'Numerical result out of range')");
  }
  return kOk;
}

int32_t hst_round_digits(Env* env, double* out, double x, int64_t digits) {
  constexpr int64_t kAllDigits = 323; // more digits than any double has
  if (!std::isfinite(x) || digits > kAllDigits) {
    *out = x;
    return kOk;
  }
  if (digits < -308) {
    *out = std::copysign(0.0, x);
    return kOk;
  }
  char text[1024];
  if (digits >= 0) {
    std::snprintf(text, sizeof text, "%.*f", static_cast<int>(digits), x);
  } else { // round the integer part to a power of ten, through the exact decimal expansion
    const double power = std::pow(10.0, static_cast<double>(-digits));
    const double scaled = x / power;
    double rounded = std::round(scaled);
    if (std::fabs(scaled - rounded) == 0.5) {
      rounded = 2.0 * std::round(scaled / 2.0);
    }
    *out = rounded * power;
    return std::isinf(*out) ? error(env, ErrorKind::kOverflowError, "rounded value too large to represent") : kOk;
  }
  *out = std::strtod(text, nullptr);
  return std::isinf(*out) ? error(env, ErrorKind::kOverflowError, "rounded value too large to represent") : kOk;
}

int32_t hst_round_integer(Env*, int64_t* out, int64_t x, int64_t digits) {
  if (digits >= 0) {
    *out = x;
    return kOk;
  }
  if (digits < -18) {
    *out = 0;
    return kOk;
  }
  bool overflow = false;
  const int64_t power = integer_power(10, -digits, &overflow);
  const int64_t rest = x % power;
  int64_t low = x - rest;
  const int64_t twice = 2 * std::abs(rest);
  const bool away = twice > power || (twice == power && (low / power) % 2 != 0);
  *out = away ? low + (x < 0 ? -power : power) : low;
  return kOk;
}

int32_t hst_pow_mod(Env* env, int64_t* out, int64_t base, int64_t exponent, int64_t modulus) {
  if (modulus == 0) {
    return error(env, ErrorKind::kValueError, "pow() 3rd argument cannot be 0");
  }
  if (exponent < 0) {
    return error(env, ErrorKind::kValueError, "pow() with a negative exponent and a modulus can't be compiled");
  }
  const __int128 m = modulus;
  __int128 result = 1 % m;
  __int128 factor = base % m;
  for (uint64_t n = static_cast<uint64_t>(exponent); n > 0; n >>= 1) {
    result = (n & 1) != 0 ? result * factor % m : result;
    factor = factor * factor % m;
  }
  if (result != 0 && (result < 0) != (m < 0)) { // the sign of the modulus, as Python's
    result += m;
  }
  *out = static_cast<int64_t>(result);
  return kOk;
}

double hst_ldexp(double x, int64_t exponent) {
  constexpr int64_t kFar = 5000;
  return std::ldexp(x, static_cast<int>(exponent > kFar ? kFar : exponent < -kFar ? -kFar : exponent));
}

int32_t hst_frexp(Env*, double* mantissa, int64_t* exponent, double x) {
  int e = 0;
  *mantissa = std::frexp(x, &e);
  *exponent = std::isfinite(x) ? e : 0;
  return kOk;
}

int64_t hst_gcd(int64_t a, int64_t b) { return std::gcd(a, b); }
int64_t hst_lcm(int64_t a, int64_t b) { return a == 0 || b == 0 ? 0 : std::lcm(a, b); }

int32_t hst_factorial(Env* env, int64_t* out, int64_t n) {
  constexpr int64_t kLast = 20; // 21! has 66 bits
  if (n < 0) {
    return error(env, ErrorKind::kValueError, "factorial() not defined for negative values");
  }
  if (n > kLast) {
    return error(env, ErrorKind::kOverflowError, "factorial() leaves 64 bits");
  }
  *out = 1;
  for (int64_t i = 2; i <= n; ++i) {
    *out *= i;
  }
  return kOk;
}

int32_t hst_isqrt(Env* env, int64_t* out, int64_t n) {
  if (n < 0) {
    return error(env, ErrorKind::kValueError, "isqrt() argument must be nonnegative");
  }
  auto root = static_cast<int64_t>(std::sqrt(static_cast<double>(n)));
  while (static_cast<__int128>(root) * root > n) {
    --root;
  }
  while (static_cast<__int128>(root + 1) * (root + 1) <= n) {
    ++root;
  }
  *out = root;
  return kOk;
}

int32_t hst_comb(Env* env, int64_t* out, int64_t n, int64_t k) {
  if (n < 0 || k < 0) {
    return error(env, ErrorKind::kValueError, n < 0 ? "n must be a non-negative integer" : "k must be a non-negative integer");
  }
  if (k > n) {
    *out = 0;
    return kOk;
  }
  k = k > n - k ? n - k : k;
  __int128 result = 1;
  for (int64_t i = 1; i <= k; ++i) {
    result = result * (n - k + i) / i;
    if (result > INT64_MAX) {
      return error(env, ErrorKind::kOverflowError, "comb() leaves 64 bits");
    }
  }
  *out = static_cast<int64_t>(result);
  return kOk;
}

int32_t hst_perm(Env* env, int64_t* out, int64_t n, int64_t k) {
  if (n < 0 || k < 0) {
    return error(env, ErrorKind::kValueError, n < 0 ? "n must be a non-negative integer" : "k must be a non-negative integer");
  }
  __int128 result = k > n ? 0 : 1;
  for (int64_t i = 0; i < k && result != 0; ++i) {
    result *= n - i;
    if (result > INT64_MAX) {
      return error(env, ErrorKind::kOverflowError, "perm() leaves 64 bits");
    }
  }
  *out = static_cast<int64_t>(result);
  return kOk;
}

int32_t hst_vector_length(Env*, double* out, const hasten::abi::ArrayView* items) {
  double largest = 0;
  bool any_nan = false;
  for (int64_t i = 0; i < items->shape[0]; ++i) {
    const double x = std::fabs(item_at(*items, i));
    any_nan = any_nan || std::isnan(x);
    largest = x > largest ? x : largest;
  }
  if (std::isinf(largest) || any_nan || largest == 0) {
    *out = std::isinf(largest) ? largest : any_nan ? std::numeric_limits<double>::quiet_NaN() : 0.0;
    return kOk;
  }
  int exponent = 0;
  std::frexp(largest, &exponent);
  long double total = 0;
  for (int64_t i = 0; i < items->shape[0]; ++i) {
    const long double x = std::ldexp(static_cast<long double>(item_at(*items, i)), -exponent);
    total += x * x;
  }
  *out = static_cast<double>(std::ldexp(std::sqrt(total), exponent));
  return kOk;
}

// Shewchuk, "Adaptive precision floating-point arithmetic", 1997: partial sums that do not overlap hold the sum exactly.
int32_t hst_exact_sum(Env* env, double* out, const hasten::abi::ArrayView* items) {
  std::vector<double> partials;
  double special = 0;
  bool any_special = false;
  for (int64_t i = 0; i < items->shape[0]; ++i) {
    const double item = item_at(*items, i);
    if (!std::isfinite(item)) {
      special += item;
      any_special = true;
      continue;
    }
    if (!add_exactly(&partials, item)) {
      return error(env, ErrorKind::kOverflowError, "intermediate overflow in fsum");
    }
  }
  *out = any_special ? special : rounded_sum(partials);
  return kOk;
}

int32_t hst_same_array(Env*, int8_t* out, const hasten::abi::ArrayView* a, const hasten::abi::ArrayView* b) {
  bool same = a->data == b->data && a->ndim == b->ndim && a->dtype == b->dtype;
  for (int axis = 0; same && axis < a->ndim; ++axis) {
    same = a->shape[axis] == b->shape[axis] && a->strides[axis] == b->strides[axis];
  }
  *out = same ? 1 : 0;
  return kOk;
}

int32_t hst_array_address(Env*, int64_t* out, const hasten::abi::ArrayView* a) {
  *out = static_cast<int64_t>(reinterpret_cast<intptr_t>(a->data));
  return kOk;
}

// CPython's complex_pow, which goes through polar form.
int32_t hst_complex_pow(Env* env, double* out, double re, double im, double exponent_re, double exponent_im) {
  if (exponent_re == 0 && exponent_im == 0) {
    out[0] = 1;
    out[1] = 0;
    return kOk;
  }
  if (re == 0 && im == 0) {
    if (exponent_im != 0 || exponent_re < 0) {
      return error(env, ErrorKind::kZeroDivisionError, "zero to a negative or complex power");
    }
    out[0] = 0;
    out[1] = 0;
    return kOk;
  }
  constexpr double kSmallPower = 100; // CPython multiplies integer powers up to this out
  if (exponent_im == 0 && exponent_re == std::floor(exponent_re) && std::fabs(exponent_re) <= kSmallPower) {
    double result[2] = {1, 0};
    double factor[2] = {re, im};
    const auto times = [](double* a, const double* b) {
      const double real = a[0] * b[0] - a[1] * b[1];
      a[1] = a[0] * b[1] + a[1] * b[0];
      a[0] = real;
    };
    for (auto n = static_cast<int64_t>(std::fabs(exponent_re)); n > 0; n >>= 1) {
      if ((n & 1) != 0) {
        times(result, factor);
      }
      const double square[2] = {factor[0], factor[1]};
      times(factor, square);
    }
    if (exponent_re < 0) {
      const double scale = result[0] * result[0] + result[1] * result[1];
      result[0] /= scale;
      result[1] /= -scale;
    }
    out[0] = result[0];
    out[1] = result[1];
    return kOk;
  }
  const double magnitude = std::hypot(re, im);
  double length = std::pow(magnitude, exponent_re);
  const double angle = std::atan2(im, re);
  double phase = angle * exponent_re;
  if (exponent_im != 0) {
    length *= std::exp(-angle * exponent_im);
    phase += exponent_im * std::log(magnitude);
  }
  out[0] = length * std::cos(phase);
  out[1] = length * std::sin(phase);
  return kOk;
}
}
