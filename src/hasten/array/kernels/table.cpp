#include "hasten/array/kernels/table.h"

#include <vector>

#include "hasten/abi/ewise.h"
#include "hasten/array/kernels/copy.h"
#include "hasten/array/kernels/matmul.h"
#include "hasten/array/kernels/random.h"
#include "hasten/array/kernels/reduce.h"
#include "hasten/array/kernels/scan.h"

namespace hasten::array {

std::span<const abi::Symbol> kernel_symbols() {
  static const std::vector<abi::Symbol> symbols = {
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
      HASTEN_SYMBOL(hst_dot_mv),
      HASTEN_SYMBOL(hst_dot_vm),
      HASTEN_SYMBOL(hst_dot_mm),
      HASTEN_SYMBOL(hst_matmul_mv),
      HASTEN_SYMBOL(hst_matmul_vm),
      HASTEN_SYMBOL(hst_matmul_mm),
      {"hst_dot_vv_bool", reinterpret_cast<void*>(&hst_dot_vv)},
      {"hst_dot_vv_int8", reinterpret_cast<void*>(&hst_dot_vv)},
      {"hst_dot_vv_uint8", reinterpret_cast<void*>(&hst_dot_vv)},
      {"hst_dot_vv_int16", reinterpret_cast<void*>(&hst_dot_vv)},
      {"hst_dot_vv_uint16", reinterpret_cast<void*>(&hst_dot_vv)},
      {"hst_dot_vv_int32", reinterpret_cast<void*>(&hst_dot_vv)},
      {"hst_dot_vv_uint32", reinterpret_cast<void*>(&hst_dot_vv)},
      {"hst_dot_vv_int64", reinterpret_cast<void*>(&hst_dot_vv)},
      {"hst_dot_vv_uint64", reinterpret_cast<void*>(&hst_dot_vv)},
      {"hst_dot_vv_float16", reinterpret_cast<void*>(&hst_dot_vv)},
      {"hst_dot_vv_float32", reinterpret_cast<void*>(&hst_dot_vv)},
      {"hst_dot_vv_float64", reinterpret_cast<void*>(&hst_dot_vv)},
      {"hst_dot_vv_complex64", reinterpret_cast<void*>(&hst_dot_vv)},
      {"hst_dot_vv_complex128", reinterpret_cast<void*>(&hst_dot_vv)},
      {"hst_matmul_vv_bool", reinterpret_cast<void*>(&hst_matmul_vv)},
      {"hst_matmul_vv_int8", reinterpret_cast<void*>(&hst_matmul_vv)},
      {"hst_matmul_vv_uint8", reinterpret_cast<void*>(&hst_matmul_vv)},
      {"hst_matmul_vv_int16", reinterpret_cast<void*>(&hst_matmul_vv)},
      {"hst_matmul_vv_uint16", reinterpret_cast<void*>(&hst_matmul_vv)},
      {"hst_matmul_vv_int32", reinterpret_cast<void*>(&hst_matmul_vv)},
      {"hst_matmul_vv_uint32", reinterpret_cast<void*>(&hst_matmul_vv)},
      {"hst_matmul_vv_int64", reinterpret_cast<void*>(&hst_matmul_vv)},
      {"hst_matmul_vv_uint64", reinterpret_cast<void*>(&hst_matmul_vv)},
      {"hst_matmul_vv_float16", reinterpret_cast<void*>(&hst_matmul_vv)},
      {"hst_matmul_vv_float32", reinterpret_cast<void*>(&hst_matmul_vv)},
      {"hst_matmul_vv_float64", reinterpret_cast<void*>(&hst_matmul_vv)},
      {"hst_matmul_vv_complex64", reinterpret_cast<void*>(&hst_matmul_vv)},
      {"hst_matmul_vv_complex128", reinterpret_cast<void*>(&hst_matmul_vv)},
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
