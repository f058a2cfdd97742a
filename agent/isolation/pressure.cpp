#include "agent/isolation/pressure.hpp"

#include <string>

#include "agent/isolation/kernel_file.hpp"

namespace bourse::isolation {

// "some avg10=1.53 avg60=..." stands first.
std::optional<std::int64_t> waited_permille(std::string_view text) {
  constexpr std::string_view kStart = "some avg10=";
  if (!text.starts_with(kStart)) return std::nullopt;
  text.remove_prefix(kStart.size());
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos || point + 1 >= text.size()) return std::nullopt;
  const auto percent = parse_number(text.substr(0, point));
  const char tenth = text[point + 1];
  if (!percent || *percent < 0 || *percent > 100 || tenth < '0' || tenth > '9') {
    return std::nullopt;
  }
  return *percent * 10 + (tenth - '0');
}

std::optional<std::int64_t> machine_pressure(std::string_view what) {
  const auto text = read_file("/proc/pressure/" + std::string(what));
  if (!text) return std::nullopt;
  return waited_permille(*text);
}

}  // namespace bourse::isolation
