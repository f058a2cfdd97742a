// task-throughput: offer -> launch -> running -> finished -> acknowledged, how many tasks a second.
//
// A real bourse-master, a framework on the SDK in this process, and agents in processes of their
// own that speak the agents' link with an instant executor. The framework fills every offer. Floor:
// the same bytes relayed between as many processes by ZeroMQ alone. Processor time per task is said
// for each process: that, not the rate, compares machines that do other work beside.
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <bourse/scheduler.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "bench/harness.hpp"
#include "bench/link_agents.hpp"
#include "bench/real_cluster.hpp"
#include "bench/relay_floor.hpp"
#include "runtime/daemon.hpp"

namespace bourse::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kAgents = 1'000;
constexpr std::uint32_t kProcesses = 2;
constexpr std::uint32_t kCpus = 16;  // of each agent; a task takes one

// Fills every offer with tasks, and counts those that have run.
class Filler : public sdk::Scheduler {
 public:
  void on_offers(sdk::SchedulerDriver& driver, const std::vector<sdk::Offer>& offers) override {
    for (const sdk::Offer& offer : offers) {
      std::vector<sdk::TaskSpec> tasks;
      for (std::int64_t left = offer.resources.cpu_milli; left >= 1'000; left -= 1'000) {
        sdk::TaskSpec& task = tasks.emplace_back();
        task.id = "t" + std::to_string(launched_++);
        task.resources.cpu_milli = 1'000;
        task.resources.memory_mb = 32;
        task.command = sdk::Command{.arguments = {"/bin/true"}};
      }
      driver.launch({offer.id}, tasks, 0);
    }
  }

  void on_update(sdk::SchedulerDriver&, const sdk::TaskUpdate& update) override {
    if (update.state == sdk::TaskState::finished) {
      finished.fetch_add(1, std::memory_order_relaxed);
    } else if (sdk::is_terminal(update.state)) {
      std::fprintf(stderr, "task-throughput: task %s: %s %s\n", update.task_id.c_str(),
                   sdk::name_of(update.state), update.message.c_str());
      others.fetch_add(1, std::memory_order_relaxed);
    }
  }

  void on_error(sdk::SchedulerDriver&, const std::string& message) override {
    std::fprintf(stderr, "task-throughput: %s\n", message.c_str());
    others.fetch_add(1, std::memory_order_relaxed);
  }

  std::atomic<std::uint64_t> finished{0};
  std::atomic<std::uint64_t> others{0};

 private:
  std::uint64_t launched_ = 0;
};

struct Taken {
  double seconds = 0;
  double tasks = 0;
  double master_ns = 0;
  double framework_ns = 0;
  double agents_ns = 0;
};

int run_agents(const std::string& master, std::uint32_t first, std::uint32_t count) {
  runtime::Loop loop;
  const std::string each =
      "cpus:" + std::to_string(kCpus) + ";mem:65536;disk:65536;ports:[31000-32000]";
  LinkAgents::Options options;
  options.masters = {master};
  options.first = first;
  options.count = count;
  options.each = Resources::parse(each).value();
  options.tasks_end = true;
  const auto broken = [](const std::string& why) {
    std::fprintf(stderr, "task-throughput: agents: %s\n", why.c_str());
    std::_Exit(1);
  };
  const auto ready = [] {
    std::printf("ready\n");
    std::fflush(stdout);
  };
  LinkAgents agents(loop, std::move(options), {.all_registered = ready, .broken = broken});
  agents.start();
  loop.run();
  return 0;
}

