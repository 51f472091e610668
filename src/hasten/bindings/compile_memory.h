// Remembers the texts that Python compiles, so that functions which never were in a file (exec, `python -c`, notebooks) have a source.
//
// Thread-safe; holds no Python object. Bounded: the newest texts are kept.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace hasten::bindings {

class CompileMemory {
public:
  explicit CompileMemory(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Drops the oldest texts where there are too many. A text that can't define a function, or is too big on its own, isn't kept.
  void remember(std::string_view file, std::string_view text);
  // The texts that were compiled under this name and hold the word, newest first.
  std::vector<std::string> texts(std::string_view file, std::string_view word) const;
  size_t bytes() const;

private:
  struct Entry {
    std::string file;
    std::string text;
    size_t bytes() const { return file.size() + text.size() + sizeof(Entry); }
  };

  const size_t max_bytes_;
  mutable std::mutex mutex_;
  std::deque<Entry> entries_; // newest first
  size_t bytes_ = 0;
};

// The memory of this process.
CompileMemory& compile_memory();

// Adds Python's audit hook that fills compile_memory(); once for each process, it can't be removed. GIL held.
void install_compile_hook();

} // namespace hasten::bindings
