// told-scheduler: a framework that does what its standard input tells it, for tests with real
// processes. One command a line:
//   launch ID CPU_MILLI MEMORY_MB shell command...
//   launch-with EXECUTOR ID CPU_MILLI MEMORY_MB program    under an executor of that id
//   launch-lent ID CPU_MILLI MEMORY_MB shell command...    on what is lent
//   launch-on OFFER ID     whether that offer is held or not
//   want COUNT CPU_MILLI   so many times so much, from now on; 0: it says nothing any more
//   kill ID [GRACE_MS]
//   reconcile [ID]    asks about that task, or all
//   publish NAME TEXT
//   send AGENT EXECUTOR KILOBYTES    a message to that executor, whether there is one or not
//   reserve|reserve-again|unreserve ID DISK_MB [LABEL]    on the next offer; likewise:
//   create|grow|shrink ID VOLUME MB
//   destroy ID VOLUME
//   launch-in VOLUME ID shell command...    a task that has the volume, on an offer of it
//   what-of ID    asks what became of an operation
//   leave ID | stay ID     its answer to an inverse offer
//   describe RACK WEBUI_URL    says anew who it is: wants agents of that rack, has that page
//   stop        keeps the tasks        teardown    ends them
// and prints one line for each thing it hears: "registered ID again|new", "update ID STATE
// message", "operation ID STATE message", "inverse ID HOST", "inverse-rescinded ID",
// "disconnected REASON", "error message".
// Usage: told-scheduler MASTER [FRAMEWORK_ID or - [LABEL VALUE]]; TOLD_USER names the framework's
// user, TOLD_ROLE its role, TOLD_CREDENTIAL the file of who it is; TOLD_RACK the rack of agents
// that it wants, TOLD_LEAST_MB the least memory, TOLD_SUPPRESSED a role that begins without offers,
// TOLD_REVOCABLE that it takes what is lent.
#include <algorithm>
#include <bourse/offer_matcher.hpp>
#include <bourse/scheduler.hpp>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <sstream>
#include <thread>

using namespace bourse::sdk;

namespace {

class Told : public Scheduler {
 public:
  void on_registered(SchedulerDriver&, const std::string& id, bool again) override {
    say("registered " + id + (again ? " again" : " new"));
  }
  void on_disconnected(SchedulerDriver&, const std::string& reason) override {
    say("disconnected " + reason);
  }
  void on_error(SchedulerDriver&, const std::string& message) override { say("error " + message); }
  void on_update(SchedulerDriver&, const TaskUpdate& update) override {
    say("update " + update.task_id + " " + name_of(update.state) + " " + update.reason + " " +
        update.message);
  }
  void on_operation(SchedulerDriver& driver, const OperationUpdate& update) override {
    // What could not even be asked for has not used its offer.
    if (update.state == OperationState::error) driver.decline({operated_on_}, 0);
    say("operation " + update.operation_id + " " + name_of(update.state) + " " + update.message);
  }
  void on_inverse_offers(SchedulerDriver&, const std::vector<InverseOffer>& offers) override {
    for (const InverseOffer& offer : offers) {
      say("inverse " + offer.id + " " + offer.hostname + " " +
          (offer.unavailable_from_ms > 0 ? "for " + std::to_string(offer.unavailable_for_ms) : ""));
    }
  }
  void on_inverse_rescinded(SchedulerDriver&, const std::string& id) override {
    say("inverse-rescinded " + id);
  }
  void on_offers(SchedulerDriver& driver, const std::vector<Offer>& offers) override {
    const std::lock_guard lock(mutex_);
    if (operates(driver, offers)) return;
    const Plan plan = match(wanted_, offers);
    for (const Placement& placement : plan.placements) {
      driver.launch(placement.offer_ids, placement.tasks, 0);
      for (const TaskSpec& task : placement.tasks) {
        std::erase_if(wanted_, [&](const Shape& shape) { return shape.task.id == task.id; });
      }
    }
    driver.decline(plan.unused_offer_ids, 0);
  }
  void want(Shape shape) {
    const std::lock_guard lock(mutex_);
    wanted_.push_back(std::move(shape));
  }
  void want(Operation operation) {
    const std::lock_guard lock(mutex_);
    operations_.push_back(std::move(operation));
  }
  void want_in(TaskSpec task) {
    const std::lock_guard lock(mutex_);
    tasks_in_.push_back(std::move(task));
  }

 private:
  // What was asked for since the last offers goes with the first of these that has what it takes;
  // the others are declined.
  bool operates(SchedulerDriver& driver, const std::vector<Offer>& offers) {
    if (operations_.empty() && tasks_in_.empty()) return false;
    bool used = false;
    for (const Offer& offer : offers) {
      const auto has = [&](const TaskSpec& task) {
        return std::any_of(offer.volumes.begin(), offer.volumes.end(),
                           [&](const Volume& volume) { return volume.id == task.volumes.front(); });
      };
      const bool fits = std::all_of(tasks_in_.begin(), tasks_in_.end(), has);
      if (used || (operations_.empty() && !fits)) {
        driver.decline({offer.id}, 0);
        continue;
      }
      used = true;
      operated_on_ = offer.id;
      driver.accept({offer.id}, operations_, tasks_in_, 0);
      operations_.clear();
      tasks_in_.clear();
    }
    return true;
  }

  static void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  }

  std::mutex mutex_;
  std::vector<Shape> wanted_;
  std::vector<Operation> operations_;
  std::string operated_on_;  // an offer
  std::vector<TaskSpec> tasks_in_;
};

