#include "api/logging_level.hpp"

#include <algorithm>

#include "runtime/log_level.hpp"

namespace bourse::api {

namespace {

// Longer than any search for a fault, and short enough to be added to any instant.
constexpr Duration kLongest = Duration::seconds(365 * 86'400);

}  // namespace

LoggingLevel::~LoggingLevel() {
  if (level_ != 0) runtime::set_log_level(runtime::log_level_at_start());
}

Status LoggingLevel::set(std::uint32_t level, Duration span) {
  if (span < Duration()) {
    return invalid("set_logging_level.duration: is " + std::to_string(span.ns) +
                   " ns; it must not be below 0");
  }
  end();
  if (level == 0 || span == Duration()) return {};
  level_ = level;
  const auto wanted = level == 1 ? runtime::LogLevel::debug : runtime::LogLevel::trace;
  runtime::set_log_level(std::min(wanted, runtime::log_level_at_start()));
  runtime::log_info("more is logged for a while",
                    {{"level", level}, {"seconds", span.ms() / 1'000}});
  timer_ = loop_.after(std::min(span, kLongest), [this] { end(); });
  return {};
}

void LoggingLevel::end() {
  timer_.cancel();
  if (level_ == 0) return;
  level_ = 0;
  runtime::log_info("no more is logged than at the start");
  runtime::set_log_level(runtime::log_level_at_start());
}

}  // namespace bourse::api
