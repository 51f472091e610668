// Shared memory without a name: a memfd, allocated in full, sealed against changes of its size, mapped into this process.
#pragma once

#include <cstddef>

#include "hasten/base/posix.h"

namespace hasten::pool::shm {

// Owns the descriptor and the mapping. The memory itself lives until the last process unmaps it.
class Segment {
public:
  // A new segment of zeros. Throws a Diagnostic where the memory can't be had.
  static Segment create(const char* label, size_t size);
  // Maps one that another process made; takes the descriptor over.
  static Segment adopt(base::FileDescriptor fd);

  Segment(Segment&& other) noexcept;
  Segment& operator=(Segment&& other) = delete;
  ~Segment();

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
