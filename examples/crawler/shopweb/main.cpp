// bourse-shopweb: serves the synthetic web until it is told to stop (SIGINT, SIGTERM).
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "examples/crawler/command_line.hpp"
#include "examples/crawler/shopweb/server.hpp"
#include "examples/crawler/shopweb/site.hpp"

namespace {

using bourse::crawler::shopweb::Server;
using bourse::crawler::shopweb::Site;
using bourse::crawler::shopweb::WebConfig;

struct Options {
  WebConfig web;
  std::string ip = "127.0.0.1";
  std::uint16_t port = 0;
  std::uint32_t threads = 2;
  std::string truth_file;
  std::string hosts_file;
  std::string stats_file;
  bool json = false;
};

bool write_file(const std::string& path, const std::string& text) {
  if (path.empty()) return true;
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  if (file) return true;
  std::fprintf(stderr, "bourse-shopweb: cannot write %s: check the directory and free space\n",
               path.c_str());
  return false;
}

void announce(const Options& options, const Server& server) {
  if (options.json) {
    const nlohmann::ordered_json ready{
        {"address", server.address()},
        {"port", server.port()},
        {"shops", options.web.shops},
        {"items_expected", static_cast<std::uint64_t>(options.web.shops) * options.web.items}};
    std::printf("%s\n", ready.dump().c_str());
  } else {
    std::printf("bourse-shopweb: %u shops with %u items each on %s%s\n", options.web.shops,
                options.web.items, server.address().c_str(),
                options.web.unthrottled ? ", unthrottled" : "");
  }
  std::fflush(stdout);
}

int serve(const Options& options) {
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGINT);
  sigaddset(&stop_signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);  // inherited by the server's threads

  Site site(options.web);
  Server server(site);
  if (const bourse::Status status = server.start(options.port, options.threads, options.ip);
      !status.ok()) {
    const bool taken = status.error().code == bourse::ErrorCode::already_exists;
    std::fprintf(stderr, "bourse-shopweb: %s%s\n", status.error().message.c_str(),
                 taken ? "; choose another with --port, or 0 for any free one" : "");
    return 1;
  }
  if (!write_file(options.truth_file, site.truth_lines()) ||
      !write_file(options.hosts_file, site.hosts_lines())) {
    return 1;
  }
  announce(options, server);
  int signal = 0;
  sigwait(&stop_signals, &signal);
  server.stop();
  const std::string stats = site.stats_json();
  if (!write_file(options.stats_file, stats + "\n")) return 1;
  if (options.json) std::printf("%s\n", stats.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"A deterministic web of shops on loopback that knows its own truth."};
  app.add_option("--port", options.port, "Port; 0 takes any free one");
  app.add_option("--ip", options.ip, "IPv4 address to serve on; 127.0.0.1 unless given");
  app.add_option("--shops", options.web.shops, "Number of shops")->check(CLI::Range(1, 10'000));
  app.add_option("--items", options.web.items, "Items per shop")->check(CLI::Range(1, 1'000'000));
  app.add_option("--seed", options.web.seed, "Names, prices, rates and troubles follow from it");
  app.add_option("--day", options.web.day, "Prices and stock change by day");
  app.add_option("--threads", options.threads, "Server threads")->check(CLI::Range(1, 64));
  app.add_flag("--unthrottled", options.web.unthrottled, "No rate limits");
  app.add_option("--truth", options.truth_file, "Write the expected items, one JSON object a line");
  app.add_option("--hosts", options.hosts_file,
                 "Write the address map, \"host address:port\" lines");
  app.add_option("--stats", options.stats_file, "Write the counters as JSON at the end");
  app.add_flag("--json", options.json, "First and last line as JSON");
  const auto code = bourse::crawler::read_command_line(app, "bourse-shopweb", argc, argv);
  if (code) return *code;
  return serve(options);
}
