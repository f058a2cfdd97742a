// Test support: a frontier whose clock and workers do what the test says.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "examples/crawler/frontier/frontier.hpp"

namespace bourse::crawler::test {

// A frontier with a clock and workers that answer as the test says.
struct World {
  explicit World(FrontierLimits limits = {}) : frontier(limits) { act(SetCapacity{100}); }

  void act(FrontierAction action) {
    effects.clear();
    frontier.step({now, std::move(action)}, effects);
    records.insert(records.end(), effects.records.begin(), effects.records.end());
    for (const FetchOrder& order : effects.orders) orders.push_back(order);
  }
  void pass(Duration time) {
    now = now + time;
    act(Tick{});
  }
  // The next order, letting time pass until there is one; id 0 when the frontier has none.
  FetchOrder next() {
    for (int i = 0; i < 1'000 && orders.empty(); ++i) {
      const Instant at = frontier.next_deadline();
      if (at == Instant::max()) break;
      now = std::max(now, at);
      act(Tick{});
    }
    if (orders.empty()) return {};
    FetchOrder order = orders.front();
    orders.erase(orders.begin());
    return order;
  }
  void fetched(OrderId id, Outcome outcome, Duration retry_after = {}, std::string to = "") {
    FetchReport report;
    report.id = id;
    report.outcome = outcome;
    report.retry_after = retry_after;
    report.redirect_to = std::move(to);
    act(PageFetched{report});
  }
  void parsed(OrderId id, std::vector<std::string> links, bool item = false,
              std::uint64_t content = 0, std::uint64_t outlinks = 0) {
    PageReport report;
    report.id = id;
    report.has_item = item;
    report.links = std::move(links);
    report.content = {1, content == 0 ? ++contents : content};
    report.outlinks = {2, outlinks == 0 ? ++contents : outlinks};
    act(PageParsed{report});
  }
  void page(OrderId id, std::vector<std::string> links, bool item = false) {
    fetched(id, Outcome::ok);
    parsed(id, std::move(links), item);
    if (item) act(ItemStored{id});
  }
  // Opens a host: answers its robots.txt.
  void open(const std::string& robots = "User-agent: *\nRequest-rate: 100/1\n") {
    const FetchOrder order = next();
    REQUIRE(order.kind == PageKind::robots);
    fetched(order.id, Outcome::ok);
    PageReport report;
    report.id = order.id;
    report.robots = robots;
    act(PageParsed{report});
  }

  Frontier frontier;
  FrontierEffects effects;
  Records records;
  std::vector<FetchOrder> orders;
  Instant now{1'000'000'000};
  std::uint64_t contents = 100;
};

inline std::uint64_t ended(const World& world, Outcome outcome) {
  return world.frontier.stats().ended[static_cast<std::size_t>(outcome)];
}

}  // namespace bourse::crawler::test
