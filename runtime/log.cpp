#include "runtime/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>

#include "runtime/log_level.hpp"

namespace bourse::runtime {
namespace {

constexpr std::array<std::pair<std::string_view, LogLevel>, 6> kLevels = {{
    {"trace", LogLevel::trace},
    {"debug", LogLevel::debug},
    {"info", LogLevel::info},
    {"warning", LogLevel::warning},
    {"error", LogLevel::error},
    {"off", LogLevel::off},
}};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return spdlog::level::trace;
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::off:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

struct Sink {
  std::mutex mutex;  // guards replacement only; spdlog's sinks lock themselves
  LogOptions options;
  std::shared_ptr<spdlog::logger> logger;
};

std::shared_ptr<spdlog::logger> make_logger(const LogOptions& options, spdlog::sink_ptr sink) {
  auto logger = std::make_shared<spdlog::logger>(options.program, std::move(sink));
  logger->set_level(to_spdlog(options.level));
  logger->set_pattern(options.program.empty() ? "%Y-%m-%dT%H:%M:%S.%f%z %L %v"
                                              : "%Y-%m-%dT%H:%M:%S.%f%z %L %n %v");
  logger->flush_on(spdlog::level::trace);
  logger->set_error_handler([](const std::string&) {});
  return logger;
}

Sink& sink() {
  // Leaked: threads may still log while static objects are being destroyed.
  static Sink* const instance = [] {
    auto* made = new Sink;
    made->logger = make_logger({}, std::make_shared<spdlog::sinks::stderr_sink_mt>());
    return made;
  }();
  return *instance;
}

std::shared_ptr<spdlog::logger> current() {
  Sink& s = sink();
  const std::lock_guard lock(s.mutex);
  return s.logger;
}

bool names_a_secret(std::string_view key) {
  static constexpr std::array<std::string_view, 5> kSecret = {"secret", "token", "password",
                                                              "authorization", "private_key"};
  return std::any_of(kSecret.begin(), kSecret.end(), [&](std::string_view word) {
    return key.find(word) != std::string_view::npos;
  });
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

void append_escaped(std::string& out, std::string_view text, bool quoted) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (is_control(c)) {
      const auto byte = static_cast<unsigned char>(c);
      out += "\\x";
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    } else {
      if (quoted && (c == '"' || c == '\\')) out.push_back('\\');
      out.push_back(c);
    }
  }
}

void append_value(std::string& out, std::string_view value) {
  const bool quote = value.empty() || std::any_of(value.begin(), value.end(), [](char c) {
                       return is_control(c) || c == ' ' || c == '"' || c == '=' || c == '\\';
                     });
  if (quote) out.push_back('"');
  append_escaped(out, value, quote);
  if (quote) out.push_back('"');
}

}  // namespace

Status log_open(const LogOptions& options) {
  std::shared_ptr<spdlog::logger> logger;
  try {
    spdlog::sink_ptr target;
    if (options.path.empty()) {
      target = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      target = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.path);
    }
    logger = make_logger(options, std::move(target));
  } catch (const std::exception& error) {
    return Error{ErrorCode::io, "cannot open the log file '" + options.path + "': " + error.what()};
  }
  Sink& s = sink();
  const std::lock_guard lock(s.mutex);
  s.options = options;
  s.logger = std::move(logger);
  return {};
}

Status log_reopen() {
  LogOptions options;
  {
    Sink& s = sink();
    const std::lock_guard lock(s.mutex);
    options = s.options;
  }
  return options.path.empty() ? Status() : log_open(options);
}

Result<LogLevel> parse_log_level(std::string_view name) {
  for (const auto& [text, level] : kLevels) {
    if (text == name) return level;
  }
  return invalid("log level '" + std::string(name) +
                 "' is not one of trace, debug, info, warning, error, off");
}

LogLevel log_level_at_start() {
  Sink& s = sink();
  const std::lock_guard lock(s.mutex);
  return s.options.level;
}

void set_log_level(LogLevel level) {
  current()->set_level(to_spdlog(level));
}

bool log_enabled(LogLevel level) {
  return current()->should_log(to_spdlog(level));
}

std::string render_log_line(std::string_view message, LogFields fields) {
  std::string line;
  append_escaped(line, message, false);
  for (const LogField& field : fields) {
    line.push_back(' ');
    line += field.key;
    line.push_back('=');
    append_value(
        line, names_a_secret(field.key) ? std::string_view("***") : std::string_view(field.value));
  }
  return line;
}

void log(LogLevel level, std::string_view message, LogFields fields) {
  const auto logger = current();
  if (!logger->should_log(to_spdlog(level))) return;
  const std::string line = render_log_line(message, fields);
  logger->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace bourse::runtime
