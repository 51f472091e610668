#include "hasten/array/kernels/nest.h"

#include <cstdlib>
#include <numeric>

namespace hasten::array {

Nest::Nest(int operands, int ndim, const int64_t* shape)
    : operands_(operands), ndim_(ndim), size_(count_items(shape, ndim)), data_(static_cast<size_t>(operands)),
      strides_(static_cast<size_t>(operands) * static_cast<size_t>(std::max(ndim, 1))) {
  std::copy_n(shape, ndim, shape_);
  std::iota(original_, original_ + ndim, 0);
  std::fill_n(strides_.data(), static_cast<size_t>(operands) * static_cast<size_t>(std::max(ndim, 1)), 0);
  std::fill_n(data_.data(), static_cast<size_t>(operands), nullptr);
}

void Nest::set_operand(int k, const char* data, int ndim, const int64_t* shape, const int64_t* strides) {
  data_[static_cast<size_t>(k)] = data;
  const int missing = ndim_ - ndim; // negative where the operand has leading axes of length 1
  for (int axis = std::max(0, -missing); axis < ndim; ++axis) {
    strides_[slot(axis + missing, k)] = shape[axis] == 1 ? 0 : strides[axis];
  }
}

void Nest::set_sorted_operand(int k, const char* data, const int64_t* strides) {
  data_[static_cast<size_t>(k)] = data;
  for (int axis = 0; axis < ndim_; ++axis) {
    strides_[slot(axis, k)] = shape_[axis] == 1 ? 0 : strides[original_[axis]];
  }
}

void Nest::drop_axes_of_length_one() {
  int kept = 0;
  for (int axis = 0; axis < ndim_; ++axis) {
    if (shape_[axis] != 1) {
      shape_[kept] = shape_[axis];
      for (int k = 0; k < operands_; ++k) {
        strides_[slot(kept, k)] = strides_[slot(axis, k)];
      }
      ++kept;
    }
  }
  ndim_ = kept;
}

// Whether `axis`, which stands outside of `other`, should stand inside. Where operands disagree, C order wins.
bool Nest::goes_inside(int axis, int other, bool* known) const {
  bool inside = false;
  *known = false;
  for (int k = 0; k < operands_; ++k) {
    const int64_t mine = std::abs(stride(k, axis));
    const int64_t theirs = std::abs(stride(k, other));
    if (mine != 0 && theirs != 0) {
      inside = theirs > mine && (inside || !*known);
      *known = true;
    }
  }
  return inside;
}

void Nest::sort_axes() {
  // Insertion sort from the innermost axis outwards; axes that can't be compared don't stop the search for a place.
  for (int axis = ndim_ - 2; axis >= 0; --axis) {
    int place = axis;
    for (int other = axis + 1; other < ndim_; ++other) {
      bool known = false;
      if (goes_inside(axis, other, &known)) {
        place = other;
      } else if (known) {
        break;
      }
    }
    if (place != axis) {
      std::rotate(shape_ + axis, shape_ + axis + 1, shape_ + place + 1);
      std::rotate(original_ + axis, original_ + axis + 1, original_ + place + 1);
      int64_t* begin = strides_.data();
      std::rotate(begin + slot(axis, 0), begin + slot(axis + 1, 0), begin + slot(place + 1, 0));
    }
  }
}

bool Nest::can_merge(int outer, int inner) const {
  for (int k = 0; k < operands_; ++k) {
    if (stride(k, outer) != stride(k, inner) * shape_[inner]) {
      return false;
    }
  }
  return true;
}

void Nest::merge_axes() {
  drop_axes_of_length_one();
  if (ndim_ == 0) {
    ndim_ = 1;
    shape_[0] = 1;
    for (int k = 0; k < operands_; ++k) {
      strides_[slot(0, k)] = 0;
    }
    return;
  }
  int last = 0; // the axis that the next one may be merged into
  for (int axis = 1; axis < ndim_; ++axis) {
    const bool merges = can_merge(last, axis);
    last += merges ? 0 : 1;
    shape_[last] = merges ? shape_[last] * shape_[axis] : shape_[axis];
    for (int k = 0; k < operands_; ++k) {
      strides_[slot(last, k)] = strides_[slot(axis, k)];
    }
  }
  ndim_ = last + 1;
}

const char* Nest::item(int k, int64_t i) const {
  const char* at = data(k);
  for (int axis = ndim_ - 1; axis > 0; --axis) {
    at += i % shape_[axis] * stride(k, axis);
    i /= shape_[axis];
  }
  return at + i * stride(k, 0);
}

} // namespace hasten::array
