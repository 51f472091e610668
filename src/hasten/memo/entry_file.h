// One file of the disk store: a header, then the content. Layout and checks; where files lie and when they go is the store's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hasten/base/digest.h"

namespace hasten::memo {

constexpr uint32_t kEntryFormat = 1;
constexpr uint64_t kEntryHeaderBytes = 64;

// "0123….v1"
std::string entry_file_name(const base::Digest& key);
// Nothing where the name is not that of an entry of this format.
std::optional<base::Digest> key_of_file_name(std::string_view name);

enum class EntryFault : uint8_t {
  kNone,
  kAbsent,
  kRefused, // foreign, writable by others, not a plain file, or larger than the limit
  kIo,      // could not be read now; it may be good
  kDamaged, // what was read can't be an entry
};

struct EntryContent {
  EntryFault fault = EntryFault::kNone;
  std::string content;
  uint64_t device = 0; // of the file that was read
  uint64_t inode = 0;
  int64_t used_at = 0; // nanoseconds
};

// Reads and checks one entry of at most `max_bytes`. Allocates only after the lengths in the header and of the file agree.
EntryContent read_entry(const std::string& path, const base::Digest& key, uint64_t max_bytes);

// Writes a whole entry into a new file at `path` that only this user may read; false (and no file) where any of it fails.
bool write_entry(const std::string& path, const base::Digest& key, std::string_view content);

} // namespace hasten::memo
