// What a crawl on the cluster is told at its start. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "examples/crawler/frontier/frontier.hpp"
#include "examples/crawler/scheduler/stage.hpp"

namespace bourse::crawler {

struct CrawlOptions {
  std::string master;      // "host:port" of the framework link
  std::string output;      // directory: journal, items-*.sqlite, WARC files
  std::string hosts_text;  // address map; "" for DNS (--seed without --hosts)
  std::vector<std::string> seeds;
  std::string worker_program;  // absolute path of bourse-crawl-worker
  std::string role = "*";
  bool warc = false;
  bool progress_json = false;        // a line a second on stdout
  std::uint64_t items_expected = 0;  // for the progress bar of the web UI; 0: not known
  std::uint32_t shards = 2;
  std::uint32_t in_flight = 256;  // requests at once per fetch worker
  FrontierLimits frontier;
  StageTable stages{};
};

}  // namespace bourse::crawler
