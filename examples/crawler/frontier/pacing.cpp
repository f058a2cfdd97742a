#include "examples/crawler/frontier/pacing.hpp"

#include <algorithm>

namespace bourse::crawler {
namespace {

// Two machines' idea of one second differs by less than this.
constexpr Duration kClockMargin = Duration::milliseconds(2);

}  // namespace

void Pacer::hold(Instant until) {
  hold_ = std::max(hold_, until);
}

bool Pacer::counts(const Request& request, Instant now) const {
  return request.seen_by == Instant::max() || request.seen_by + pace_.window + kClockMargin > now;
}

Instant Pacer::next(Instant now) const {
  if (pace_.requests == 0) return std::max(hold_, now);
  Instant earliest = std::max(hold_, now);
  // Spread over the window instead of in a burst; a little closer than even, so that the lag of the
  // loop that sends does not add up to a lower rate.
  if (any_sent_) {
    const Duration even = pace_.window / static_cast<std::int64_t>(pace_.requests);
    earliest = std::max(earliest, last_sent_ + (pace_.requests == 1 ? even : even * 4 / 5));
  }
  std::vector<Instant> leave;
  for (const Request& request : recent_) {
    if (!counts(request, now)) continue;
    leave.push_back(request.seen_by == Instant::max()
                        ? Instant::max()
                        : request.seen_by + pace_.window + kClockMargin);
  }
  if (leave.size() < pace_.requests) return earliest;
  std::sort(leave.begin(), leave.end());
  return std::max(earliest, leave[leave.size() - pace_.requests]);
}

void Pacer::sent(OrderId order, Instant now) {
  any_sent_ = true;
  last_sent_ = now;
  if (pace_.requests == 0) return;
  std::erase_if(recent_, [&](const Request& request) { return !counts(request, now); });
  recent_.push_back({order, Instant::max()});
}

void Pacer::seen(OrderId order, Instant by) {
  for (Request& request : recent_) {
    if (request.order == order) request.seen_by = std::min(request.seen_by, by);
  }
}

void Pacer::never_sent(OrderId order) {
  std::erase_if(recent_, [&](const Request& request) { return request.order == order; });
}

}  // namespace bourse::crawler
