// Standstill: whether a process is stopped (SIGSTOP, a machine that swaps), and what it has to do
// when it goes on: everything that reached it meanwhile, in the order of arrival. One owner.
#pragma once

#include <deque>
#include <utility>

#include "sim/schedule.hpp"

namespace bourse::sim {

class Standstill {
 public:
  bool frozen() const { return frozen_; }
  void freeze() { frozen_ = true; }
  // At once, or when the process goes on.
  void run(Schedule::Action action) {
    if (frozen_) {
      held_.push_back(std::move(action));
    } else {
      action();
    }
  }
  void thaw() {
    frozen_ = false;
    while (!frozen_ && !held_.empty()) {
      const Schedule::Action action = std::move(held_.front());
      held_.pop_front();
      action();
    }
  }
  // The process died: it has nothing to do any more.
  void forget() {
    frozen_ = false;
    held_.clear();
  }

 private:
  bool frozen_ = false;
  std::deque<Schedule::Action> held_;
};

}  // namespace bourse::sim
