#include "hasten/mpi/buffer.h"

#include <limits>
#include <string>
#include <utility>

#include "hasten/array/dtype.h"
#include "hasten/array/kernels/copy.h"
#include "hasten/array/kernels/views.h"

namespace hasten::mpi {
namespace {

// The same items in C order at `data`.
class PlainView {
public:
  PlainView(const abi::ArrayView& like, char* data) : view{nullptr, data, like.shape, strides_, like.ndim, like.dtype} {
    array::set_c_strides(&view, array::item_bytes(like.dtype));
  }

  abi::ArrayView view;

private:
  int64_t strides_[array::kMostDims];
};

} // namespace

ItemType item_type(abi::TypeNum dtype) {
  const Handle type = library().types[static_cast<int>(dtype)];
  return type != 0 ? ItemType{type, 1} : ItemType{library().byte, array::item_bytes(dtype)};
}

int32_t count_of(abi::Env* env, int64_t items, const ItemType& type, int* count) {
  const int64_t most = std::numeric_limits<int>::max() / type.units;
  if (items > most) {
    return static_cast<int32_t>(fail(env, abi::ErrorKind::kOverflowError,
                                     "MPI takes at most %lld such items in one call, not %lld; pass the array in several parts",
                                     static_cast<long long>(most), static_cast<long long>(items)));
  }
  *count = static_cast<int>(items) * type.units;
  return 0;
}

Buffer::~Buffer() {
  if (copy_ != nullptr) {
    abi::hst_block_release_atomic(copy_);
  }
}

int32_t Buffer::open_to_send(abi::Env* env, const abi::ArrayView& array) { return open(env, array, true); }

int32_t Buffer::open_to_receive(abi::Env* env, const abi::ArrayView& array) { return open(env, array, false); }

int32_t Buffer::open(abi::Env* env, const abi::ArrayView& array, bool with_items) {
  type_ = item_type(array.dtype);
  if (const int32_t status = count_of(env, array::count_items(array), type_, &count_)) {
    return status;
  }
  data_ = array.data;
  const int64_t item = array::item_bytes(array.dtype);
  if (array::is_c_contiguous(array, item)) {
    return 0;
  }
  const int64_t bytes = array::count_items(array) * item;
  copy_ = abi::hst_block_new(bytes, 0);
  if (copy_ == nullptr) {
    return static_cast<int32_t>(
        fail(env, abi::ErrorKind::kMemoryError, "no memory for a copy of %lld bytes in C order", static_cast<long long>(bytes)));
  }
  data_ = copy_->data;
  if (with_items) {
    array::copy_view(PlainView(array, data_).view, array, item);
  }
  return 0;
}

void Buffer::write_back(const abi::ArrayView& array) const {
  if (copy_ != nullptr) {
    array::copy_view(array, PlainView(array, data_).view, array::item_bytes(array.dtype));
  }
}

abi::Block* Buffer::take_copy() { return std::exchange(copy_, nullptr); }

} // namespace hasten::mpi
