#include "runtime/units.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace bourse::runtime {
namespace {

struct Amount {
  double number = 0;
  std::string_view unit;
};

std::optional<Amount> split(std::string_view text) {
  Amount amount;
  const char* const last = text.data() + text.size();
  const auto [end, error] =
      std::from_chars(text.data(), last, amount.number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(amount.number)) return std::nullopt;
  amount.unit = std::string_view(end, static_cast<std::size_t>(last - end));
  while (amount.unit.starts_with(' ')) amount.unit.remove_prefix(1);
  return amount;
}

struct DurationUnit {
  std::string_view name;
  std::int64_t ns;
};

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::array<DurationUnit, 22> kDurationUnits = {{
    {"ns", 1},
    {"us", 1'000},
    {"ms", 1'000'000},
    {"secs", kSecond},
    {"sec", kSecond},
    {"s", kSecond},
    {"mins", 60 * kSecond},
    {"min", 60 * kSecond},
    {"m", 60 * kSecond},
    {"hrs", 3600 * kSecond},
    {"hr", 3600 * kSecond},
    {"h", 3600 * kSecond},
    {"days", 86400 * kSecond},
    {"day", 86400 * kSecond},
    {"d", 86400 * kSecond},
    {"weeks", 604800 * kSecond},
    {"week", 604800 * kSecond},
    {"w", 604800 * kSecond},
    {"seconds", kSecond},
    {"minutes", 60 * kSecond},
    {"hours", 3600 * kSecond},
    {"milliseconds", 1'000'000},
}};

constexpr std::array<std::pair<std::string_view, int>, 14> kByteUnits = {{
    {"B", 0},
    {"KB", 10},
    {"MB", 20},
    {"GB", 30},
    {"TB", 40},
    {"KiB", 10},
    {"MiB", 20},
    {"GiB", 30},
    {"TiB", 40},
    {"K", 10},
    {"M", 20},
    {"G", 30},
    {"T", 40},
    {"", 0},
}};

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const Error bad = invalid("'" + std::string(text) +
                            "' is not a duration: a number and ns, us, ms, secs, mins, hrs, days "
                            "or weeks are expected, as in 5secs");
  const auto amount = split(text);
  if (!amount) return bad;
  if (amount->number < 0) return invalid("the duration '" + std::string(text) + "' is negative");
  for (const auto& [name, ns] : kDurationUnits) {
    if (name != amount->unit) continue;
    const double total = amount->number * static_cast<double>(ns);
    if (total >= 9.2e18) return invalid("the duration '" + std::string(text) + "' is too long");
    return Duration::nanoseconds(static_cast<std::int64_t>(std::llround(total)));
  }
  return bad;
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  const Error bad = invalid("'" + std::string(text) +
                            "' is not a size: a number and B, KB, MB, GB or TB are expected, as in "
                            "64MB");
  const auto amount = split(text);
  if (!amount) return bad;
  if (amount->number < 0) return invalid("the size '" + std::string(text) + "' is negative");
  for (const auto& [name, shift] : kByteUnits) {
    if (name != amount->unit) continue;
    const double total = std::ldexp(amount->number, shift);
    if (total >= 9.2e18) return invalid("the size '" + std::string(text) + "' is too large");
    return static_cast<std::uint64_t>(std::llround(total));
  }
  return bad;
}

std::string duration_text(Duration duration) {
  static constexpr std::array<DurationUnit, 8> kUnits = {{{"weeks", 604800 * kSecond},
                                                          {"days", 86400 * kSecond},
                                                          {"hrs", 3600 * kSecond},
                                                          {"mins", 60 * kSecond},
                                                          {"secs", kSecond},
                                                          {"ms", 1'000'000},
                                                          {"us", 1'000},
                                                          {"ns", 1}}};
  if (duration.ns == 0) return "0secs";
  for (const auto& [name, ns] : kUnits) {
    if (duration.ns % ns == 0) return std::to_string(duration.ns / ns) + std::string(name);
  }
  return {};
}

}  // namespace bourse::runtime
