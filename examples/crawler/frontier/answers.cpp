// What the frontier does with the answers of its workers.
#include <algorithm>

#include "base/assert.hpp"
#include "examples/crawler/frontier/frontier.hpp"
#include "examples/crawler/frontier/retry.hpp"
#include "examples/crawler/url/url.hpp"

namespace bourse::crawler {

void Frontier::on(const PageFetched& event) {
  const FetchReport& report = event.report;
  const auto it = leases_.find(report.id);
  if (it == leases_.end() || it->second.fetched) {
    ++stats_.late_reports;
    return;
  }
  Lease& lease = it->second;
  lease.fetched = true;
  const UrlId url = lease.url;
  const HostId host_id = urls_[url].host;
  Host& host = hosts_[host_id];
  --stats_.fetching;
  ++stats_.reading;
  --host.in_flight;
  ++stats_.attempts[static_cast<std::size_t>(report.outcome)];
  if (report.outcome == Outcome::not_sent) {
    host.pacer.never_sent(report.id);
    --host.pages;
  } else {
    host.pacer.seen(report.id, now_ - report.since_seen);
  }
  if (report.outcome == Outcome::ok) {
    stats_.page_bytes += report.body_bytes;
    complete_if_ready(report.id);
  } else if (report.outcome == Outcome::redirect) {
    follow_redirect(report.id, report);
  } else if (report.outcome == Outcome::not_sent) {
    drop_lease(report.id);
    host.queue[urls_[url].priority].push_front(url);
    ++stats_.queued;
  } else {
    attempt_failed(report.id, report.outcome, report.retry_after);
  }
  arm(host_id);
}

void Frontier::on(const AnswerSeen& event) {
  const auto it = leases_.find(event.began.id);
  if (it == leases_.end() || it->second.fetched) return;
  const HostId host = urls_[it->second.url].host;
  hosts_[host].pacer.seen(event.began.id, now_ - event.began.since_seen);
  arm(host);
}

void Frontier::on(const PageParsed& event) {
  const PageReport& report = event.report;
  const auto it = leases_.find(report.id);
  if (it == leases_.end() || it->second.parsed) {
    ++stats_.late_reports;
    return;
  }
  Lease& lease = it->second;
  lease.parsed = true;
  lease.has_item = report.has_item && report.outcome == Outcome::ok;
  const UrlId url = lease.url;
  if (report.outcome != Outcome::ok) {
    lease.unreadable = true;
    complete_if_ready(report.id);
    return;
  }
  ++stats_.pages;
  if (urls_[url].kind == PageKind::robots) {
    read_robots(url, parse_robots(report.robots, ""));
  } else {
    lease.repeats = !read_page(url, report);
  }
  complete_if_ready(report.id);
}

void Frontier::on(const ItemStored& event) {
  const auto it = leases_.find(event.id);
  if (it == leases_.end()) {
    ++stats_.late_reports;
    return;
  }
  it->second.stored = true;
  complete_if_ready(event.id);
}

void Frontier::on(const OrderLost& event) {
  const auto it = leases_.find(event.id);
  if (it == leases_.end()) return;
  const HostId host = urls_[it->second.url].host;
  if (!it->second.fetched) {
    // The worker may be alive and cut off, with the request on its way for as long as it tries.
    hosts_[host].pacer.seen(event.id, now_ + limits_.lost_reach);
    it->second.fetched = true;
    --stats_.fetching;
    ++stats_.reading;
    --hosts_[host].in_flight;
  }
  ++stats_.attempts[static_cast<std::size_t>(Outcome::lost)];
  attempt_failed(event.id, Outcome::lost, {});
  arm(host);
}

void Frontier::read_robots(UrlId id, RobotsRules rules) {
  open_host(urls_[id].host, std::move(rules));
}

bool Frontier::read_page(UrlId id, const PageReport& report) {
  const UrlRow row = urls_[id];  // a copy: admitting links grows the table
  const auto depth = static_cast<std::uint16_t>(row.depth + 1);
  if (row.kind == PageKind::sitemap) {
    for (const std::string& link : report.links) admit(link, {PageKind::page, 1, 0, depth});
    if (row.depth < 3) {
      for (const std::string& link : report.sitemaps) {
        admit(link, {PageKind::sitemap, 0, 0, depth});
      }
    }
    return true;
  }
  Host& host = hosts_[row.host];
  if (const Result<Url> url = parse_url(row.url); url.ok()) {
    const std::string pattern = pattern_of(*url);
    const bool was_closed = host.traps.closed(pattern);
    host.traps.saw_page(pattern, report.has_item, report.outlinks);
    if (!was_closed && host.traps.closed(pattern)) note("trap_closed", row.host, pattern);
  }
  if (!host.contents.insert(report.content).second) {
    // Another address showed the same; its links were followed then.
    ++stats_.duplicates;
    return false;
  }
  effects_->records.push_back(ContentSeen{row.host, report.content});
  for (const std::string& link : report.links) admit(link, {PageKind::page, 2, 0, depth});
  return true;
}

// A redirect's target is an address like any other, one hop deeper: it is paced, checked against
// robots.txt and the seen set, which is also what ends loops.
void Frontier::follow_redirect(OrderId order, const FetchReport& report) {
  const UrlId id = leases_.at(order).url;
  const UrlRow row = urls_[id];
  const Result<Url> from = parse_url(row.url);
  ASSERT(from.ok());  // it was admitted
  const Result<Url> to = resolve_url(*from, report.redirect_to);
  Outcome outcome = Outcome::redirect;
  if (!to.ok()) {
    outcome = Outcome::refused;
  } else if (row.hops >= limits_.hops || *to == *from) {
    outcome = Outcome::redirect_loop;
  } else {
    Admission how{row.kind, row.priority, static_cast<std::uint8_t>(row.hops + 1), row.depth};
    admit(to->text(), how);
  }
  drop_lease(order);
  end_url(id, outcome);
}

void Frontier::attempt_failed(OrderId order, Outcome outcome, Duration retry_after) {
  const UrlId id = leases_.at(order).url;
  UrlRow& row = urls_[id];
  Host& host = hosts_[row.host];
  drop_lease(order);
  ++row.attempts;
  const RetryRule rule = retry_rule(outcome);
  if (!rule.counts_all) ++row.faults;
  const std::uint32_t failures = rule.counts_all ? row.attempts : row.faults;
  const Duration wait = retry_wait(rule, failures, retry_after);
  if (rule.holds_host) host.pacer.hold(now_ + wait);
  if (failures < rule.attempts) {
    ++stats_.retries;
    ++stats_.queued;
    host.waiting.emplace(now_ + wait, id);
    effects_->records.push_back(UrlFailed{id, row.attempts, row.faults});
    arm(row.host);
    return;
  }
  end_url(id, outcome);
}

void Frontier::complete_if_ready(OrderId order) {
  const auto it = leases_.find(order);
  if (it == leases_.end()) return;
  const Lease lease = it->second;
  if (!lease.fetched || !lease.parsed || (lease.has_item && !lease.stored)) return;
  if (lease.unreadable) {
    attempt_failed(order, Outcome::bad_page, {});
    return;
  }
  const bool item = lease.has_item && !lease.repeats;
  if (item) {
    ++stats_.items;
    ++hosts_[urls_[lease.url].host].items;
  }
  drop_lease(order);
  end_url(lease.url, Outcome::ok, item);
}

void Frontier::drop_lease(OrderId order) {
  const auto it = leases_.find(order);
  ASSERT(it != leases_.end() && it->second.fetched);
  --stats_.reading;
  lease_ends_.disarm(order);
  leases_.erase(it);
}

void Frontier::end_url(UrlId id, Outcome outcome, bool item) {
  UrlRow& row = urls_[id];
  ASSERT(!row.done);
  row.done = true;
  row.url = std::string();
  const HostId host = row.host;
  const bool robots = row.kind == PageKind::robots;
  const bool good = outcome == Outcome::ok || outcome == Outcome::redirect;
  if (!good) ++hosts_[host].failed;
  ++stats_.ended[static_cast<std::size_t>(outcome)];
  effects_->records.push_back(UrlDone{id, outcome, item});
  if (!robots || hosts_[host].phase == HostPhase::open) return;
  if (outcome == Outcome::redirect) {
    // The answer comes from the target, unless that was asked for already or is out of scope.
    if (!hosts_[host].queue[0].empty()) return;
    open_host(host, robots_allow_all());
  } else if (outcome == Outcome::gone || outcome == Outcome::refused) {
    open_host(host, robots_allow_all());
  } else {
    note("host_unreachable", host, name_of(outcome));
    open_host(host, robots_disallow_all());
  }
}

}  // namespace bourse::crawler
