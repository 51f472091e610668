// Bytes kept on disk under a digest, shared by any number of processes and machines. A cache: it may lose entries, it never gives wrong
// ones.
//
// Nothing here throws or takes the program down: a directory that can't be made, read or written, a full disk or a damaged file mean that
// get() has nothing and put() says false. Files that belong to somebody else (neither this user nor root), or that others may write, are
// not read. An entry is one file `<digest>.v<format>`, published by rename, so that a reader sees all of it or nothing. Content that is
// damaged is deleted; an I/O error deletes nothing. Threads: all members may be called at the same time. Processes: no locks, no open files
// between calls, so fork is harmless.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hasten/base/digest.h"

namespace hasten::memo {

struct DiskEntry {
  base::Digest key;
  uint64_t bytes = 0;  // of the file
  int64_t used_at = 0; // nanoseconds since 1970 by the file system's clock; exact to a day
};

class DiskStore {
public:
  static constexpr uint64_t kDefaultLimit = uint64_t{1} << 30;

  // Touches nothing yet; the directory is made (for this user alone) by the first put.
  explicit DiskStore(std::string directory, uint64_t max_bytes = kDefaultLimit);

  std::optional<std::string> get(const base::Digest& key) const noexcept;
  // True where the entry is there afterwards. Replaces what was there. Now and then it also trims.
  bool put(const base::Digest& key, std::string_view content) noexcept;
  // True where there was one.
  bool remove(const base::Digest& key) noexcept;
  // In no particular order, unread: an entry may turn out to be damaged.
  std::vector<DiskEntry> list() const noexcept;
  // Deletes the entries of this format and what writers left behind; returns how many entries.
  uint64_t clear() noexcept;
  // Deletes the entries that were not used for longest until the rest takes at most max_bytes, and files of writers that died.
  void trim() noexcept;

  const std::string& directory() const { return directory_; }
  uint64_t max_bytes() const { return max_bytes_; }

private:
  std::string directory_;
  uint64_t max_bytes_;
  std::atomic<uint64_t> put_since_trim_ = 0;
};

} // namespace hasten::memo
