#include "examples/crawler/frontier/retry.hpp"

#include <algorithm>

namespace bourse::crawler {

RetryRule retry_rule(Outcome outcome) {
  constexpr auto kMs = [](std::int64_t ms) { return Duration::milliseconds(ms); };
  switch (outcome) {
    case Outcome::throttled:
      return {10, true, kMs(1'000), true};
    case Outcome::server_error:
      return {5, false, kMs(500), false};
    // It may be our own machine that is cut off: three attempts outlive an outage of some seconds.
    case Outcome::timeout:
      return {3, false, kMs(5'000), false};
    // Once may be a bad moment of the network; twice is how the site answers.
    case Outcome::too_slow:
      return {2, false, kMs(1'000), false};
    case Outcome::dns:
      return {3, false, kMs(1'000), true};
    case Outcome::connect:
      return {4, false, kMs(500), true};
    case Outcome::truncated:
    case Outcome::bad_encoding:
      return {2, false, kMs(500), false};
    case Outcome::lost:
      return {20, true, kMs(0), false};
    default:
      // Gone, refused, too large, loops, traps: asking again brings the same.
      return {1, false, kMs(0), false};
  }
}

Duration retry_wait(const RetryRule& rule, std::uint32_t attempt, Duration retry_after) {
  const std::uint32_t doublings = std::min<std::uint32_t>(attempt == 0 ? 0 : attempt - 1, 10);
  return std::max(rule.first_wait * (std::int64_t{1} << doublings), retry_after);
}

}  // namespace bourse::crawler
