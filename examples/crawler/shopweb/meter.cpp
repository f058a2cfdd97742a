#include "examples/crawler/shopweb/meter.hpp"

#include <algorithm>

namespace bourse::crawler::shopweb {

bool Meter::admit(Instant now) {
  ++counts.requests;
  while (!last_second_.empty() && now - last_second_.front() >= Duration::seconds(1)) {
    last_second_.pop_front();
  }
  last_second_.push_back(now);
  const auto in_window = static_cast<std::uint32_t>(last_second_.size());
  counts.peak_per_s = std::max(counts.peak_per_s, in_window);
  if (rate_per_s_ == 0 || in_window <= rate_per_s_) return true;
  ++counts.rate_violations;
  return false;
}

}  // namespace bourse::crawler::shopweb
