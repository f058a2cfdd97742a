// What operators want with an agent. Each wish is written down first; what it does begins at
// Stored, and the answer goes with it.
//
//   serving      offered
//   deactivated  not offered; its tasks run on
//   draining     not offered; its tasks were told to end, each within the cap, as soon as the
//                budgets of their frameworks allow
//   drained      nothing is left on it, which is written down too; or, if so wished, gone
//
// A drain is not bound to a session or a master: whoever registers the agent goes on with it.
#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

std::string words_of(const AgentId& id) {
  return "agent_id: '" + id.raw() + "'";
}

void write(Context& c, AgentSlot slot, RequestId request, Maintenance maintenance) {
  Agent& agent = c.state.agents.at(slot);
  agent.wanted = maintenance;
  persist(c, registry::SetMaintenance{agent.id, maintenance},
          pending::Upkeep{slot, request, maintenance});
}

// A kill that waited for the agent's return was asked for before anybody looked at the drain.
bool is_within(const Task& task, const Maintenance& drain) {
  return !drain.max_grace || (task.kill_grace && *task.kill_grace <= *drain.max_grace);
}

// On one that is away only what was told to end already is told so again, when it is back: what it
// runs is known then.
void kill_all(Context& c, AgentSlot slot, bool again) {
  const Agent& agent = c.state.agents.at(slot);
  const bool here = agent.phase == AgentPhase::active;
  const KillCause cause = agent.maintenance.mark_gone ? KillCause::drain_to_gone : KillCause::drain;
  for (const TaskSlot task_slot : agent.tasks) {
    const Task& task = c.state.tasks.at(task_slot);
    if (task.standing != TaskStanding::live) continue;  // it is being ended already
    const bool killed = task.kill_requested && is_within(task, agent.maintenance);
    if (task.state == TaskState::unreachable || (killed && !again)) continue;
    if (!task.kill_requested && !(here && may_ask_away(c, slot, task))) continue;
    kill_task(c, task_slot, task.kill_requested ? task.kill_grace : std::nullopt, cause);
  }
}

// A framework's own executor outlives its tasks unless it is told.
void tell_executors_to_end(Context& c, Agent& agent) {
  for (auto& [key, executor] : agent.executors) {
    if (executor.told_to_end) continue;
    executor.told_to_end = true;
    send_to_agent(c, agent, to_agent::ShutdownExecutor{key.first, key.second});
  }
}

}  // namespace

Result<AgentSlot> maintained_agent(const Context& c, const FromOperator& event, const AgentId& id) {
  if (const Status allowed = authorize(event.principal, Action::maintain_agent, id.raw());
      !allowed.ok()) {
    return allowed.error();
  }
  const auto it = c.state.agent_of.find(id);
  if (it == c.state.agent_of.end() ||
      c.state.agents.at(it->second).phase == AgentPhase::admitting) {
    return Error{ErrorCode::not_found, words_of(id) + " is not in the registry"};
  }
  const Agent& agent = c.state.agents.at(it->second);
  if (agent.phase == AgentPhase::gone) {
    return Error{ErrorCode::conflict, words_of(id) + " was marked gone, which is for ever"};
  }
  if (agent.going) return Error{ErrorCode::conflict, words_of(id) + " is being marked gone"};
  if (agent.forgetting) return Error{ErrorCode::conflict, words_of(id) + " is being forgotten"};
  return it->second;
}

bool is_offered(const Agent& agent) {
  return agent.maintenance.duty == AgentDuty::serving;
}

bool is_emptied(const Agent& agent) {
  return agent.maintenance.duty == AgentDuty::draining ||
         agent.maintenance.duty == AgentDuty::drained;
}

AgentPhase shown_phase(const Agent& agent) {
  if (agent.phase != AgentPhase::active) return agent.phase;
  switch (agent.maintenance.duty) {
    case AgentDuty::serving:
      return AgentPhase::active;
    case AgentDuty::deactivated:
      return AgentPhase::deactivated;
    case AgentDuty::draining:
      return AgentPhase::draining;
    case AgentDuty::drained:
      return AgentPhase::drained;
  }
  return agent.phase;
}

void on_drain_agent(Context& c, const FromOperator& event, const operation::DrainAgent& call) {
  const Result<AgentSlot> found = maintained_agent(c, event, call.agent_id);
  if (!found.ok()) return c.answer(event.request, found.error());
  if (c.state.agents.at(found.value()).phase == AgentPhase::unreachable) {
    return c.answer(event.request,
                    Error{ErrorCode::conflict,
                          words_of(call.agent_id) +
                              " is unreachable: nothing on it can be ended now; deactivate it, or "
                              "mark it gone"});
  }
  if (call.max_grace && (call.max_grace->ns < 0 || *call.max_grace > limits::kMaxKillGrace)) {
    return c.answer(event.request, invalid("max_grace_period: must be from 0 to 24 hours"));
  }
  if (call.max_wait && (call.max_wait->ns < 0 || *call.max_wait > limits::kMaxDrainWait)) {
    return c.answer(event.request, invalid("max_wait: must be from 0 to 30 days"));
  }
  write(c, found.value(), event.request,
        {AgentDuty::draining, call.max_grace, call.mark_gone, c.stamp.wall, call.force,
         call.max_wait});
}

