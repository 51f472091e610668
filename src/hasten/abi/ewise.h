// Element-wise programs: one fused array expression, compiled as a loop over contiguous blocks.
//
// The compiler emits the block function and a constant EwiseProgram; the driver (array/kernels/ewise) does the rest:
// broadcasting, the order of the axes, collapsing contiguous axes, gathering strided or broadcast operands into blocks that
// stay in the L1 cache, scattering the result, overlap, allocation, and sharing the work among threads.
#pragma once

#include <cstdint>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"

namespace hasten::abi {

enum class EwiseOperand : int32_t {
  kArray = 0,  // ptrs[i] is contiguous, aligned to its item, n items
  kScalar = 1, // ptrs[i] points to one item
  kIota = 2,   // ptrs[i] points to one int64: the linear C-order index of the block's first element
};

// Computes n items: reads ptrs[0 .. operand_count-1], writes ptrs[operand_count] (contiguous). n is a multiple of
// `multiple` (the driver pads a tail with copies of the last item) and at most `max_block`. Returns a Status.
using EwiseBlock = int32_t (*)(Env* env, char* const* ptrs, int64_t n);

struct EwiseProgram {
  EwiseBlock block;
  int32_t operand_count;
  int32_t multiple;    // 1 where the block function is scalar
  int64_t max_block;   // INT64_MAX, or 1024 where it calls inner loops through buffers
  int32_t result_item; // bytes of a result item
  TypeNum result_dtype;
  int32_t parallel;          // nonzero: the driver may share the work among threads
  float cost;                // estimated ns per item, for the decision whether threads pay
  const EwiseOperand* kinds; // operand_count
  const int32_t* items;      // bytes of an item of each operand
};

enum class ReduceKind : int32_t { kSum = 0, kProd, kMin, kMax, kAny, kAll, kMean };

} // namespace hasten::abi

extern "C" {
// operands[i]: for kArray an ArrayView const*, for kScalar a pointer to the item, for kIota null.
// Allocates the result (C order, or Fortran order where every array operand of full rank is Fortran-contiguous).
int32_t hst_ewise_new(hasten::abi::Env* env, const hasten::abi::EwiseProgram* program, const void* const* operands, int32_t ndim,
                      const int64_t* shape /* null: broadcast of the operands */, hasten::abi::ArrayView* result);
// Writes into an existing view (`out[...] = expression`); operands that overlap it otherwise than item for item are copied first.
// Operands broadcast to the shape of `out`, or ValueError as NumPy says it.
int32_t hst_ewise_into(hasten::abi::Env* env, const hasten::abi::EwiseProgram* program, const void* const* operands,
                       const hasten::abi::ArrayView* out);
// Reduces the whole expression to one item at `result`, in NumPy's order of additions (pairwise), hence NumPy's bits. `result` has the
// type of the accumulator, which is the program's result dtype. Empty min/max: ValueError as NumPy says it.
int32_t hst_ewise_reduce(hasten::abi::Env* env, const hasten::abi::EwiseProgram* program, const void* const* operands,
                         int32_t kind /* ReduceKind */, void* result);
}
