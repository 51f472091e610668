// What Hasten says about its own work, for those who look for a problem. HASTEN_LOG=error, warning, info or debug; silent without it.
#pragma once

#include <optional>
#include <string_view>

namespace hasten::base {

enum class LogLevel : int { kSilent, kError, kWarning, kInfo, kDebug };

// The level of that name, or nothing.
std::optional<LogLevel> log_level_from_name(std::string_view name);

// The first question reads HASTEN_LOG; set_log_level overrules it. Both may be called from any thread.
bool log_enabled(LogLevel level);
void set_log_level(LogLevel level);

// Writes "hasten[pid] debug: message" to standard error if that level is enabled, as one write, so that lines of threads and processes
// don't mix. Where the message costs something to make, ask log_enabled first.
void log(LogLevel level, std::string_view message);

} // namespace hasten::base
