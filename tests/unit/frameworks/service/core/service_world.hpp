// A small world around a ServiceCore: a store that can be slow, refuse or be cut off by a crash,
// and a master with agents that offers, launches, kills, forgets nothing and answers truthfully.
// What a test does not drive happens in settle().
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "frameworks/service/core/service_core.hpp"

namespace bourse::service {

struct WorldAgent {
  std::string hostname;
  std::map<std::string, std::string> attributes;
  sdk::Resources free;
  bool reachable = true;
  bool recovering = false;  // not back yet after a change of masters: nothing is said about it
};

struct WorldTask {
  std::string id;
  std::string agent_id;
  std::string shell;
  sdk::Resources resources;
  std::map<std::string, std::string> environment;
  sdk::TaskState state = sdk::TaskState::staging;
  bool killed = false;
  std::optional<sdk::Check> check = {};
  std::optional<sdk::HealthCheck> health_check = {};
  std::optional<bool> healthy = {};  // as its shim found last
};

class ServiceWorld {
 public:
  ServiceWorld();

  // -- what a test drives
  void start(bool new_framework = false);
  // As kill -9 and a new start: of the writes under way the first `kept` are on the disk.
  void restart(std::size_t kept = 0);
  void add_agent(const std::string& id, std::int64_t cpu_milli = 4000,
                 std::map<std::string, std::string> attributes = {});
  void lose_agent(const std::string& id);    // unreachable
  void return_agent(const std::string& id);  // with all its tasks
  void remove_agent(const std::string& id);  // gone for good
  void repeat_updates();                     // as agents do until they are acknowledged
  void disconnect();
  void reconnect();
  void end_task(const std::string& id, sdk::TaskState state);
  void find_health(const std::string& id, bool healthy);
  void end_unhealthy(const std::string& id);  // as a shim does after so many failures
  // Answers of the last request in answers.back().
  Answer put(const std::string& app, AppDefinition definition);
  Answer scale(const std::string& app, std::uint32_t instances);
  Answer restart_app(const std::string& app);
  Answer remove(const std::string& app);
  void ask(AppChange change);  // without settling
  void rescind(const std::string& offer_id);
  void tick();
  void pass(Duration span);  // settles at every deadline on the way

  // -- what happens by itself; each returns whether anything did
  bool write_one();
  bool tell_one();
  bool offer();
  bool run_tasks();
  void settle();

  // -- looking
  const App& app(const std::string& id) const { return core->state().apps.at(AppId(id)); }
  bool has_app(const std::string& id) const { return core->state().apps.contains(AppId(id)); }
  std::vector<std::string> living(const std::string& app, bool reachable_only = false) const;
  std::vector<std::string> running(const std::string& app) const;
  std::uint32_t available(const std::string& app) const;  // as the core counts
  template <typename Body>
  std::size_t count() const {
    std::size_t n = 0;
    for (const Effect& effect : done) n += std::holds_alternative<Body>(effect.body) ? 1 : 0;
    return n;
  }

  Stamp stamp{Instant{1'000'000'000'000}, WallTime{1'700'000'000'000'000'000}};
  std::unique_ptr<ServiceCore> core;
  Book disk;
  std::deque<Persist> writes;
  bool refuse_writes = false;
  bool hold_tasks = false;  // staging tasks do not start
  // Every task whose command is this exits as soon as it runs.
  std::string doomed_command = "exit 1";
  std::map<std::string, WorldAgent> agents;
  std::map<std::string, WorldTask> tasks;                 // alive on an agent
  std::map<std::string, std::string> open_offers;         // id -> agent
  std::deque<sdk::TaskUpdate> updates;                    // on their way to the scheduler
  std::map<std::string, sdk::TaskUpdate> unacknowledged;  // by uuid
  std::set<std::string> refused;                          // agents, until revived or grown
  bool suppressed = false;
  bool connected = false;
  std::vector<Answer> answers;
  std::vector<Effect> done;  // effects performed since a test cleared it
  std::vector<Note> notes;
  std::uint64_t kills_while_recovering = 0;

 private:
  void feed(decltype(Event::body) body);
  void perform(const Effect& effect);
  void perform_kill(const Kill& kill);
  void launch(const Launch& launch);
  void answer_about(const std::string& task_id, const std::string& agent_id);
  void tell(const WorldTask& task, sdk::TaskState state, bool durable);
  void free_task(const std::string& id);
  const WorldTask* find(const std::string& id) const;

  std::uint64_t offers_made_ = 0;
  std::uint64_t updates_made_ = 0;
  std::uint64_t requests_made_ = 0;
  std::set<std::string> launched_ever_;
};

// A definition with `instances` of a sleeping command.
AppDefinition sleeper(std::uint32_t instances);

}  // namespace bourse::service
