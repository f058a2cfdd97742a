// What to do with an address after a failed attempt: one row per class of failure, so that the
// whole policy can be read at a glance. Pure; any thread.
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "examples/crawler/work/work.hpp"

namespace bourse::crawler {

struct RetryRule {
  // Of the failures that count for this class; 1: never again. A lost worker or a 429 is not the
  // page's fault: those are counted against all attempts, the others only among themselves.
  std::uint32_t attempts = 1;
  bool counts_all = false;
  Duration first_wait;      // doubles with each attempt
  bool holds_host = false;  // the whole host waits, not only this address
};

RetryRule retry_rule(Outcome outcome);

// How long to wait after attempt number `attempt` (from 1) failed. A server's Retry-After counts
// when it asks for more.
Duration retry_wait(const RetryRule& rule, std::uint32_t attempt, Duration retry_after);

}  // namespace bourse::crawler
