// OperatorJudge: sees what operators ask of masters and what masters publish of agents and
// frameworks, and says when a promise to operators breaks: O2 (what they want with an agent holds
// until they want something else, whoever leads), O3 (an agent that is gone never comes back), O4
// (nothing runs on a drained agent), O5 (a framework that was removed never comes back). Owned by
// the Judge; one thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "master/core/master_core.hpp"
#include "model/ids.hpp"
#include "model/maintenance.hpp"

namespace bourse::sim {

class Judge;

using Operation = decltype(master::FromOperator::body);

class OperatorJudge {
 public:
  explicit OperatorJudge(Judge& judge) : judge_(judge) {}

  void asked(RequestId request, const Operation& operation, Epoch epoch);
  void answered(RequestId request, const Status& status);
  void step(const master::MasterCore& core, const master::Effects& effects);
  // Not looked at after each step: each kill on a draining agent keeps to its cap.
  void sweep(const master::MasterState& state);

  // An operator may have emptied it: tasks there end though their frameworks want them.
  void taken_down(const AgentId& id) { agents_[id].emptied = true; }  // its machine is
  bool may_be_emptied(const AgentId& id) const;
  // Its tasks may be told as ended while they still run.
  bool may_be_gone(const AgentId& id) const;
  bool is_gone(const AgentId& id) const;
  bool is_drained(const AgentId& id) const;
  bool may_be_torn_down(const FrameworkId& id) const { return torn_down_.contains(id); }

 private:
  // A wish that was not answered yet, or whose master died: it may be written or not.
  struct Wish {
    RequestId request;
    Epoch epoch = 0;
    AgentDuty duty = AgentDuty::serving;
    bool seen = false;  // a leader published it
  };
  struct Agent {
    AgentDuty duty = AgentDuty::serving;  // as a leader published it last, once it was stored
    std::vector<Wish> wishes;
    bool emptied = false;     // it was wished at any time
    bool gone_asked = false;  // for certain, or once it is drained
    bool gone_now = false;    // for certain
    bool gone = false;
  };

  void agent_put(const change::AgentPut& put, Epoch epoch);
  void check_duty(Agent& agent, const change::AgentPut& put, Epoch epoch);

  Judge& judge_;
  Epoch latest_ = 0;
  std::map<AgentId, Agent> agents_;
  std::map<RequestId, AgentId> requests_;
  std::set<FrameworkId> torn_down_;  // may be
  std::set<FrameworkId> removed_;
};

}  // namespace bourse::sim
