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
#include "sim/forgetting_judge.hpp"
#include "sim/offer_judge.hpp"
#include "sim/operator_judge.hpp"
#include "sim/quota_judge.hpp"
#include "sim/registry_judge.hpp"
#include "sim/reservation_judge.hpp"
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
  // It means to be there to the end of the run.
  void framework_stays(const FrameworkId& id) { staying_.insert(id); }
  // `instance`: which process of it hears this; one that was taken over may live on for a while.
  void told(const FrameworkId& framework, const TaskStatus& status, std::uint64_t instance);
  std::size_t tasks_ended() const { return ended_; }

  // -- what containers do
  void task_starts(const TaskKey& task, const ContainerId& container);
  void task_stops(const TaskKey& task);
  void container_starts(const std::string& agent, const ContainerId& container,
                        const Resources& total, const Resources& sum);
  // With what is left of containers that did not end whole.
  void rests_are_withheld(const std::string& agent, const ContainerId& container,
                          const Resources& total, const Resources& sum);
  void container_is_killed(const TaskKey& command_task);
  bool runs(const TaskKey& task) const;
  // A task that runs there; empty: none.
  std::string running_on(const AgentId& agent) const;
  // One whose framework was told that it is LOST; empty: none.
  std::string lost_and_running_on(const AgentId& agent) const;
  std::vector<TaskId> running_of(const FrameworkId& framework) const;

  // -- what is stored and what is promised on it
  void update_issued(const TaskKey& task, const TaskStatus& status);
  void update_stored(const TaskKey& task, const Uuid& uuid);
  void container_stored(const ContainerId& container) { stored_containers_.insert(container); }
  // Its acknowledgement is on the agent's disk: from here on the update is over.
  void acknowledgement_stored(const TaskKey& task, const Uuid& uuid);
  void promises_update(const TaskKey& task, const Uuid& uuid);
  void promises_container(const ContainerId& container);
  void acknowledged_to_agent(const TaskKey& task, const Uuid& uuid);
  // Its disk had lied, and what was told stored is gone: of what was launched there till now
  // nothing can be promised but that no update is invented, and that it comes to an end (D2).
  void disk_forgot(const AgentId& agent);
  // That a task is over was not stored: the agent's next life has it again till it sees that
  // nothing of it runs, beside what holds its place by now.
  void forgetting_refused(const AgentId& agent) { forgetful_.insert(agent); }
  // Somebody moved its work directory away: nobody knows any more what it did.
  void wiped(const AgentId& agent);
  // It was forgotten and has another name: what it has still to tell is told under that.
  void renamed(const AgentId& from, const AgentId& to);
  // Launched on this agent, which was forgotten: whether nobody can tell how it ended.
  bool may_stay_unknown(const TaskKey& task, const AgentId& agent) const;
  // Its machine begins anew: what it was told to run before is over.
  void rebooted(const AgentId& agent);
  // It says that it has this task, as that.
  void claims_task(const AgentId& agent, const TaskKey& task, TaskState state);

  // -- the master after a step
  void master_step(int index, const master::MasterCore& core, const master::Event& event,
                   const master::Effects& effects);
  // `current`: the connection that spoke for the framework of this call when it came from `from`.
  void check_speaker(const SchedulerCall& call, PeerId from, PeerId current,
                     const master::Effects& effects);
  // This call is of somebody whom its framework's principal does not let speak.
  void check_stranger(const SchedulerCall& call, PeerId from, const master::Effects& effects);
  void check_master(int index, const master::MasterCore& core, Instant now);
  void new_master(int index) {
    last_change_[index] = 0;
    opened_[index].clear();
    offers_.begin(index);
    demands_.begin(index);
    forgetting_.begin(index);
  }
  OfferJudge& offers() { return offers_; }
  DemandJudge& demands() { return demands_; }
  OperatorJudge& operators() { return operators_; }
  ServiceJudge& services() { return services_; }
  BudgetJudge& budgets() { return budgets_; }
  RegistryJudge& registry() { return registry_; }
  ReservationJudge& reservations() { return reservations_; }
  ForgettingJudge& forgetting() { return forgetting_; }

 private:
  struct Update {
    Uuid uuid;
    TaskState state = TaskState::staging;
    bool stored = false;
    bool acknowledged = false;  // and the agent has that on its disk
    bool nobodys = false;       // acknowledged by a master that had given the task up
  };
  struct Truth {
    bool accepted = false;
    bool partition_aware = false;
    AgentId agent;
    bool kill_asked = false;
    bool preempted = false;
    bool running = false;
    bool forgotten = false;  // by a disk that lied
    bool wiped = false;      // its agent's work directory was moved away
    bool given_up = false;   // its agent was, since it was accepted
    bool gone = false;       // an operator said so of its agent, under whichever name it is back
    bool renamed = false;    // its agent was forgotten, and is another one now
    bool rebooted = false;   // its machine was, since it started
    std::set<ContainerId> containers;
    std::optional<TaskState> terminal_told;
    std::uint64_t told_to = 0;    // the instance that heard it
    std::vector<Update> updates;  // in the order in which the agent issued them
    std::size_t heard = 0;        // of them, by the framework
  };
  // Whether it is news.
  bool told_with_uuid(const TaskKey& key, Truth& truth, const TaskStatus& status);
  // Whether its end may be told as this though it may run.
  bool may_be_lost(const Truth& truth, TaskState state) const;
  void given_up(const AgentId& agent);
  void gone(const AgentId& agent);
  void removed(const FrameworkId& id);
  void check_agent_rows(const master::MasterState& state, const master::Agent& agent);
  void check_lifetimes(int index, const master::MasterCore& core, Instant now);
  void check_rows_of(const master::MasterState& state, const master::Agent& agent, bool lent);

  Env& env_;
  std::string violation_;
  std::map<TaskKey, Truth> tasks_;
  std::set<FrameworkId> ended_frameworks_;
  std::set<FrameworkId> staying_;
  std::set<ContainerId> stored_containers_;
  RegistryJudge registry_{*this};
  OfferJudge offers_{*this};
  OperatorJudge operators_{*this};
  ServiceJudge services_{*this};
  QuotaJudge quotas_{*this};
  DemandJudge demands_{*this};
  BudgetJudge budgets_{*this};
  ReservationJudge reservations_{*this};
  ForgettingJudge forgetting_{*this};
  std::set<AgentId> forgetful_;
  std::map<int, std::uint64_t> last_change_;                // by master
  std::map<int, std::map<std::uint64_t, Instant>> opened_;  // offers that live, by number
  std::uint64_t steps_ = 0;
  std::size_t ended_ = 0;
};

}  // namespace bourse::sim
