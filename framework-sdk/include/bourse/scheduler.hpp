// The scheduler API of the Bourse SDK: derive from Scheduler, hand it to a SchedulerDriver, run.
//
//   struct Hello : bourse::sdk::Scheduler {
//     void on_offers(SchedulerDriver& driver, const std::vector<Offer>& offers) override { ... }
//   };
//   Hello hello;
//   SchedulerDriver driver(hello, {.master = "127.0.0.1:5060", .name = "hello"});
//   return driver.run() ? 0 : 1;
//
// Threads: the driver has one thread of its own; every callback runs on it, one at a time. Driver
// methods may be called from any thread, callbacks included; they never block but for stop() and
// run(). Do not destroy the driver from a callback.
//
// Promises: a launch is repeated until each of its tasks was heard of, an operation that has an id
// until it was, a kill until its task has ended; an update is shown at least once and, while
// acknowledgements are implicit, acknowledged after your callback returned. Lost connections and
// new masters are the driver's business: after each, the state of every living task is asked for by
// itself.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bourse/types.hpp"

namespace bourse::sdk {

class SchedulerDriver;

// What a scheduler author writes: answers to what the master says. Called on the driver's thread.
class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // The framework is known to a master. `again`: it was before; offers of before are void.
  virtual void on_registered(SchedulerDriver& driver, const std::string& framework_id, bool again);
  // Parts of agents, yours until you use or decline them: launch(), accept(), decline(). The match
  // of tasks to offers is offer_matcher.hpp's. An offer that you forget lapses by itself.
  virtual void on_offers(SchedulerDriver& driver, const std::vector<Offer>& offers) = 0;
  // Do not use this offer any more; the tasks of a launch on it under way come back as dropped.
  virtual void on_rescinded(SchedulerDriver& driver, const std::string& offer_id);
  // Operators plan to do without these agents: answer_inverse_offers says whether you leave them
  // in time. Asked again when the answer's time is over, for as long as you have something there.
  virtual void on_inverse_offers(SchedulerDriver& driver, const std::vector<InverseOffer>& offers);
  // The wish is void: the plan changed, or you have left.
  virtual void on_inverse_rescinded(SchedulerDriver& driver, const std::string& inverse_offer_id);
  // A step of a task's life, at least once and in order; the same state may come again. What must
  // survive this process is stored before this returns: afterwards it is acknowledged.
  virtual void on_update(SchedulerDriver& driver, const TaskUpdate& update);
  // What became of an operation that has an id; like an update at least once, and acknowledged
  // after this returned while acknowledgements are implicit.
  virtual void on_operation(SchedulerDriver& driver, const OperationUpdate& update);
  // Bytes that an executor of yours sent, at most once.
  virtual void on_message(SchedulerDriver& driver, const std::string& agent_id,
                          const std::string& executor_id, const std::string& data);
  // An executor ended, or (executor_id empty) an agent is gone. Its tasks' updates come beside
  // this.
  virtual void on_failure(SchedulerDriver& driver, const std::string& agent_id,
                          const std::string& executor_id);
  // The master cannot be reached any more, or it closed the connection: `reason` says which, and in
  // the master's own words if it gave any. The driver looks for a master again. Also called before
  // the framework is registered, where a master says why it will not hear it.
  virtual void on_disconnected(SchedulerDriver& driver, const std::string& reason);
  // A call was refused by the driver, or the master ended this framework (then run() returns
  // false).
  virtual void on_error(SchedulerDriver& driver, const std::string& message);
};

// A test of an agent's attribute, or of where it is. A scalar, ranges or a set are no text: they
// pass every test of a text, and are yours to judge.
struct OfferConstraint {
  enum class Of : std::uint8_t { attribute = 0, hostname = 1, region = 2, zone = 3 };
  enum class Test : std::uint8_t {
    exists = 1,
    not_exists = 2,
    equals = 3,
    not_equals = 4,   // or it is not there
    matches = 5,      // all of it, a regular expression of RE2
    not_matches = 6,  // or it is not there
  };

  Of of = Of::attribute;
  std::string attribute = {};  // its name
  Test test = Test::exists;
  std::string text = {};
};

// Who the framework is and where its master.
struct SchedulerOptions {
  // "host:port" of a master's framework link, several with commas: any of them may lead. Or the
  // ensemble that elects them, "zk://[user:password@]host:port,.../path". Or masters' HTTP API,
  // "http://host:port", several with commas: slower, and where nothing else gets through.
  std::string master = {};
  std::string name = {};
  std::string user = {};  // empty: the user of this process
  std::string principal = {};
  // File of the principal and secret that a master asks for at its HTTP API, kept to its owner:
  // {"principal":"..","secret":".."}. The link asks for none.
  std::string credential_file = {};
  std::string role = "*";
  std::vector<std::string> roles = {};   // more than one: instead of `role`
  std::string framework_id = {};         // of an earlier life: take over its tasks
  std::int64_t failover_timeout_ms = 0;  // how long tasks outlive a lost scheduler
  std::string webui_url = {};
  bool gpus = false;            // wants offers of agents with gpus
  bool shared_volumes = false;  // knows volumes that several tasks have at once
  bool revocable = false;       // wants offers of what is lent too: Offer::revocable
  // Roles that begin without offers, until revive() names them.
  std::vector<std::string> suppressed_roles = {};
  // Only agents that pass all of one of these groups are offered at all; by role, "" for all that
  // are not named.
  std::map<std::string, std::vector<std::vector<OfferConstraint>>> offer_constraints = {};
  // Only offers that hold one of these, instead of the master's own least; by role, likewise.
  std::map<std::string, std::vector<Resources>> min_allocatable = {};
  bool acknowledge_implicitly = true;
  std::vector<std::pair<std::string, std::string>> labels = {};
  // How many of its tasks must run on while operators empty agents: "min_running=8", or
  // "max_away=2,of=10". Empty: drains end them all at once.
  std::string disruption_budget = {};
};

