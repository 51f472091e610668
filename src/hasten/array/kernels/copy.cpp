#include "hasten/array/kernels/copy.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "hasten/array/dtype.h"
#include "hasten/array/kernels/gather.h"
#include "hasten/array/kernels/nest.h"
#include "hasten/array/kernels/views.h"

namespace hasten::array {
namespace {

constexpr int64_t kTile = 32;

// The two innermost axes of a copy, in memory steps.
struct Plane {
  int64_t rows, columns;
  int64_t target_row, target_column;
  int64_t source_row, source_column;
};

// A plane whose source runs along the rows (a transposed one) goes in tiles, so that cache lines of both sides are used whole.
void copy_plane(char* target, const char* source, const Plane& p, int64_t item) {
  const bool transposed = std::abs(p.source_row) < std::abs(p.source_column);
  const int64_t tile_rows = transposed ? kTile : 1;
  const int64_t tile_columns = transposed ? kTile : p.columns;
  for (int64_t r = 0; r < p.rows; r += tile_rows) {
    const int64_t last = std::min(r + tile_rows, p.rows);
    for (int64_t c = 0; c < p.columns; c += tile_columns) {
      const int64_t count = std::min(tile_columns, p.columns - c);
      for (int64_t i = r; i < last; ++i) {
        copy_strided(target + i * p.target_row + c * p.target_column, p.target_column, source + i * p.source_row + c * p.source_column,
                     p.source_column, count, item);
      }
    }
  }
}

void copy_nest(const Nest& nest, int64_t item) {
  const int inner = nest.ndim() - 1;
  if (nest.size() == 0) {
    return;
  }
  if (inner == 0) {
    copy_strided(const_cast<char*>(nest.data(0)), nest.stride(0, 0), nest.data(1), nest.stride(1, 0), nest.size(), item);
    return;
  }
  const Plane plane{nest.extent(inner - 1), nest.extent(inner),        nest.stride(0, inner - 1),
                    nest.stride(0, inner),  nest.stride(1, inner - 1), nest.stride(1, inner)};
  const int64_t items = plane.rows * plane.columns;
  for (int64_t i = 0; i < nest.size(); i += items) {
    copy_plane(const_cast<char*>(nest.item(0, i)), nest.item(1, i), plane, item);
  }
}

// Where a view's first byte lies, and one beyond its last; both the same where it has no items.
std::pair<const char*, const char*> extent(const abi::ArrayView& view) {
  const char* low = view.data;
  const char* high = view.data + item_bytes(view.dtype);
  for (int axis = 0; axis < view.ndim; ++axis) {
    if (view.shape[axis] == 0) {
      return {view.data, view.data};
    }
    const int64_t span = (view.shape[axis] - 1) * view.strides[axis];
    (span < 0 ? low : high) += span;
  }
  return {low, high};
}

bool extents_meet(const abi::ArrayView& a, const abi::ArrayView& b) {
  const auto [a_low, a_high] = extent(a);
  const auto [b_low, b_high] = extent(b);
  return a_low < b_high && b_low < a_high;
}

bool is_same_view(const abi::ArrayView& a, const abi::ArrayView& b) {
  return a.data == b.data && a.ndim == b.ndim && std::equal(a.shape, a.shape + a.ndim, b.shape) &&
         std::equal(a.strides, a.strides + a.ndim, b.strides);
}

abi::Status copy_to_new(abi::Env* env, abi::ArrayView* out, const abi::ArrayView& in, bool fortran_order) {
  const int64_t item = item_bytes(in.dtype);
  if (const abi::Status status = allocate(env, out, item, fortran_order); status != abi::Status::kOk) {
    return status;
  }
  copy_view(*out, in, item);
  return abi::Status::kOk;
}

// Sets out's strides so that it shows in's items, in C order, in out's shape. False where no strides do.
//
// Both shapes are cut into the shortest groups of axes with the same number of items; within a group of the input, the axes must lie
// evenly.
bool reshape_strides(abi::ArrayView* out, const abi::ArrayView& in) {
  int64_t shape[kMostDims];
  int64_t strides[kMostDims];
  int ndim = 0;
  for (int i = 0; i < in.ndim; ++i) {
    if (in.shape[i] != 1) {
      shape[ndim] = in.shape[i];
      strides[ndim++] = in.strides[i];
    }
  }
  int from = 0;
  int to = 0;
  while (from < ndim && to < out->ndim) {
    int from_end = from + 1;
    int to_end = to + 1;
    int64_t from_items = shape[from];
    int64_t to_items = out->shape[to];
    while (from_items != to_items) {
      if (from_items < to_items) {
        from_items *= shape[from_end++];
      } else {
        to_items *= out->shape[to_end++];
      }
    }
    for (int i = from; i + 1 < from_end; ++i) {
      if (strides[i] != strides[i + 1] * shape[i + 1]) {
        return false;
      }
    }
    int64_t stride = strides[from_end - 1];
    for (int i = to_end - 1; i >= to; --i) {
      out->strides[i] = stride;
      stride *= out->shape[i];
    }
    from = from_end;
    to = to_end;
  }
  for (; to < out->ndim; ++to) { // what is left has length 1
    out->strides[to] = item_bytes(in.dtype);
  }
  return true;
}

// out->shape is set and has as many items as `in`.
abi::Status reshape(abi::Env* env, abi::ArrayView* out, const abi::ArrayView& in) {
  const int64_t item = item_bytes(in.dtype);
  out->dtype = in.dtype;
  if (count_items(in) == 0) {
    share_memory(out, in);
    set_c_strides(out, item);
    return abi::Status::kOk;
  }
  if (reshape_strides(out, in)) {
    share_memory(out, in);
    return abi::Status::kOk;
  }
  if (const abi::Status status = allocate(env, out, item); status != abi::Status::kOk) {
    return status;
  }
  int64_t strides[kMostDims];
  abi::ArrayView target{nullptr, out->data, in.shape, strides, in.ndim, in.dtype};
  set_c_strides(&target, item);
  copy_view(target, in, item);
  return abi::Status::kOk;
}

std::string wanted_shape_text(const int64_t* dims, int ndim) {
  std::string text = shape_text(dims, ndim);
  for (size_t at = text.find('-'); at != std::string::npos; at = text.find('-', at)) {
    text.replace(at, text.find_first_of(",)", at) - at, "newaxis"); // as NumPy writes the unknown length
  }
  return text;
}

// Fills out->shape from dims, of which one may be unknown.
abi::Status settle_shape(abi::Env* env, abi::ArrayView* out, const int64_t* dims, int64_t items) {
  int unknown = -1;
  int64_t known = 1;
  for (int i = 0; i < out->ndim; ++i) {
    out->shape[i] = dims[i];
    if (dims[i] >= 0) {
      known *= dims[i];
    } else if (unknown >= 0) {
      return abi::fail(env, abi::ErrorKind::kValueError, "can only specify one unknown dimension");
    } else {
      unknown = i;
    }
  }
  const bool fits = unknown < 0 ? known == items : known != 0 && items % known == 0;
  if (!fits) {
    return abi::fail(env, abi::ErrorKind::kValueError, "cannot reshape array of size %lld into shape %s", static_cast<long long>(items),
                     wanted_shape_text(dims, out->ndim).c_str());
  }
  if (unknown >= 0) {
    out->shape[unknown] = items / known;
  }
  return abi::Status::kOk;
}

} // namespace

void copy_view(const abi::ArrayView& out, const abi::ArrayView& in, int64_t item) {
  Nest nest(2, out.ndim, out.shape);
  nest.set_operand(0, out.data, out.ndim, out.shape, out.strides);
  nest.set_operand(1, in.data, in.ndim, in.shape, in.strides);
  nest.sort_axes();
  nest.merge_axes();
  copy_nest(nest, item);
}

} // namespace hasten::array

