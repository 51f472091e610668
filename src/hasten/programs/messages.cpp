#include "hasten/programs/messages.h"

#include <algorithm>
#include <cstring>

#include "hasten/base/diagnostic.h"

namespace hasten::programs {
namespace {

class Body {
public:
  explicit Body(std::string_view bytes) : bytes_(bytes) {}

  template <typename Number> Number number() {
    Number value;
    const std::string_view bytes = take(sizeof value);
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }
  std::string text() { return std::string(take(number<uint64_t>())); }
  std::vector<std::string> texts() {
    std::vector<std::string> all;
    for (auto left = number<uint64_t>(); left > 0; --left) {
      all.push_back(text());
    }
    return all;
  }

private:
  std::string_view take(size_t size) {
    if (size > bytes_.size()) {
      base::internal_error("A message to the server of programs is too short");
    }
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  std::string_view bytes_;
};

template <typename Number> void append(std::string& to, Number value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  to.append(bytes, sizeof value);
}

void append_head(std::string& to, Kind kind, uint64_t body_size) {
  append(to, 1 + body_size);
  to.push_back(static_cast<char>(kind));
}

} // namespace

Request read_request(std::string_view body) {
  Body from(body);
  Request request;
  request.index = from.number<uint64_t>();
  request.timeout = from.number<int64_t>();
  request.grace = from.number<int64_t>();
  request.mode = static_cast<OutputMode>(from.number<uint8_t>());
  request.kills_tree = from.number<uint8_t>() != 0;
  request.halts = from.number<uint8_t>() != 0;
  request.has_environment = from.number<uint8_t>() != 0;
  request.arguments = from.texts();
  request.environment = from.texts();
  request.directory = from.text();
  request.input = from.text();
  request.output_path = from.text();
  request.error_path = from.text();
  return request;
}

void append_output(std::string& to, uint64_t index, uint8_t stream, std::string_view bytes) {
  append_head(to, Kind::kOutput, sizeof index + sizeof stream + bytes.size());
  append(to, index);
  append(to, stream);
  to.append(bytes);
}

void append_outcome(std::string& to, const Outcome& outcome) {
  std::string body;
  append(body, outcome.index);
  append(body, outcome.status);
  append(body, outcome.error);
  append(body, outcome.failure);
  append(body, static_cast<uint8_t>(outcome.timed_out));
  append(body, outcome.wall_time);
  append(body, outcome.cpu_time);
  append(body, outcome.peak_memory);
  append_head(to, Kind::kDone, body.size());
  to.append(body);
}

char* MessageReader::room(size_t size) {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  // By doubling: one message may hold the input of a command, of any size.
  if (buffer_.size() < end_ + size) {
    buffer_.resize(std::max(2 * buffer_.size(), end_ + size));
  }
  return buffer_.data() + end_;
}

std::optional<MessageReader::Message> MessageReader::next() {
  uint64_t size = 0;
  if (end_ - begin_ < sizeof size) {
    return std::nullopt;
  }
  std::memcpy(&size, buffer_.data() + begin_, sizeof size);
  if (end_ - begin_ - sizeof size < size) {
    return std::nullopt;
  }
  const std::string_view content(buffer_.data() + begin_ + sizeof size, size);
  begin_ += sizeof size + size;
  if (content.empty()) {
    base::internal_error("A message to the server of programs has no kind");
  }
  return Message{static_cast<Kind>(content.front()), content.substr(1)};
}

} // namespace hasten::programs
