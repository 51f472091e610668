// Shared memory without a name: a memfd, allocated before it is used, sealed against changes of its size, mapped into this process.
#pragma once

#include <cstddef>

#include "hasten/base/posix.h"

namespace hasten::pool::shm {

// Owns the descriptor and the mapping. The memory itself lives until the last process unmaps it.
class Segment {
public:
  // A new segment of zeros. Throws a Diagnostic where the memory can't be had.
  static Segment create(const char* label, size_t size) { return create(label, size, size); }
  // The same, of which only the first bytes are allocated; allocate() must come before others are touched.
  static Segment create(const char* label, size_t size, size_t allocated);
  // Maps one that another process made; takes the descriptor over.
  static Segment adopt(base::FileDescriptor fd);

  Segment(Segment&& other) noexcept;
  Segment& operator=(Segment&& other) = delete;
  ~Segment();

  // Returns 0 or an error number.
  int allocate(size_t offset, size_t size) const;

  char* data() const { return data_; }
  size_t size() const { return size_; }
  int fd() const { return fd_.get(); }

private:
  Segment(base::FileDescriptor fd, size_t size);

  base::FileDescriptor fd_;
  char* data_ = nullptr;
  size_t size_ = 0;
};

} // namespace hasten::pool::shm
