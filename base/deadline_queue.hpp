// DeadlineQueue<Key>: which key is due next. A key has at most one deadline; arming it again moves
// it. Ties fire in the order of the key, so a run is deterministic. O(log n). Value; one owner.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/time.hpp"

namespace bourse {

template <typename Key>
class DeadlineQueue {
 public:
  void arm(const Key& key, Instant at) {
    auto [it, inserted] = by_key_.try_emplace(key, at);
    if (!inserted) {
      if (it->second == at) return;
      by_time_.erase({it->second, key});
      it->second = at;
    }
    by_time_.emplace(at, key);
  }

  void disarm(const Key& key) {
    const auto it = by_key_.find(key);
    if (it == by_key_.end()) return;
    by_time_.erase({it->second, key});
    by_key_.erase(it);
  }

  // The earliest deadline, Instant::max() when nothing is armed.
  Instant next() const { return by_time_.empty() ? Instant::max() : by_time_.begin()->first; }

  // Takes the earliest key whose deadline is at or before now.
  std::optional<Key> pop_due(Instant now) {
    if (by_time_.empty() || by_time_.begin()->first > now) return std::nullopt;
    Key key = by_time_.begin()->second;
    by_time_.erase(by_time_.begin());
    by_key_.erase(key);
    return key;
  }

  std::optional<Instant> deadline_of(const Key& key) const {
    const auto it = by_key_.find(key);
    return it == by_key_.end() ? std::nullopt : std::optional<Instant>(it->second);
  }

  std::size_t size() const { return by_key_.size(); }
  bool empty() const { return by_key_.empty(); }

 private:
  std::map<Key, Instant> by_key_;
  std::set<std::pair<Instant, Key>> by_time_;
};

}  // namespace bourse
