#include "hasten/pool/shm/segment.h"

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

int Segment::allocate(size_t offset, size_t size) const {
  return posix_fallocate(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(size));
}

Segment Segment::create(const char* label, size_t size, size_t allocated) {
  base::FileDescriptor fd(memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) {
    base::system_error("Can't make shared memory for a pool");
  }
  const int failed = posix_fallocate(fd.get(), 0, static_cast<off_t>(allocated));
  if (failed != 0) {
    base::system_error("Can't allocate " + std::to_string(allocated) + " bytes of shared memory for a pool", failed);
  }
  if (allocated < size && ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
    base::system_error("Can't make " + std::to_string(size) + " bytes of shared memory for a pool");
  }
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    base::system_error("Can't seal shared memory");
  }
  return {std::move(fd), size};
}

Segment Segment::adopt(base::FileDescriptor fd) {
  struct stat facts{};
  if (fstat(fd.get(), &facts) != 0) {
    base::system_error("Can't look at shared memory");
  }
  return {std::move(fd), static_cast<size_t>(facts.st_size)};
}

} // namespace hasten::pool::shm
