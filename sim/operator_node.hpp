// OperatorNode: whoever maintains a simulated cluster: drains agents and takes them back, marks
// them gone, tears frameworks down, kills tasks. Asks the master that leads, once, and may never
// hear an answer. Owned by the World; one thread.
#pragma once

#include <cstdint>

#include "base/prng.hpp"
#include "sim/env.hpp"
#include "sim/master_node.hpp"
#include "sim/operator_judge.hpp"

namespace bourse::sim {

class OperatorNode {
 public:
  explicit OperatorNode(Env& env) : env_(env) {}

  void act(FaultKind kind, Prng& dice, MasterNode& leading);
  // After the last fault: what is out of service is taken back.
  void tidy(MasterNode& leading);
  // Likewise: no machine stays down, and no drain waits for what a framework demands.
  void end_maintenance(MasterNode& leading);
  // Likewise: nothing may wait for what a quota keeps from it.
  void lift_quotas(MasterNode& leading);

 private:
  void ask(MasterNode& leading, Operation operation);
  void kill_a_task(Prng& dice, MasterNode& leading);
  void tear_down(Prng& dice, MasterNode& leading);
  void set_quotas(Prng& dice, MasterNode& leading);
  void plan_machines(Prng& dice, MasterNode& leading);

  Env& env_;
  std::uint64_t requests_ = 0;
};

}  // namespace bourse::sim
