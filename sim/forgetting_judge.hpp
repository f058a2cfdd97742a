// ForgettingJudge: knows which agents the registry has forgotten, from what is on its disk or
// committed at the ensemble and from nobody's word, and says when O11 breaks: only an agent that is
// unreachable or gone is forgotten, for long enough or as one of too many, and only one that is
// forgotten gives its name up. What other promises excuse, they excuse by this. Owned by the Judge;
// one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "master/core/master_core.hpp"
#include "model/ids.hpp"
#include "model/registry_command.hpp"

namespace bourse::sim {

class Judge;

class ForgettingJudge {
 public:
  explicit ForgettingJudge(Judge& judge) : judge_(judge) {}

  // -- at the registry
  void stored(const RegistryCommand& command);  // on a master's own disk
  void changed(const std::string& key, const std::optional<std::string>& value);  // at the ensemble

  // -- at a master
  void begin(int master) { masters_[master].clear(); }
  void step(int master, const master::MasterConfig& config, const master::Event& event,
            const master::Effects& effects);

  // -- at an agent
  void gave_up_name(const std::string& agent, const AgentId& id);

  bool is_forgotten(const AgentId& id) const { return forgotten_.contains(id); }
  // And it knows: what it still runs it ends of its own accord.
  bool is_nameless(const AgentId& id) const { return nameless_.contains(id); }

 private:
  struct Standing {
    registry::AgentStanding of = registry::AgentStanding::admitted;
    WallTime since;
  };
  // As a master published it last.
  struct Seen {
    AgentPhase phase = AgentPhase::admitting;
    WallTime since;
  };
  using Agents = std::map<AgentId, Seen>;

  void removed(const AgentId& id);
  void published(Agents& agents, const change::AgentPut& put, WallTime now) const;
  // Empty: it may be forgotten by then.
  std::string why_not(const Agents& agents, const AgentId& id, const master::MasterConfig& config,
                      WallTime now) const;

  Judge& judge_;
  std::map<AgentId, Standing> registry_;
  std::set<AgentId> forgotten_;
  std::set<AgentId> nameless_;
  std::map<int, Agents> masters_;
};

}  // namespace bourse::sim
