#include "hasten/pool/shm/segment.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace hasten::pool::shm {

Segment::Segment(base::FileDescriptor fd, size_t size) : fd_(std::move(fd)), size_(size) {
  void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (mapped == MAP_FAILED) {
    base::system_error("Can't map " + std::to_string(size) + " bytes of shared memory");
  }
  data_ = static_cast<char*>(mapped);
}

Segment::Segment(Segment&& other) noexcept
    : fd_(std::move(other.fd_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Segment::~Segment() {
  if (data_ != nullptr) {
    munmap(data_, size_);
  }
}

Segment Segment::reserve(const char* label, size_t size) {
  base::FileDescriptor fd(memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) {
    base::system_error("Can't make shared memory");
  }
  if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
    base::system_error("Can't make shared memory of " + std::to_string(size) + " bytes");
  }
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    base::system_error("Can't seal shared memory");
  }
  return {std::move(fd), size};
}

Segment Segment::create(const char* label, size_t size, size_t allocated) {
  Segment segment = reserve(label, size);
  const int failed = segment.allocate(0, allocated);
  if (failed != 0) {
    base::system_error("Can't allocate " + std::to_string(allocated) + " bytes of shared memory", failed);
  }
  return segment;
}

Segment Segment::adopt(base::FileDescriptor fd, size_t most) {
  struct stat facts{};
  if (fstat(fd.get(), &facts) != 0) {
    base::system_error("Can't look at shared memory");
  }
  return {std::move(fd), std::min(static_cast<size_t>(facts.st_size), most)};
}

int Segment::allocate(size_t offset, size_t size) const {
  // A signal makes the system undo an allocation, so each is short enough to end between two.
  constexpr size_t kMostAtOnce = size_t{4} << 20;
  while (size > 0) {
    const size_t piece = std::min(size, kMostAtOnce);
    const int failed = posix_fallocate(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(piece));
    if (failed == EINTR) {
      continue;
    }
    if (failed != 0) {
      return failed;
    }
    offset += piece;
    size -= piece;
  }
  return 0;
}

bool Segment::write(size_t offset, const void* data, size_t size) const {
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = pwrite(fd_.get(), next, size, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return false;
    }
    next += written;
    offset += static_cast<size_t>(written);
    size -= static_cast<size_t>(written);
  }
  return true;
}

void Segment::map(size_t offset, size_t size) const {
  // For reading: that maps several pages at a time, and a shared page that may be read may be written, too.
#ifdef MADV_POPULATE_READ
  constexpr size_t kPage = 4096;
  const size_t begin = offset / kPage * kPage;
  madvise(data_ + begin, offset + size - begin, MADV_POPULATE_READ);
#endif
}

void Segment::discard(size_t offset, size_t size) const {
  fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(size));
}

} // namespace hasten::pool::shm
