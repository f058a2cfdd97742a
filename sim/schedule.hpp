// Schedule: the virtual clock of a simulated world and what happens next. Time jumps to the next
// action; actions of one instant run in the order in which they were asked for. One owner, one
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/time.hpp"

namespace bourse::sim {

class Schedule {
 public:
  using Action = std::function<void()>;

  Instant now() const { return now_; }
  void at(Instant when, Action action) {
    actions_.emplace(std::pair(when < now_ ? now_ : when, ++issued_), std::move(action));
  }
  void in(Duration span, Action action) { at(now_ + span, std::move(action)); }

  // False: nothing is left to happen.
  bool run_one() {
    if (actions_.empty()) return false;
    auto node = actions_.extract(actions_.begin());
    now_ = node.key().first;
    node.mapped()();
    return true;
  }

 private:
  Instant now_{1'000'000'000};
  std::uint64_t issued_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, Action> actions_;
};

}  // namespace bourse::sim
