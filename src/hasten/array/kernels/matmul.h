// Products of vectors and matrices of one dtype, by the BLAS routine that NumPy would choose for the strides: the bits of hst_matmul_* are
// those of numpy.matmul, and those of hst_dot_* of numpy.dot but where a matrix has a side of length 1.
//
// vv: 1-d times 1-d; mv: 2-d times 1-d; vm: 1-d times 2-d; mm: 2-d times 2-d. hst_dot_* and hst_matmul_* differ in the message of their
// ValueError. The result of vv is one item of the dtype; its symbols are hst_dot_vv_<dtype> and hst_matmul_vv_<dtype> (hst_dot_vv_float64),
// one function for all.
#pragma once

#include <cstdint>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"

extern "C" {
int32_t hst_dot_vv(hasten::abi::Env* env, void* out, const hasten::abi::ArrayView* a, const hasten::abi::ArrayView* b);
int32_t hst_dot_mv(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* a, const hasten::abi::ArrayView* b);
int32_t hst_dot_vm(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* a, const hasten::abi::ArrayView* b);
int32_t hst_dot_mm(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* a, const hasten::abi::ArrayView* b);
int32_t hst_matmul_vv(hasten::abi::Env* env, void* out, const hasten::abi::ArrayView* a, const hasten::abi::ArrayView* b);
int32_t hst_matmul_mv(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* a, const hasten::abi::ArrayView* b);
int32_t hst_matmul_vm(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* a, const hasten::abi::ArrayView* b);
int32_t hst_matmul_mm(hasten::abi::Env* env, hasten::abi::ArrayView* out, const hasten::abi::ArrayView* a, const hasten::abi::ArrayView* b);
}
