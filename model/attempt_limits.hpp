// AttemptLimits: how often an address may give a wrong password for an account. Some at once, then
// one per interval; while they are used up no attempt counts, not even a right one: else whoever
// guesses would learn all the same. Accounts are apart, so that a stranger's guesses behind a
// proxy shut out nobody but those whose names were guessed at.
//
// Value, one thread. Bounded: of more rows than may be, the one that would be forgotten first goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/time.hpp"
#include "model/credential.hpp"

namespace bourse {

struct AttemptLimitsConfig {
  std::uint32_t at_once = 10;
  Duration every = Duration::seconds(1);
  std::size_t rows = limits::kMaxAttemptRows;
};

class AttemptLimits {
 public:
  explicit AttemptLimits(AttemptLimitsConfig config = {}) : config_(config) {}

  // `account`: any number that stands for one.
  bool may_try(const std::string& address, std::size_t account, Instant now) const;
  void failed(const std::string& address, std::size_t account, Instant now);
  // One that was counted beforehand was none.
  void forgive(const std::string& address, std::size_t account);

  std::size_t rows() const { return rows_.size(); }

 private:
  using Key = std::pair<std::string, std::size_t>;

  void make_room(Instant now);

  AttemptLimitsConfig config_;
  std::map<Key, Instant> rows_;  // until when its failures are paid off
};

}  // namespace bourse
