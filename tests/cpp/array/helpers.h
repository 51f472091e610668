// Arrays for the tests of kernels.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"
#include "hasten/array/dtype.h"
#include "hasten/array/kernels/views.h"

namespace hasten::array {

template <class T> constexpr DType kDTypeOf = DType::kFloat64;
template <> inline constexpr DType kDTypeOf<float> = DType::kFloat32;
template <> inline constexpr DType kDTypeOf<int64_t> = DType::kInt64;
template <> inline constexpr DType kDTypeOf<int32_t> = DType::kInt32;
template <> inline constexpr DType kDTypeOf<bool> = DType::kBool;

// A view with memory, shape and strides of its own.
template <class T> class Array {
public:
  using Item = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>; // a vector of bool has no memory of bools

  explicit Array(std::vector<int64_t> shape) : shape_(std::move(shape)), strides_(shape_.size()), items_(count()) {
    view_ = {nullptr,         reinterpret_cast<char*>(items_.data()), shape_.data(),
             strides_.data(), static_cast<int32_t>(shape_.size()),    kDTypeOf<T>};
    set_c_strides(&view_, sizeof(T));
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  // 1, 2, 3 …
  Array& count_up() {
    for (size_t i = 0; i < items_.size(); ++i) {
      items_[i] = static_cast<Item>(i + 1);
    }
    return *this;
  }
  Array& set(std::vector<Item> items) {
    std::copy(items.begin(), items.end(), items_.begin());
    return *this;
  }

  abi::ArrayView& view() { return view_; }
  const std::vector<Item>& items() const { return items_; }
  Item* data() { return items_.data(); }

private:
  size_t count() const {
    size_t n = 1;
    for (const int64_t length : shape_) {
      n *= static_cast<size_t>(length);
    }
    return n;
  }

  std::vector<int64_t> shape_;
  std::vector<int64_t> strides_;
  std::vector<Item> items_;
  abi::ArrayView view_;
};

// A view of another's memory.
class Strided {
public:
  Strided(const abi::ArrayView& base, std::vector<int64_t> shape, std::vector<int64_t> strides, int64_t offset = 0)
      : shape_(std::move(shape)), strides_(std::move(strides)),
        view_{base.block, base.data + offset, shape_.data(), strides_.data(), static_cast<int32_t>(shape_.size()), base.dtype} {}
  Strided(const Strided&) = delete;
  Strided& operator=(const Strided&) = delete;

  abi::ArrayView& view() { return view_; }

private:
  std::vector<int64_t> shape_;
  std::vector<int64_t> strides_;
  abi::ArrayView view_;
};

// What a kernel returns; releases the block.
class Result {
public:
  explicit Result(int ndim = 0, DType dtype = DType::kFloat64) : view_{nullptr, nullptr, shape_, strides_, ndim, dtype} {}
  ~Result() {
    if (view_.block != nullptr) {
      abi::hst_block_release(view_.block);
    }
  }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;

  abi::ArrayView* view() { return &view_; }
  std::vector<int64_t> shape() const { return {shape_, shape_ + view_.ndim}; }
  std::vector<int64_t> strides() const { return {strides_, strides_ + view_.ndim}; }

  // The items in C order.
  template <class T> std::vector<T> items() const {
    std::vector<T> values;
    collect(0, view_.data, &values);
    return values;
  }

private:
  template <class T> void collect(int axis, const char* at, std::vector<T>* values) const {
    if (axis == view_.ndim) {
      T value;
      std::memcpy(&value, at, sizeof value);
      values->push_back(value);
      return;
    }
    for (int64_t i = 0; i < shape_[axis]; ++i) {
      collect(axis + 1, at + i * strides_[axis], values);
    }
  }

  int64_t shape_[kMostDims] = {};
  int64_t strides_[kMostDims] = {};
  abi::ArrayView view_;
};

inline int64_t live_blocks() {
  int64_t allocated = 0;
  int64_t freed = 0;
  int64_t bytes = 0;
  abi::hst_block_counts(&allocated, &freed, &bytes);
  return allocated - freed;
}

} // namespace hasten::array
