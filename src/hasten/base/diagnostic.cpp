#include "hasten/base/diagnostic.h"

#include <utility>

namespace hasten::base {

Diagnostic::Diagnostic(Fault fault, std::string message, std::string way_out)
    : fault_(fault), message_(std::move(message)), way_out_(std::move(way_out)) {
  render();
}

Diagnostic& Diagnostic::at(SourcePoint point) {
  if (!has_point()) {
    point_ = std::move(point);
    render();
  }
  return *this;
}

Diagnostic& Diagnostic::note(std::string line) {
  notes_.push_back(std::move(line));
  render();
  return *this;
}

const char* Diagnostic::what() const noexcept { return rendered_.c_str(); }

void Diagnostic::render() {
  rendered_.clear();
  if (has_point()) {
    rendered_ += "File \"" + point_.file + "\", line " + std::to_string(point_.line);
    rendered_ += point_.function.empty() ? "\n" : ", in " + point_.function + "\n";
    const size_t indent = point_.text.find_first_not_of(" \t");
    if (indent != std::string::npos) {
      rendered_ += "    " + point_.text.substr(indent) + "\n";
      const auto column = static_cast<size_t>(point_.column);
      if (column >= indent && column <= point_.text.size()) {
        const auto end = static_cast<size_t>(point_.end_column);
        const size_t width = end > column && end <= point_.text.size() ? end - column : 1;
        rendered_ += std::string(4 + column - indent, ' ') + std::string(width, '^') + "\n";
      }
    }
  }
  rendered_ += message_;
  for (const std::string& line : notes_) {
    rendered_ += "\n" + line;
  }
  if (!way_out_.empty()) {
    rendered_ += "\n" + way_out_;
  }
  if (fault_ == Fault::kInternal) {
    rendered_ += "\nThis is a mistake in Hasten, not in your program; please report it with the function above.";
  }
}

void internal_error(const std::string& what) { throw Diagnostic(Fault::kInternal, what); }

} // namespace hasten::base
