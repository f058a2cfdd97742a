// Structured log lines: a level, a fixed sentence and key=value fields, to stderr or a file
// (spdlog behind). Any thread. Control characters in values are escaped, so a value cannot forge a
// line; values of keys that name a secret (secret, token, password, authorization, private_key) are
// never written. Before log_open() lines go to stderr at level info. Logging never fails a caller.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace bourse::runtime {

enum class LogLevel { trace, debug, info, warning, error, off };

struct LogField {
  std::string_view key;
  std::string value;

  LogField(std::string_view key_arg, std::string_view text) : key(key_arg), value(text) {}
  LogField(std::string_view key_arg, const std::string& text) : key(key_arg), value(text) {}
  LogField(std::string_view key_arg, const char* text) : key(key_arg), value(text) {}
  LogField(std::string_view key_arg, bool flag) : key(key_arg), value(flag ? "true" : "false") {}
  template <typename T>
  requires(std::integral<T> || std::floating_point<T>) LogField(std::string_view key_arg, T number)
      : key(key_arg), value(std::to_string(number)) {}
};

struct LogOptions {
  LogLevel level = LogLevel::info;
  std::string path = {};     // empty: stderr
  std::string program = {};  // shown in each line if not empty
};

Status log_open(const LogOptions& options);
// Opens the file anew (after a rotation); nothing for stderr.
Status log_reopen();
Result<LogLevel> parse_log_level(std::string_view name);
bool log_enabled(LogLevel level);

using LogFields = std::initializer_list<LogField>;
void log(LogLevel level, std::string_view message, LogFields fields = {});

inline void log_debug(std::string_view message, LogFields fields = {}) {
  if (log_enabled(LogLevel::debug)) log(LogLevel::debug, message, fields);
}
inline void log_info(std::string_view message, LogFields fields = {}) {
  log(LogLevel::info, message, fields);
}
inline void log_warning(std::string_view message, LogFields fields = {}) {
  log(LogLevel::warning, message, fields);
}
inline void log_error(std::string_view message, LogFields fields = {}) {
  log(LogLevel::error, message, fields);
}

// The text of one line without its time stamp, as log() writes it. For tests.
std::string render_log_line(std::string_view message, LogFields fields);

}  // namespace bourse::runtime
