// The driver of element-wise programs: hst_ewise_new and hst_ewise_into of abi/ewise.h; hst_ewise_reduce is in reduce_all.cpp.
//
// A program whose block function is null is the identity: its result is its one operand, an array of the same item size.
#pragma once

#include "hasten/abi/ewise.h"
#include "hasten/array/kernels/broadcast.h"

namespace hasten::array {

// The shape that the array operands broadcast to. ValueError where they don't.
abi::Status operands_shape(abi::Env* env, const abi::EwiseProgram& program, const void* const* operands, Shape* shape);

} // namespace hasten::array
