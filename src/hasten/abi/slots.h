// The border between Python and compiled code. An entry point is
//
//   int32_t entry(Env* env, const uint64_t* in, uint64_t* out);
//
// Arguments and result are flattened into 64-bit slots, by type:
//
//   bool, intN, uintN, datetime64, timedelta64   1 slot: sign- or zero-extended
//   float16/32/64                                1 slot: the bits, in the low part
//   complex64/128                                2 slots: real, imag
//   None, functions, modules, literals           0 slots
//   tuple                                        the slots of its items, in order
//   optional(T)                                  1 slot (1: there is a value) and the slots of T
//   range                                        3 slots: start, stop, step
//   array of rank n                              2 + 2n slots: Block*, data, shape[n], strides[n] (bytes)
//
// Array arguments are borrowed. An array in the result carries one count of its block, which the receiver must release
// (or hand to the NumPy array that it makes). `out` is written only where the status is kOk.
#pragma once

#include <cstdint>

#include "hasten/abi/env.h"

namespace hasten::abi {

using Entry = int32_t (*)(Env* env, const uint64_t* in, uint64_t* out);

// A ufunc's inner loop, with NumPy's own signature.
using UfuncLoop = void (*)(char** args, const int64_t* dimensions, const int64_t* steps, void* data);

// A symbol "npy_loop.<ufunc>.<types>" (types: NumPy's type characters of inputs and outputs, as in "add.ddd") is the address of one of
// these.
struct NumpyLoop {
  UfuncLoop function;
  void* data;
};

} // namespace hasten::abi
