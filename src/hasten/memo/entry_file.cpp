#include "hasten/memo/entry_file.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hasten/base/diagnostic.h"
#include "hasten/base/posix.h"

namespace hasten::memo {

namespace {

constexpr char kMagic[8] = {'H', 'S', 'T', 'N', 'M', 'E', 'M', 'O'};
constexpr size_t kFormatAt = 8;
constexpr size_t kLengthAt = 16;
constexpr size_t kKeyAt = 24;
constexpr size_t kContentDigestAt = 40;
constexpr size_t kHeaderDigestAt = 56; // the first half of the digest of all before it

using Header = std::array<char, kEntryHeaderBytes>;

void store_digest(Header& header, size_t at, const base::Digest& digest) {
  std::memcpy(&header[at], digest.bytes.data(), digest.bytes.size());
}

bool holds_digest(const Header& header, size_t at, const base::Digest& digest) {
  return std::memcmp(&header[at], digest.bytes.data(), digest.bytes.size()) == 0;
}

void store_word(Header& header, size_t at, uint64_t word) {
  for (size_t i = 0; i < 8; ++i) {
    header[at + i] = static_cast<char>(word >> (8 * i));
  }
}

uint64_t load_word(const Header& header, size_t at) {
  uint64_t word = 0;
  for (size_t i = 0; i < 8; ++i) {
    word |= uint64_t{static_cast<unsigned char>(header[at + i])} << (8 * i);
  }
  return word;
}

uint64_t digest_of_header(const Header& header) {
  Header digest{};
  store_digest(digest, 0, base::digest_of({header.data(), kHeaderDigestAt}));
  return load_word(digest, 0);
}

Header make_header(const base::Digest& key, std::string_view content) {
  Header header{};
  std::memcpy(header.data(), kMagic, sizeof kMagic);
  store_word(header, kFormatAt, kEntryFormat);
  store_word(header, kLengthAt, content.size());
  store_digest(header, kKeyAt, key);
  store_digest(header, kContentDigestAt, base::digest_of(content));
  store_word(header, kHeaderDigestAt, digest_of_header(header));
  return header;
}

bool header_is_sound(const Header& header, const base::Digest& key, uint64_t file_bytes) {
  return std::memcmp(header.data(), kMagic, sizeof kMagic) == 0 && load_word(header, kHeaderDigestAt) == digest_of_header(header) &&
         load_word(header, kFormatAt) == kEntryFormat && load_word(header, kLengthAt) == file_bytes - kEntryHeaderBytes &&
         holds_digest(header, kKeyAt, key);
}

int open_retrying(const char* path, int flags, mode_t mode = 0) {
  int file;
  do {
    file = ::open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode);
  } while (file < 0 && errno == EINTR);
  return file;
}

bool may_be_trusted(const struct stat& info) {
  const bool ours = info.st_uid == ::geteuid() || info.st_uid == 0;
  return S_ISREG(info.st_mode) && ours && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

EntryFault read_checked(int file, const base::Digest& key, uint64_t file_bytes, std::string& content) try {
  Header header;
  if (file_bytes < kEntryHeaderBytes) {
    return EntryFault::kDamaged;
  }
  if (base::read_up_to(file, header.data(), header.size()) < header.size()) {
    return EntryFault::kIo;
  }
  if (!header_is_sound(header, key, file_bytes)) {
    return EntryFault::kDamaged;
  }
  content.resize(file_bytes - kEntryHeaderBytes);
  if (base::read_up_to(file, content.data(), content.size()) < content.size()) {
    return EntryFault::kIo;
  }
  return holds_digest(header, kContentDigestAt, base::digest_of(content)) ? EntryFault::kNone : EntryFault::kDamaged;
} catch (const base::Diagnostic&) {
  return EntryFault::kIo;
}

std::optional<uint8_t> hex_value(char digit) {
  if (digit >= '0' && digit <= '9') {
    return static_cast<uint8_t>(digit - '0');
  }
  return digit >= 'a' && digit <= 'f' ? std::optional<uint8_t>(static_cast<uint8_t>(digit - 'a' + 10)) : std::nullopt;
}

} // namespace

std::string entry_file_name(const base::Digest& key) { return key.hex() + ".v" + std::to_string(kEntryFormat); }

std::optional<base::Digest> key_of_file_name(std::string_view name) {
  base::Digest key;
  if (name.size() < 2 * key.bytes.size()) {
    return std::nullopt;
  }
  for (size_t i = 0; i < key.bytes.size(); ++i) {
    const std::optional<uint8_t> high = hex_value(name[2 * i]);
    const std::optional<uint8_t> low = hex_value(name[2 * i + 1]);
    if (!high || !low) {
      return std::nullopt;
    }
    key.bytes[i] = static_cast<uint8_t>(*high << 4 | *low);
  }
  return name == entry_file_name(key) ? std::optional(key) : std::nullopt;
}

EntryContent read_entry(const std::string& path, const base::Digest& key, uint64_t max_bytes) {
  EntryContent entry;
  // Not blocking: the name may have been given to a pipe.
  const base::FileDescriptor file(open_retrying(path.c_str(), O_RDONLY | O_NONBLOCK));
  if (!file) {
    entry.fault = errno == ENOENT ? EntryFault::kAbsent : errno == ELOOP ? EntryFault::kRefused : EntryFault::kIo;
    return entry;
  }
  struct stat info;
  if (::fstat(file.get(), &info) != 0) {
    entry.fault = EntryFault::kIo;
    return entry;
  }
  const auto file_bytes = static_cast<uint64_t>(info.st_size);
  if (!may_be_trusted(info) || file_bytes > max_bytes) {
    entry.fault = EntryFault::kRefused;
    return entry;
  }
  entry.device = info.st_dev;
  entry.inode = info.st_ino;
  entry.used_at = int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
  entry.fault = read_checked(file.get(), key, file_bytes, entry.content);
  return entry;
}

bool write_entry(const std::string& path, const base::Digest& key, std::string_view content) {
  const Header header = make_header(key, content);
  base::FileDescriptor file(open_retrying(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR));
  if (!file) {
    return false;
  }
  bool written = true;
  try {
    base::write_all(file.get(), header.data(), header.size());
    base::write_all(file.get(), content.data(), content.size());
  } catch (const base::Diagnostic&) {
    written = false;
  }
  // Some file systems report a full disk only when the file is closed.
  if (::close(file.release()) == 0 && written) {
    return true;
  }
  ::unlink(path.c_str());
  return false;
}

} // namespace hasten::memo
