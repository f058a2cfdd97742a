#include "model/principal_limits.hpp"

#include <algorithm>

namespace bourse {

namespace {
constexpr Duration kSecond = Duration::seconds(1);
}

bool PrincipalLimits::take_call(const std::string& principal, Instant now) {
  if (config_.calls_per_second == 0) return true;
  if (now >= sweep_at_) forget_idle(now);
  Row& row = rows_[principal];
  const Duration price = kSecond / std::int64_t{config_.calls_per_second};
  const Instant paid = std::max(row.paid_until, now) + price;
  if (paid - now > kSecond) return false;
  row.paid_until = paid;
  return true;
}

// Each second, so that names which come and go cost no more than a second's calls.
void PrincipalLimits::forget_idle(Instant now) {
  std::erase_if(rows_, [now](const auto& entry) {
    return entry.second.streams == 0 && entry.second.paid_until <= now;
  });
  sweep_at_ = now + kSecond;
}

bool PrincipalLimits::open_stream(const std::string& principal) {
  if (config_.streams == 0) return true;
  Row& row = rows_[principal];
  if (row.streams >= config_.streams) return false;
  ++row.streams;
  return true;
}

void PrincipalLimits::close_stream(const std::string& principal) {
  if (config_.streams == 0) return;
  const auto it = rows_.find(principal);
  if (it == rows_.end() || it->second.streams == 0) return;
  --it->second.streams;
}

}  // namespace bourse
