#include "hasten/base/log.h"

#include <array>
#include <atomic>
#include <cstdlib>
#include <string>
#include <unistd.h>

namespace hasten::base {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"silent", "error", "warning", "info", "debug"};

LogLevel level_from_environment() {
  const char* name = std::getenv("HASTEN_LOG");
  return name == nullptr ? LogLevel::kSilent : log_level_from_name(name).value_or(LogLevel::kWarning);
}

std::atomic<LogLevel>& current_level() {
  static std::atomic<LogLevel> level = level_from_environment();
  return level;
}

} // namespace

std::optional<LogLevel> log_level_from_name(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) {
      return static_cast<LogLevel>(i);
    }
  }
  return std::nullopt;
}

bool log_enabled(LogLevel level) { return level <= current_level().load(std::memory_order_relaxed) && level != LogLevel::kSilent; }

void set_log_level(LogLevel level) { current_level().store(level, std::memory_order_relaxed); }

void log(LogLevel level, std::string_view message) {
  if (!log_enabled(level)) {
    return;
  }
  std::string line = "hasten[" + std::to_string(::getpid()) + "] ";
  line.append(kNames[static_cast<size_t>(level)]).append(": ").append(message).append("\n");
  // A log that can't be written must not stop the work that it tells of.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

} // namespace hasten::base
