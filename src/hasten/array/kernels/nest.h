// The loops that walk over several operands together: shapes and strides of the axes, ordered and merged as NumPy's iterator does it, so
// that sums are added up in the same order.
#pragma once

#include <algorithm>
#include <cstdint>

#include "hasten/array/kernels/small_array.h"
#include "hasten/array/kernels/views.h"

namespace hasten::array {

class Nest {
public:
  // All operands have stride 0 until set.
  Nest(int operands, int ndim, const int64_t* shape);

  // Operand k begins at data and has `ndim` axes, which stand for the last ndim axes of the nest; an axis of length 1 is broadcast.
  void set_operand(int k, const char* data, int ndim, const int64_t* shape, const int64_t* strides);

  // The same after sort_axes() and before merge_axes(), with a stride for each of the nest's original axes; doesn't influence the order.
  void set_sorted_operand(int k, const char* data, const int64_t* strides);

  // Puts the axes with the smallest strides innermost, and in C order where that is ambiguous.
  void sort_axes();
  // Merges neighbouring axes that all operands walk through at an even pace. The nest then has at least one axis.
  void merge_axes();

  int operands() const { return operands_; }
  int ndim() const { return ndim_; }
  int64_t size() const { return size_; }
  int64_t inner_size() const { return shape_[ndim_ - 1]; }
  // Axis 0 is the outermost.
  int64_t extent(int axis) const { return shape_[axis]; }
  int64_t stride(int k, int axis) const { return strides_[slot(axis, k)]; }
  int64_t inner_stride(int k) const { return stride(k, ndim_ - 1); }
  const char* data(int k) const { return data_[static_cast<size_t>(k)]; }

  // The address of item i (counted in the order of the nest) of operand k.
  const char* item(int k, int64_t i) const;

  // Calls visit(pointer, stride, count) for runs along the inner axis that make up the items [begin, begin + count) of operand k.
  template <class Visit> void for_each_run(int k, int64_t begin, int64_t count, Visit&& visit) const;

private:
  size_t slot(int axis, int k) const { return static_cast<size_t>(axis) * static_cast<size_t>(operands_) + static_cast<size_t>(k); }
  void drop_axes_of_length_one();
  bool goes_inside(int axis, int other, bool* known) const;
  bool can_merge(int outer, int inner) const;

  int operands_;
  int ndim_;
  int64_t size_;
  int64_t shape_[kMostDims];
  int original_[kMostDims]; // before sorting
  SmallArray<const char*, 8> data_;
  SmallArray<int64_t, 32> strides_;
};

template <class Visit> void Nest::for_each_run(int k, int64_t begin, int64_t count, Visit&& visit) const {
  const int inner = ndim_ - 1;
  int64_t index[kMostDims];
  int64_t rest = begin;
  const char* at = data(k);
  for (int axis = inner; axis >= 0; --axis) {
    index[axis] = axis > 0 ? rest % shape_[axis] : rest;
    rest = axis > 0 ? rest / shape_[axis] : 0;
    at += index[axis] * stride(k, axis);
  }
  while (true) {
    const int64_t run = std::min(count, shape_[inner] - index[inner]);
    visit(at, stride(k, inner), run);
    count -= run;
    if (count == 0) {
      return;
    }
    at -= index[inner] * stride(k, inner);
    index[inner] = 0;
    for (int axis = inner - 1; axis >= 0; --axis) {
      at += stride(k, axis);
      if (++index[axis] < shape_[axis]) {
        break;
      }
      at -= shape_[axis] * stride(k, axis);
      index[axis] = 0;
    }
  }
}

} // namespace hasten::array
