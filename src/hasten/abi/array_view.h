// How generated code hands an array to a kernel, and how a kernel hands one back.
#pragma once

#include <cstdint>

#include "hasten/abi/block.h"

namespace hasten::abi {

// NumPy's type numbers for the dtypes that compiled code knows, so that no table is needed at the border.
enum class TypeNum : int32_t {
  kBool = 0,
  kInt8 = 1,
  kUInt8 = 2,
  kInt16 = 3,
  kUInt16 = 4,
  kInt32 = 5,
  kUInt32 = 6,
  kInt64 = 7,
  kUInt64 = 8,
  kFloat32 = 11,
  kFloat64 = 12,
  kComplex64 = 14,
  kComplex128 = 15,
  kDatetime64 = 21,
  kTimedelta64 = 22,
  kFloat16 = 23,
};

// An argument: shape and strides (in bytes) point to ndim values each. Borrowed: the kernel takes no count.
// A result: the caller provides shape and strides with room for the ndim it expects; the kernel fills in everything and
// transfers one count of `block`.
struct ArrayView {
  Block* block;
  char* data;
  int64_t* shape;
  int64_t* strides;
  int32_t ndim;
  TypeNum dtype;
};

} // namespace hasten::abi
