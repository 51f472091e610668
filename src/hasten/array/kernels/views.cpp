#include "hasten/array/kernels/views.h"

#include "hasten/array/dtype.h"

namespace hasten::array {

int64_t count_items(const int64_t* shape, int ndim) {
  int64_t items = 1;
  for (int i = 0; i < ndim; ++i) {
    items *= shape[i];
  }
  return items;
}

bool is_c_contiguous(const abi::ArrayView& view, int64_t item) {
  int64_t stride = item;
  for (int i = view.ndim - 1; i >= 0; --i) {
    if (view.shape[i] == 0) {
      return true;
    }
    if (view.shape[i] != 1 && view.strides[i] != stride) {
      return false;
    }
    stride *= view.shape[i];
  }
  return true;
}

bool is_fortran_contiguous(const abi::ArrayView& view, int64_t item) {
  int64_t stride = item;
  for (int i = 0; i < view.ndim; ++i) {
    if (view.shape[i] == 0) {
      return true;
    }
    if (view.shape[i] != 1 && view.strides[i] != stride) {
      return false;
    }
    stride *= view.shape[i];
  }
  return true;
}

void set_c_strides(abi::ArrayView* view, int64_t item) {
  int64_t stride = item;
  for (int i = view->ndim - 1; i >= 0; --i) {
    view->strides[i] = stride;
    stride *= view->shape[i];
  }
}

void set_fortran_strides(abi::ArrayView* view, int64_t item) {
  int64_t stride = item;
  for (int i = 0; i < view->ndim; ++i) {
    view->strides[i] = stride;
    stride *= view->shape[i];
  }
}

std::string shape_text(const int64_t* shape, int ndim) {
  std::string text = "(";
  for (int i = 0; i < ndim; ++i) {
    if (i > 0) {
      text += ',';
    }
    text += std::to_string(shape[i]);
  }
  if (ndim == 1) {
    text += ',';
  }
  text += ')';
  return text;
}

namespace {

abi::Status no_memory(abi::Env* env, const abi::ArrayView& out) {
  const std::string name(name_of(out.dtype));
  return abi::fail(env, abi::ErrorKind::kMemoryError, "Unable to allocate an array with shape %s and data type %s",
                   shape_text(out.shape, out.ndim).c_str(), name.c_str());
}

} // namespace

abi::Status allocate(abi::Env* env, abi::ArrayView* out, int64_t item, bool fortran_order) {
  int64_t bytes = item;
  for (int i = 0; i < out->ndim; ++i) {
    if (out->shape[i] < 0) {
      return abi::fail(env, abi::ErrorKind::kValueError, "negative dimensions are not allowed");
    }
    if (__builtin_mul_overflow(bytes, out->shape[i], &bytes)) {
      return no_memory(env, *out);
    }
  }
  out->block = abi::hst_block_new(bytes, 0);
  if (out->block == nullptr) {
    return no_memory(env, *out);
  }
  out->data = out->block->data;
  fortran_order ? set_fortran_strides(out, item) : set_c_strides(out, item);
  return abi::Status::kOk;
}

void share_memory(abi::ArrayView* out, const abi::ArrayView& in) {
  out->block = in.block;
  out->data = in.data;
  out->dtype = in.dtype;
  if (in.block != nullptr) {
    ++in.block->refs;
  }
}

} // namespace hasten::array
