#include "sim/budget_judge.hpp"

#include <optional>
#include <utility>

#include "sim/judge.hpp"

namespace bourse::sim {

namespace {

// The task that somebody else than a drain ends in this step.
std::optional<std::pair<FrameworkId, TaskId>> killed_by_others(const master::Event& event) {
  if (const auto* from = std::get_if<master::FromFramework>(&event.body)) {
    const auto* call = std::get_if<SchedulerCall>(&from->message.body);
    const auto* kill = call == nullptr ? nullptr : std::get_if<call::Kill>(&call->body);
    if (kill != nullptr) return std::pair(call->framework_id, kill->task_id);
    return std::nullopt;
  }
  const auto* asked = std::get_if<master::FromOperator>(&event.body);
  if (asked == nullptr) return std::nullopt;
  const auto* kill = std::get_if<master::operation::KillTask>(&asked->body);
  if (kill == nullptr) return std::nullopt;
  return std::pair(kill->framework_id, kill->task_id);
}

bool runs(const master::Task& task) {
  return task.standing == master::TaskStanding::live && task.state == TaskState::running &&
         !task.kill_requested && !task.ending;
}

}  // namespace

void BudgetJudge::step(const master::MasterState& state, const master::Event& event,
                       const master::Effects& effects) {
  if (demands_.empty()) return;
  // It may be passed on only when its agent is back.
  if (const auto other = killed_by_others(event)) {
    told_.emplace(state.epoch, other->first, other->second);
  }
  for (const master::Effect& effect : effects.list) {
    const auto* sent = std::get_if<master::SendToAgent>(&effect.body);
    if (sent == nullptr) continue;
    const auto* kill = std::get_if<to_agent::Kill>(&sent->message.body);
    if (kill == nullptr) continue;
    const bool fresh = told_.emplace(state.epoch, kill->framework_id, kill->task_id).second;
    if (fresh) killed(state, *kill);
  }
}

void BudgetJudge::killed(const master::MasterState& state, const to_agent::Kill& kill) {
  const auto slot = state.framework_of.find(kill.framework_id);
  if (slot == state.framework_of.end()) return;
  const master::Framework& framework = state.frameworks.at(slot->second);
  const auto demand = demands_.find(framework.facet->name);
  if (demand == demands_.end()) return;
  const auto row = framework.task_of.find(kill.task_id);
  if (row == framework.task_of.end()) return;
  const master::Task& task = state.tasks.at(row->second);
  const master::Agent& agent = state.agents.at(task.agent);
  const Maintenance& drain = agent.maintenance;
  if (drain.duty != AgentDuty::draining || drain.force || agent.machine_down) return;
  // One that does not run, or that its agent ends already, costs nothing.
  if (task.state != TaskState::running || task.ending) return;
  std::uint64_t running = 0;
  for (const master::TaskSlot one : framework.tasks) running += runs(state.tasks.at(one)) ? 1 : 0;
  if (running >= demand->second) return;
  judge_.violate("O10", "a drain of " + agent.id.raw() + " ends " + kill.task_id.raw() +
                            " and leaves " + std::to_string(running) + " running, " +
                            std::to_string(demand->second) + " must");
}

}  // namespace bourse::sim