void on_deactivate_agent(Context& c, const FromOperator& event,
                         const operation::DeactivateAgent& call) {
  const Result<AgentSlot> found = maintained_agent(c, event, call.agent_id);
  if (!found.ok()) return c.answer(event.request, found.error());
  const Maintenance& wanted = c.state.agents.at(found.value()).wanted;
  if (wanted.duty == AgentDuty::draining || wanted.duty == AgentDuty::drained) {
    return c.answer(event.request, Error{ErrorCode::conflict,
                                         words_of(call.agent_id) +
                                             " is draining or drained, and not offered already"});
  }
  // Twice is no error: what an operator repeats after a lost answer holds all the same.
  write(c, found.value(), event.request, {AgentDuty::deactivated, {}, false, c.stamp.wall});
}

void on_reactivate_agent(Context& c, const FromOperator& event,
                         const operation::ReactivateAgent& call) {
  const Result<AgentSlot> found = maintained_agent(c, event, call.agent_id);
  if (!found.ok()) return c.answer(event.request, found.error());
  const Maintenance& wanted = c.state.agents.at(found.value()).wanted;
  if (wanted.duty == AgentDuty::serving) {
    return c.answer(event.request,
                    Error{ErrorCode::conflict, words_of(call.agent_id) +
                                                   " is neither deactivated nor drained; there is "
                                                   "nothing to end"});
  }
  if (wanted.duty == AgentDuty::draining) {
    return c.answer(event.request,
                    Error{ErrorCode::conflict, words_of(call.agent_id) +
                                                   " is draining; reactivate it once it is "
                                                   "drained"});
  }
  write(c, found.value(), event.request, {});
}

void on_upkeep_stored(Context& c, const pending::Upkeep& write) {
  Agent& agent = c.state.agents.at(write.agent);
  agent.maintenance = write.maintenance;
  const AgentDuty duty = agent.maintenance.duty;
  if (duty != AgentDuty::serving) rescind_offers_of(c, agent);
  begin_waiting(c, write.agent);
  if (duty == AgentDuty::draining) kill_all(c, write.agent, true);
  publish_agent(c, agent);
  touch_agent(c, write.agent);
  touch_room(c, write.agent);
  c.note(Note::Level::info, "agent.maintenance",
         {{"agent_id", agent.id.raw()},
          {"hostname", agent.facet->hostname},
          {"phase", std::string(name_of(shown_phase(agent)))}});
  c.answer(write.request, {});
}

void on_upkeep_rejected(Context& c, const pending::Upkeep& write, const std::string& reason) {
  Agent& agent = c.state.agents.at(write.agent);
  agent.wanted = agent.maintenance;
  for (const auto& [id, what] : c.state.writes) {
    const auto* later = std::get_if<pending::Upkeep>(&what);
    if (later != nullptr && later->agent == write.agent) agent.wanted = later->maintenance;
  }
  if (write.request.empty()) {
    c.arm(DeadlineKey::Kind::agent_settling, write.agent, c.stamp.now + c.config.removal_retry);
  } else {
    touch_agent(c, write.agent);  // what was put off while this was being written
  }
  c.answer(write.request,
           Error{ErrorCode::full, words_of(agent.id) + " kept its maintenance: " + reason});
}

void continue_drain(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  if (agent.maintenance.duty != AgentDuty::draining) return;
  for (auto& [key, executor] : agent.executors) executor.told_to_end = false;
  touch_agent(c, slot);
  kill_all(c, slot, false);
}

void go_on_draining(Context& c, AgentSlot slot) {
  const Agent& agent = c.state.agents.at(slot);
  if (agent.maintenance.duty != AgentDuty::draining || agent.phase != AgentPhase::active) return;
  touch_agent(c, slot);
  kill_all(c, slot, false);
}

void settle_drains(Context& c) {
  for (std::size_t i = 0; i < c.state.touched_agents.size(); ++i) {
    const AgentSlot slot = c.state.touched_agents[i];
    Agent* agent = c.state.agents.find(slot);
    if (agent == nullptr) continue;
    publish_waits(c, slot);
    if (agent->phase != AgentPhase::active) continue;
    if (agent->maintenance.duty != AgentDuty::draining || agent->going) continue;
    if (agent->wanted != agent->maintenance) continue;  // something newer is being written
    if (!agent->tasks.empty()) continue;
    tell_executors_to_end(c, *agent);
    if (!agent->executors.empty()) continue;
    if (agent->maintenance.mark_gone) {
      PROBE("master.agent_drained_to_be_gone");
      begin_gone(c, slot, {});
      continue;
    }
    PROBE("master.agent_drained");
    Maintenance drained = agent->maintenance;
    drained.duty = AgentDuty::drained;
    write(c, slot, {}, drained);
  }
}

void tell_as_drained(const Agent& agent, TaskStatus& status, TaskState& newest) {
  if (!is_emptied(agent)) return;
  const Maintenance& drain = agent.maintenance;
  if (drain.mark_gone && newest == TaskState::killed) newest = TaskState::gone_by_operator;
  if (status.state != TaskState::killed) return;
  status.reason = StatusReason::agent_draining;
  if (drain.mark_gone) status.state = TaskState::gone_by_operator;
}

}  // namespace bourse::master
