// RECONCILE: what is known, and silence where nothing certain is: never LOST for what may run.
#include "base/probe.hpp"
#include "master/core/handlers.hpp"

namespace bourse::master {

namespace {

struct Verdict {
  TaskState state = TaskState::unknown;
  const char* message = "Reconciliation: Task is unknown";
};

// Of a task that this master has no row for. nullopt: it may run on an agent that is not back.
std::optional<Verdict> verdict_on(const MasterState& state, const AgentId& agent_id) {
  if (agent_id.empty()) {
    return state.agents_recovering > 0 ? std::nullopt : std::optional(Verdict{});
  }
  const auto it = state.agent_of.find(agent_id);
  if (it == state.agent_of.end()) return Verdict{};
  switch (state.agents.at(it->second).phase) {
    case AgentPhase::recovered:
      return std::nullopt;
    case AgentPhase::unreachable:
      return Verdict{TaskState::unreachable, "Reconciliation: Task is unreachable"};
    case AgentPhase::gone:
      return Verdict{TaskState::gone_by_operator, "Reconciliation: Task is gone"};
    default:
      // Its agent listed its tasks when it registered, and this was none of them.
      return Verdict{TaskState::gone, "Reconciliation: Task is unknown to the agent"};
  }
}

}  // namespace

void send_latest(Context& c, Framework& framework, const Task& task) {
  TaskStatus status = task.told ? *task.told : TaskStatus{};
  status.task_id = task.facet->id;
  status.agent_id = c.state.agents.at(task.agent).id;
  if (!task.told) status.state = TaskState::staging;
  status.source = StatusSource::master;
  status.reason = StatusReason::reconciliation;
  status.message = "Reconciliation: Latest task state";
  status.data.clear();
  status.executor_id = ExecutorId();
  status.uuid.reset();
  status.timestamp = c.stamp.wall;
  send_to_framework(c, framework, event::Update{std::move(status)});
}

void send_about_unknown(Context& c, Framework& framework, const TaskId& task_id,
                        const AgentId& agent_id) {
  if (const auto it = framework.completed.find(task_id); it != framework.completed.end()) {
    send_to_framework(c, framework,
                      event::Update{master_status(c, task_id, it->second.agent_id, it->second.state,
                                                  StatusReason::reconciliation,
                                                  "Reconciliation: Latest task state")});
    return;
  }
  const std::optional<Verdict> verdict = verdict_on(c.state, agent_id);
  if (!verdict) {
    PROBE("master.reconcile_is_silent");
    return;
  }
  TaskStatus status = master_status(c, task_id, agent_id, verdict->state,
                                    StatusReason::reconciliation, verdict->message);
  if (verdict->state == TaskState::unreachable) {
    status.unreachable_time = c.state.agents.at(c.state.agent_of.at(agent_id)).unreachable_at;
  }
  send_to_framework(c, framework, event::Update{std::move(status)});
}

void on_reconcile(Context& c, FrameworkSlot slot, const call::Reconcile& call) {
  Framework& framework = c.state.frameworks.at(slot);
  if (call.tasks.empty()) {
    for (const TaskSlot task : framework.tasks) {
      send_latest(c, framework, c.state.tasks.at(task));
    }
    return;
  }
  for (const call::Reconcile::Task& asked : call.tasks) {
    const auto row = framework.task_of.find(asked.task_id);
    if (row != framework.task_of.end()) {
      send_latest(c, framework, c.state.tasks.at(row->second));
    } else {
      send_about_unknown(c, framework, asked.task_id, asked.agent_id);
    }
  }
}

}  // namespace bourse::master
