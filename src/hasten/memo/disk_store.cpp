#include "hasten/memo/disk_store.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <functional>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hasten/memo/entry_file.h"

namespace hasten::memo {

namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kDay = 24 * 3600 * kSecond;
// Longer than any write takes, machines with a slow disk included.
constexpr int64_t kWriterPatience = 3600 * kSecond;
constexpr std::string_view kPartPrefix = "part-";

int64_t nanoseconds(const struct timespec& time) { return int64_t{time.tv_sec} * kSecond + time.tv_nsec; }

int64_t now() {
  struct timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return nanoseconds(time);
}

// Unique among threads, processes and machines that share the directory; O_EXCL catches the rest.
std::string part_name(const base::Digest& key) {
  static std::atomic<uint64_t> counter = 0;
  base::FieldHasher name;
  name.add(key).add(static_cast<uint64_t>(::getpid())).add(static_cast<uint64_t>(now())).add(counter.fetch_add(1));
  return std::string(kPartPrefix) + name.finish().hex();
}

// mkdir -p; only what it makes itself gets the mode of a private directory.
void make_directories(const std::string& path) {
  for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    ::mkdir(path.substr(0, end).c_str(), S_IRWXU);
  }
  ::mkdir(path.c_str(), S_IRWXU);
}

void for_each_file(const std::string& directory, const std::function<void(const char*, const struct stat&)>& visit) {
  DIR* files = ::opendir(directory.c_str());
  if (files == nullptr) {
    return;
  }
  // The directory is closed whatever `visit` throws.
  const struct Closer {
    DIR* files;
    ~Closer() { ::closedir(files); }
  } closer{files};
  while (const dirent* file = ::readdir(files)) {
    struct stat info;
    if (::fstatat(::dirfd(files), file->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode)) {
      visit(file->d_name, info);
    }
  }
}

// Somebody may have put a good entry in its place meanwhile: only the file that was read goes.
void remove_damaged(const std::string& path, const EntryContent& entry) {
  struct stat info;
  if (::lstat(path.c_str(), &info) == 0 && info.st_dev == entry.device && info.st_ino == entry.inode) {
    ::unlink(path.c_str());
  }
}

void touch_once_a_day(const std::string& path, int64_t used_at) {
  if (now() - used_at > kDay) {
    ::utimensat(AT_FDCWD, path.c_str(), nullptr, AT_SYMLINK_NOFOLLOW); // a read-only directory keeps its times
  }
}

} // namespace

DiskStore::DiskStore(std::string directory, uint64_t max_bytes) : directory_(std::move(directory)), max_bytes_(max_bytes) {}

std::optional<std::string> DiskStore::get(const base::Digest& key) const noexcept try {
  const std::string path = directory_ + "/" + entry_file_name(key);
  EntryContent entry = read_entry(path, key, max_bytes_);
  if (entry.fault == EntryFault::kDamaged) {
    remove_damaged(path, entry);
  }
  if (entry.fault != EntryFault::kNone) {
    return std::nullopt;
  }
  touch_once_a_day(path, entry.used_at);
  return std::move(entry.content);
} catch (...) { // memory is short: as good as no entry
  return std::nullopt;
}

bool DiskStore::put(const base::Digest& key, std::string_view content) noexcept try {
  const uint64_t file_bytes = content.size() + kEntryHeaderBytes;
  if (file_bytes > max_bytes_) {
    return false;
  }
  const std::string part = directory_ + "/" + part_name(key);
  bool written = write_entry(part, key, content);
  if (!written && errno == ENOENT) {
    make_directories(directory_);
    written = write_entry(part, key, content);
  }
  if (!written) {
    return false;
  }
  if (::rename(part.c_str(), (directory_ + "/" + entry_file_name(key)).c_str()) != 0) {
    ::unlink(part.c_str());
    return false;
  }
  // A process puts few entries, many processes many: the key's bits decide for all of them, the sum for one that puts much.
  if ((put_since_trim_ += file_bytes) > max_bytes_ / 8 || key.bytes[0] % 64 == 0) {
    trim();
  }
  return true;
} catch (...) {
  return false;
}

bool DiskStore::remove(const base::Digest& key) noexcept try {
  return ::unlink((directory_ + "/" + entry_file_name(key)).c_str()) == 0;
} catch (...) {
  return false;
}

std::vector<DiskEntry> DiskStore::list() const noexcept try {
  std::vector<DiskEntry> entries;
  for_each_file(directory_, [&](const char* name, const struct stat& info) {
    if (const std::optional<base::Digest> key = key_of_file_name(name)) {
      entries.push_back({*key, static_cast<uint64_t>(info.st_size), nanoseconds(info.st_mtim)});
    }
  });
  return entries;
} catch (...) {
  return {};
}

uint64_t DiskStore::clear() noexcept try {
  uint64_t removed = 0;
  for_each_file(directory_, [&](const char* name, const struct stat&) {
    const bool is_entry = key_of_file_name(name).has_value();
    if (is_entry || std::string_view(name).starts_with(kPartPrefix)) {
      removed += ::unlink((directory_ + "/" + name).c_str()) == 0 && is_entry;
    }
  });
  return removed;
} catch (...) {
  return 0;
}

void DiskStore::trim() noexcept try {
  put_since_trim_ = 0;
  std::vector<DiskEntry> entries = list();
  // The newest entry tells the time by the clock of the file system, which another machine may keep.
  int64_t newest = 0;
  uint64_t total = 0;
  for (const DiskEntry& entry : entries) {
    newest = std::max(newest, entry.used_at);
    total += entry.bytes;
  }
  for_each_file(directory_, [&](const char* name, const struct stat& info) {
    if (std::string_view(name).starts_with(kPartPrefix) && nanoseconds(info.st_mtim) < newest - kWriterPatience) {
      ::unlink((directory_ + "/" + name).c_str());
    }
  });
  std::sort(entries.begin(), entries.end(), [](const DiskEntry& x, const DiskEntry& y) { return x.used_at < y.used_at; });
  for (const DiskEntry& entry : entries) {
    if (total <= max_bytes_) {
      break;
    }
    remove(entry.key);
    total -= entry.bytes;
  }
} catch (...) { // the next put tries again
}

} // namespace hasten::memo
