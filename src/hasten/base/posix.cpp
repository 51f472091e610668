#include "hasten/base/posix.h"

#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "hasten/base/diagnostic.h"

namespace hasten::base {

void system_error(const std::string& what, int error) {
  throw Diagnostic(Fault::kMachine, what + ": " + std::generic_category().message(error));
}

void FileDescriptor::reset(int fd) {
  const int old = std::exchange(fd_, fd);
  if (old >= 0) {
    // Linux frees the descriptor even where close says EINTR, so it is never called twice.
    ::close(old);
  }
}

FileDescriptor open_file(const std::string& path, int flags, mode_t mode) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) {
    system_error("Can't open " + path);
  }
  return FileDescriptor(fd);
}

size_t read_up_to(int fd, void* data, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t count = ::read(fd, static_cast<char*>(data) + done, size - done);
    if (count == 0) {
      break;
    }
    if (count < 0 && errno != EINTR) {
      system_error("Can't read");
    }
    done += count > 0 ? static_cast<size_t>(count) : 0;
  }
  return done;
}

void write_all(int fd, const void* data, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t count = ::write(fd, static_cast<const char*>(data) + done, size - done);
    if (count < 0 && errno != EINTR) {
      system_error("Can't write");
    }
    done += count > 0 ? static_cast<size_t>(count) : 0;
  }
}

std::optional<std::string> read_file(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return std::nullopt;
    }
    system_error("Can't open " + path);
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) {
    system_error("Can't look at " + path);
  }
  // A file of the kernel's says that it is empty, and another process may append: so the end is where read says so.
  constexpr size_t kStep = 64 * 1024;
  std::string content(static_cast<size_t>(status.st_size) + 1, '\0');
  size_t size = 0;
  for (;;) {
    size += read_up_to(file.get(), content.data() + size, content.size() - size);
    if (size < content.size()) {
      content.resize(size);
      return content;
    }
    content.resize(content.size() + kStep);
  }
}

void publish_file(const std::string& path, std::string_view content) {
  std::string aside = path + ".XXXXXX";
  FileDescriptor file(::mkostemp(aside.data(), O_CLOEXEC));
  if (!file) {
    system_error("Can't make a file beside " + path);
  }
  try {
    write_all(file.get(), content.data(), content.size());
    file.reset();
    if (::rename(aside.c_str(), path.c_str()) != 0) {
      system_error("Can't put " + path + " in place");
    }
  } catch (...) {
    ::unlink(aside.c_str());
    throw;
  }
}

} // namespace hasten::base
