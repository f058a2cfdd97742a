// What operators want with agents and machines.
#include "model/disruption_budget.hpp"
#include "tests/scenarios/line.hpp"

namespace bourse::master::scenario {

namespace {

struct Operator {
  World& w;
  const Line& l;

  AgentId agent_id(std::size_t word) const {
    const auto it = w.agents.find(l.words.at(word));
    return it == w.agents.end() ? AgentId(l.words[word]) : it->second->id;
  }

  std::vector<MachineId> machines(std::size_t word) const {
    std::vector<MachineId> out;
    if (l.words.size() <= word) return out;
    for (const std::string& name : split(l.words[word], ',')) out.push_back({name, ""});
    return out;
  }

  operation::DrainAgent drain() const {
    operation::DrainAgent out{agent_id(1), {}, l.has("gone")};
    if (!l.get("grace").empty()) out.max_grace = duration_of(l.get("grace"));
    if (!l.get("wait").empty()) out.max_wait = duration_of(l.get("wait"));
    out.force = l.has("force");
    return out;
  }

  operation::UpdateSchedule plan() const {
    operation::UpdateSchedule out;
    if (const auto named = machines(1); !named.empty()) {
      MaintenanceWindow& window = out.windows.emplace_back();
      window.machines = named;
      window.unavailability.start = WallTime{duration_of(l.get("from", "100s")).ns};
      if (l.named.contains("for")) window.unavailability.duration = duration_of(l.get("for"));
    }
    return out;
  }
};

}  // namespace

bool operate_on_machines(World& world, const Line& line, RequestId request) {
  const Operator asks{world, line};
  const std::string& what = line.words.at(0);
  const auto step = [&](decltype(FromOperator::body) body) {
    world.harness.step(FromOperator{request, {}, std::move(body)});
    return true;
  };
  if (what == "drain") return step(asks.drain());
  if (what == "deactivate") return step(operation::DeactivateAgent{asks.agent_id(1)});
  if (what == "reactivate") return step(operation::ReactivateAgent{asks.agent_id(1)});
  if (what == "gone") return step(operation::MarkAgentGone{asks.agent_id(1)});
  if (what == "plan") return step(asks.plan());
  if (what == "start") return step(operation::StartMaintenance{asks.machines(1)});
  if (what == "stop") return step(operation::StopMaintenance{asks.machines(1)});
  return false;
}

void set_budget(FakeFramework& framework, const Line& line) {
  if (!line.named.contains("budget")) return;
  std::string value = line.get("budget");
  std::replace(value.begin(), value.end(), ':', '=');
  framework.facet.labels = {{std::string(kDisruptionBudgetLabel), value}};
}

}  // namespace bourse::master::scenario
