// UserTimers: what after() of both drivers is. On the loop's thread; a timer may be set by another
// timer's callback, and clear() ends them all.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "runtime/loop.hpp"

namespace bourse::sdk {

class UserTimers {
 public:
  explicit UserTimers(runtime::Loop& loop) : loop_(loop) {}

  void after(std::int64_t delay_ms, std::function<void()> callback) {
    const std::uint64_t number = ++made_;
    timers_[number] = loop_.after(Duration::milliseconds(delay_ms), [this, number, callback] {
      // The timer goes, and with it this lambda, only after it has run.
      loop_.post([this, number] { timers_.erase(number); });
      callback();
    });
  }
  void clear() { timers_.clear(); }

 private:
  runtime::Loop& loop_;
  std::map<std::uint64_t, runtime::Timer> timers_;
  std::uint64_t made_ = 0;
};

}  // namespace bourse::sdk