using namespace hasten;

extern "C" {

int32_t hst_copy(abi::Env* env, abi::ArrayView* out, const abi::ArrayView* in, int64_t fortran_order) {
  std::copy_n(in->shape, in->ndim, out->shape);
  return static_cast<int32_t>(array::copy_to_new(env, out, *in, fortran_order != 0));
}

int32_t hst_apart(abi::Env* env, abi::ArrayView* out, const abi::ArrayView* in, const abi::ArrayView* written) {
  std::copy_n(in->shape, in->ndim, out->shape);
  if (array::extents_meet(*in, *written) && !array::is_same_view(*in, *written)) {
    return static_cast<int32_t>(array::copy_to_new(env, out, *in, false));
  }
  std::copy_n(in->strides, in->ndim, out->strides);
  array::share_memory(out, *in);
  return 0;
}

int32_t hst_ravel(abi::Env* env, abi::ArrayView* out, const abi::ArrayView* in) {
  out->shape[0] = array::count_items(*in);
  return static_cast<int32_t>(array::reshape(env, out, *in));
}

int32_t hst_reshape(abi::Env* env, abi::ArrayView* out, const abi::ArrayView* in, const abi::ArrayView* dims) {
  int64_t wanted[array::kMostDims];
  array::copy_strided(reinterpret_cast<char*>(wanted), sizeof(int64_t), dims->data, dims->strides[0], out->ndim, sizeof(int64_t));
  if (const abi::Status status = array::settle_shape(env, out, wanted, array::count_items(*in)); status != abi::Status::kOk) {
    return static_cast<int32_t>(status);
  }
  return static_cast<int32_t>(array::reshape(env, out, *in));
}
}
