// Rebuilding a frontier from its journal.
#include "base/assert.hpp"
#include "examples/crawler/frontier/frontier.hpp"

namespace bourse::crawler {

void Frontier::apply(const HostAdded& record) {
  ASSERT(record.id == hosts_.size());
  hosts_.emplace_back(limits_.ignore_pacing ? Pace{} : limits_.default_pace);
  hosts_.back().name = record.name;
  host_by_name_[record.name] = record.id;
}

void Frontier::apply(const HostRobots& record) {
  Host& host = hosts_[record.id];
  host.phase = HostPhase::open;
  host.rules = parse_robots(record.text, "");
  if (host.rules.pace && !limits_.ignore_pacing) host.pacer.set_pace(*host.rules.pace);
}

void Frontier::apply(const HostOrders& record) {
  Host& host = hosts_[record.id];
  host.drained = record.drained;
  host.has_own_pace = record.has_pace;
  if (record.has_pace) host.pacer.set_pace(record.pace);
}

void Frontier::apply(const UrlAdded& record) {
  ASSERT(record.id == urls_.size());
  urls_.push_back(
      {record.url, record.host, record.kind, record.priority, record.hops, false, record.depth, 0});
  seen_.insert(digest_of(record.url));
}

void Frontier::apply(const UrlFailed& record) {
  urls_[record.id].attempts = static_cast<std::uint16_t>(record.attempts);
  urls_[record.id].faults = static_cast<std::uint16_t>(record.faults);
}

void Frontier::apply(const UrlDone& record) {
  UrlRow& row = urls_[record.id];
  row.done = true;
  row.url = std::string();
  ++hosts_[row.host].pages;
  if (record.outcome == Outcome::ok) ++stats_.pages;
  if (record.item) {
    ++stats_.items;
    ++hosts_[row.host].items;
  }
  ++stats_.ended[static_cast<std::size_t>(record.outcome)];
}

void Frontier::apply(const ContentSeen& record) {
  hosts_[record.host].contents.insert(record.content);
}

void Frontier::restore(const Records& records, Instant now) {
  ASSERT(hosts_.empty() && urls_.empty());
  now_ = now;
  for (const Record& record : records) {
    std::visit([this](const auto& one) { apply(one); }, record);
  }
  stats_.known = urls_.size();
  for (UrlId id = 0; id < urls_.size(); ++id) {
    if (urls_[id].done) continue;
    hosts_[urls_[id].host].queue[urls_[id].priority].push_back(id);
    ++stats_.queued;
  }
  // Orders of the process before may still reach the hosts until they are too old to be sent.
  const Instant quiet = now + Duration::milliseconds(limits_.start_within_ms);
  for (HostId id = 0; id < hosts_.size(); ++id) {
    Host& host = hosts_[id];
    if (!limits_.ignore_pacing) host.pacer.hold(quiet + host.pacer.pace().window);
    arm(id);
  }
}

}  // namespace bourse::crawler
