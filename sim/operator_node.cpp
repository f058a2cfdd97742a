#include "sim/operator_node.hpp"

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/judge.hpp"

namespace bourse::sim {

namespace op = master::operation;

namespace {

AgentId pick_agent(Prng& dice, const master::MasterState& state) {
  std::vector<AgentId> ids;
  state.agents.for_each(
      [&](master::AgentSlot, const master::Agent& agent) { ids.push_back(agent.id); });
  return ids.empty() ? AgentId() : ids[dice.below(ids.size())];
}

}  // namespace

void OperatorNode::ask(MasterNode& leading, Operation operation) {
  const RequestId request(++requests_);
  env_.judge->operators().asked(request, operation, leading.core().state().epoch);
  leading.ask(request, std::move(operation));
}

void OperatorNode::act(FaultKind kind, Prng& dice, MasterNode& leading) {
  if (kind == FaultKind::operator_kills) return kill_a_task(dice, leading);
  if (kind == FaultKind::operator_tears_down) return tear_down(dice, leading);
  if (kind == FaultKind::operator_sets_quotas) return set_quotas(dice, leading);
  if (kind == FaultKind::operator_plans_machines) return plan_machines(dice, leading);
  const AgentId id = pick_agent(dice, leading.core().state());
  if (id.empty()) return;
  env_.trace("operator", std::string(name_of(kind)) + " " + id.raw());
  if (kind == FaultKind::operator_drains) {
    op::DrainAgent drain{id, std::nullopt, dice.chance(1, 4)};
    if (dice.chance(1, 2)) drain.max_grace = Duration::milliseconds(dice.between(0, 3'000));
    ask(leading, drain);
  } else if (kind == FaultKind::operator_deactivates) {
    ask(leading, op::DeactivateAgent{id});
  } else if (kind == FaultKind::operator_reactivates) {
    // Whatever it finds out of service.
    tidy(leading);
  } else {
    ask(leading, op::MarkAgentGone{id});
  }
}

void OperatorNode::kill_a_task(Prng& dice, MasterNode& leading) {
  const master::MasterState& state = leading.core().state();
  std::vector<std::pair<FrameworkId, TaskId>> live;
  state.tasks.for_each([&](master::TaskSlot, const master::Task& task) {
    if (task.standing == master::TaskStanding::live) {
      live.emplace_back(task.framework_id, task.facet->id);
    }
  });
  if (live.empty()) return;
  const auto& [framework, task] = live[dice.below(live.size())];
  env_.trace("operator", "kills " + task.raw() + " of " + framework.raw());
  env_.judge->kill_asked({framework, task});
  op::KillTask kill{framework, task, std::nullopt};
  if (dice.chance(1, 2)) kill.grace = Duration::milliseconds(dice.between(0, 5'000));
  ask(leading, std::move(kill));
}

// Never the first framework of a world: a run must carry tasks to their end.
void OperatorNode::tear_down(Prng& dice, MasterNode& leading) {
  std::vector<FrameworkId> ids;
  leading.core().state().frameworks.for_each(
      [&](master::FrameworkSlot, const master::Framework& framework) {
        const std::string& name = framework.facet->name;
        if (name != "framework0" && name != "service") ids.push_back(framework.id);
      });
  if (ids.empty()) return;
  const FrameworkId id = ids[dice.below(ids.size())];
  env_.trace("operator", "tears down " + id.raw());
  ask(leading, op::TeardownFramework{id});
}

// Of roles that frameworks are in, and of some above them.
void OperatorNode::set_quotas(Prng& dice, MasterNode& leading) {
  std::set<std::string> roles;
  leading.core().state().frameworks.for_each(
      [&](master::FrameworkSlot, const master::Framework& framework) {
        for (const master::Role& role : framework.roles) {
          if (role.name == "*") continue;
          roles.insert(role.name);
          roles.insert(role.name.substr(0, role.name.find('/')));
        }
      });
  op::UpdateQuota update;
  update.force = dice.chance(2, 3);
  for (const std::string& role : roles) {
    if (dice.chance(1, 2) || update.quotas.size() == 4) continue;
    RoleQuota& one = update.quotas.emplace_back();
    one.role = role;
    for (const auto& [name, unit] : {std::pair("cpus", 500), std::pair("mem", 64'000)}) {
      if (dice.chance(1, 3)) one.quota.guarantees[name] = dice.between(0, 8) * unit;
      if (dice.chance(2, 3)) one.quota.limits[name] = dice.between(1, 20) * unit;
    }
  }
  if (update.quotas.empty()) return;
  env_.trace("operator", "sets quotas of " + update.quotas.front().role);
  ask(leading, std::move(update));
}

// A machine that is planned is taken down or left as it is, one that is down is taken up, and the
// rest is planned anew.
void OperatorNode::plan_machines(Prng& dice, MasterNode& leading) {
  const MaintenanceSchedule& now = leading.core().state().schedule_wanted;
  if (!now.down.empty() && dice.chance(1, 2)) {
    env_.trace("operator", "takes machines up");
    return ask(leading, op::StopMaintenance{{*now.down.begin()}});
  }
  if (!now.empty() && dice.chance(1, 2)) {
    for (const MaintenanceWindow& window : now.windows) {
      for (const MachineId& id : window.machines) {
        if (now.down.contains(id)) continue;
        env_.trace("operator", "takes " + words_of(id) + " down");
        leading.core().state().agents.for_each([&](master::AgentSlot, const master::Agent& agent) {
          if (agent.facet->hostname != id.hostname) return;
          env_.judge->operators().taken_down(agent.id);
        });
        return ask(leading, op::StartMaintenance{{id}});
      }
    }
  }
  op::UpdateSchedule update;
  MaintenanceWindow kept;
  kept.machines.assign(now.down.begin(), now.down.end());
  if (!kept.machines.empty()) update.windows.push_back(kept);
  std::set<std::string> hosts;
  leading.core().state().agents.for_each([&](master::AgentSlot, const master::Agent& agent) {
    if (dice.chance(1, 3)) hosts.insert(agent.facet->hostname);
  });
  MaintenanceWindow fresh;
  for (const std::string& host : hosts) {
    if (!now.down.contains({host, ""})) fresh.machines.push_back({host, ""});
  }
  fresh.unavailability.start = WallTime{dice.between(1, 1'000'000)};
  if (!fresh.machines.empty()) update.windows.push_back(fresh);
  env_.trace("operator", "plans " + std::to_string(fresh.machines.size()) + " machines");
  ask(leading, std::move(update));
}

void OperatorNode::end_maintenance(MasterNode& leading) {
  const MaintenanceSchedule& now = leading.core().state().schedule_wanted;
  if (!now.down.empty()) {
    ask(leading, op::StopMaintenance{{now.down.begin(), now.down.end()}});
  } else if (!now.empty()) {
    ask(leading, op::UpdateSchedule{});
  }
  std::vector<AgentId> waiting;
  leading.core().state().agents.for_each([&](master::AgentSlot, const master::Agent& agent) {
    if (!agent.waits.empty() && !agent.wanted.force) waiting.push_back(agent.id);
  });
  for (const AgentId& id : waiting) {
    op::DrainAgent drain{
        id, std::nullopt,
        leading.core().state().agents.at(leading.core().state().agent_of.at(id)).wanted.mark_gone};
    drain.force = true;
    ask(leading, drain);
  }
}

void OperatorNode::lift_quotas(MasterNode& leading) {
  op::UpdateQuota none;
  for (const auto& [role, quota] : leading.core().state().quotas_wanted) {
    none.quotas.push_back({role, {}});
  }
  if (!none.quotas.empty()) ask(leading, std::move(none));
}

void OperatorNode::tidy(MasterNode& leading) {
  std::vector<AgentId> ids;
  leading.core().state().agents.for_each([&](master::AgentSlot, const master::Agent& agent) {
    const AgentDuty duty = agent.wanted.duty;
    if (agent.phase == AgentPhase::gone || agent.going) return;
    if (duty == AgentDuty::deactivated || duty == AgentDuty::drained) ids.push_back(agent.id);
  });
  for (const AgentId& id : ids) ask(leading, op::ReactivateAgent{id});
}

}  // namespace bourse::sim
