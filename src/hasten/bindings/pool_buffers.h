// Parcels: a pickle and the buffers that were kept out of it, laid out in one piece of memory, in a block of shared memory or inline.
// All functions need the GIL.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hasten/bindings/ending.h"

namespace hasten::bindings {

// What a pickler gave, held as it lies in memory.
class Parcel {
public:
  // `pickled`: bytes; `buffers`: a list of contiguous buffers, or null.
  Parcel(PyObject* pickled, PyObject* buffers);
  ~Parcel();
  Parcel(const Parcel&) = delete;
  Parcel& operator=(const Parcel&) = delete;

  size_t size() const { return size_; }
  // Calls write(offset, data, size) for every byte, in order, until one returns false. Releases the GIL where there is much to do.
  template <typename Write> bool pour(Write write) const {
    std::optional<GilReleased> others_run;
    if (size_ > kMuch) {
      others_run.emplace();
    }
    size_t at = 0;
    for (const Piece& piece : pieces_) {
      if (!write(at, piece.data, piece.size)) {
        return false;
      }
      at += piece.size;
    }
    return true;
  }

private:
  static constexpr size_t kMuch = size_t{256} << 10;
  struct Piece {
    const void* data;
    size_t size;
  };
  void add(const void* data, size_t size);
  void align(size_t alignment);

  std::vector<uint64_t> header_;
  std::vector<Py_buffer> views_;
  std::vector<Piece> pieces_;
  size_t size_ = 0;
};

// Memory that Python objects view; freed by whatever `owner` does.
struct PoolMemory {
  std::shared_ptr<const void> owner;
  char* data;
  size_t size;
  bool is_writable;
};

// Unpickles a parcel that lies in memory; what it makes keeps the memory alive. Null, with an error set, where that fails.
PyObject* open_parcel(PyObject* loads, const PoolMemory& memory);
// A copy in memory of its own.
PoolMemory copy_parcel(const char* data, size_t size);

// The two ways in which a task or a part of one stands in a payload beside a plain pickle, which begins with 0x80.
constexpr char kInlineMark = 'P';
constexpr char kBlockMark = 'B';

void add_pool_memory(nanobind::module_& m);

} // namespace hasten::bindings
