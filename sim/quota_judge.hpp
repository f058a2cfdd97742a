// QuotaJudge: looks at each offer that a master opens and says when a promise about quotas breaks:
// O8 (no offer takes a role, or one above it, over a limit that was stored). Counts what a role
// holds by itself, from the rows of the master's tables. Owned by the Judge; one thread.
#pragma once

#include <string>

#include "master/core/master_core.hpp"

namespace bourse::sim {

class Judge;

class QuotaJudge {
 public:
  explicit QuotaJudge(Judge& judge) : judge_(judge) {}

  void step(const master::MasterState& state, const master::Effects& effects);

 private:
  void check(const master::MasterState& state, const std::string& role, const Quota& quota,
             const Resources& offered);

  Judge& judge_;
};

}  // namespace bourse::sim
