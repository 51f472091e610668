// Questions about array views, and the making of results.
#pragma once

#include <cstdint>
#include <string>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"

namespace hasten::array {

constexpr int kMostDims = 64; // NumPy's limit

int64_t count_items(const int64_t* shape, int ndim);
inline int64_t count_items(const abi::ArrayView& view) { return count_items(view.shape, view.ndim); }

bool is_c_contiguous(const abi::ArrayView& view, int64_t item);
bool is_fortran_contiguous(const abi::ArrayView& view, int64_t item);
void set_c_strides(abi::ArrayView* view, int64_t item);
void set_fortran_strides(abi::ArrayView* view, int64_t item);

// "(3, 4)", as Python writes a tuple.
std::string shape_text(const int64_t* shape, int ndim);

// Gives `out`, whose ndim, dtype and shape are set, memory and strides. kMemoryError as NumPy says it.
abi::Status allocate(abi::Env* env, abi::ArrayView* out, int64_t item, bool fortran_order = false);

// Makes `out` a view of the same memory, with a count of its own; shape and strides are the caller's to set.
void share_memory(abi::ArrayView* out, const abi::ArrayView& in);

} // namespace hasten::array
