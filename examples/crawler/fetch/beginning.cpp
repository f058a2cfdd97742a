#include "examples/crawler/fetch/beginning.hpp"

#include <fstream>
#include <iterator>
#include <utility>

#include "examples/crawler/url/url.hpp"

namespace bourse::crawler {

Result<Beginning> read_beginning(const std::string& hosts_file, std::vector<std::string> seeds) {
  Beginning out;
  out.seeds = std::move(seeds);
  for (const std::string& seed : out.seeds) {
    const auto url = parse_url(seed);
    if (!url.ok()) return invalid("--seed: " + url.error().message);
    // A site is its host: its robots.txt is asked for where the scheme says.
    if (url->port != 0) {
      return invalid("--seed: '" + seed +
                     "' names a port; a host that is at another one stands in --hosts");
    }
  }
  if (hosts_file.empty()) {
    return out.seeds.empty() ? Result<Beginning>(invalid(
                                   "nothing to crawl: give --seed=URL, --hosts=FILE or both"))
                             : Result<Beginning>(std::move(out));
  }
  std::ifstream file(hosts_file, std::ios::binary);
  if (!file) return invalid(hosts_file + ": cannot be read");
  out.hosts_text.assign(std::istreambuf_iterator<char>(file), {});
  auto hosts = parse_hosts(out.hosts_text);
  if (!hosts.ok()) return invalid(hosts_file + ": " + hosts.error().message);
  if (hosts->address_of.empty()) return invalid(hosts_file + ": names no host");
  out.hosts = std::move(hosts).value();
  for (const auto& [host, address] : out.hosts.address_of) {
    out.seeds.push_back("http://" + host + "/");
  }
  return out;
}

}  // namespace bourse::crawler
