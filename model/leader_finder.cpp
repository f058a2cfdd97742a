#include "model/leader_finder.hpp"

#include <algorithm>

#include "base/overloaded.hpp"
#include "base/prng.hpp"

namespace bourse {

namespace {

// Names from hints are remembered while they are distrusted; a lying master costs no more.
constexpr std::size_t kMostDistrusted = 64;

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5) return false;
  std::uint32_t port = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    port = port * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return port > 0 && port <= 65535;
}

}  // namespace

Result<std::vector<std::string>> parse_masters(std::string_view text, std::string_view flag) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view entry = text.substr(begin, end - begin);
    const std::size_t colon = entry.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || !is_port(entry.substr(colon + 1))) {
      return invalid(std::string(flag) + ": '" + std::string(entry) +
                     "' is not host:port of a master; several are joined with commas");
    }
    out.emplace_back(entry);
    begin = end + 1;
  }
  return out;
}

LeaderFinder::LeaderFinder(std::vector<std::string> addresses, std::uint64_t seed,
                           LeaderFinderConfig config)
    : config_(config), addresses_(std::move(addresses)), seed_(seed) {
  // Not all of a crowd begin with the same master.
  if (!addresses_.empty()) index_ = splitmix64(seed_) % addresses_.size();
}

std::optional<std::string> LeaderFinder::step(Instant now, const FinderInput& input) {
  return std::visit(Overloaded{
                        [&](const finder::Started&) { return next(now); },
                        [&](const finder::Connected&) -> std::optional<std::string> {
                          if (phase_ != Phase::connecting) return std::nullopt;
                          phase_ = Phase::asking;
                          deadline_ = now + config_.answer_timeout;
                          return std::nullopt;
                        },
                        [&](const finder::Registered&) -> std::optional<std::string> {
                          phase_ = Phase::registered;
                          deadline_ = Instant::max();
                          tried_ = rounds_ = hops_ = 0;
                          failed_until_.clear();
                          return std::nullopt;
                        },
                        [&](const finder::Lost&) -> std::optional<std::string> {
                          if (phase_ == Phase::idle || phase_ == Phase::pausing)
                            return std::nullopt;
                          return failed(now);
                        },
                        [&](const finder::Elsewhere& e) { return on_elsewhere(now, e.leader); },
                        [&](const finder::Here&) -> std::optional<std::string> {
                          if (phase_ == Phase::idle || phase_ == Phase::pausing)
                            return std::nullopt;
                          doubted_.clear();
                          phase_ = Phase::asking;
                          deadline_ = now + config_.answer_timeout;
                          return std::nullopt;
                        },
                        [&](const finder::Learned& e) { return on_learned(now, e.leader); },
                        [&](const finder::Tick&) -> std::optional<std::string> {
                          if (now < deadline_) return std::nullopt;
                          if (phase_ == Phase::pausing) return next(now);
                          if (phase_ == Phase::standing_by && !doubted_.empty())
                            return go(now, doubted_);
                          return failed(now);
                        },
                    },
                    input);
}

std::optional<std::string> LeaderFinder::on_elsewhere(Instant now, const std::string& leader) {
  if (phase_ == Phase::idle || phase_ == Phase::pausing) return std::nullopt;
  if (leader.empty() || distrusted(now, leader)) {
    // It will say so when somebody leads. Whoever is named after nobody was is news.
    if (leader.empty()) {
      failed_until_.clear();
      hops_ = 0;
    }
    phase_ = Phase::standing_by;
    doubted_ = leader;
    deadline_ = now + config_.standby_timeout;
    if (!leader.empty()) deadline_ = std::min(deadline_, failed_until_.at(leader));
    return std::nullopt;
  }
  if (++hops_ > config_.most_hops) {
    hops_ = 0;
    return failed(now);
  }
  return go(now, leader);
}

std::optional<std::string> LeaderFinder::on_learned(Instant now, const std::string& leader) {
  learned_ = leader;
  const bool busy =
      phase_ == Phase::registered || phase_ == Phase::asking || phase_ == Phase::connecting;
  if (leader.empty() || (busy && leader == address_)) return std::nullopt;
  if (!distrusted(now, leader)) return go(now, leader);
  if (!busy && addresses_.empty()) {
    phase_ = Phase::pausing;
    deadline_ = failed_until_.at(leader);
  }
  return std::nullopt;
}

bool LeaderFinder::distrusted(Instant now, const std::string& address) const {
  const auto it = failed_until_.find(address);
  return it != failed_until_.end() && now < it->second;
}

std::optional<std::string> LeaderFinder::go(Instant now, std::string address) {
  address_ = std::move(address);
  doubted_.clear();
  phase_ = Phase::connecting;
  deadline_ = now + config_.connect_timeout;
  return address_;
}

std::optional<std::string> LeaderFinder::failed(Instant now) {
  std::erase_if(failed_until_, [&](const auto& entry) { return entry.second <= now; });
  if (failed_until_.size() < kMostDistrusted) {
    failed_until_[address_] = now + config_.distrust;
  }
  if (!addresses_.empty() && ++tried_ < addresses_.size()) return next(now);
  tried_ = 0;
  phase_ = Phase::pausing;
  deadline_ = now + pause();
  return std::nullopt;
}

// Every address in turn, distrusted or not: an operator named it.
std::optional<std::string> LeaderFinder::next(Instant now) {
  if (addresses_.empty()) {
    if (!learned_.empty()) return go(now, learned_);
    phase_ = Phase::pausing;
    deadline_ = Instant::max();  // until ZooKeeper tells
    return std::nullopt;
  }
  std::string address = addresses_[index_];
  index_ = (index_ + 1) % addresses_.size();
  return go(now, std::move(address));
}

Duration LeaderFinder::pause() {
  Duration most = config_.pause_min;
  for (std::uint32_t i = 0; i < rounds_ && most < config_.pause_max; ++i) most = most * 2;
  most = std::min(most, config_.pause_max);
  ++rounds_;
  const auto half = static_cast<std::uint64_t>(most.ns / 2);
  return Duration{static_cast<std::int64_t>(half + splitmix64(seed_) % (half + 1))};
}

}  // namespace bourse
