#include "model/attempt_limits.hpp"

#include <algorithm>

namespace bourse {

bool AttemptLimits::may_try(const std::string& address, std::size_t account, Instant now) const {
  const auto it = rows_.find({address, account});
  if (it == rows_.end() || it->second <= now) return true;
  return it->second - now <= config_.every * (std::int64_t{config_.at_once} - 1);
}

void AttemptLimits::failed(const std::string& address, std::size_t account, Instant now) {
  Key key{address, account};
  auto it = rows_.find(key);
  if (it == rows_.end()) {
    make_room(now);
    it = rows_.emplace(std::move(key), now).first;
  }
  const Instant most = now + config_.every * std::int64_t{config_.at_once};
  it->second = std::min(std::max(it->second, now) + config_.every, most);
}

void AttemptLimits::forgive(const std::string& address, std::size_t account) {
  const auto it = rows_.find({address, account});
  if (it != rows_.end()) it->second = it->second - config_.every;
}

void AttemptLimits::make_room(Instant now) {
  if (rows_.size() < config_.rows) return;
  std::erase_if(rows_, [now](const auto& row) { return row.second <= now; });
  if (rows_.size() < config_.rows) return;
  rows_.erase(std::min_element(rows_.begin(), rows_.end(),
                               [](const auto& a, const auto& b) { return a.second < b.second; }));
}

}  // namespace bourse
