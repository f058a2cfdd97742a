// An agent goes silent, is given up, or is active again. What is told to whom at each step.
#include "base/probe.hpp"
#include "master/core/handlers.hpp"

namespace bourse::master {

namespace {

using Due = DeadlineKey::Kind;

// A framework that is not partition aware hears LOST, which is final: the task is forgotten here
// and killed should the agent return.
void lose_task(Context& c, Agent& agent, TaskSlot slot) {
  Task& task = c.state.tasks.at(slot);
  Framework& framework = c.state.frameworks.at(task.framework);
  const SharedStatus status =
      master_status(c, task.facet->id, agent.id, TaskState::lost, StatusReason::agent_removed,
                    "Agent " + agent.facet->hostname + " is unreachable");
  agent.told_lost.emplace(TaskKey(task.framework_id, task.facet->id), task.launch_id);
  c.publish(change::TaskUpdated{task.framework_id, status, TaskState::lost});
  c.publish(change::TaskRemoved{task.framework_id, task.facet->id});
  remember_completed(framework, task.facet->id, {TaskState::lost, {}, agent.id});
  send_to_framework(c, framework, event::Update{status});
  erase_task(c, slot);
}

void task_unreachable(Context& c, Agent& agent, Task& task) {
  Framework& framework = c.state.frameworks.at(task.framework);
  TaskStatus status = master_status(c, task.facet->id, agent.id, TaskState::unreachable,
                                    StatusReason::agent_removed,
                                    "Agent " + agent.facet->hostname + " is unreachable");
  status.unreachable_time = agent.unreachable_at;
  if (!is_terminal(task.state)) task.state = TaskState::unreachable;
  count_task(c, task);
  task.told = std::move(status);
  task.acknowledged = true;
  c.publish(change::TaskUpdated{task.framework_id, task.told, task.state});
  send_to_framework(c, framework, event::Update{task.told});
}

void give_up_tasks(Context& c, Agent& agent) {
  for (const TaskSlot slot : std::vector<TaskSlot>(agent.tasks)) {
    Task& task = c.state.tasks.at(slot);
    if (task.standing == TaskStanding::zombie) {
      agent.told_lost.emplace(TaskKey(task.framework_id, task.facet->id), task.launch_id);
      erase_task(c, slot);
      continue;
    }
    // Its end was told, and is to be acknowledged. One that only the agent can tell is not certain
    // to be told ever.
    if (task.told && is_terminal(task.told->state)) continue;
    if (is_terminal(task.state)) PROBE("master.end_not_told_before_given_up");
    const Framework& framework = c.state.frameworks.at(task.framework);
    if (framework.facet->capabilities.has(Capabilities::partition_aware)) {
      task_unreachable(c, agent, task);
    } else {
      lose_task(c, agent, slot);
    }
  }
}

// ACCEPTs of an older epoch that waited for it: it may run them, and nobody can know.
void give_up_accepts(Context& c, Agent& agent) {
  const auto waiting = std::move(agent.accepts_waiting);
  agent.accepts_waiting.clear();
  for (const auto& [framework_id, task_id] : waiting) {
    const auto it = c.state.framework_of.find(framework_id);
    if (it == c.state.framework_of.end()) continue;
    Framework& framework = c.state.frameworks.at(it->second);
    if (framework.task_of.contains(task_id)) continue;
    TaskStatus status = master_status(
        c, task_id, agent.id, TaskState::unreachable, StatusReason::agent_removed,
        "Agent " + agent.facet->hostname + " did not come back; the task may run there");
    status.unreachable_time = agent.unreachable_at;
    send_to_framework(c, framework, event::Update{std::move(status)});
  }
}

void become_unreachable(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  if (agent.phase == AgentPhase::recovered) --c.state.agents_recovering;
  agent.phase = AgentPhase::unreachable;
  agent.reason =
      agent.machine_down ? "its machine is down for maintenance" : "heard nothing for too long";
  agent.unreachable_at = c.stamp.wall;
  publish_agent(c, agent);
  c.note(Note::Level::warning, "agent.unreachable",
         {{"agent_id", agent.id.raw()},
          {"hostname", agent.facet->hostname},
          {"tasks", std::to_string(agent.tasks.size())}});
  give_up_tasks(c, agent);
  give_up_accepts(c, agent);
  lose_agent_operations(c, slot, OperationState::unreachable);
  depart(c, slot, c.stamp.wall);
  leave_agent(c, slot);
  touch_agent(c, slot);
  c.state.frameworks.for_each([&](FrameworkSlot, Framework& framework) {
    send_to_framework(c, framework, event::Failure{agent.id, {}, {}});
  });
}

}  // namespace

AgentFacetPtr with_id(const AgentFacetPtr& facet, const AgentId& id) {
  if (facet->id == id) return facet;
  AgentFacet copy = *facet;
  copy.id = id;
  return std::make_shared<const AgentFacet>(std::move(copy));
}

void become_active(Context& c, AgentSlot slot, SessionBegun begun,
                   const to_master::Register& message) {
  Agent& agent = c.state.agents.at(slot);
  const AgentPhase was = agent.phase;
  if (was == AgentPhase::recovered) --c.state.agents_recovering;
  call_off_removal(c, agent);
  call_off_departure(c, slot);
  agent.phase = AgentPhase::active;
  agent.reason.clear();
  agent.facet = with_id(message.agent, agent.id);
  agent.unreachable_at.reset();
  if (was != AgentPhase::admitting) agent.reregistered_at = c.stamp.wall;
  agent.session = Session{begun.peer, begun.session, {}, {}, c.stamp.now};
  if (!begun.peer.empty()) c.state.agent_of_peer.insert_or_assign(begun.peer, slot);
  c.disarm(Due::agent_gone, slot);
  c.arm(Due::agent_silence, slot, c.stamp.now + c.config.agent_silence);
  c.arm(Due::agent_heartbeat, slot, c.stamp.now + c.config.agent_heartbeat);
  plan_agent(c, slot);
  reconcile_agent(c, slot, message, was == AgentPhase::unreachable);
  enter_agent(c, slot);
  publish_agent(c, agent);
  c.note(Note::Level::info, "agent.registered",
         {{"agent_id", agent.id.raw()},
          {"hostname", agent.facet->hostname},
          {"was", std::string(name_of(was))},
          {"tasks", std::to_string(agent.tasks.size())}});
  if (!agent.ledger.offerable()) {
    PROBE("master.agent_came_back_with_less");
    c.note(Note::Level::error, "agent.deficit",
           {{"agent_id", agent.id.raw()}, {"lacking", agent.ledger.deficit().to_text()}});
  }
  touch_agent(c, slot);
  touch_room(c, slot);
  if (was == AgentPhase::recovered || was == AgentPhase::unreachable) answer_waiting_kills(c);
  continue_drain(c, slot);
  clear_mark(c, slot);
  if (begun.peer.empty()) become_silent(c, slot, "its connection broke");
}

void become_silent(Context& c, AgentSlot slot, const std::string& reason) {
  Agent& agent = c.state.agents.at(slot);
  if (!agent.session.peer.empty()) c.state.agent_of_peer.erase(agent.session.peer);
  agent.session.peer = PeerId();
  c.disarm(Due::agent_silence, slot);
  c.disarm(Due::agent_heartbeat, slot);
  if (agent.phase != AgentPhase::active) return;
  agent.phase = AgentPhase::silent;
  agent.reason = reason;
  rescind_offers_of(c, agent);
  answer_operators_of(c, agent);
  touch_room(c, slot);
  touch_agent(c, slot);
  c.arm(Due::agent_gone, slot,
        std::max(c.stamp.now, agent.session.last_heard + c.config.agent_timeout));
  publish_agent(c, agent);
  c.note(Note::Level::warning, "agent.silent",
         {{"agent_id", agent.id.raw()}, {"hostname", agent.facet->hostname}, {"reason", reason}});
}

void on_agent_silence_due(Context& c, AgentSlot slot) {
  const Agent& agent = c.state.agents.at(slot);
  if (agent.phase != AgentPhase::active) return;
  const Instant due = agent.session.last_heard + c.config.agent_silence;
  if (due > c.stamp.now) {
    c.arm(Due::agent_silence, slot, due);
    return;
  }
  PROBE("master.agent_silent");
  become_silent(c, slot,
                "heard nothing for " + std::to_string(c.config.agent_silence.ms()) + " ms");
}

void on_unreachable_stored(Context& c, AgentSlot slot, PersistId id) {
  Agent& agent = c.state.agents.at(slot);
  if (agent.marking == id) agent.marking.reset();
  // It came back while this was being written; that it did is written after it.
  if (agent.standing != registry::AgentStanding::unreachable) {
    PROBE("master.agent_back_while_being_given_up");
    return;
  }
  if (agent.phase != AgentPhase::silent && agent.phase != AgentPhase::recovered) return;
  become_unreachable(c, slot);
}

void on_unreachable_rejected(Context& c, AgentSlot slot, PersistId id, const std::string& reason) {
  Agent& agent = c.state.agents.at(slot);
  if (agent.marking == id) agent.marking.reset();
  if (agent.standing != registry::AgentStanding::unreachable) return;
  agent.standing = registry::AgentStanding::admitted;
  c.note(Note::Level::error, "agent.not_marked_unreachable",
         {{"agent_id", agent.id.raw()}, {"reason", reason}});
  c.arm(Due::agent_gone, slot, c.stamp.now + c.config.removal_retry);
}

void clear_mark(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  if (agent.phase != AgentPhase::active || agent.clearing || agent.pending || agent.going) {
    return;
  }
  if (agent.standing != registry::AgentStanding::unreachable) return;
  const bool clean = std::none_of(agent.tasks.begin(), agent.tasks.end(), [&](TaskSlot task) {
    return c.state.tasks.at(task).standing == TaskStanding::zombie;
  });
  if (!clean) {
    PROBE("master.returned_with_lost_tasks");
    return;
  }
  agent.clearing =
      persist(c, registry::MarkAgent{agent.id, registry::AgentStanding::admitted, c.stamp.wall},
              pending::Cleared{slot});
}

void on_mark_cleared(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  agent.clearing.reset();
  agent.standing = registry::AgentStanding::admitted;
  touch_agent(c, slot);
  touch_room(c, slot);
}

void on_clearing_rejected(Context& c, AgentSlot slot, const std::string& reason) {
  Agent& agent = c.state.agents.at(slot);
  agent.clearing.reset();
  c.note(Note::Level::error, "agent.not_marked_reachable",
         {{"agent_id", agent.id.raw()}, {"reason", reason}});
  c.arm(Due::agent_clearing, slot, c.stamp.now + c.config.removal_retry);
}

}  // namespace bourse::master
