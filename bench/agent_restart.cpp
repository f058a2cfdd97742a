// agent-restart: an agent with running tasks is killed with -9 and started again, on a real
// cluster: from its start to the moment at which the master's operator API shows it active with its
// tasks, and whether each task is the process that it was. Floor: starting a program that does
// nothing, and reading the same checkpoint with plain SQLite.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bourse/scheduler.hpp>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "bench/harness.hpp"
#include "bench/real_cluster.hpp"

extern char** environ;

namespace {

using namespace bourse;
using Clock = std::chrono::steady_clock;

constexpr char kProgram[] = "31415.9";  // what `sleep` is told: marks our processes

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// All tasks in as few launches as offers allow.
class Filler : public sdk::Scheduler {
 public:
  explicit Filler(int tasks) : wanted_(tasks) {}

  void on_offers(sdk::SchedulerDriver& driver, const std::vector<sdk::Offer>& offers) override {
    std::vector<sdk::TaskSpec> tasks;
    while (launched_ < wanted_ && tasks.size() < 100) {
      sdk::TaskSpec task;
      task.id = "t" + std::to_string(launched_++);
      task.resources.cpu_milli = 100;
      task.resources.memory_mb = 32;
      task.command = sdk::Command{.arguments = {"/bin/sleep", kProgram}};
      tasks.push_back(std::move(task));
    }
    if (tasks.empty()) return driver.decline({offers.front().id}, 0);
    driver.launch({offers.front().id}, tasks, 0);
  }
  void on_update(sdk::SchedulerDriver&, const sdk::TaskUpdate& update) override {
    if (update.state == sdk::TaskState::running) ++running;
    if (sdk::is_terminal(update.state)) ++ended;
  }

  std::atomic<int> running{0};
  std::atomic<int> ended{0};

 private:
  const int wanted_;
  int launched_ = 0;
};

// What the master answers; empty: nothing.
std::string ask_master(const std::string& address, const std::string& what,
                       const std::string& body = {}) {
  const std::size_t colon = address.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string answer;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) {
    const std::string request = what + " HTTP/1.1\r\nHost: " + address +
                                "\r\nContent-Type: application/json\r\nConnection: close\r\n"
                                "Content-Length: " +
                                std::to_string(body.size()) + "\r\n\r\n" + body;
    (void)!::write(fd, request.data(), request.size());
    char buffer[65536];
    for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) > 0;) {
      answer.append(buffer, static_cast<std::size_t>(got));
    }
  }
  ::close(fd);
  return answer;
}

bool answers_with(const std::string& answer, const std::string& wanted) {
  return answer.find(wanted) != std::string::npos;
}

// Active means: with all its tasks.
bool wait_active(const std::string& http, bool active, int tasks) {
  const std::string wanted = std::string("\"active\":") + (active ? "true" : "false");
  const std::string running = "\"master/tasks_running\":" + std::to_string(tasks);
  const auto start = Clock::now();
  while (seconds_since(start) < 60) {
    if (answers_with(ask_master(http, "POST /api/v1", R"({"type":"GET_AGENTS"})"), wanted) &&
        (!active || answers_with(ask_master(http, "GET /metrics/snapshot"), running))) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

std::vector<pid_t> task_pids() {
  std::vector<pid_t> found = bench::processes_with(kProgram);
  std::sort(found.begin(), found.end());
  return found;
}

double floor_seconds(const std::string& checkpoint) {
  const auto start = Clock::now();
  pid_t pid = 0;
  char program[] = "/bin/true";
  char* argv[] = {program, nullptr};
  if (::posix_spawn(&pid, program, nullptr, nullptr, argv, environ) == 0) {
    ::waitpid(pid, nullptr, 0);
  }
  sqlite3* db = nullptr;
  std::size_t bytes = 0;
  if (sqlite3_open_v2(checkpoint.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK) {
    const auto count = [](void* to, int, char** columns, char**) {
      if (columns[0] != nullptr) *static_cast<std::size_t*>(to) += 1;
      return 0;
    };
    sqlite3_exec(db, "SELECT bytes FROM record", count, &bytes, nullptr);
  }
  sqlite3_close(db);
  bench::keep(bytes);
  return seconds_since(start);
}

// While no agent has it open; from a copy, so that it stays as it is.
double measure_floor(const bench::RealCluster& cluster) {
  const std::string copy = cluster.dir() + "/floor.db";
  std::error_code ignored;
  for (const char* suffix : {"", "-wal"}) {
    std::filesystem::copy_file(cluster.dir() + "/agent/meta/checkpoint.db" + suffix, copy + suffix,
                               std::filesystem::copy_options::overwrite_existing, ignored);
  }
  return floor_seconds(copy);
}

int measure(bench::Report& report, int tasks, int restarts) {
  const std::string dir = "/var/tmp/bourse-bench-" + std::to_string(::getpid());
  auto started = bench::RealCluster::start(dir, {});
  if (!started.ok()) return std::fprintf(stderr, "%s\n", started.error().message.c_str()), 1;
  bench::RealCluster& cluster = started.value();
  Filler filler(tasks);
  sdk::SchedulerDriver driver(filler, {.master = cluster.link(), .name = "restart"});
  if (!driver.start()) return std::fprintf(stderr, "%s\n", driver.error().c_str()), 1;
  report.progress("starting " + std::to_string(tasks) + " tasks");
  const auto begin = Clock::now();
  while (filler.running < tasks && seconds_since(begin) < 120) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const std::vector<pid_t> before = task_pids();
  std::vector<double> took;
  double floor = 0;
  for (int i = 0; i < restarts; ++i) {
    report.progress("restart " + std::to_string(i + 1) + " of " + std::to_string(restarts));
    cluster.kill_agent();
    if (!wait_active(cluster.http(), false, tasks))
      return std::fprintf(stderr, "never silent\n"), 1;
    const double this_floor = measure_floor(cluster);
    floor = i == 0 ? this_floor : std::min(floor, this_floor);
    const auto start = Clock::now();
    if (Status again = cluster.start_agent(); !again.ok()) {
      return std::fprintf(stderr, "%s\n", again.error().message.c_str()), 1;
    }
    if (!wait_active(cluster.http(), true, tasks)) return std::fprintf(stderr, "never back\n"), 1;
    took.push_back(seconds_since(start));
  }
  const std::vector<pid_t> after = task_pids();
  std::vector<pid_t> same;
  std::set_intersection(before.begin(), before.end(), after.begin(), after.end(),
                        std::back_inserter(same));
  std::sort(took.begin(), took.end());
  const bench::Params params{{"tasks", std::to_string(filler.running.load())},
                             {"restarts", std::to_string(restarts)}};
  report.add({"reregistered_p50", took[took.size() / 2], "s", floor, params});
  report.add({"reregistered_max", took.back(), "s", floor, params});
  report.add({"pids_changed", static_cast<double>(before.size() - same.size()), "1", {}, params});
  report.add({"tasks_ended", static_cast<double>(filler.ended), "1", {}, params});
  driver.stop();
  driver.join();
  const bool kept = same.size() == before.size() && before.size() >= std::size_t(tasks);
  return kept && filler.ended == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  bench::Report report("agent-restart", argc, argv);
  const int failed = measure(report, report.quick() ? 50 : 200, report.quick() ? 3 : 10);
  const int printed = report.finish();
  return failed != 0 ? failed : printed;
}