// What a framework wants to be offered: so much on one agent, so many times.
struct Wanted {
  Resources resources = {};  // ports by how many they are
  std::int64_t count = 1;
  std::string role = {};      // empty: the framework's, if it has one only
  std::string agent_id = {};  // empty: on any
};

// The connection to the master: keeps each call until its consequence is seen.
class SchedulerDriver {
 public:
  // Keeps a reference to `scheduler`: it must outlive the driver.
  SchedulerDriver(Scheduler& scheduler, SchedulerOptions options);
  ~SchedulerDriver();
  SchedulerDriver(const SchedulerDriver&) = delete;
  SchedulerDriver& operator=(const SchedulerDriver&) = delete;

  // Starts the driver's thread. False if the options are no good: see error().
  bool start();
  // Waits until the driver has stopped. True after stop(), false after an error.
  bool join();
  // Both: true after stop(), false after an error.
  bool run() { return start() && join(); }
  // Ends the driver. keep_tasks: they go on for failover_timeout_ms and a later driver with the
  // same framework_id takes them over; otherwise the framework is torn down and its tasks are
  // killed.
  void stop(bool keep_tasks = false);
  // Why start() or join() returned false; empty while nothing is wrong.
  std::string error() const;

  // Uses `offer_ids` (of one agent) for `tasks`; what is left of them is declined for refuse_ms.
  void launch(const std::vector<std::string>& offer_ids, const std::vector<TaskSpec>& tasks,
              std::int64_t refuse_ms = 5000);
  // The same with operations before the tasks, which may use what those make: they are done in
  // their order. The call is repeated until each task and each operation that has an id was heard
  // of.
  void accept(const std::vector<std::string>& offer_ids, const std::vector<Operation>& operations,
              const std::vector<TaskSpec>& tasks = {}, std::int64_t refuse_ms = 5000);
  // Gives offers back. What was refused, and less, is not offered again for refuse_ms, unless you
  // revive().
  void decline(const std::vector<std::string>& offer_ids, std::int64_t refuse_ms = 5000);
  // leave: you will have left those agents in time. Not asked again for refuse_ms.
  void answer_inverse_offers(const std::vector<std::string>& inverse_offer_ids, bool leave,
                             std::int64_t refuse_ms = 5000);
  // Asks for a task's end; on_update tells when it has come. grace_ms between the request and
  // force; -1: the task's own.
  void kill(const std::string& task_id, std::int64_t grace_ms = -1);
  // Ends an executor with all its tasks. At most once; on_failure tells when it has ended.
  void shutdown_executor(const std::string& agent_id, const std::string& executor_id);
  // No offers any more for these roles; empty: for all of the framework's.
  void suppress(const std::vector<std::string>& roles = {});
  // Offers again, and now, whatever was refused or suppressed before; empty: for all roles.
  void revive(const std::vector<std::string>& roles = {});
  // Describes the framework anew: roles, labels, failover_timeout_ms, webui_url, which offers it
  // wants and which roles are suppressed, all as in these options; those about the master, user,
  // principal and framework_id stay as they were. Offers of a role that is left are rescinded, its
  // tasks run on. Sent once, and said again in every new session; on_error if it cannot be.
  void update_framework(const SchedulerOptions& options);
  // Only agents on which one of these fits, and nothing once what is on offer meets them all:
  // instead of what was said before. Said again after every new connection. Empty: anything. What
  // you launch lowers nothing: say first what you want beside it.
  void request(const std::vector<Wanted>& wanted);
  // Asks for the state of these tasks, or of all. The driver asks by itself after a new connection.
  void reconcile(const std::vector<std::string>& task_ids = {});
  // With its agent named, the answer about a task that the master has no record of is exact: gone,
  // unreachable, or silence while that agent has not come back to a new master.
  void reconcile_placed(const std::vector<TaskPlace>& tasks);
  // Bytes to an executor of yours. At most once; kilobytes, not pages.
  void send_message(const std::string& agent_id, const std::string& executor_id, std::string data);
  // You have stored what this update says: it is not sent again. Only with acknowledge_implicitly =
  // false.
  void acknowledge(const TaskUpdate& update);
  void acknowledge(const OperationUpdate& update);
  // Asks for the newest state of these operations, or of all.
  void reconcile_operations(const std::vector<OperationPlace>& operations = {});
  // Shows a small document about this framework (at most 256 KiB) to whoever reads the cluster: see
  // docs/operator-extensions.md. Replaces the one of that name.
  void publish(const std::string& name, std::string content);

  // Says where the leader is, for a scheduler that hears of it before its driver does.
  void learn_master(const std::string& address);

  // Calls back on the driver's thread after delay_ms: for a scheduler's own timers.
  void after(std::int64_t delay_ms, std::function<void()> callback);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace bourse::sdk
