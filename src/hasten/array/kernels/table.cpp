#include "hasten/array/kernels/table.h"

#include "hasten/abi/ewise.h"
#include "hasten/array/kernels/copy.h"
#include "hasten/array/kernels/random.h"
#include "hasten/array/kernels/reduce.h"
#include "hasten/array/kernels/scalar_math.h"
#include "hasten/array/kernels/scan.h"

namespace hasten::array {

std::span<const abi::Symbol> kernel_symbols() {
  static const abi::Symbol symbols[] = {
      HASTEN_SYMBOL(hst_ewise_new),
      HASTEN_SYMBOL(hst_ewise_into),
      HASTEN_SYMBOL(hst_ewise_reduce),
      HASTEN_SYMBOL(hst_copy),
      HASTEN_SYMBOL(hst_ravel),
      HASTEN_SYMBOL(hst_reshape),
      HASTEN_SYMBOL(hst_reduce_axis),
      HASTEN_SYMBOL(hst_var),
      HASTEN_SYMBOL(hst_std),
      HASTEN_SYMBOL(hst_cumulate),
      HASTEN_SYMBOL(hst_argreduce),
      HASTEN_SYMBOL(hst_argreduce_axis),
      HASTEN_SYMBOL(hst_ipow),
      HASTEN_SYMBOL(hst_ipow_checked),
      HASTEN_SYMBOL(hst_ipow_numba),
      HASTEN_SYMBOL(hst_float_pow_checked),
      HASTEN_SYMBOL(hst_complex_pow),
      HASTEN_SYMBOL(hst_round_digits),
      HASTEN_SYMBOL(hst_round_integer),
      HASTEN_SYMBOL(hst_pow_mod),
      HASTEN_SYMBOL(hst_ldexp),
      HASTEN_SYMBOL(hst_frexp),
      HASTEN_SYMBOL(hst_gcd),
      HASTEN_SYMBOL(hst_lcm),
      HASTEN_SYMBOL(hst_factorial),
      HASTEN_SYMBOL(hst_isqrt),
      HASTEN_SYMBOL(hst_comb),
      HASTEN_SYMBOL(hst_same_array),
      HASTEN_SYMBOL(hst_csin),
      HASTEN_SYMBOL(hst_ccos),
      HASTEN_SYMBOL(hst_ctan),
      HASTEN_SYMBOL(hst_casin),
      HASTEN_SYMBOL(hst_cacos),
      HASTEN_SYMBOL(hst_catan),
      HASTEN_SYMBOL(hst_csinh),
      HASTEN_SYMBOL(hst_ccosh),
      HASTEN_SYMBOL(hst_ctanh),
      HASTEN_SYMBOL(hst_casinh),
      HASTEN_SYMBOL(hst_cacosh),
      HASTEN_SYMBOL(hst_catanh),
      HASTEN_SYMBOL(hst_cexp),
      HASTEN_SYMBOL(hst_clog),
      HASTEN_SYMBOL(hst_clog10),
      HASTEN_SYMBOL(hst_csqrt),
      HASTEN_SYMBOL(hst_crect),
      HASTEN_SYMBOL(hst_random_seed),
      HASTEN_SYMBOL(hst_random_double),
      HASTEN_SYMBOL(hst_random_uniform),
      HASTEN_SYMBOL(hst_random_normal),
      HASTEN_SYMBOL(hst_random_exponential),
      HASTEN_SYMBOL(hst_random_randint),
      HASTEN_SYMBOL(hst_random_fill_double),
      HASTEN_SYMBOL(hst_random_fill_uniform),
      HASTEN_SYMBOL(hst_random_fill_normal),
      HASTEN_SYMBOL(hst_random_fill_exponential),
      HASTEN_SYMBOL(hst_random_fill_randint),
      HASTEN_SYMBOL(hst_random_shuffle),
      HASTEN_SYMBOL(hst_random_permutation),
  };
  return symbols;
}

} // namespace hasten::array
