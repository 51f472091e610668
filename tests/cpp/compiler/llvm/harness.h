// Compiles typed IR, written as text, to machine code in this process, and calls it with C++ values.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"
#include "hasten/compiler/ir/function.h"
#include "hasten/compiler/jit/session.h"
#include "hasten/compiler/llvm/emit.h"

namespace hasten::llvm_backend::testing {

using Slots = std::vector<uint64_t>;

template <typename T> void put_scalar(Slots& slots, const T& value) {
  if constexpr (requires { value.imag(); }) {
    put_scalar(slots, value.real());
    put_scalar(slots, value.imag());
  } else if constexpr (std::is_floating_point_v<T>) {
    slots.push_back(0);
    std::memcpy(&slots.back(), &value, sizeof value);
  } else {
    slots.push_back(static_cast<uint64_t>(static_cast<int64_t>(value)));
  }
}

template <typename T> T take_scalar(const uint64_t* slots) {
  if constexpr (requires(T v) { v.imag(); }) {
    return {take_scalar<typename T::value_type>(slots), take_scalar<typename T::value_type>(slots + 1)};
  } else if constexpr (std::is_floating_point_v<T>) {
    T value;
    std::memcpy(&value, slots, sizeof value);
    return value;
  } else {
    return static_cast<T>(*slots);
  }
}

// bool's own vector has no memory to point to.
template <typename T> using Item = std::conditional_t<std::is_same_v<T, bool>, unsigned char, T>;

// An array that C++ owns; its block is the immortal one.
template <typename T> struct Array {
  std::vector<Item<T>> items;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;

  Array(const std::vector<T>& content, std::vector<int64_t> dimensions);
  explicit Array(const std::vector<T>& content) : Array(content, {static_cast<int64_t>(content.size())}) {}
};

// Appends what abi/slots.h says.
void add_slots(Slots& slots, void* data, const std::vector<int64_t>& shape, const std::vector<int64_t>& strides);

template <typename T>
Array<T>::Array(const std::vector<T>& content, std::vector<int64_t> dimensions)
    : items(content.begin(), content.end()), shape(std::move(dimensions)), strides(shape.size()) {
  int64_t stride = sizeof(Item<T>);
  for (size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
}

template <typename T> void add_argument(Slots& slots, Array<T>& array) { add_slots(slots, array.items.data(), array.shape, array.strides); }
template <typename T> void add_argument(Slots& slots, const T& scalar) { put_scalar(slots, scalar); }

// A compiled module.
class Code {
public:
  explicit Code(const std::string& text, const EmitOptions& options = {});
  Code(const ir::Module& module, const EmitOptions& options);

  // The status; results in `out`.
  int32_t call_slots(const Slots& in);
  template <typename... Args> int32_t call(Args&&... args) {
    Slots in;
    (add_argument(in, args), ...);
    return call_slots(in);
  }
  // Calls, expects no error, and gives the first result.
  template <typename T, typename... Args> T run(Args&&... args) {
    expect_ok(call(std::forward<Args>(args)...));
    return take_scalar<T>(out.data());
  }

  const Object& object() const { return object_; }
  abi::UfuncLoop loop() const { return code_->loop(); }

  abi::Env env{};
  Slots out = Slots(64);

private:
  void expect_ok(int32_t status) const;

  Object object_;
  std::shared_ptr<jit::LoadedCode> code_;
};

// Blocks that live now.
int64_t live_blocks();

} // namespace hasten::llvm_backend::testing
