// Arrays as MPI takes them: items in C order, one after the other.
#pragma once

#include <cstdint>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"
#include "hasten/mpi/library.h"

namespace hasten::mpi {

// What MPI calls the items of a dtype: `count` is theirs, or that of their bytes where MPI has no such type.
struct ItemType {
  Handle type;
  int units; // of `type` in an item
};
ItemType item_type(abi::TypeNum dtype);

// `items` as the count of `type` that MPI takes, which is an int. OverflowError.
int32_t count_of(abi::Env* env, int64_t items, const ItemType& type, int* count);

// The items of an array, or room for them: the array's own memory where it lies in C order, else a copy.
class Buffer {
public:
  Buffer() = default;
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  // With the array's items.
  int32_t open_to_send(abi::Env* env, const abi::ArrayView& array);
  // Without them.
  int32_t open_to_receive(abi::Env* env, const abi::ArrayView& array);
  // Writes what was received into the array, if it isn't there already.
  void write_back(const abi::ArrayView& array) const;

  void* data() const { return data_; }
  int count() const { return count_; }
  const ItemType& type() const { return type_; }
  bool is_copy() const { return copy_ != nullptr; }
  // The copy, or null; the caller gets its count.
  abi::Block* take_copy();

private:
  int32_t open(abi::Env* env, const abi::ArrayView& array, bool with_items);

  char* data_ = nullptr;
  int count_ = 0;
  ItemType type_{};
  abi::Block* copy_ = nullptr;
};

} // namespace hasten::mpi
