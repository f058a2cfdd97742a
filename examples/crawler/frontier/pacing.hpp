// Pacer: when the next request to one host may go out, so that no window *as the server sees it*
// ever holds more than the host allows.
//
// The frontier does not know when a request arrives; it knows that it arrives after it was sent and
// before the first byte of its answer. So a request occupies the window from the moment it is sent
// until one window after its answer began: whatever the network and the workers do in between, any
// two requests that the rule keeps apart are apart at the server too. No guess about latency or
// jitter is involved; slowness costs rate, never a violation.
//
// Part of the frontier's core: no clock, no IO. Value; one owner.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.hpp"
#include "examples/crawler/robots/robots.hpp"
#include "examples/crawler/work/work.hpp"

namespace bourse::crawler {

class Pacer {
 public:
  explicit Pacer(Pace pace) : pace_(pace) {}

  const Pace& pace() const { return pace_; }
  void set_pace(Pace pace) { pace_ = pace; }
  // Nothing before `until` (a Retry-After, a restart). Never shortens an earlier hold.
  void hold(Instant until);

  // The earliest time a request may be sent, as far as is known at `now`; Instant::max() when only
  // an answer to a request under way can tell.
  Instant next(Instant now) const;

  void sent(OrderId order, Instant now);
  // The server had certainly seen the request by `by`; told twice, the earlier counts.
  void seen(OrderId order, Instant by);
  // The request never left the worker.
  void never_sent(OrderId order);

 private:
  struct Request {
    OrderId order = 0;
    Instant seen_by = Instant::max();  // max(): no answer yet
  };

  bool counts(const Request& request, Instant now) const;

  Pace pace_;
  Instant hold_;
  Instant last_sent_;
  bool any_sent_ = false;
  std::vector<Request> recent_;  // those that may still be in the window; at most pace_.requests
};

}  // namespace bourse::crawler
