// KILL, SHUTDOWN and MESSAGE. A kill is remembered until its task ended: an agent that is silent
// now hears it when it registers again.
#include <algorithm>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

Agent* find_agent(Context& c, const AgentId& id) {
  const auto it = c.state.agent_of.find(id);
  return it == c.state.agent_of.end() ? nullptr : c.state.agents.find(it->second);
}

// Whether what this master has no row for may still run somewhere: on an agent that is not back
// since the master's restart, or that was given up.
bool may_run_unseen(const MasterState& state) {
  bool away = state.agents_recovering > 0;
  if (away) return true;
  state.agents.for_each([&](AgentSlot, const Agent& agent) {
    away = away || agent.phase == AgentPhase::unreachable;
  });
  return away;
}

// A task may run on an agent that is away. Returns whether the kill waits for it: silence keeps the
// sender's kill alive over the next failover too.
bool await_return(Context& c, Framework& framework, const call::Kill& call) {
  if (Agent* agent = find_agent(c, call.agent_id)) {
    const bool away =
        agent->phase == AgentPhase::recovered || agent->phase == AgentPhase::unreachable;
    if (!away || agent->kills_waiting.size() >= limits::kMaxTasksPerAgent) return false;
    agent->kills_waiting.insert_or_assign({framework.id, call.task_id}, call.grace);
    return agent->phase == AgentPhase::recovered;
  }
  if (!call.agent_id.empty() || !may_run_unseen(c.state)) return false;
  if (framework.kills_waiting.size() >= limits::kMaxTasksPerFramework) return true;
  framework.kills_waiting.insert_or_assign(call.task_id, call.grace);
  return true;
}

// Of a task whose kill policy names none; the agent's default too (KillPolicy's on Mesos).
constexpr Duration kDefaultKillGrace = Duration::seconds(3);

// On an agent that is being drained nobody gives a task longer than the drain allows.
std::optional<Duration> within_drain(const Agent& agent, const Task& task,
                                     std::optional<Duration> grace) {
  const Maintenance& drain = agent.maintenance;
  if (drain.duty != AgentDuty::draining || !drain.max_grace) return grace;
  const Duration own = grace.value_or(task.facet->kill_grace.value_or(kDefaultKillGrace));
  return std::min(own, *drain.max_grace);
}

}  // namespace

void kill_task(Context& c, TaskSlot slot, std::optional<Duration> grace, KillCause cause) {
  Task& task = c.state.tasks.at(slot);
  if (is_terminal(task.state)) return;  // its end is on its way
  grace = within_drain(c.state.agents.at(task.agent), task, grace);
  if (!task.kill_requested) task.kill_cause = cause;
  task.kill_requested = true;
  task.kill_grace = grace;
  if (task.standing == TaskStanding::live) count_task(c, task);
  send_to_agent(c, c.state.agents.at(task.agent),
                to_agent::Kill{task.framework_id, task.facet->id, grace, task.kill_cause});
}

void on_kill(Context& c, FrameworkSlot slot, const call::Kill& call) {
  Framework& framework = c.state.frameworks.at(slot);
  if (const auto row = framework.task_of.find(call.task_id); row != framework.task_of.end()) {
    kill_task(c, row->second, call.grace, KillCause::asked);
    return;
  }
  if (!framework.completed.contains(call.task_id) && await_return(c, framework, call)) {
    PROBE("master.kill_waits");
    return;
  }
  send_about_unknown(c, framework, call.task_id, call.agent_id);
}

void on_shutdown(Context& c, FrameworkSlot slot, const call::Shutdown& call) {
  if (Agent* agent = find_agent(c, call.agent_id)) {
    send_to_agent(c, *agent,
                  to_agent::ShutdownExecutor{c.state.frameworks.at(slot).id, call.executor_id});
  }
}

// At most once, as Mesos: an agent that is away does not get it.
void on_framework_data(Context& c, FrameworkSlot slot, const call::Message& call) {
  if (Agent* agent = find_agent(c, call.agent_id)) {
    send_to_agent(
        c, *agent,
        to_agent::FrameworkMessage{c.state.frameworks.at(slot).id, call.executor_id, call.data});
  }
}

// No agent is away any more: kills of tasks that nobody turned out to have are answered.
void answer_waiting_kills(Context& c) {
  if (may_run_unseen(c.state)) return;
  c.state.frameworks.for_each([&](FrameworkSlot, Framework& framework) {
    const auto waiting = std::move(framework.kills_waiting);
    framework.kills_waiting.clear();
    for (const auto& [task_id, grace] : waiting) {
      send_about_unknown(c, framework, task_id, {});
    }
  });
}

}  // namespace bourse::master
