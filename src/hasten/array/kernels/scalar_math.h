// Functions on scalars that generated code calls: powers, rounding, number theory, and those of cmath.
//
// Those that return int32_t return a Status and raise what Python raises; the others can't fail. Complex arguments are two doubles, complex
// results {real, imag}.
#pragma once

#include <cstdint>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"

extern "C" {
// base ** exponent in 64 bits that wrap; ValueError on a negative exponent.
int32_t hst_ipow(hasten::abi::Env* env, int64_t* out, int64_t base, int64_t exponent);
// The same; OverflowError where it leaves 64 bits.
int32_t hst_ipow_checked(hasten::abi::Env* env, int64_t* out, int64_t base, int64_t exponent);
// numba's: a negative exponent gives 1 / base**-exponent, truncated.
int64_t hst_ipow_numba(int64_t base, int64_t exponent);
// float ** float with CPython's errors; ValueError where CPython would give a complex.
int32_t hst_float_pow_checked(hasten::abi::Env* env, double* out, double base, double exponent);
int32_t hst_complex_pow(hasten::abi::Env* env, double* out, double re, double im, double exponent_re, double exponent_im);
// round(x, digits) as CPython rounds: correctly, from the shortest decimal expansion.
int32_t hst_round_digits(hasten::abi::Env* env, double* out, double x, int64_t digits);
int32_t hst_round_integer(hasten::abi::Env* env, int64_t* out, int64_t x, int64_t digits);
// pow(base, exponent, modulus); ValueError on a zero modulus or a negative exponent.
int32_t hst_pow_mod(hasten::abi::Env* env, int64_t* out, int64_t base, int64_t exponent, int64_t modulus);
double hst_ldexp(double x, int64_t exponent);
int32_t hst_frexp(hasten::abi::Env* env, double* mantissa, int64_t* exponent, double x);
int64_t hst_gcd(int64_t a, int64_t b);
int64_t hst_lcm(int64_t a, int64_t b);
int32_t hst_factorial(hasten::abi::Env* env, int64_t* out, int64_t n);
int32_t hst_isqrt(hasten::abi::Env* env, int64_t* out, int64_t n);
int32_t hst_comb(hasten::abi::Env* env, int64_t* out, int64_t n, int64_t k);
int32_t hst_perm(hasten::abi::Env* env, int64_t* out, int64_t n, int64_t k);
// The length of a vector: the root of the sum of the squares of a one-dimensional array of float64.
int32_t hst_vector_length(hasten::abi::Env* env, double* out, const hasten::abi::ArrayView* items);
// math.fsum of a one-dimensional array of float64.
int32_t hst_exact_sum(hasten::abi::Env* env, double* out, const hasten::abi::ArrayView* items);
// Whether two arrays are the same piece of memory with the same shape and strides.
int32_t hst_same_array(hasten::abi::Env* env, int8_t* out, const hasten::abi::ArrayView* a, const hasten::abi::ArrayView* b);

// Where the first item lies.
int32_t hst_array_address(hasten::abi::Env* env, int64_t* out, const hasten::abi::ArrayView* a);

// cmath's functions; `checked` zero: without its errors.
#define HASTEN_COMPLEX_FUNCTION(name) int32_t hst_c##name(hasten::abi::Env* env, double* out, double re, double im, int64_t checked);
HASTEN_COMPLEX_FUNCTION(sin)
HASTEN_COMPLEX_FUNCTION(cos)
HASTEN_COMPLEX_FUNCTION(tan)
HASTEN_COMPLEX_FUNCTION(asin)
HASTEN_COMPLEX_FUNCTION(acos)
HASTEN_COMPLEX_FUNCTION(atan)
HASTEN_COMPLEX_FUNCTION(sinh)
HASTEN_COMPLEX_FUNCTION(cosh)
HASTEN_COMPLEX_FUNCTION(tanh)
HASTEN_COMPLEX_FUNCTION(asinh)
HASTEN_COMPLEX_FUNCTION(acosh)
HASTEN_COMPLEX_FUNCTION(atanh)
HASTEN_COMPLEX_FUNCTION(exp)
HASTEN_COMPLEX_FUNCTION(log)
HASTEN_COMPLEX_FUNCTION(log10)
HASTEN_COMPLEX_FUNCTION(sqrt)
#undef HASTEN_COMPLEX_FUNCTION
int32_t hst_crect(hasten::abi::Env* env, double* out, double r, double phi, int64_t checked);
}
