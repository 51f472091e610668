// Shared memory without a name: a memfd, allocated before it is used, sealed against changes of its size, mapped into this process.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hasten/base/posix.h"

namespace hasten::pool::shm {

// Owns the descriptor and the mapping. The memory itself lives until the last process unmaps it.
class Segment {
public:
  // A new segment of zeros. Throws a Diagnostic where the memory can't be had.
  static Segment create(const char* label, size_t size) { return create(label, size, size); }
  // The same, of which only the first bytes are allocated; allocate() must come before others are touched.
  static Segment create(const char* label, size_t size, size_t allocated);
  // A new segment of `size` bytes of addresses, none of which may be used before allocate(). Throws where there is no room for them.
  static Segment reserve(const char* label, size_t size);
  // Maps one that another process made, or only its first bytes; takes the descriptor over.
  static Segment adopt(base::FileDescriptor fd, size_t most = SIZE_MAX);

  Segment(Segment&& other) noexcept;
  Segment& operator=(Segment&& other) = delete;
  ~Segment();

  char* data() const { return data_; }
  size_t size() const { return size_; }
  int fd() const { return fd_.get(); }

  // Gets memory for a range of whole pages. Returns 0 or an error number.
  int allocate(size_t offset, size_t size) const;
  // Writes into a range that may have no memory yet, which saves the system from clearing it first; false where it can't be had.
  bool write(size_t offset, const void* data, size_t size) const;
  // Lets this process reach a range that has memory without a fault at each page, where the system can do that; saves most of the cost.
  void map(size_t offset, size_t size) const;
  // Gives the memory of a range of whole pages back to the system, and forgets what was in it.
  void discard(size_t offset, size_t size) const;

private:
  Segment(base::FileDescriptor fd, size_t size);

  base::FileDescriptor fd_;
  char* data_ = nullptr;
  size_t size_ = 0;
};

} // namespace hasten::pool::shm