// True: it was one.
bool operate(SchedulerDriver& driver, Told& told, const std::string& verb, const std::string& id,
             std::istringstream& words) {
  std::string volume;
  std::int64_t megabytes = 0;
  if (verb == "reserve" || verb == "reserve-again" || verb == "unreserve") {
    std::string label;
    words >> megabytes >> label;
    const Resources disk{.disk_mb = megabytes};
    std::map<std::string, std::string> labels;
    if (!label.empty()) labels["for"] = label;
    told.want(verb == "reserve"         ? reserve(id, disk, labels)
              : verb == "reserve-again" ? reserve_again(id, disk, labels)
                                        : unreserve(id, disk));
  } else if (verb == "create") {
    words >> volume >> megabytes;
    told.want(create_volume(id, {.id = volume, .size_mb = megabytes}));
  } else if (verb == "grow" || verb == "shrink") {
    words >> volume >> megabytes;
    told.want(verb == "grow" ? grow_volume(id, volume, megabytes)
                             : shrink_volume(id, volume, megabytes));
  } else if (verb == "destroy") {
    words >> volume;
    told.want(destroy_volume(id, volume));
  } else if (verb == "launch-in") {
    TaskSpec task{.resources = {.cpu_milli = 100, .memory_mb = 32}, .volumes = {id}};
    std::string command;
    words >> task.id;
    std::getline(words >> std::ws, command);
    task.command = Command{.shell = command};
    told.want_in(std::move(task));
  } else if (verb == "what-of") {
    driver.reconcile_operations({{id, ""}});
    return true;
  } else {
    return false;
  }
  driver.revive();
  return true;
}

std::map<std::string, std::vector<std::vector<OfferConstraint>>> on_rack(const std::string& rack) {
  using Test = OfferConstraint::Test;
  return {{"", {{{.attribute = "rack", .test = Test::equals, .text = rack}}}}};
}

void obey(SchedulerDriver& driver, Told& told, SchedulerOptions options, const std::string& line) {
  std::istringstream words(line);
  std::string verb, id;
  words >> verb >> id;
  if (verb == "launch" || verb == "launch-lent") {
    Shape shape;
    shape.task.id = id;
    shape.task.revocable = verb == "launch-lent";
    words >> shape.task.resources.cpu_milli >> shape.task.resources.memory_mb;
    std::string command;
    std::getline(words >> std::ws, command);
    shape.task.command = Command{.shell = command};
    told.want(std::move(shape));
    driver.revive();
  } else if (verb == "launch-with") {
    Shape shape;
    words >> shape.task.id >> shape.task.resources.cpu_milli >> shape.task.resources.memory_mb;
    std::string program;
    words >> program;
    shape.task.executor = ExecutorSpec{.id = id,
                                       .command = {.arguments = {program}},
                                       .resources = {.cpu_milli = 100, .memory_mb = 64}};
    told.want(std::move(shape));
    driver.revive();
  } else if (verb == "launch-on") {
    TaskSpec task;
    words >> task.id;
    task.command = Command{.shell = "true"};
    driver.launch({id}, {task});
  } else if (verb == "want") {
    Wanted wanted;
    wanted.count = std::atoll(id.c_str());
    words >> wanted.resources.cpu_milli;
    if (id == "0") {
      driver.request({});
    } else {
      driver.request({wanted});
    }
  } else if (verb == "kill") {
    std::int64_t grace_ms = -1;
    words >> grace_ms;
    driver.kill(id, words ? grace_ms : -1);
  } else if (verb == "reconcile") {
    driver.reconcile(id.empty() ? std::vector<std::string>{} : std::vector{id});
  } else if (verb == "leave" || verb == "stay") {
    driver.answer_inverse_offers({id}, verb == "leave", 1000);
  } else if (verb == "publish") {
    std::string content;
    std::getline(words >> std::ws, content);
    driver.publish(id, content);
  } else if (verb == "send") {
    std::string executor;
    std::size_t kilobytes = 0;
    words >> executor >> kilobytes;
    driver.send_message(id, executor, std::string(kilobytes << 10, 'x'));
  } else if (verb == "describe") {
    options.offer_constraints = on_rack(id);
    words >> options.webui_url;
    driver.update_framework(options);
  } else if (verb == "stop" || verb == "teardown") {
    driver.stop(verb == "stop");
  } else {
    operate(driver, told, verb, id, words);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  Told told;
  SchedulerOptions options;
  options.master = argv[1];
  options.name = "told";
  options.failover_timeout_ms = 60'000;
  if (const char* user = std::getenv("TOLD_USER")) options.user = user;
  if (const char* role = std::getenv("TOLD_ROLE")) options.role = role;
  if (const char* file = std::getenv("TOLD_CREDENTIAL")) options.credential_file = file;
  if (const char* rack = std::getenv("TOLD_RACK")) options.offer_constraints = on_rack(rack);
  if (const char* least = std::getenv("TOLD_LEAST_MB")) {
    options.min_allocatable[""] = {Resources{.memory_mb = std::atoll(least)}};
  }
  if (const char* role = std::getenv("TOLD_SUPPRESSED")) options.suppressed_roles = {role};
  options.revocable = std::getenv("TOLD_REVOCABLE") != nullptr;
  if (argc > 2 && std::string(argv[2]) != "-") options.framework_id = argv[2];
  if (argc > 4) options.labels.emplace_back(argv[3], argv[4]);
  SchedulerDriver driver(told, options);
  if (!driver.start()) {
    std::fprintf(stderr, "told-scheduler: %s\n", driver.error().c_str());
    return 1;
  }
  std::thread input([&] {
    std::string line;
    while (std::getline(std::cin, line)) obey(driver, told, options, line);
  });
  input.detach();
  return driver.join() ? 0 : 1;
}
