#include "examples/crawler/fetch/answer.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace bourse::crawler {

Outcome outcome_of_status(std::uint32_t status, bool has_location, bool has_retry_after) {
  if (status >= 200 && status < 300) return Outcome::ok;
  if (status >= 300 && status < 400) return has_location ? Outcome::redirect : Outcome::refused;
  if (status == 404 || status == 410) return Outcome::gone;
  if (status == 429 || (status == 503 && has_retry_after)) return Outcome::throttled;
  if (status == 408) return Outcome::timeout;
  if (status >= 400 && status < 500) return Outcome::refused;
  return Outcome::server_error;
}

Duration parse_retry_after(std::string_view value, std::int64_t unix_now_s) {
  constexpr std::int64_t kLongest = 3'600;
  std::int64_t seconds = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (parsed.ec != std::errc{} || parsed.ptr != value.data() + value.size()) {
    const time_t date = curl_getdate(std::string(value).c_str(), nullptr);
    if (date < 0) return Duration{};
    seconds = static_cast<std::int64_t>(date) - unix_now_s;
  }
  return Duration::seconds(std::clamp<std::int64_t>(seconds, 0, kLongest));
}

}  // namespace bourse::crawler
