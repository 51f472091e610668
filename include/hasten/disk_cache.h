// A cache on disk: bytes, or values that hasten::encode() can write, under keys of any text. Shared by any number of processes.
//
// It may lose values, it never gives wrong ones: a value is one file, written aside and renamed, with a digest of its content; what is
// damaged is deleted and counts as absent. A process that is killed while it writes leaves nothing that anybody reads. Files that belong to
// other users, or that others may write, are not read. A full disk or a folder that can't be made is no error: nothing is kept then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "hasten/base/export.h"
#include "hasten/bytes.h"

namespace hasten {

// All members may be called from any thread, and from any process that has a cache on the same folder.
class HASTEN_API DiskCache {
public:
  static constexpr uint64_t kUsualLimit = uint64_t{1} << 30;

  // Touches nothing yet; the folder is made, for this user alone, by the first put. When the files take more than max_bytes, those go that
  // were not used for longest (exact to a day).
  explicit DiskCache(std::string folder, uint64_t max_bytes = kUsualLimit);
  ~DiskCache();
  DiskCache(DiskCache&&) noexcept;
  DiskCache& operator=(DiskCache&&) noexcept;

  std::optional<std::string> get_bytes(std::string_view key) const;
  // Inserts or replaces. False where nothing could be kept.
  bool put_bytes(std::string_view key, std::string_view bytes);
  // Whether there was one.
  bool erase(std::string_view key);
  // Returns how many values there were.
  uint64_t clear();
  // Values, and the bytes of their files.
  struct Size {
    size_t values;
    uint64_t bytes;
  };
  Size size() const;
  const std::string& folder() const;

  // Nothing where there is no value, or one of another type's shape. A key belongs to one type: bytes don't tell which type they were.
  template <class T> std::optional<T> get(std::string_view key) const {
    const std::optional<std::string> bytes = get_bytes(key);
    if (!bytes) {
      return std::nullopt;
    }
    try {
      return decode<T>(*bytes);
    } catch (const BadBytes&) {
      return std::nullopt;
    }
  }

  template <class T> bool put(std::string_view key, const T& value) { return put_bytes(key, encode(value)); }

  // The value under the key, or compute(), which is kept. Callers that miss at the same time all compute.
  template <class Compute> auto get_or_compute(std::string_view key, Compute&& compute) {
    using T = std::decay_t<std::invoke_result_t<Compute&>>;
    if (std::optional<T> found = get<T>(key)) {
      return std::move(*found);
    }
    T value = compute();
    put(key, value);
    return value;
  }

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace hasten
