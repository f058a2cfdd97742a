// Crawl: the framework's main loop. Wires the frontier (what to fetch when), its journal, the crew
// (which workers exist), the streams to them, and the cluster's driver; decides nothing itself that
// those do not.
//
// Threads: the driver calls on its own thread, and every such call is posted to this loop at once;
// all else runs on the loop. run() blocks until the crawl is done or ended.
#pragma once

#include <memory>

#include "base/result.hpp"
#include "examples/crawler/scheduler/crawl_options.hpp"

namespace bourse::crawler {

enum class CrawlEnd : std::uint8_t {
  finished,     // everything was fetched that is to be fetched
  interrupted,  // by a signal; the next run with the same output continues
};

// Fails when output, journal or master cannot be used, with what to do about it.
Result<CrawlEnd> run_crawl(const CrawlOptions& options);

}  // namespace bourse::crawler
