// BudgetJudge: looks at each kill that a master sends and says when a promise about disruption
// budgets breaks: O10 (no drain leaves fewer tasks of a framework running than its budget demands,
// unless it is forced). What frameworks demand it knows from the plan of the world; what runs it
// counts by itself, from the rows of the master's tables. Owned by the Judge; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "master/core/master_core.hpp"

namespace bourse::sim {

class Judge;

class BudgetJudge {
 public:
  explicit BudgetJudge(Judge& judge) : judge_(judge) {}

  // By the framework's name.
  void demands(const std::string& framework, std::uint64_t min_running) {
    demands_[framework] = min_running;
  }
  void step(const master::MasterState& state, const master::Event& event,
            const master::Effects& effects);

 private:
  void killed(const master::MasterState& state, const to_agent::Kill& kill);

  Judge& judge_;
  std::map<std::string, std::uint64_t> demands_;
  // Told to end, by any master of that epoch: being told again costs nothing.
  std::set<std::tuple<Epoch, FrameworkId, TaskId>> told_;
};

}  // namespace bourse::sim
