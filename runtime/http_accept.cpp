#include "runtime/http_accept.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "runtime/http_message.hpp"

namespace bourse::runtime {
namespace {

// The part before the next separator, which is taken off with it.
std::string_view next_part(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

// Of what follows an entry's name: ";charset=x;q=0.5".
bool takes(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view one = next_part(parameters, ';');
    if (!one.starts_with("q=") && !one.starts_with("Q=")) continue;
    const std::string_view value = one.substr(2);
    double q = 0;
    const auto [rest, wrong] = std::from_chars(value.data(), value.data() + value.size(), q);
    return wrong == std::errc() && rest == value.data() + value.size() && q > 0;
  }
  return true;
}

}  // namespace

bool header_accepts(std::string_view header, std::initializer_list<std::string_view> candidates) {
  std::string packed(header);
  std::erase_if(packed, [](char c) { return c == ' ' || c == '\t'; });
  for (const std::string_view candidate : candidates) {
    std::string_view rest = packed;
    while (!rest.empty()) {
      std::string_view entry = next_part(rest, ',');
      if (same_header_name(next_part(entry, ';'), candidate)) return takes(entry);
    }
  }
  return false;
}

}  // namespace bourse::runtime
