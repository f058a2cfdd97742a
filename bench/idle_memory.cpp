// idle-memory: private and resident memory of an idle master, agent and shim (with one task that
// sleeps). Floor: this program itself, which does nothing while it waits.
#include <unistd.h>

#include <algorithm>
#include <bourse/scheduler.hpp>
#include <cstdio>
#include <vector>

#include "bench/harness.hpp"
#include "bench/real_cluster.hpp"

namespace {

using namespace bourse;

class OneSleeper : public sdk::Scheduler {
 public:
  void on_offers(sdk::SchedulerDriver& driver, const std::vector<sdk::Offer>& offers) override {
    if (launched_) return;
    launched_ = true;
    sdk::TaskSpec task;
    task.id = "sleeper";
    task.resources.cpu_milli = 100;
    task.resources.memory_mb = 32;
    task.command = sdk::Command{.arguments = {"/bin/sleep", "1000"}};
    driver.launch({offers.front().id}, {task});
  }
  void on_update(sdk::SchedulerDriver& driver, const sdk::TaskUpdate& update) override {
    if (update.state == sdk::TaskState::running) driver.stop(true);
  }

 private:
  bool launched_ = false;
};

void add(bench::Report& report, const std::string& name, pid_t pid) {
  const bench::Memory memory = bench::memory_of(pid);
  const bench::Memory floor = bench::memory_of(::getpid());
  report.add({name + "_private", memory.private_bytes / 1e6, "MB", floor.private_bytes / 1e6, {}});
  report.add({name + "_rss", memory.rss_bytes / 1e6, "MB", floor.rss_bytes / 1e6, {}});
}

}  // namespace

int main(int argc, char** argv) {
  bench::Report report("idle-memory", argc, argv);
  const std::string dir = "/tmp/bourse-bench-" + std::to_string(::getpid());
  auto cluster = bench::RealCluster::start(dir, {});
  if (!cluster.ok()) {
    std::fprintf(stderr, "idle-memory: %s\n", cluster.error().message.c_str());
    return 1;
  }
  OneSleeper scheduler;
  sdk::SchedulerOptions options;
  options.master = cluster->link();
  options.name = "memory";
  options.failover_timeout_ms = 60'000;
  sdk::SchedulerDriver driver(scheduler, options);
  if (!driver.run()) {
    std::fprintf(stderr, "idle-memory: %s\n", driver.error().c_str());
    return 1;
  }
  add(report, "master", cluster->master_pid());
  add(report, "agent", cluster->agent_pid());
  const std::vector<pid_t> containers = bench::processes_with("--container");
  const auto shim = std::find_if(containers.begin(), containers.end(),
                                 [](pid_t pid) { return bench::memory_of(pid).rss_bytes > 0; });
  if (shim == containers.end()) {
    std::fprintf(stderr, "idle-memory: the task runs, but no shim of it can be measured\n");
    return 1;
  }
  add(report, "shim", *shim);
  return report.finish();
}
