// What a client and the server of programs say to each other over a stream socket. Both run on one machine and come from one build, so
// numbers are in its byte order. A message is its length (8 bytes, of what follows), its kind (1 byte) and its body; a string is its
// length (8 bytes) and its bytes; a list of strings is their count (8 bytes) and the strings. Beside the socket they share a counter of the
// commands that the server has begun, in the order in which it was sent them: where the server is killed, the client knows which ran.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hasten::programs {

// The descriptor of the file with that counter, a uint64_t, when the server starts.
constexpr int kCounterDescriptor = 3;

enum class Kind : char { kRun = 'R', kOutput = 'O', kDone = 'D' };

enum class OutputMode : uint8_t { kCapture, kFile, kPass };

// A command to run. In the message, in this order: all members as they stand here.
struct Request {
  uint64_t index = 0;
  int64_t timeout = -1; // nanoseconds; negative: none
  int64_t grace = 0;    // nanoseconds between SIGTERM and SIGKILL
  OutputMode mode = OutputMode::kCapture;
  bool kills_tree = true;
  bool halts = false;           // where it fails, everything is cancelled
  bool has_environment = false; // else the server's own
  std::vector<std::string> arguments;
  std::vector<std::string> environment; // "name=value"
  std::string directory;                // empty: the server's own
  std::string input;                    // empty: nothing to read
  std::string output_path;              // of OutputMode::kFile
  std::string error_path;
};

enum class Failure : uint8_t { kNone, kProgram, kDirectory, kFile };

// How a command ended. In the message, in this order: all members as they stand here.
struct Outcome {
  uint64_t index = 0;
  int32_t status = 0;               // of wait4
  int32_t error = 0;                // errno, where the command was not started
  Failure failure = Failure::kNone; // what was to blame for `error`
  bool timed_out = false;
  int64_t wall_time = 0; // nanoseconds
  int64_t cpu_time = 0;
  int64_t peak_memory = 0; // bytes
};

// Throws a Diagnostic where the body is damaged.
Request read_request(std::string_view body);

void append_output(std::string& to, uint64_t index, uint8_t stream, std::string_view bytes);
void append_outcome(std::string& to, const Outcome& outcome);

// Messages out of a stream of bytes that comes in pieces.
class MessageReader {
public:
  struct Message {
    Kind kind;
    std::string_view body; // until the next call of `add`
  };

  // A place for `size` more bytes, and how many of them came.
  char* room(size_t size);
  void add(size_t size) { end_ += size; }
  // The next message, once it is whole.
  std::optional<Message> next();

private:
  std::string buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

} // namespace hasten::programs
