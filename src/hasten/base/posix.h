// Files and descriptors of the operating system, whose failures become diagnostics with the system's own words.
#pragma once

#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>

namespace hasten::base {

// Throws a Diagnostic of Fault::kMachine: `what`, and the text of `error`.
[[noreturn]] void system_error(const std::string& what, int error = errno);

// Owns a descriptor and closes it. An object belongs to one thread at a time.
class FileDescriptor {
public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    reset(other.release());
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  // Gives the descriptor away, to be closed by the caller.
  int release() { return std::exchange(fd_, -1); }
  // Closes what it holds and owns `fd` from now on.
  void reset(int fd = -1);

private:
  int fd_ = -1;
};

// Opens with O_CLOEXEC; throws where that fails.
FileDescriptor open_file(const std::string& path, int flags, mode_t mode = 0666);

// Reads until `size` bytes or the end of the file; returns how many came. Throws on errors; a signal interrupts nothing.
size_t read_up_to(int fd, void* data, size_t size);
// Writes everything, however many calls it takes; throws on errors. A closed pipe is an error, if SIGPIPE is ignored.
void write_all(int fd, const void* data, size_t size);

// The content of a file; nothing where there is no such file. Throws on any other error.
std::optional<std::string> read_file(const std::string& path);

// Puts a file in place whole: readers see the old content or the new one, never a part. Throws, and leaves nothing behind, on errors.
void publish_file(const std::string& path, std::string_view content);

} // namespace hasten::base
