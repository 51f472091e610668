// Compiles typed IR, written as text, to machine code in this process, and calls it with C++ values.
#pragma once

#include <bit>
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

template <typename T> uint64_t to_slot(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    uint64_t slot = 0;
    std::memcpy(&slot, &value, sizeof value);
    return slot;
  } else {
    return static_cast<uint64_t>(static_cast<int64_t>(value));
  }
}

template <typename T> T from_slot(uint64_t slot) {
  if constexpr (std::is_floating_point_v<T>) {
    T value;
    std::memcpy(&value, &slot, sizeof value);
    return value;
  } else {
    return static_cast<T>(slot);
  }
}

// An array that C++ owns; its block is the immortal one.
template <typename T> struct Array {
  std::vector<T> items;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;

  Array(std::vector<T> content, std::vector<int64_t> dimensions);
  explicit Array(std::vector<T> content) : Array(content, {static_cast<int64_t>(content.size())}) {}
};

// Appends what abi/slots.h says.
void add_slots(Slots& slots, void* data, const std::vector<int64_t>& shape, const std::vector<int64_t>& strides);

template <typename T> Array<T>::Array(std::vector<T> content, std::vector<int64_t> dimensions)
    : items(std::move(content)), shape(std::move(dimensions)), strides(shape.size()) {
  int64_t stride = sizeof(T);
  for (size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
}

template <typename T> void add_argument(Slots& slots, Array<T>& array) { add_slots(slots, array.items.data(), array.shape, array.strides); }
template <typename T> void add_argument(Slots& slots, const T& scalar) { slots.push_back(to_slot(scalar)); }

// A compiled module.
class Code {
public:
  explicit Code(const std::string& text, EmitOptions options = {});
  Code(const ir::Module& module, EmitOptions options);

  // The status; results in `out`.
  int32_t call(const Slots& in);
  template <typename... Args> int32_t call(Args&&... args) {
    Slots in;
    (add_argument(in, args), ...);
    return call(in);
  }
  // Calls, expects no error, and gives the first result.
  template <typename T, typename... Args> T run(Args&&... args) {
    expect_ok(call(std::forward<Args>(args)...));
    return from_slot<T>(out[0]);
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
