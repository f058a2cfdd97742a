// How an address gets into the frontier: scope, seen set, robots.txt, traps, bounds.
#include <algorithm>

#include "examples/crawler/frontier/frontier.hpp"
#include "examples/crawler/url/url.hpp"

namespace bourse::crawler {

// Brings a host into scope; the first thing to be asked of it is its robots.txt.
HostId Frontier::host_of(const std::string& name) {
  if (const auto it = host_by_name_.find(name); it != host_by_name_.end()) return it->second;
  const auto id = static_cast<HostId>(hosts_.size());
  hosts_.emplace_back(limits_.ignore_pacing ? Pace{} : limits_.default_pace);
  hosts_.back().name = name;
  host_by_name_[name] = id;
  effects_->records.push_back(HostAdded{id, name});
  admit("http://" + name + "/robots.txt", {PageKind::robots, 0, 0, 0});
  return id;
}

void Frontier::admit(const std::string& text, Admission how) {
  if (seen_before(text)) return;
  const Result<Url> url = parse_url(text);
  if (!url.ok()) return;
  const auto it = host_by_name_.find(url->host);
  if (it == host_by_name_.end()) {
    ++stats_.links_outside;
    return;
  }
  Host& host = hosts_[it->second];
  if (how.kind == PageKind::page) {
    Outcome refusal = Outcome::ok;
    const std::string pattern = pattern_of(*url);
    if (how.depth > limits_.depth || urls_.size() >= limits_.known_urls) refusal = Outcome::budget;
    if (host.traps.closed(pattern)) refusal = Outcome::trap;
    if (host.phase == HostPhase::open && !host.rules.allowed(url->path_and_query())) {
      refusal = Outcome::disallowed;
    }
    if (refusal != Outcome::ok) {
      ++stats_.ended[static_cast<std::size_t>(refusal)];
      return;
    }
    if (host.traps.gives_items(pattern)) how.priority = std::min<std::uint8_t>(how.priority, 1);
  }
  const UrlId id = urls_.size();
  urls_.push_back({text, it->second, how.kind, how.priority, how.hops, false, how.depth, 0});
  host.queue[how.priority].push_back(id);
  ++stats_.known;
  ++stats_.queued;
  effects_->records.push_back(
      UrlAdded{id, it->second, text, how.kind, how.priority, how.hops, how.depth});
  arm(it->second);
}

// robots.txt is known: the host's other queues begin to move, at the pace it asks for.
void Frontier::open_host(HostId id, RobotsRules rules) {
  Host& host = hosts_[id];
  effects_->records.push_back(HostRobots{id, rules.text()});
  host.rules = std::move(rules);
  host.phase = HostPhase::open;
  if (host.rules.pace && !host.has_own_pace && !limits_.ignore_pacing) {
    host.pacer.set_pace(*host.rules.pace);
  }
  note("host_open", id,
       std::to_string(host.pacer.pace().requests) + " requests per " +
           std::to_string(host.pacer.pace().window.ms()) + " ms");
  // A copy: admitting an address may move the table of hosts' rules.
  const std::vector<std::string> sitemaps = host.rules.sitemaps;
  for (const std::string& text : sitemaps) {
    const Result<Url> url = parse_url(text);
    if (url.ok() && url->host == hosts_[id].name) {
      admit(url->text(), {PageKind::sitemap, 0, 0, 0});
    }
  }
  arm(id);
}

}  // namespace bourse::crawler
