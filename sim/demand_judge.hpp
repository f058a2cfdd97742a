// DemandJudge: looks at each offer that a master opens and says when a promise about demands
// breaks: O9 (an offer to a framework that says what it wants holds one of its shapes). What it
// wants is known from its own words, that a master took them from the master's table; what an offer
// holds is counted here. Owned by the Judge; one thread.
#pragma once

#include <map>
#include <optional>
#include <utility>

#include "master/core/master_core.hpp"
#include "model/demand.hpp"
#include "model/framework_link.hpp"

namespace bourse::sim {

class Judge;

class DemandJudge {
 public:
  explicit DemandJudge(Judge& judge) : judge_(judge) {}

  // A call arrives.
  void said(const FrameworkToMaster& message);
  void begin(int master);
  void step(int master, const master::MasterState& state, const master::Effects& effects);

 private:
  struct Wants {
    DemandPtr taken;  // what the master made of it
    Demand said;
  };

  void hear(int master, const master::MasterState& state);

  Judge& judge_;
  std::optional<std::pair<FrameworkId, call::Request>> heard_;  // and not acted on yet
  std::map<std::pair<int, FrameworkId>, Wants> wants_;          // by master
};

}  // namespace bourse::sim
