// The frontier's durable records: what the journal keeps and a restarted frontier is rebuilt from.
// A step's records are written in one transaction, so a page's links and the fact that the page is
// done are there together or not at all. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/digest.hpp"
#include "examples/crawler/robots/robots.hpp"
#include "examples/crawler/work/work.hpp"

namespace bourse::crawler {

using HostId = std::uint32_t;
using UrlId = std::uint64_t;

struct HostAdded {
  HostId id = 0;
  std::string name;
  bool operator==(const HostAdded&) const = default;
};
struct HostRobots {
  HostId id = 0;
  std::string text;
  bool operator==(const HostRobots&) const = default;
};
// Set by an operator: a pace that overrides robots.txt, or no more orders to the host.
struct HostOrders {
  HostId id = 0;
  bool has_pace = false;
  Pace pace;
  bool drained = false;
  bool operator==(const HostOrders&) const = default;
};
struct UrlAdded {
  UrlId id = 0;
  HostId host = 0;
  std::string url;
  PageKind kind = PageKind::page;
  std::uint8_t priority = 0;
  std::uint8_t hops = 0;
  std::uint16_t depth = 0;
  bool operator==(const UrlAdded&) const = default;
};
struct UrlFailed {
  UrlId id = 0;
  std::uint32_t attempts = 0;
  std::uint32_t faults = 0;
  bool operator==(const UrlFailed&) const = default;
};
struct UrlDone {
  UrlId id = 0;
  Outcome outcome = Outcome::ok;
  bool item = false;  // it brought an item that no other address had brought
  bool operator==(const UrlDone&) const = default;
};
struct ContentSeen {
  HostId host = 0;
  Digest content;
  bool operator==(const ContentSeen&) const = default;
};

using Record =
    std::variant<HostAdded, HostRobots, HostOrders, UrlAdded, UrlFailed, UrlDone, ContentSeen>;
using Records = std::vector<Record>;

}  // namespace bourse::crawler
