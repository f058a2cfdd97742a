#include "examples/crawler/frontier/frontier.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "examples/crawler/url/url.hpp"

namespace bourse::crawler {

void Frontier::step(const FrontierEvent& event, FrontierEffects& effects) {
  now_ = std::max(now_, event.now);
  effects_ = &effects;
  std::visit([this](const auto& action) { on(action); }, event.action);
  expire_leases();
  issue_orders();
  effects_ = nullptr;
}

Instant Frontier::next_deadline() const {
  const bool may_send = !paused_ && stats_.fetching < capacity_ && leases_.size() < limits_.leases;
  return std::min(lease_ends_.next(), may_send ? turns_.next() : Instant::max());
}

bool Frontier::finished() const {
  if (!leases_.empty() || hosts_.empty()) return false;
  return std::all_of(hosts_.begin(), hosts_.end(), [](const Host& host) {
    return host.drained || (host.waiting.empty() && host.queue[0].empty() &&
                            host.queue[1].empty() && host.queue[2].empty());
  });
}

void Frontier::on(const Seed& event) {
  const Result<Url> url = parse_url(event.url);
  if (!url.ok()) return;
  host_of(url->host);
  admit(url->text(), {PageKind::page, 2, 0, 0});
}

void Frontier::on(const SetPaused& event) {
  paused_ = event.paused;
}

void Frontier::on(const SetHostPace& event) {
  const auto it = host_by_name_.find(event.host);
  if (it == host_by_name_.end()) return;
  Host& host = hosts_[it->second];
  host.has_own_pace = true;
  host.pacer.set_pace(event.pace);
  journal_orders_of(host, it->second);
  arm(it->second);
}

void Frontier::on(const SetHostDrained& event) {
  const auto it = host_by_name_.find(event.host);
  if (it == host_by_name_.end()) return;
  Host& host = hosts_[it->second];
  host.drained = event.drained;
  journal_orders_of(host, it->second);
  arm(it->second);
}

void Frontier::journal_orders_of(const Host& host, HostId id) {
  effects_->records.push_back(HostOrders{id, host.has_own_pace, host.pacer.pace(), host.drained});
}

void Frontier::expire_leases() {
  while (const auto order = lease_ends_.pop_due(now_)) on(OrderLost{*order});
}

// Hosts take turns by the time they may next be asked; ties go by host, and a host that may be
// asked again at once comes after all that are due already.
void Frontier::issue_orders() {
  if (paused_) return;
  while (stats_.fetching < capacity_ && leases_.size() < limits_.leases) {
    const auto host = turns_.pop_due(now_);
    if (!host) return;
    issue_from(*host);
    arm(*host, Duration::nanoseconds(1));
  }
}

// Sends the host's best queued address. False when nothing of its queue may be sent.
bool Frontier::issue_from(HostId id) {
  Host& host = hosts_[id];
  if (host.pacer.next(now_) > now_) return false;
  // Addresses that waited for another attempt go first.
  while (!host.waiting.empty() && host.waiting.begin()->first <= now_) {
    const UrlId url = host.waiting.begin()->second;
    host.waiting.erase(host.waiting.begin());
    host.queue[urls_[url].priority].push_front(url);
  }
  const std::size_t queues = host.phase == HostPhase::open ? host.queue.size() : 1;
  for (std::size_t priority = 0; priority < queues; ++priority) {
    std::deque<UrlId>& queue = host.queue[priority];
    while (!queue.empty()) {
      const UrlId url_id = queue.front();
      queue.pop_front();
      --stats_.queued;
      const Outcome verdict = late_verdict(host, urls_[url_id]);
      if (verdict == Outcome::ok) {
        lease_out(id, url_id);
        return true;
      }
      end_url(url_id, verdict);
    }
  }
  return false;
}

// Rules, traps and budgets may have changed after the address was queued.
Outcome Frontier::late_verdict(const Host& host, const UrlRow& row) const {
  if (row.kind != PageKind::page) return Outcome::ok;
  if (host.pages >= limits_.pages_per_host) return Outcome::budget;
  const Result<Url> url = parse_url(row.url);
  ASSERT(url.ok());  // it was admitted
  if (host.traps.closed(pattern_of(*url))) return Outcome::trap;
  return host.rules.allowed(url->path_and_query()) ? Outcome::ok : Outcome::disallowed;
}

void Frontier::lease_out(HostId id, UrlId url) {
  Host& host = hosts_[id];
  const UrlRow& row = urls_[url];
  const OrderId order = next_order_++;
  leases_[order] = Lease{url};
  lease_ends_.arm(order, now_ + limits_.lease);
  host.pacer.sent(order, now_);
  ++host.in_flight;
  ++host.pages;
  ++stats_.fetching;
  ++stats_.orders;
  effects_->orders.push_back({order, row.url, row.kind, attempt_of(row), limits_.start_within_ms});
}

// Puts the host in turns_ at the time its next request may go out, or takes it out.
void Frontier::arm(HostId id, Duration pause) {
  const Host& host = hosts_[id];
  // Before robots.txt is read only the queue of robots.txt itself moves.
  bool ready = !host.queue[0].empty();
  if (host.phase == HostPhase::open) {
    ready = ready || !host.queue[1].empty() || !host.queue[2].empty();
  }
  Instant at = host.pacer.next(now_);
  if (!ready) {
    at = host.waiting.empty() ? Instant::max() : std::max(at, host.waiting.begin()->first);
  }
  if (host.drained || host.in_flight >= limits_.in_flight_per_host || at == Instant::max()) {
    turns_.disarm(id);
  } else {
    turns_.arm(id, std::max(at, now_ + pause));
  }
}

void Frontier::note(const char* code, HostId host, std::string detail) {
  effects_->notes.push_back({code, hosts_[host].name, std::move(detail)});
}

std::vector<Frontier::HostView> Frontier::hosts() const {
  std::vector<HostView> views;
  for (const Host& host : hosts_) {
    HostView view;
    view.name = host.name;
    view.phase = host.phase == HostPhase::open ? "open" : "asking_robots";
    view.pace = host.pacer.pace();
    view.queued =
        host.queue[0].size() + host.queue[1].size() + host.queue[2].size() + host.waiting.size();
    view.in_flight = host.in_flight;
    view.pages = host.pages;
    view.items = host.items;
    view.failed = host.failed;
    view.drained = host.drained;
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace bourse::crawler
