// What a crawl says about itself: the document for the web UI (docs/operator-extensions.md, section
// 6) and the progress line. Keeps a few seconds of counters to make rates of. One owner, one
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "examples/crawler/frontier/frontier.hpp"
#include "examples/crawler/scheduler/stage.hpp"

namespace bourse::crawler {

struct StageReport {
  std::uint32_t workers = 0;
  std::uint32_t wanted = 0;
  std::uint64_t queue = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  bool paused = false;
  std::string trouble;
};

struct CrawlReport {
  std::string state;  // "running", "paused", "done"
  Duration elapsed;
  std::uint64_t items_expected = 0;
  FrontierStats stats;
  std::vector<Frontier::HostView> hosts;
  std::array<StageReport, kStages.size()> stages;
  std::string control;  // address of the control API
};

class Reporter {
 public:
  // Takes this look's counters into the rates; call about once a second.
  void look(const CrawlReport& report, Instant now);

  double pages_per_s() const;
  double stage_rate(Stage stage) const;

  std::string document(const CrawlReport& report, WallTime wall) const;  // at most 256 KB
  std::string progress_line(const CrawlReport& report) const;            // one JSON object

 private:
  struct Look {
    Instant at;
    std::uint64_t pages = 0;
    std::array<std::uint64_t, kStages.size()> done{};
    std::vector<std::uint64_t> host_orders;  // by position in CrawlReport::hosts
  };
  double per_s(std::uint64_t before, std::uint64_t after) const;
  double host_rate(std::size_t index) const;

  std::deque<Look> looks_;
};

// Failed attempts and given-up addresses by class, under the names that the web UI knows.
std::map<std::string, std::uint64_t> errors_by_class(const FrontierStats& stats);
std::uint64_t errors_in_all(const FrontierStats& stats);

}  // namespace bourse::crawler
