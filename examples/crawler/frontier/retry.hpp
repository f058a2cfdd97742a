// What to do with an address after a failed attempt: one row per class of failure, so that the
// whole policy can be read at a glance. Pure; any thread.
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "examples/crawler/work/work.hpp"

namespace bourse::crawler {

struct RetryRule {
  std::uint32_t attempts = 1;  // in all; 1: never again
  Duration first_wait;         // doubles with each attempt
  bool holds_host = false;     // the whole host waits, not only this address
};

RetryRule retry_rule(Outcome outcome);

// How long to wait after attempt number `attempt` (from 1) failed. A server's Retry-After counts
// when it asks for more.
Duration retry_wait(const RetryRule& rule, std::uint32_t attempt, Duration retry_after);

}  // namespace bourse::crawler