bool wait_for(const Filler& filler, std::uint64_t finished) {
  for (int i = 0; i < 6'000 && filler.finished < finished && filler.others == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return filler.finished >= finished && filler.others == 0;
}

Result<Taken> take(Report& report, const std::string& dir, double seconds) {
  auto started = RealCluster::start_master(dir);
  if (!started.ok()) return started.error();
  RealCluster& cluster = started.value();
  std::vector<pid_t> agents;
  for (std::uint32_t i = 0; i < kProcesses; ++i) {
    auto pid = cluster.add("bench-task-throughput",
                           {"agents", cluster.link(), std::to_string(i * kAgents / kProcesses),
                            std::to_string(kAgents / kProcesses)});
    if (!pid.ok()) return pid.error();
    agents.push_back(pid.value());
  }
  Filler filler;
  sdk::SchedulerDriver driver(filler, {.master = cluster.link(), .name = "filler"});
  if (!driver.start()) return Error{ErrorCode::unavailable, driver.error()};
  report.progress("warming up");
  const Error stuck{ErrorCode::timeout, "tasks failed or did not end; see above"};
  if (!wait_for(filler, 3 * kAgents * kCpus)) return stuck;
  report.progress("measuring");
  const auto agents_ns = [&] {
    double sum = 0;
    for (const pid_t pid : agents) sum += cpu_ns_of(pid);
    return sum;
  };
  Taken before{0, static_cast<double>(filler.finished), cpu_ns_of(cluster.master_pid()),
               cpu_ns_of(::getpid()), agents_ns()};
  const auto begun = Clock::now();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  Taken out{std::chrono::duration<double>(Clock::now() - begun).count(),
            static_cast<double>(filler.finished) - before.tasks,
            cpu_ns_of(cluster.master_pid()) - before.master_ns,
            cpu_ns_of(::getpid()) - before.framework_ns, agents_ns() - before.agents_ns};
  driver.stop(true);
  driver.join();
  if (filler.others > 0) return stuck;
  return out;
}

double floor_rate(Report& report, const std::string& dir, double seconds) {
  report.progress("the floor: the same bytes without a master");
  auto started = RealCluster::start_instead("bench-task-throughput", {"relay"}, dir);
  if (!started.ok()) return 0;
  RealCluster& cluster = started.value();
  for (std::uint32_t i = 0; i < kProcesses; ++i) {
    auto pid = cluster.add("bench-task-throughput", {"relay-agents", cluster.link(),
                                                     std::to_string(i * kAgents / kProcesses),
                                                     std::to_string(kAgents / kProcesses)});
    if (!pid.ok()) return 0;
  }
  return drive_relay(cluster.link(), kAgents, kCpus, seconds);
}

int measure_all(int argc, char** argv) {
  Report report("task-throughput", argc, argv);
  const double seconds = report.quick() ? 3 : 10;
  const char* tmp = std::getenv("TMPDIR");
  const std::string dir =
      std::string(tmp ? tmp : "/dev/shm") + "/bourse-bench-" + std::to_string(::getpid());
  const auto taken = take(report, dir, seconds);
  if (!taken.ok()) {
    std::fprintf(stderr, "task-throughput: %s\n", taken.error().message.c_str());
    return 1;
  }
  const double floor = floor_rate(report, dir, seconds / 2);
  const Taken& t = taken.value();
  const Params params{{"agents", std::to_string(kAgents)},
                      {"agent_processes", std::to_string(kProcesses)},
                      {"tasks_per_agent", std::to_string(kCpus)},
                      {"seconds", std::to_string(static_cast<int>(seconds))}};
  report.add({"tasks", t.tasks / t.seconds, "1/s", floor, params});
  const auto per_task = [&](double ns) { return ns / 1e3 / t.tasks; };
  report.add({"master_cpu_per_task", per_task(t.master_ns), "us", {}, params});
  report.add({"framework_cpu_per_task", per_task(t.framework_ns), "us", {}, params});
  report.add({"agents_cpu_per_task", per_task(t.agents_ns), "us", {}, params});
  const double cores = (t.master_ns + t.framework_ns + t.agents_ns) / 1e9 / t.seconds;
  report.add({"cores_busy", cores, "1", {}, params});
  return report.finish();
}

// The programs that this one starts of itself.
int run(int argc, char** argv) {
  const std::string role = argc > 1 ? argv[1] : "";
  runtime::ignore_sigpipe();
  runtime::raise_descriptor_limit();
  if (role != "agents" && role != "relay" && role != "relay-agents") {
    return measure_all(argc, argv);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // never outlives the bench
  if (role == "relay") return run_relay();
  if (argc != 5) return 2;
  const auto first = static_cast<std::uint32_t>(std::atoi(argv[3]));
  const auto count = static_cast<std::uint32_t>(std::atoi(argv[4]));
  if (role == "agents") return run_agents(argv[2], first, count);
  return run_relay_agents(argv[2], first, count, kCpus);
}

}  // namespace
}  // namespace bourse::bench

int main(int argc, char** argv) {
  return bourse::bench::run(argc, argv);
}
