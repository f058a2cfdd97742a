// RobotsRules: what one site's robots.txt lets this crawler do (RFC 9309), and how fast.
//
// The longest matching rule wins, allow wins a tie, `*` and a trailing `$` are wildcards. Beyond
// the RFC the two pacing lines that sites really publish are read: `Crawl-delay: SECONDS` and
// `Request-rate: REQUESTS/SECONDS`. Values; any thread; a malformed file is never an error, its
// unreadable lines are skipped, as the RFC asks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace bourse::crawler {

// RFC 9309 section 2.5: parsers must read at least 500 KiB; what follows is ignored.
constexpr std::size_t kMaxRobotsBytes = 500 * 1024;
constexpr std::size_t kMaxRobotsRules = 4'096;

// At most `requests` in any `window`. requests == 0 means no limit.
struct Pace {
  std::uint32_t requests = 0;
  Duration window = Duration::seconds(1);

  bool operator==(const Pace&) const = default;
};

struct RobotsRule {
  bool allow = false;
  std::string pattern;

  bool operator==(const RobotsRule&) const = default;
};

struct RobotsRules {
  std::vector<RobotsRule> rules;
  std::optional<Pace> pace;
  std::vector<std::string> sitemaps;

  bool allowed(std::string_view path_and_query) const;
  // Again as a robots.txt with one group for every agent; parse_robots of it gives these rules.
  // This is how rules are kept in the journal and sent between processes.
  std::string text() const;

  bool operator==(const RobotsRules&) const = default;
};

// `product` is our own name in User-agent lines, e.g. "bourse-crawler".
RobotsRules parse_robots(std::string_view body, std::string_view product);

// RFC 9309 section 2.3.1: a site that has no robots.txt (4xx) allows all, one that cannot answer
// (5xx, unreachable) disallows all until it can.
RobotsRules robots_allow_all();
RobotsRules robots_disallow_all();

}  // namespace bourse::crawler
