// Frontier: decides what is fetched when. A deterministic machine: event in, effects out; no clock,
// socket, file or thread. Owned by one thread of the scheduler (or of a test).
//
// Invariants:
//  1. Every known address is in exactly one place: a host's queue, its waiting list, a lease, done.
//  2. An address is done only when its page's links are journalled and its item, if any, is stored;
//     until then a crash leads to its being fetched again (at least once).
//  3. Whatever the workers do, no host sees more requests in a window than its pace allows (Pacer).
//  4. Nothing is asked of a host before its robots.txt is known, and nothing that it disallows.
// Everything is bounded (FrontierLimits); what reaches a bound ends with Outcome::budget or ::trap.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/deadline_queue.hpp"
#include "base/time.hpp"
#include "examples/crawler/frontier/events.hpp"
#include "examples/crawler/frontier/pacing.hpp"
#include "examples/crawler/frontier/trap.hpp"

namespace bourse::crawler {

struct FrontierLimits {
  // A host that publishes no pace gets this one.
  Pace default_pace{3, Duration::seconds(1)};
  // A request of a worker that was lost may reach its host for so long: the longest that a worker
  // tries (FetchLimits::total_ms), and some for the way.
  Duration lost_reach = Duration::seconds(10);
  // Fetch as fast as workers can, whatever hosts ask for: for the bench on an unthrottled web, and
  // for the control run that proves that the pacing is what keeps violations at zero.
  bool ignore_pacing = false;
  std::uint32_t in_flight_per_host = 16;
  std::uint32_t leases = 4'000;
  Duration lease = Duration::seconds(60);
  std::uint32_t start_within_ms = 2'000;
  std::uint64_t pages_per_host = 1'000'000;
  std::uint64_t known_urls = 20'000'000;
  std::uint16_t depth = 200;
  std::uint8_t hops = 5;
};

class Frontier {
 public:
  explicit Frontier(FrontierLimits limits) : limits_(limits) {}

  // Rebuilds the state that these records describe. REQUIRES a fresh Frontier. No host is asked
  // before `now` plus the time in which orders of the process before may still be under way.
  void restore(const Records& records, Instant now);

  void step(const FrontierEvent& event, FrontierEffects& effects);
  // When a Tick is wanted next; Instant::max() for only when something happens.
  Instant next_deadline() const;

  // Nothing is queued, waiting or leased (hosts drained by an operator aside).
  bool finished() const;
  const FrontierStats& stats() const { return stats_; }
  bool paused() const { return paused_; }

  struct HostView {
    std::string name;
    std::string phase;
    Pace pace;
    std::uint64_t queued = 0;
    std::uint64_t in_flight = 0;
    std::uint64_t pages = 0;
    std::uint64_t items = 0;
    std::uint64_t failed = 0;
    bool drained = false;
  };
  std::vector<HostView> hosts() const;
  bool knows_host(std::string_view name) const { return host_by_name_.contains(name); }

 private:
  enum class HostPhase : std::uint8_t { asking_robots, open };

  struct Host {
    explicit Host(Pace pace) : pacer(pace) {}
    std::string name;
    HostPhase phase = HostPhase::asking_robots;
    RobotsRules rules;
    Pacer pacer;
    bool has_own_pace = false;  // an operator's, stronger than robots.txt
    bool drained = false;
    // 0: robots.txt and sitemaps, 1: pages known to give items or listed in sitemaps, 2: the rest.
    std::array<std::deque<UrlId>, 3> queue;
    std::multimap<Instant, UrlId> waiting;  // for another attempt
    std::uint64_t in_flight = 0;
    std::uint64_t pages = 0;  // orders sent
    std::uint64_t items = 0;
    std::uint64_t failed = 0;
    TrapGuard traps;
    std::set<Digest> contents;
  };

  struct UrlRow {
    std::string url;  // emptied once done
    HostId host = 0;
    PageKind kind = PageKind::page;
    std::uint8_t priority = 0;
    std::uint8_t hops = 0;
    bool done = false;
    std::uint16_t depth = 0;
    std::uint16_t attempts = 0;  // that failed, for whatever reason
    std::uint16_t faults = 0;    // of those, the ones that speak against the address
  };

  struct Lease {
    UrlId url = 0;
    bool fetched = false;
    bool parsed = false;
    bool has_item = false;
    bool stored = false;
    bool unreadable = false;  // parsed, but not as what it should be
    bool repeats = false;     // shows what another address has shown
  };

  struct DigestHash {
    std::size_t operator()(const Digest& digest) const { return digest.low; }
  };

  // handlers (answers.cpp)
  void on(const PageFetched& event);
  void on(const PageParsed& event);
  void on(const ItemStored& event);
  void on(const AnswerSeen& event);
  void on(const OrderLost& event);
  void read_robots(UrlId id, RobotsRules rules);
  // Whether the page shows anything new.
  bool read_page(UrlId id, const PageReport& report);
  void follow_redirect(OrderId order, const FetchReport& report);
  void attempt_failed(OrderId order, Outcome outcome, Duration retry_after);
  void complete_if_ready(OrderId order);
  void end_url(UrlId id, Outcome outcome, bool item = false);
  void drop_lease(OrderId order);

  // operators and seeds (frontier.cpp)
  void on(const Seed& event);
  void on(const SetCapacity& event) { capacity_ = event.orders; }
  void on(const Tick&) {}
  void on(const SetPaused& event);
  void on(const SetHostPace& event);
  void on(const SetHostDrained& event);
  void journal_orders_of(const Host& host, HostId id);

  // journal (restore.cpp)
  void apply(const HostAdded& record);
  void apply(const HostRobots& record);
  void apply(const HostOrders& record);
  void apply(const UrlAdded& record);
  void apply(const UrlFailed& record);
  void apply(const UrlDone& record);
  void apply(const ContentSeen& record);

  // admission (admission.cpp)
  HostId host_of(const std::string& name);
  bool seen_before(const std::string& url) { return !seen_.insert(digest_of(url)).second; }
  struct Admission {
    PageKind kind = PageKind::page;
    std::uint8_t priority = 2;
    std::uint8_t hops = 0;
    std::uint16_t depth = 0;
  };
  void admit(const std::string& url, Admission how);
  void open_host(HostId id, RobotsRules rules);

  // issuing (frontier.cpp)
  void expire_leases();
  void issue_orders();
  bool issue_from(HostId id);
  Outcome late_verdict(const Host& host, const UrlRow& row) const;
  void lease_out(HostId id, UrlId url);
  void arm(HostId id, Duration pause = {});
  std::uint32_t attempt_of(const UrlRow& row) const { return row.attempts + 1U; }
  void note(const char* code, HostId host, std::string detail = "");

  FrontierLimits limits_;
  FrontierStats stats_;
  bool paused_ = false;
  std::uint32_t capacity_ = 0;
  OrderId next_order_ = 1;
  std::vector<Host> hosts_;
  std::map<std::string, HostId, std::less<>> host_by_name_;
  std::vector<UrlRow> urls_;                     // UrlId is the index
  std::unordered_set<Digest, DigestHash> seen_;  // looked up only, never walked
  std::map<OrderId, Lease> leases_;
  DeadlineQueue<OrderId> lease_ends_;
  DeadlineQueue<HostId> turns_;  // when a host may be asked next

  // Of the step under way.
  Instant now_;
  FrontierEffects* effects_ = nullptr;
};

}  // namespace bourse::crawler
