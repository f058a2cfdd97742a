// load-agents: simulated agents in a process of their own, for the scripts here.
// Usage: load-agents FIRST COUNT. It obeys lines of its standard input:
//   masters A,B,...   whom to look for (also the first word it needs)
//   start             connects; again after a hold, with what the agents then have
//   hold              drops every connection and says "held"
//   learn ADDRESS     the ensemble says that this one leads
//   tasks N ID        each has N more tasks of that framework, and says "made"
//   report            prints "report {...}"
// and says "all MONOTONIC_NS" whenever every agent is registered, having not been.
#include <sys/prctl.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <thread>

#include "bench/link_agents.hpp"
#include "runtime/clock.hpp"
#include "runtime/daemon.hpp"

namespace {

using namespace bourse;

void report(const bench::LinkAgents::Stats& stats) {
  std::string commands;
  for (const auto& [epoch, count] : stats.commands) {
    commands +=
        (commands.empty() ? "\"" : ",\"") + std::to_string(epoch) + "\":" + std::to_string(count);
  }
  std::string out;
  const auto add = [&](const char* name, std::uint64_t value) {
    out += "\"" + std::string(name) + "\":" + std::to_string(value) + ",";
  };
  add("registered", stats.registered);
  add("tasks", stats.tasks);
  add("ended", stats.ended);
  add("old_epoch", stats.old_epoch);
  add("sessions_ended", stats.sessions_ended);
  add("refused", stats.refused);
  add("connections_lost", stats.connections_lost);
  add("epoch", stats.epoch);
  std::printf("report {%s\"commands\":{%s}}\n", out.c_str(), commands.c_str());
  std::fflush(stdout);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string one; std::getline(in, one, ',');) out.push_back(one);
  return out;
}

void obey(bench::LinkAgents& agents, const std::string& line) {
  std::istringstream words(line);
  std::string verb, rest, framework;
  words >> verb >> rest >> framework;
  if (verb == "masters") agents.set_masters(split(rest));
  if (verb == "start") agents.start();
  if (verb == "learn") agents.learned(rest);
  if (verb == "report") report(agents.stats());
  if (verb == "hold") agents.hold();
  if (verb == "tasks") {
    agents.make_tasks(static_cast<std::uint32_t>(std::stoi(rest)), FrameworkId(framework));
  }
  if (verb != "hold" && verb != "tasks") return;
  std::printf(verb == "hold" ? "held\n" : "made\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // never outlives the bench
  runtime::ignore_sigpipe();
  runtime::raise_descriptor_limit();
  runtime::Loop loop;
  bench::LinkAgents::Options options;
  options.first = static_cast<std::uint32_t>(std::atoi(argv[1]));
  options.count = static_cast<std::uint32_t>(std::atoi(argv[2]));
  options.each = Resources::parse("cpus:16;mem:65536;disk:65536;ports:[31000-32000]").value();
  const auto all = [] {
    std::printf("all %lld\n", static_cast<long long>(runtime::monotonic_now().ns));
    std::fflush(stdout);
  };
  const auto broken = [](const std::string& why) {
    std::fprintf(stderr, "load-agents: %s\n", why.c_str());
    std::_Exit(1);
  };
  bench::LinkAgents agents(loop, std::move(options), {.all_registered = all, .broken = broken});
  std::thread input([&] {
    for (std::string line; std::getline(std::cin, line);) {
      loop.post([&agents, line] { obey(agents, line); });
    }
    loop.stop();
  });
  loop.run();
  std::_Exit(0);  // the thread may stand in a read for ever
}
