#include "agent/core/sandbox_retention.hpp"

#include <algorithm>

namespace bourse::agent {

namespace {

constexpr std::int64_t kWhole = 1000;

std::int64_t permille(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return 0;
  const std::uint64_t step = std::max<std::uint64_t>(whole / 1000, 1);  // no overflow on the way
  return std::min(static_cast<std::int64_t>(part / step), kWhole);
}

}  // namespace

Duration SandboxRetention::kept_for() const {
  const std::int64_t left = kWhole - config_.headroom_permille - used_permille_;
  return Duration{config_.delay.ns / kWhole * std::clamp<std::int64_t>(left, 0, kWhole)};
}

void SandboxRetention::step(const RetentionEvent& event, std::vector<std::string>& remove) {
  if (const auto* ended = std::get_if<retention::Ended>(&event.body)) {
    const Instant end = event.now + Duration{-std::max<std::int64_t>(ended->age.ns, 0)};
    if (names_.emplace(ended->sandbox, end).second) by_end_.emplace(end, ended->sandbox);
  } else if (const auto* disk = std::get_if<retention::DiskLooked>(&event.body)) {
    used_permille_ = permille(disk->used_bytes, disk->total_bytes);
  }
  const Duration keep = kept_for();
  while (!by_end_.empty()) {
    const auto oldest = by_end_.begin();
    if (event.now - oldest->first < keep && names_.size() <= config_.most) break;
    remove.push_back(oldest->second);
    names_.erase(oldest->second);
    by_end_.erase(oldest);
  }
}

}  // namespace bourse::agent
