// World: one seed's run from beginning to end: all cores and the codec in one thread, first under
// faults, then healed and asked for progress. One owner.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/agent_node.hpp"
#include "sim/app_owner.hpp"
#include "sim/env.hpp"
#include "sim/framework_node.hpp"
#include "sim/judge.hpp"
#include "sim/liveness.hpp"
#include "sim/master_node.hpp"
#include "sim/operator_node.hpp"
#include "sim/service_node.hpp"
#include "sim/wire.hpp"
#include "sim/zookeeper_model.hpp"

namespace bourse::sim {

struct Outcome {
  std::uint64_t seed = 0;
  std::string violation;  // empty: every promise was kept
  std::uint64_t fingerprint = 0;
  std::uint64_t decisions = 0;  // as in Env
  std::uint64_t events = 0;
  std::uint64_t faults = 0;
  std::uint64_t tasks_ended = 0;
  std::uint64_t messages = 0;
  Duration simulated;
  bool life_named_again = false;  // as in Env
};

class World {
 public:
  World(const Plan& plan, bool trace);
  Outcome run();

 private:
  void schedule_faults();
  void strike(FaultKind kind);
  void strike_master(FaultKind kind);
  void strike_service(FaultKind kind);
  void strike_disk(FaultKind kind, Disk& of_agent);
  void strike_ensemble(FaultKind kind);
  void block_a_wire(bool one_way);
  Wire* pick_wire();
  MasterNode& pick_master();
  // Of the latest epoch; null: nobody leads.
  MasterNode* leader() const;
  CoordinationNode* pick_client();
  bool is_of_service(const CoordinationNode* client) const;
  NodeClock& pick_clock();
  void remove_candidate(CoordinationNode* client);
  void heal();
  void heal_client(CoordinationNode* client);
  // What the second phase still waits for, and the promise that is broken if it waits for ever.
  struct Missing {
    std::string_view promise;
    std::string text;  // empty: nothing
  };
  Missing missing();
  Missing missing_at_agents();
  Missing missing_at_master();
  Missing missing_of_frameworks(const MasterNode& leading);
  bool somebody_stands() const;
  bool run_until(Instant end);
  void check_leader(Instant healed);
  void progress();
  void take_back();

  const Plan& plan_;
  Env env_;
  Prng dice_;  // of the fault that strikes
  Judge judge_;
  OperatorNode operator_{env_};
  Network network_;
  std::unique_ptr<ZooKeeperModel> zookeeper_;
  std::vector<std::unique_ptr<MasterNode>> masters_;
  std::vector<std::unique_ptr<AgentNode>> agents_;
  std::vector<std::unique_ptr<FrameworkNode>> frameworks_;
  std::vector<std::unique_ptr<ServiceNode>> services_;
  AppOwner apps_{env_, services_};
  Liveness liveness_{env_, judge_, agents_, frameworks_};
  bool apps_ran_ = false;  // as they are defined, after the last fault
};

}  // namespace bourse::sim
