// Where a crawl begins and how its hosts are found, as --hosts and --seed say. Errors are sentences
// about the file or the address. Main thread, at start.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "examples/crawler/fetch/fetcher.hpp"

namespace bourse::crawler {

struct Beginning {
  std::string hosts_text;  // "" where no file was named: every host is asked of DNS
  HostsMap hosts;
  std::vector<std::string> seeds;  // those named, then each host of the file
};

// `hosts_file` or `seeds` may be empty, not both.
Result<Beginning> read_beginning(const std::string& hosts_file, std::vector<std::string> seeds);

}  // namespace bourse::crawler
