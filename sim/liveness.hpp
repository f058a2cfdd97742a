// Liveness: what must happen soon once nothing goes wrong any more, each within its own time:
// whoever can be reached is registered (L2), and what frameworks asked for is done (L3). That a
// question is answered in one round trip (L4) frameworks judge themselves, as long as this says
// that all is settled. What the bounds are made of stands beside them. Owned by the World; one
// thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/agent_node.hpp"
#include "sim/env.hpp"
#include "sim/framework_node.hpp"
#include "sim/judge.hpp"
#include "sim/master_node.hpp"

namespace bourse::sim {

class Liveness {
 public:
  Liveness(Env& env, Judge& judge, const std::vector<std::unique_ptr<AgentNode>>& agents,
           const std::vector<std::unique_ptr<FrameworkNode>>& frameworks)
      : env_(env), judge_(judge), agents_(agents), frameworks_(frameworks) {}

  // Now and then, since the world healed; null: nobody leads.
  void look(const MasterNode* leading);

 private:
  bool look_at_agent(const AgentNode& agent);
  bool look_at_framework(const FrameworkNode& framework);
  void look_at_requests();
  bool overdue(Instant began, Instant since, Duration within) const;
  Duration registered_within(bool watches) const;
  Duration done_within() const;
  Duration given_up_within() const;

  Env& env_;
  Judge& judge_;
  const std::vector<std::unique_ptr<AgentNode>>& agents_;
  const std::vector<std::unique_ptr<FrameworkNode>>& frameworks_;
  const MasterNode* leading_ = nullptr;
  Epoch epoch_ = 0;
  Instant healed_;
  Instant led_since_;
  std::map<std::string, Instant> pending_;  // requests, since when they are seen
};

}  // namespace bourse::sim
