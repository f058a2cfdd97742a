#include "cli/replay_time.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace bourse::cli {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// The digits at `at`, as many as are wanted; -1 if there are fewer.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

std::string utc_text(WallTime time) {
  std::int64_t seconds = time.ns / kSecond;
  std::int64_t rest = time.ns % kSecond;
  if (rest < 0) {
    rest += kSecond;
    --seconds;
  }
  const auto clock = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&clock, &parts);
  std::array<char, 32> day{};
  std::strftime(day.data(), day.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 48> out{};
  std::snprintf(out.data(), out.size(), "%s.%03dZ", day.data(), static_cast<int>(rest / 1'000'000));
  return out.data();
}

Result<WallTime> parse_utc(std::string_view text) {
  const auto wrong = [&] {
    return invalid("'" + std::string(text) +
                   "' is neither the number of an event nor a time like 2026-01-31T12:00:00Z");
  };
  std::string_view left = text;
  if (left.ends_with('Z')) left.remove_suffix(1);
  std::tm parts{};
  parts.tm_year = digits(left, 0, 4) - 1900;
  parts.tm_mon = digits(left, 5, 2) - 1;
  parts.tm_mday = digits(left, 8, 2);
  parts.tm_hour = digits(left, 11, 2);
  parts.tm_min = digits(left, 14, 2);
  parts.tm_sec = digits(left, 17, 2);
  const bool shaped = left.size() >= 19 && left[4] == '-' && left[7] == '-' && left[10] == 'T' &&
                      left[13] == ':' && left[16] == ':';
  if (!shaped || parts.tm_year < 70 || parts.tm_year > 300 || parts.tm_mon < 0 ||
      parts.tm_mon > 11 || parts.tm_mday < 1 || parts.tm_mday > 31 || parts.tm_hour < 0 ||
      parts.tm_hour > 23 || parts.tm_min < 0 || parts.tm_min > 59 || parts.tm_sec < 0 ||
      parts.tm_sec > 60) {
    return wrong();
  }
  std::int64_t fraction = 0;
  if (left.size() > 19) {
    if (left[19] != '.' || left.size() == 20 || left.size() > 29) return wrong();
    std::int64_t unit = kSecond;
    for (const char c : left.substr(20)) {
      if (c < '0' || c > '9') return wrong();
      unit /= 10;
      fraction += (c - '0') * unit;
    }
  }
  return WallTime{static_cast<std::int64_t>(::timegm(&parts)) * kSecond + fraction};
}

}  // namespace bourse::cli
