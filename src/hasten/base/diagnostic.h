// Errors for people. Three kinds: what the user wrote, what the machine denied, what Hasten got wrong.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace hasten::base {

enum class Fault : unsigned char { kUser, kMachine, kInternal };

struct SourcePoint {
  std::string file;
  std::string function;
  std::string text; // the source line
  int line = 0;
  int column = 0;     // 0-based
  int end_column = 0; // on the same line; 0: unknown
};

// A message with the place that it is about. what() is the whole text: file and line, the source line with a caret, the message, the way
// out.
class Diagnostic : public std::exception {
public:
  Diagnostic(Fault fault, std::string message, std::string way_out = {});

  Diagnostic& at(SourcePoint point);  // the place itself; only the first call counts
  Diagnostic& note(std::string line); // one more line below

  const char* what() const noexcept override;
  Fault fault() const { return fault_; }
  const std::string& message() const { return message_; }
  const SourcePoint& point() const { return point_; }
  bool has_point() const { return point_.line > 0; }

private:
  void render();

  Fault fault_;
  std::string message_;
  std::string way_out_;
  SourcePoint point_;
  std::vector<std::string> notes_;
  std::string rendered_;
};

// For what can only be a mistake of ours.
[[noreturn]] void internal_error(const std::string& what);

} // namespace hasten::base
