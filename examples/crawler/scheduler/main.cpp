// bourse-crawler: crawls a list of shops as a framework on a Bourse cluster.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "examples/crawler/command_line.hpp"
#include "examples/crawler/fetch/beginning.hpp"
#include "examples/crawler/scheduler/crawl.hpp"

namespace {

using namespace bourse::crawler;

std::string beside_this_program(const char* name) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / name).string();
}

int complain(const std::string& message) {
  std::fprintf(stderr, "bourse-crawler: %s\n", message.c_str());
  return 1;
}

// Fetching waits for others, extraction is work, storing is little of both.
StageTable default_stages() {
  StageTable stages{};
  stages[0].cpu_milli = 500;
  stages[1].cpu_milli = 800;
  stages[2].cpu_milli = 200;
  stages[2].memory_mb = 128;
  stages[2].disk_mb = 64;
  stages[2].most = 2;
  return stages;
}

}  // namespace

int main(int argc, char** argv) {
  CrawlOptions options;
  options.stages = default_stages();
  options.worker_program = beside_this_program("bourse-crawl-worker");
  std::string hosts_file;
  std::string progress = "text";
  bool unthrottled = false;
  bool no_pacing = false;
  CLI::App app{"Crawls shops as a framework on a Bourse cluster."};
  app.add_option("--master", options.master, "host:port of the master's framework link")
      ->required();
  app.add_option("--hosts", hosts_file,
                 "Map of \"host address:port\" lines; each host is a seed, no other is asked");
  app.add_option("--seed", options.seeds,
                 "Where to begin, a URL; may be given again. Without --hosts DNS finds the hosts")
      ->allow_extra_args(false);
  app.add_option("--output", options.output,
                 "Directory of the result; a crawl found there is continued")
      ->required();
  app.add_option("--progress", progress, "json: one object a second on standard output")
      ->check(CLI::IsMember({"json", "text", "none"}));
  app.add_option("--expect", options.items_expected, "Items a complete crawl finds, if known");
  app.add_flag("--unthrottled", unthrottled, "For shops that take any rate: more workers at once");
  app.add_flag("--no-pacing", no_pacing, "Ignore what shops ask for (the control run)");
  app.add_flag("--warc", options.warc, "Keep every fetched page in WARC files too");
  app.add_option("--pages-per-host", options.frontier.pages_per_host,
                 "Most pages asked of one host; its other addresses end as `budget`")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
  app.add_option("--role", options.role, "Role to get offers as");
  app.add_option("--in-flight", options.in_flight, "Requests at once per fetch worker")
      ->check(CLI::Range(1, 400));
  app.add_option("--shards", options.shards, "Item databases")->check(CLI::Range(1, 64));
  app.add_option("--worker", options.worker_program, "Path of bourse-crawl-worker on the agents");
  for (const Stage stage : kStages) {
    StageSettings& settings = options.stages[static_cast<std::size_t>(stage)];
    const std::string name = name_of(stage);
    app.add_option("--" + name, settings.workers, "Workers of this stage to begin with")
        ->check(CLI::Range(1, 256));
    app.add_option("--" + name + "-most", settings.most, "Most workers it scales itself to")
        ->check(CLI::Range(1, 256));
    app.add_option("--" + name + "-cpus-milli", settings.cpu_milli, "Of each worker");
    app.add_option("--" + name + "-memory-mb", settings.memory_mb, "Of each worker");
  }
  if (const auto code = read_command_line(app, "bourse-crawler", argc, argv)) return *code;

  auto beginning = read_beginning(hosts_file, std::move(options.seeds));
  if (!beginning.ok()) return complain(beginning.error().message);
  options.hosts_text = std::move(beginning->hosts_text);
  options.seeds = std::move(beginning->seeds);
  options.output = std::filesystem::absolute(options.output).string();
  options.progress_json = progress == "json";
  options.frontier.ignore_pacing = no_pacing || unthrottled;
  if (unthrottled) {
    options.stages[0].workers = std::max(options.stages[0].workers, 2U);
    options.stages[1].workers = std::max(options.stages[1].workers, 3U);
  }
  const auto end = run_crawl(options);
  if (!end.ok()) return complain(end.error().message);
  return *end == CrawlEnd::finished ? 0 : 3;
}
