// load-framework: a framework that keeps TASKS tasks running, for the scripts here.
// Usage: load-framework MASTERS TASKS. It says "registered MONOTONIC_NS ID" each time it is, "full"
// once all tasks run, and obeys lines of its standard input:
//   report     prints "report {...}": tasks that run as far as it was told, and that ended
//   ids        prints "ids ID ID ...": which those that run are
//   reconcile  asks for the state of every task and says "reconciled" when all were heard of
//   kill ID    a task it knows
#include <sys/prctl.h>

#include <bourse/scheduler.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <set>
#include <thread>

namespace {

using namespace bourse::sdk;

class Load : public Scheduler {
 public:
  explicit Load(std::size_t wanted) : wanted_(wanted) {}

  void on_registered(SchedulerDriver&, const std::string& id, bool) override {
    say("registered " +
        std::to_string(std::chrono::steady_clock::now().time_since_epoch().count()) + " " + id);
  }
  void on_offers(SchedulerDriver& driver, const std::vector<Offer>& offers) override {
    for (const Offer& offer : offers) {
      std::vector<TaskSpec> tasks;
      // A few on each agent, so that every agent has some.
      while (launched_ < wanted_ && tasks.size() < 2) {
        TaskSpec& task = tasks.emplace_back();
        task.id = "t" + std::to_string(launched_++);
        task.resources.cpu_milli = 100;
        task.resources.memory_mb = 32;
        task.command = Command{.arguments = {"/bin/sleep", "1000000"}};
      }
      if (tasks.empty()) {
        driver.decline({offer.id}, 3'600'000);
      } else {
        driver.launch({offer.id}, tasks, 3'600'000);
      }
    }
  }
  void on_update(SchedulerDriver&, const TaskUpdate& update) override {
    const std::lock_guard lock(mutex_);
    if (is_terminal(update.state) || update.state == TaskState::lost ||
        update.state == TaskState::unreachable) {
      running_.erase(update.task_id);
      if (ended_.insert(update.task_id).second) {
        say("ended " + update.task_id + " " + name_of(update.state) + " " + update.message);
      }
    } else if (update.state == TaskState::running) {
      running_.insert(update.task_id);
      if (running_.size() == wanted_ && !std::exchange(full_, true)) say("full");
    }
    if (unheard_.erase(update.task_id) > 0 && unheard_.empty()) say("reconciled");
  }
  void on_error(SchedulerDriver&, const std::string& message) override { say("error " + message); }

  void obey(SchedulerDriver& driver, const std::string& line) {
    const std::lock_guard lock(mutex_);
    if (line == "report") {
      say("report {\"running\":" + std::to_string(running_.size()) +
          ",\"ended\":" + std::to_string(ended_.size()) + "}");
    } else if (line == "ids") {
      std::string ids = "ids";
      for (const std::string& id : running_) ids += " " + id;
      say(ids);
    } else if (line == "reconcile") {
      unheard_ = running_;
      driver.reconcile({running_.begin(), running_.end()});
    } else if (line.starts_with("kill ")) {
      driver.kill(line.substr(5), 0);
    }
  }

 private:
  static void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  }

  const std::size_t wanted_;
  std::size_t launched_ = 0;
  std::mutex mutex_;
  bool full_ = false;
  std::set<std::string> running_;
  std::set<std::string> ended_;
  std::set<std::string> unheard_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Load load(static_cast<std::size_t>(std::atoi(argv[2])));
  SchedulerDriver driver(load,
                         {.master = argv[1], .name = "load", .failover_timeout_ms = 3'600'000});
  if (!driver.start()) return std::fprintf(stderr, "%s\n", driver.error().c_str()), 1;
  for (std::string line; std::getline(std::cin, line);) load.obey(driver, line);
  std::_Exit(0);
}
