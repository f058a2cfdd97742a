// SET_LOGGING_LEVEL and GET_LOGGING_LEVEL: for a while a daemon logs more than --log-level says.
// Level 0 is that, 1 is debug, more is everything. I/O thread.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "base/time.hpp"
#include "runtime/loop.hpp"

namespace bourse::api {

class LoggingLevel {
 public:
  explicit LoggingLevel(runtime::Loop& loop) : loop_(loop) {}
  ~LoggingLevel();

  // What was set before ends.
  Status set(std::uint32_t level, Duration span);
  std::uint32_t level() const { return level_; }

 private:
  void end();

  runtime::Loop& loop_;
  runtime::Timer timer_;
  std::uint32_t level_ = 0;
};

}  // namespace bourse::api
