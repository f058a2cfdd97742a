// launch-latency: from a scheduler's launch() to the moment it sees RUNNING, one task after another
// on an idle cluster of real processes. The scheduler holds an offer when it submits, as one that
// waits for work does. Work directories on tmpfs and on disk. Floor: vfork and exec of /bin/true,
// and on each medium as many bare writes with fdatasync as the way waits for: the launch before the
// task is started, its first updates before they are told.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <bourse/scheduler.hpp>
#include <cstdio>

#include "bench/harness.hpp"
#include "bench/real_cluster.hpp"

extern char** environ;

namespace {

using namespace bourse;
using Clock = std::chrono::steady_clock;

class OneByOne : public sdk::Scheduler {
 public:
  explicit OneByOne(int tasks) : wanted_(tasks) {}

  void on_offers(sdk::SchedulerDriver& driver, const std::vector<sdk::Offer>& offers) override {
    if (in_flight_) return driver.decline({offers.front().id}, 0);
    sdk::TaskSpec task;
    task.id = "t" + std::to_string(launched_++);
    task.resources.cpu_milli = 100;
    task.resources.memory_mb = 32;
    task.command = sdk::Command{.arguments = {"/bin/sleep", "100"}};
    in_flight_ = true;
    submitted_ = Clock::now();
    driver.launch({offers.front().id}, {task}, 0);
  }

  void on_update(sdk::SchedulerDriver& driver, const sdk::TaskUpdate& update) override {
    if (update.state == sdk::TaskState::running) {
      const std::chrono::duration<double, std::micro> took = Clock::now() - submitted_;
      took_us.push_back(took.count());
      driver.kill(update.task_id, 0);
    } else if (sdk::is_terminal(update.state)) {
      in_flight_ = false;
      if (launched_ >= wanted_) return driver.stop();
      driver.revive();
    }
  }

  std::vector<double> took_us;

 private:
  const int wanted_;
  int launched_ = 0;
  bool in_flight_ = false;
  Clock::time_point submitted_;
};

// See the agent's unit test that counts them.
constexpr int kDurableWaits = 2;

bench::Timing exec_floor() {
  return bench::measure(10, 200, [](std::uint32_t) {
    pid_t pid = 0;
    char program[] = "/bin/true";
    char* argv[] = {program, nullptr};
    if (::posix_spawn(&pid, program, nullptr, nullptr, argv, environ) == 0) {
      ::waitpid(pid, nullptr, 0);
    }
  });
}

// A record appended and made durable, in the directory that the daemons work in.
bench::Timing sync_floor(const std::string& dir) {
  const std::string path = dir + "/sync-floor";
  const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return {};
  const std::string record(400, 'r');
  const bench::Timing timing = bench::measure(10, 200, [&](std::uint32_t) {
    bench::keep(::write(fd, record.data(), record.size()));
    ::fdatasync(fd);
  });
  ::close(fd);
  return timing;
}

int measure(bench::Report& report, const std::string& base, const char* medium, int tasks) {
  const std::string dir = base + "/bourse-bench-" + std::to_string(::getpid());
  report.progress(std::string("launching one by one, work directory on ") + medium);
  auto cluster = bench::RealCluster::start(dir, {});
  if (!cluster.ok()) {
    std::fprintf(stderr, "launch-latency: %s\n", cluster.error().message.c_str());
    return 1;
  }
  const double master_before = bench::cpu_ns_of(cluster->master_pid());
  const double agent_before = bench::cpu_ns_of(cluster->agent_pid());
  OneByOne scheduler(tasks);
  sdk::SchedulerDriver driver(scheduler, {.master = cluster->link(), .name = "latency"});
  if (!driver.run() || scheduler.took_us.empty()) {
    std::fprintf(stderr, "launch-latency: %s\n", driver.error().c_str());
    return 1;
  }
  std::vector<double> took = scheduler.took_us;
  std::sort(took.begin(), took.end());
  const auto at = [&](double part) {
    return took[std::min(took.size() - 1,
                         static_cast<std::size_t>(part * static_cast<double>(took.size())))] /
           1e3;
  };
  const bench::Timing exec = exec_floor();
  const bench::Timing sync = sync_floor(cluster->dir());
  const auto floor_ms = [&](double exec_ns, double sync_ns) {
    return (exec_ns + kDurableWaits * sync_ns) / 1e6;
  };
  const bench::Params params{{"medium", medium},
                             {"tasks", std::to_string(tasks)},
                             {"durable_waits", std::to_string(kDurableWaits)}};
  report.add({"launch_p50", at(0.5), "ms", floor_ms(exec.p50_ns, sync.p50_ns), params});
  report.add({"launch_p99", at(0.99), "ms", floor_ms(exec.p99_ns, sync.p99_ns), params});
  report.add({"launch_min", took.front() / 1e3, "ms", floor_ms(exec.min_ns, sync.min_ns), params});
  const auto per_task_us = [&](pid_t pid, double before) {
    return (bench::cpu_ns_of(pid) - before) / 1e3 / tasks;
  };
  report.add({"cpu_master", per_task_us(cluster->master_pid(), master_before), "us", {}, params});
  report.add({"cpu_agent", per_task_us(cluster->agent_pid(), agent_before), "us", {}, params});
  report.add({"bare_exec_p50", exec.p50_ms(), "ms", {}, {{"medium", medium}}});
  report.add({"bare_fdatasync_p50", sync.p50_ms(), "ms", {}, {{"medium", medium}}});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  bench::Report report("launch-latency", argc, argv);
  const int tasks = report.quick() ? 30 : 200;
  if (measure(report, "/dev/shm", "tmpfs", tasks) != 0) return 1;
  if (measure(report, "/var/tmp", "disk", tasks) != 0) return 1;
  return report.finish();
}
