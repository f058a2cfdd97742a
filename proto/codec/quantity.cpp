#include "proto/codec/quantity.hpp"

#include <charconv>
#include <cmath>

#include "model/limits.hpp"

namespace bourse::codec {

std::string shown(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value);
  return std::string(text, end.ptr);
}

Result<std::int64_t> milli_from_double(double value, const FieldPath& at) {
  if (!(value >= 0) || std::isinf(value)) {
    return invalid("'" + at.text() + "' is " + shown(value) +
                   ": a quantity must be a number from 0 on");
  }
  const double milli = std::round(value * 1000);
  if (milli > static_cast<double>(limits::kMaxScalarMilli)) {
    return invalid("'" + at.text() + "' is " + shown(value) + ": a quantity is at most 1e12");
  }
  return static_cast<std::int64_t>(milli);
}

double double_from_milli(std::int64_t milli) {
  return static_cast<double>(milli) / 1000;
}

Result<Duration> duration_from_seconds(double seconds, Duration most, const FieldPath& at) {
  if (!(seconds >= 0)) {
    return invalid("'" + at.text() + "' is " + shown(seconds) +
                   ": a time in seconds must be a number from 0 on");
  }
  const long double ns = static_cast<long double>(seconds) * 1e9L;
  if (ns >= static_cast<long double>(most.ns)) return most;
  return Duration{std::llroundl(ns)};
}

double seconds_from_duration(Duration duration) {
  return static_cast<double>(static_cast<long double>(duration.ns) / 1e9L);
}

Result<Duration> duration_from_ns(std::int64_t ns, Duration most, const FieldPath& at) {
  if (ns < 0) {
    return invalid("'" + at.text() + "' is " + std::to_string(ns) +
                   ": a duration must not be negative");
  }
  return ns > most.ns ? most : Duration{ns};
}

WallTime wall_from_seconds(double seconds) {
  constexpr double kYear2200 = 7258118400.0;
  if (!(seconds >= 0 && seconds < kYear2200)) return {};
  return {std::llroundl(static_cast<long double>(seconds) * 1e9L)};
}

double seconds_from_wall(WallTime time) {
  return static_cast<double>(static_cast<long double>(time.ns) / 1e9L);
}

}  // namespace bourse::codec
