// What can happen to the frontier, and what it wants done about it. Plain values.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "examples/crawler/frontier/record.hpp"
#include "examples/crawler/work/work.hpp"

namespace bourse::crawler {

// Events.
struct Seed {
  std::string url;  // its host comes into scope
};
// How many orders may be out at fetch workers.
struct SetCapacity {
  std::uint32_t orders = 0;
};
struct PageFetched {
  FetchReport report;
};
// A sign of life of an order whose answer takes its time.
struct AnswerSeen {
  AnswerBegan began;
};
struct PageParsed {
  PageReport report;
};
struct ItemStored {
  OrderId id = 0;
};
// The worker that had this order is gone; its request may have been sent.
struct OrderLost {
  OrderId id = 0;
};
struct Tick {};
struct SetPaused {
  bool paused = false;
};
struct SetHostPace {
  std::string host;
  Pace pace;
};
struct SetHostDrained {
  std::string host;
  bool drained = true;
};

using FrontierAction =
    std::variant<Seed, SetCapacity, PageFetched, AnswerSeen, PageParsed, ItemStored, OrderLost,
                 Tick, SetPaused, SetHostPace, SetHostDrained>;

struct FrontierEvent {
  Instant now;
  FrontierAction action;
};

// Effects.
struct FrontierNote {
  std::string code;  // stable, for logs and tests: "host_open", "host_unreachable", "trap_closed"
  std::string host;
  std::string detail;
};

struct FrontierEffects {
  std::vector<FetchOrder> orders;  // to be sent to fetch workers now
  Records records;                 // to be journalled in one transaction
  std::vector<FrontierNote> notes;

  void clear() {
    orders.clear();
    records.clear();
    notes.clear();
  }
};

struct FrontierStats {
  std::uint64_t orders = 0;      // sent
  std::uint64_t pages = 0;       // fetched and read
  std::uint64_t page_bytes = 0;  // of answers that carried a page
  std::uint64_t items = 0;       // pages with an item, stored; copies aside
  std::uint64_t duplicates = 0;  // pages whose content another address had shown
  std::uint64_t retries = 0;
  std::uint64_t known = 0;   // addresses ever queued
  std::uint64_t queued = 0;  // waiting for their turn
  std::uint64_t fetching = 0;
  std::uint64_t reading = 0;                        // fetched, not yet read or stored
  std::uint64_t links_outside = 0;                  // links to hosts that are not in scope
  std::uint64_t late_reports = 0;                   // of orders whose lease had run out
  std::array<std::uint64_t, kOutcomes> attempts{};  // by what became of them
  std::array<std::uint64_t, kOutcomes> ended{};     // addresses by their final outcome
};

}  // namespace bourse::crawler
