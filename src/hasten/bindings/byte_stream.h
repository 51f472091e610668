// Numbers and texts as bytes, for files of the cache: numbers take eight bytes, texts their length and their bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace hasten::bindings {

class ByteWriter {
public:
  void put(uint64_t number) { bytes_.append(reinterpret_cast<const char*>(&number), sizeof number); }
  void put(std::string_view text) {
    put(uint64_t{text.size()});
    bytes_.append(text);
  }
  std::string take() { return std::move(bytes_); }

private:
  std::string bytes_;
};

// After a read beyond the end, all reads give zeros and empty texts.
class ByteReader {
public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  uint64_t number() {
    uint64_t value = 0;
    if (take(sizeof value)) {
      std::memcpy(&value, taken_.data(), sizeof value);
    }
    return value;
  }
  std::string text() { return take(number()) ? std::string(taken_) : std::string(); }
  // How many items follow; never more than there are bytes.
  uint64_t count() {
    const uint64_t items = number();
    is_good_ = is_good_ && items <= bytes_.size();
    return is_good_ ? items : 0;
  }
  void fail() { is_good_ = false; }
  bool is_good() const { return is_good_; }
  bool is_at_end() const { return is_good_ && bytes_.empty(); }

private:
  bool take(uint64_t size) {
    is_good_ = is_good_ && size <= bytes_.size();
    taken_ = is_good_ ? bytes_.substr(0, size) : std::string_view();
    bytes_.remove_prefix(taken_.size());
    return is_good_;
  }

  std::string_view bytes_;
  std::string_view taken_;
  bool is_good_ = true;
};

} // namespace hasten::bindings
