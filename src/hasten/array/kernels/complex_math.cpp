// cmath's functions, over the C library's.
#include <cmath>
#include <complex>
#include <limits>

#include "hasten/array/kernels/scalar_math.h"

using hasten::abi::Env;
using hasten::abi::ErrorKind;
using hasten::abi::fail;

namespace {

using Complex = std::complex<double>;

bool finite(const Complex& z) { return std::isfinite(z.real()) && std::isfinite(z.imag()); }
bool has_nan(const Complex& z) { return std::isnan(z.real()) || std::isnan(z.imag()); }
bool infinite(const Complex& z) { return std::isinf(z.real()) || std::isinf(z.imag()); }

// cmath's rule: a NaN or infinity that a finite argument gives is an error.
int32_t finish(Env* env, double* out, const Complex& argument, const Complex& result, int64_t checked) {
  out[0] = result.real();
  out[1] = result.imag();
  if (checked == 0 || !finite(argument)) {
    return 0;
  }
  if (has_nan(result)) {
    return static_cast<int32_t>(fail(env, ErrorKind::kValueError, "math domain error"));
  }
  return infinite(result) ? static_cast<int32_t>(fail(env, ErrorKind::kOverflowError, "math range error")) : 0;
}

} // namespace

#define HASTEN_COMPLEX_FUNCTION(name)                                                                                                      \
  extern "C" int32_t hst_c##name(Env* env, double* out, double re, double im, int64_t checked) {                                           \
    const Complex z(re, im);                                                                                                               \
    return finish(env, out, z, std::name(z), checked);                                                                                     \
  }
HASTEN_COMPLEX_FUNCTION(sin)
HASTEN_COMPLEX_FUNCTION(cos)
HASTEN_COMPLEX_FUNCTION(tan)
HASTEN_COMPLEX_FUNCTION(asin)
HASTEN_COMPLEX_FUNCTION(acos)
HASTEN_COMPLEX_FUNCTION(sinh)
HASTEN_COMPLEX_FUNCTION(cosh)
HASTEN_COMPLEX_FUNCTION(tanh)
HASTEN_COMPLEX_FUNCTION(asinh)
HASTEN_COMPLEX_FUNCTION(acosh)
HASTEN_COMPLEX_FUNCTION(atanh)
#undef HASTEN_COMPLEX_FUNCTION

namespace {

// cmath's own answers where the C library has others: signs of zeros that no argument's sign decides.
Complex exponential(const Complex& z) {
  const bool vanishes = z.real() == -std::numeric_limits<double>::infinity() && !std::isfinite(z.imag());
  return vanishes ? Complex(0.0, 0.0) : std::exp(z);
}

Complex arc_tangent(const Complex& z) {
  const bool only_real = std::isinf(z.real()) && std::isnan(z.imag());
  return only_real ? Complex(std::copysign(std::acos(0.0), z.real()), -0.0) : std::atan(z);
}

// Where r or phi is not finite.
Complex special_rectangular(double r, double phi) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const double sign = std::copysign(1.0, r);
  if (r == 0) {
    return {0.0, 0.0};
  }
  if (std::isinf(r) && std::isfinite(phi)) {
    return {phi == 0 ? r : std::copysign(r, sign * std::cos(phi)),
            phi == 0 ? std::copysign(0.0, sign * phi) : std::copysign(r, sign * std::sin(phi))};
  }
  if (std::isinf(r)) {
    return {std::numeric_limits<double>::infinity(), kNan};
  }
  return {kNan, std::isnan(r) && phi == 0 ? 0.0 : kNan};
}

// Scaled so that neither overflow nor underflow spoils it, as cmath computes it; other libraries round otherwise.
Complex square_root(double re, double im) {
  if (!std::isfinite(re) || !std::isfinite(im) || (re == 0 && im == 0)) {
    return std::sqrt(Complex(re, im));
  }
  double ax = std::fabs(re);
  const double ay = std::fabs(im);
  double s = 0;
  if (ax < std::numeric_limits<double>::min() && ay < std::numeric_limits<double>::min() && (ax > 0 || ay > 0)) {
    constexpr int kScaleUp = 54;
    ax = std::ldexp(ax, kScaleUp);
    s = std::ldexp(std::sqrt(ax + std::hypot(ax, std::ldexp(ay, kScaleUp))), -28);
  } else {
    ax /= 8.0;
    s = 2.0 * std::sqrt(ax + std::hypot(ax, ay / 8.0));
  }
  const double d = ay / (2.0 * s);
  return re >= 0 ? Complex(s, std::copysign(d, im)) : Complex(d, std::copysign(s, im));
}

// The logarithm of zero is a domain error.
int32_t logarithm(Env* env, double* out, double re, double im, int64_t checked, double base) {
  const Complex z(re, im);
  if (checked != 0 && re == 0 && im == 0) {
    return static_cast<int32_t>(fail(env, ErrorKind::kValueError, "math domain error"));
  }
  return finish(env, out, z, std::log(z) / base, checked);
}

} // namespace

extern "C" int32_t hst_csqrt(Env* env, double* out, double re, double im, int64_t checked) {
  return finish(env, out, {re, im}, square_root(re, im), checked);
}

extern "C" int32_t hst_clog(Env* env, double* out, double re, double im, int64_t checked) {
  return logarithm(env, out, re, im, checked, 1.0);
}

extern "C" int32_t hst_clog10(Env* env, double* out, double re, double im, int64_t checked) {
  return logarithm(env, out, re, im, checked, std::log(10.0));
}

extern "C" int32_t hst_cexp(Env* env, double* out, double re, double im, int64_t checked) {
  return finish(env, out, {re, im}, exponential({re, im}), checked);
}

extern "C" int32_t hst_catan(Env* env, double* out, double re, double im, int64_t checked) {
  return finish(env, out, {re, im}, arc_tangent({re, im}), checked);
}

extern "C" int32_t hst_crect(Env* env, double* out, double r, double phi, int64_t checked) {
  const bool special = !std::isfinite(r) || !std::isfinite(phi);
  const Complex z = special ? special_rectangular(r, phi) : Complex(r * std::cos(phi), phi == 0 ? r * phi : r * std::sin(phi));
  out[0] = z.real();
  out[1] = z.imag();
  if (checked != 0 && std::isinf(phi) && r != 0 && !std::isnan(r)) {
    return static_cast<int32_t>(fail(env, ErrorKind::kValueError, "math domain error"));
  }
  return 0;
}
