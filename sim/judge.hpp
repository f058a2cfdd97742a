// Judge: sees everything that happens in a simulated world, as nobody in a real one can, and says
// which promise was broken. docs/decisions/0011-simulator.md says what it may look at.
// sim/promises.cpp says where each promise is judged, and why one is not.
//
// Owned by the World; one thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/agent_core.hpp"
#include "master/core/master_core.hpp"
#include "model/ids.hpp"
#include "model/task_status.hpp"
#include "sim/budget_judge.hpp"
#include "sim/demand_judge.hpp"
#include "sim/env.hpp"
#include "sim/offer_judge.hpp"
#include "sim/operator_judge.hpp"
#include "sim/quota_judge.hpp"
#include "sim/registry_judge.hpp"
#include "sim/service_judge.hpp"

namespace bourse::sim {

class Judge {
 public:
  using TaskKey = std::pair<FrameworkId, TaskId>;

  explicit Judge(Env& env) : env_(env) {}

  bool broken() const { return !violation_.empty(); }
  const std::string& violation() const { return violation_; }
  void violate(const std::string& promise, const std::string& what);

  // -- what frameworks do and hear
  void accepted(const TaskKey& task, const AgentId& agent, bool partition_aware);
  void kill_asked(const TaskKey& task);
  void preempted(const TaskKey& task);          // what was lent to it is taken back
  void framework_ended(const FrameworkId& id);  // torn down or left for good
  // `instance`: which process of it hears this; one that was taken over may live on for a while.
  void told(const FrameworkId& framework, const TaskStatus& status, std::uint64_t instance);
  std::size_t tasks_ended() const { return ended_; }

  // -- what containers do
  void task_starts(const TaskKey& task, const ContainerId& container);
  void task_stops(const TaskKey& task);
  void container_starts(const std::string& agent, const ContainerId& container,
                        const Resources& total, const Resources& sum);
  void container_is_killed(const TaskKey& command_task);
  bool runs(const TaskKey& task) const;
  // A task that runs there; empty: none.
  std::string running_on(const AgentId& agent) const;
  std::vector<TaskId> running_of(const FrameworkId& framework) const;

  // -- what is stored and what is promised on it
  void update_issued(const TaskKey& task, const Uuid& uuid);
  void update_stored(const TaskKey& task, const Uuid& uuid);
  void container_stored(const ContainerId& container) { stored_containers_.insert(container); }
  void promises_update(const TaskKey& task, const Uuid& uuid);
  void promises_container(const ContainerId& container);
  void acknowledged_to_agent(const TaskKey& task, const Uuid& uuid);
  // Its disk had lied, and what was told stored is gone: of what was launched there till now
  // nothing can be promised but that no update is invented, and that it comes to an end (D2).
  void disk_forgot(const AgentId& agent);

  // -- volumes: what its framework was told of stays until somebody wants it gone
  void volume_made(const AgentId& agent, const std::string& id) {
    if (forgetful_.contains(agent)) return;  // it may be told of what was forgotten meanwhile
    if (!volumes_may_go_.contains(id)) volumes_[agent].insert(id);
  }
  void volume_may_go(const std::string& id) {
    volumes_may_go_.insert(id);
    for (auto& [agent, ids] : volumes_) ids.erase(id);
  }
  void check_volumes(const AgentId& agent, const Resources& total);

  // -- the master after a step
  void master_step(int index, const master::MasterCore& core, const master::Event& event,
                   const master::Effects& effects);
  // `current`: the connection that spoke for the framework of this call.
  void check_speaker(const master::Event& event, PeerId current, const master::Effects& effects);
  void check_master(const master::MasterCore& core, Instant now);
  void new_master(int index) {
    last_change_[index] = 0;
    offers_.begin(index);
  }
  OfferJudge& offers() { return offers_; }
  OperatorJudge& operators() { return operators_; }
  ServiceJudge& services() { return services_; }
  BudgetJudge& budgets() { return budgets_; }
  RegistryJudge& registry() { return registry_; }

 private:
  struct Update {
    Uuid uuid;
    bool stored = false;
    bool nobodys = false;  // acknowledged by a master that had given the task up
  };
  struct Truth {
    bool accepted = false;
    bool partition_aware = false;
    AgentId agent;
    bool kill_asked = false;
    bool preempted = false;
    bool running = false;
    bool forgotten = false;  // by a disk that lied
    std::set<ContainerId> containers;
    std::optional<TaskState> terminal_told;
    std::uint64_t told_to = 0;    // the instance that heard it
    std::vector<Update> updates;  // in the order in which the agent issued them
    std::size_t heard = 0;        // of them, by the framework
  };
  // Whether it is news.
  bool told_with_uuid(const TaskKey& key, Truth& truth, const Uuid& uuid);
  void check_agent_rows(const master::MasterState& state, const master::Agent& agent);
  void check_rows_of(const master::MasterState& state, const master::Agent& agent, bool lent);

  Env& env_;
  std::string violation_;
  std::map<TaskKey, Truth> tasks_;
  std::set<FrameworkId> ended_frameworks_;
  std::set<ContainerId> stored_containers_;
  std::set<AgentId> given_up_agents_;  // that ever were unreachable
  RegistryJudge registry_{*this};
  OfferJudge offers_{*this};
  OperatorJudge operators_{*this};
  ServiceJudge services_{*this};
  QuotaJudge quotas_{*this};
  DemandJudge demands_{*this};
  BudgetJudge budgets_{*this};
  std::map<AgentId, std::set<std::string>> volumes_;
  std::set<AgentId> forgetful_;
  std::set<std::string> volumes_may_go_;
  std::map<int, std::uint64_t> last_change_;  // by master
  std::uint64_t steps_ = 0;
  std::size_t ended_ = 0;
};

}  // namespace bourse::sim
