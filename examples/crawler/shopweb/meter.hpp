// Meter: what one shop saw. Counts requests in every one-second window, exactly: a request is a
// violation when it is the (rate + 1)th or later within less than a second. Guarded by the caller
// (Site holds one lock per shop).
#pragma once

#include <cstdint>
#include <deque>

#include "base/time.hpp"

namespace bourse::crawler::shopweb {

struct MeterCounts {
  std::uint64_t requests = 0;
  std::uint64_t pages = 0;       // answers with status 200 and HTML
  std::uint64_t page_bytes = 0;  // of those, uncompressed
  std::uint64_t rate_violations = 0;
  std::uint64_t disallowed_fetches = 0;
  std::uint32_t peak_per_s = 0;  // most requests within any one second
};

class Meter {
 public:
  explicit Meter(std::uint32_t rate_per_s) : rate_per_s_(rate_per_s) {}

  // Counts a request at `now` (never earlier than the one before); false: over the rate.
  bool admit(Instant now);

  MeterCounts counts;

 private:
  std::uint32_t rate_per_s_;  // 0: no limit
  std::deque<Instant> last_second_;
};

}  // namespace bourse::crawler::shopweb
