// bourse-crawl-local: the crawler without a cluster, for trying things and for the bench's floor.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <utility>

#include "examples/crawler/command_line.hpp"
#include "examples/crawler/fetch/beginning.hpp"
#include "examples/crawler/local/crawl_local.hpp"

namespace {

using namespace bourse::crawler;

void print_progress(const FrontierStats& stats, bourse::Duration elapsed) {
  std::fprintf(
      stderr, "%4llds  pages %llu  items %llu  queued %llu  out %llu  retries %llu\n",
      static_cast<long long>(elapsed.ms() / 1'000), static_cast<unsigned long long>(stats.pages),
      static_cast<unsigned long long>(stats.items), static_cast<unsigned long long>(stats.queued),
      static_cast<unsigned long long>(stats.fetching),
      static_cast<unsigned long long>(stats.retries));
}

void print_result(const LocalResult& result) {
  const double seconds = static_cast<double>(result.elapsed.ns) / 1e9;
  std::printf("%s after %.1f s: %llu pages (%.0f/s), %llu items, %llu orders\n",
              result.finished ? "finished" : "stopped", seconds,
              static_cast<unsigned long long>(result.stats.pages),
              static_cast<double>(result.stats.pages) / seconds,
              static_cast<unsigned long long>(result.stats.items),
              static_cast<unsigned long long>(result.stats.orders));
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (result.stats.attempts[i] + result.stats.ended[i] == 0) continue;
    std::printf("  %-14s attempts %8llu  addresses %8llu\n", name_of(static_cast<Outcome>(i)),
                static_cast<unsigned long long>(result.stats.attempts[i]),
                static_cast<unsigned long long>(result.stats.ended[i]));
  }
  std::printf("items: %s\n", result.items_path.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  LocalCrawl crawl;
  std::string hosts_file;
  std::int64_t longest_s = 0;
  CLI::App app{"Crawls in one process, no cluster."};
  app.add_option("--hosts", hosts_file,
                 "Address map; each host in it is a seed, no other is asked");
  app.add_option("--seed", crawl.seeds,
                 "Where to begin, a URL; may be given again. Without --hosts DNS finds the hosts")
      ->allow_extra_args(false);
  app.add_option("--dir", crawl.directory, "Where journal.sqlite and items.sqlite are")->required();
  app.add_option("--warc", crawl.warc, "Also write fetched pages to this .warc.gz");
  app.add_option("--in-flight", crawl.fetch.in_flight, "Requests at once");
  app.add_option("--seconds", longest_s, "Stop after so long");
  app.add_flag("--no-pacing", crawl.frontier.ignore_pacing, "Ignore what hosts ask for");
  if (const auto code = read_command_line(app, "bourse-crawl-local", argc, argv)) return *code;

  auto beginning = read_beginning(hosts_file, std::move(crawl.seeds));
  if (!beginning.ok()) {
    std::fprintf(stderr, "bourse-crawl-local: %s\n", beginning.error().message.c_str());
    return 1;
  }
  crawl.hosts = std::move(beginning->hosts);
  crawl.seeds = std::move(beginning->seeds);
  crawl.longest = bourse::Duration::seconds(longest_s);
  crawl.on_progress = &print_progress;
  const auto result = crawl_local(crawl);
  if (!result.ok()) {
    std::fprintf(stderr, "bourse-crawl-local: %s\n", result.error().message.c_str());
    return 1;
  }
  print_result(*result);
  return result->finished ? 0 : 3;
}
