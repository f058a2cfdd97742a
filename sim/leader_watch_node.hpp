// LeaderWatchNode: an agent or framework that learns the leader from the modelled ensemble, as
// coordination/link's LeaderWatch does from a real one. Owned by its node; one thread.
#pragma once

#include <functional>
#include <string>

#include "sim/coordination_node.hpp"

namespace bourse::sim {

class LeaderWatchNode {
 public:
  LeaderWatchNode(Env& env, ZooKeeperModel& zookeeper, const NodeClock& clock,
                  const std::string& name)
      : coordination_(env, zookeeper, clock, process_, name + ".zk", Duration::seconds(10)) {}

  void start(std::function<void(const std::string& link)> on_leader);
  void stop() { coordination_.stop(false); }
  CoordinationNode& coordination() { return coordination_; }

 private:
  Standstill process_;
  CoordinationNode coordination_;
};

}  // namespace bourse::sim
