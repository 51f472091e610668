#include "hasten/array/kernels/overlap.h"

#include <cstdlib>
#include <numeric>

namespace hasten::array {
namespace {

struct Extent {
  uintptr_t begin;
  uintptr_t end;
};

// The bytes from the first to the last item; empty where there are no items.
Extent extent_of(const abi::ArrayView& view, int64_t item) {
  auto begin = reinterpret_cast<uintptr_t>(view.data);
  uintptr_t end = begin + static_cast<uintptr_t>(item);
  for (int i = 0; i < view.ndim; ++i) {
    if (view.shape[i] == 0) {
      return {begin, begin};
    }
    const int64_t span = (view.shape[i] - 1) * view.strides[i];
    (span < 0 ? begin : end) += static_cast<uintptr_t>(span);
  }
  return {begin, end};
}

int64_t common_step(const abi::ArrayView& view, int64_t step) {
  for (int i = 0; i < view.ndim; ++i) {
    if (view.shape[i] > 1) {
      step = std::gcd(step, std::abs(view.strides[i]));
    }
  }
  return step;
}

// Whether the views use different parts of a common raster: a[::2] and a[1::2].
bool interleaved(const abi::ArrayView& out, int64_t out_item, const abi::ArrayView& in, int64_t in_item) {
  const int64_t step = common_step(in, common_step(out, 0));
  if (step == 0) {
    return false;
  }
  const int64_t distance = ((in.data - out.data) % step + step) % step;
  return distance >= out_item && step - distance >= in_item;
}

bool same_places(const abi::ArrayView& out, const abi::ArrayView& in) {
  if (out.data != in.data || in.ndim > out.ndim) {
    return false;
  }
  const int missing = out.ndim - in.ndim;
  for (int i = 0; i < out.ndim; ++i) {
    const bool there = i >= missing;
    if (out.shape[i] != 1 && (!there || in.shape[i - missing] != out.shape[i] || in.strides[i - missing] != out.strides[i])) {
      return false;
    }
  }
  return true;
}

} // namespace

bool may_clash(const abi::ArrayView& out, int64_t out_item, const abi::ArrayView& in, int64_t in_item) {
  const Extent a = extent_of(out, out_item);
  const Extent b = extent_of(in, in_item);
  if (a.begin >= b.end || b.begin >= a.end) {
    return false;
  }
  return !same_places(out, in) && !interleaved(out, out_item, in, in_item);
}

} // namespace hasten::array
