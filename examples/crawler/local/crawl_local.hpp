// crawl_local: the whole crawler in one process and two loops: frontier, journal, fetcher,
// extractor and store wired by function calls. The cluster runs the same parts in different
// processes; this is where their correctness is proven first, and the shortest way to read how they
// fit.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "examples/crawler/fetch/fetcher.hpp"
#include "examples/crawler/frontier/frontier.hpp"

namespace bourse::crawler {

struct LocalCrawl {
  HostsMap hosts;
  std::vector<std::string> seeds;
  FrontierLimits frontier;
  FetchLimits fetch;
  std::string directory;  // journal.sqlite and items.sqlite; a crawl found there is continued
  std::string warc;       // write fetched pages there too; "" for not
  // Ends the crawl after this long even if it is not finished; zero for no limit.
  Duration longest;
  // Called about once a second with the state of the crawl.
  std::function<void(const FrontierStats&, Duration elapsed)> on_progress;
};

struct LocalResult {
  FrontierStats stats;
  bool finished = false;
  Duration elapsed;
  std::string items_path;
};

Result<LocalResult> crawl_local(const LocalCrawl& crawl);

}  // namespace bourse::crawler
