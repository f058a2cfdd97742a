// DemandJudge: looks at each offer that a master opens and says when a promise about demands
// breaks: O9 (an offer to a framework that says what it wants holds one of its shapes). Counts by
// itself what an offer holds. Owned by the Judge; one thread.
#pragma once

#include "master/core/master_core.hpp"

namespace bourse::sim {

class Judge;

class DemandJudge {
 public:
  explicit DemandJudge(Judge& judge) : judge_(judge) {}

  void step(const master::MasterState& state, const master::Effects& effects);

 private:
  Judge& judge_;
};

}  // namespace bourse::sim
