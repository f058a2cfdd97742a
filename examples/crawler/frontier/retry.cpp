#include "examples/crawler/frontier/retry.hpp"

#include <algorithm>

namespace bourse::crawler {

RetryRule retry_rule(Outcome outcome) {
  constexpr auto kMs = [](std::int64_t ms) { return Duration::milliseconds(ms); };
  switch (outcome) {
    case Outcome::throttled:
      return {10, kMs(1'000), true};
    case Outcome::server_error:
      return {5, kMs(500), false};
    case Outcome::timeout:
      return {3, kMs(1'000), false};
    case Outcome::dns:
      return {3, kMs(1'000), true};
    case Outcome::connect:
      return {4, kMs(500), true};
    case Outcome::truncated:
    case Outcome::bad_encoding:
      return {3, kMs(500), false};
    case Outcome::lost:
      return {10, kMs(0), false};
    default:
      // Gone, refused, too large, too slow, loops, traps: asking again brings the same.
      return {1, kMs(0), false};
  }
}

Duration retry_wait(const RetryRule& rule, std::uint32_t attempt, Duration retry_after) {
  const std::uint32_t doublings = std::min<std::uint32_t>(attempt == 0 ? 0 : attempt - 1, 10);
  return std::max(rule.first_wait * (1LL << doublings), retry_after);
}

}  // namespace bourse::crawler
