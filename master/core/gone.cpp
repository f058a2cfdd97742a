// An agent that an operator marked gone: for ever, whatever it says later. Written down first, for
// its tasks are told as ended, and a framework starts others in their place.
#include "base/probe.hpp"
#include "master/core/handlers.hpp"

namespace bourse::master {

namespace {

using Kind = DeadlineKey::Kind;

// What it last said of a task that ended is all there will be, unless it is back as a new agent:
// nobody there is left to acknowledge, and whether it was heard nobody knows.
void end_task(Context& c, const Agent& agent, TaskSlot slot, const Farewell& farewell) {
  const Task& task = c.state.tasks.at(slot);
  if (task.standing == TaskStanding::zombie) return erase_task(c, slot);
  Framework& framework = c.state.frameworks.at(task.framework);
  const FrameworkId framework_id = task.framework_id;
  const TaskId id = task.facet->id;
  TaskState state = task.told ? task.told->state : task.state;
  if (!is_terminal(state)) {
    TaskStatus status =
        master_status(c, id, agent.id, farewell.task, farewell.reason, farewell.message);
    state = farewell.task;
    c.publish(change::TaskUpdated{framework_id, status, state});
    send_to_framework(c, framework, event::Update{std::move(status)});
  }
  // Of one that is unknown an end may be told yet.
  const bool unacknowledged = task.told && is_terminal(task.told->state) && task.told->uuid;
  if (is_terminal(state)) {
    remember_completed(framework, id, {state, {}, agent.id, unacknowledged});
  }
  c.publish(change::TaskRemoved{framework_id, id});
  erase_task(c, slot);
}

void end_executors(Context& c, Agent& agent) {
  while (!agent.executors.empty()) {
    const ExecutorKey key = agent.executors.begin()->first;
    erase_executor(c, agent, key);
  }
  for (const auto& [key, leaked] : agent.leaks) agent.ledger.unhold(leaked);
  agent.leaks.clear();
}

void end_session(Context& c, Agent& agent) {
  if (agent.session.peer.empty()) return;
  refuse_gone(c, agent, agent.session.peer, agent.session.number);
  c.state.agent_of_peer.erase(agent.session.peer);
  agent.session.peer = PeerId();
}

}  // namespace

void end_all_of(Context& c, AgentSlot slot, const Farewell& farewell) {
  Agent& agent = c.state.agents.at(slot);
  for (const TaskSlot task : std::vector<TaskSlot>(agent.tasks)) {
    end_task(c, agent, task, farewell);
  }
  end_executors(c, agent);
  lose_agent_operations(c, slot, farewell.operation);
  agent.told_lost.clear();
}

std::set<TaskKey> take_waiting(Agent& agent) {
  std::set<TaskKey> asked = std::move(agent.accepts_waiting);
  for (const auto& [key, grace] : agent.kills_waiting) asked.insert(key);
  agent.accepts_waiting.clear();
  agent.kills_waiting.clear();
  return asked;
}

void answer_waiting_for(Context& c, const AgentId& id, std::set<TaskKey> asked) {
  for (const auto& [framework_id, task_id] : asked) {
    const auto it = c.state.framework_of.find(framework_id);
    if (it == c.state.framework_of.end()) continue;
    send_about_unknown(c, c.state.frameworks.at(it->second), task_id, id);
  }
}

void refuse_gone(Context& c, const Agent& agent, PeerId peer, std::uint64_t session) {
  const std::string reason = "agent_id: '" + agent.id.raw() + "' was marked gone for ever";
  c.note(Note::Level::warning, "agent.refused", {{"reason", reason}});
  send_to_peer(c, peer, session, to_agent::Refused{reason, {}, false, true});
}

void on_mark_agent_gone(Context& c, const FromOperator& event,
                        const operation::MarkAgentGone& call) {
  const Result<AgentSlot> found = maintained_agent(c, event, call.agent_id);
  if (!found.ok()) return c.answer(event.request, found.error());
  begin_gone(c, found.value(), event.request);
}

void begin_gone(Context& c, AgentSlot slot, RequestId request) {
  Agent& agent = c.state.agents.at(slot);
  agent.going =
      persist(c, registry::MarkAgent{agent.id, registry::AgentStanding::gone, c.stamp.wall},
              pending::Gone{slot, request});
}

void on_gone_stored(Context& c, const pending::Gone& write) {
  const AgentSlot slot = write.agent;
  Agent& agent = c.state.agents.at(slot);
  const bool was_away =
      agent.phase == AgentPhase::recovered || agent.phase == AgentPhase::unreachable;
  if (agent.phase == AgentPhase::recovered) --c.state.agents_recovering;
  agent.going.reset();
  call_off_removal(c, agent);
  call_off_departure(c, slot);
  agent.standing = registry::AgentStanding::gone;
  rescind_offers_of(c, agent);
  agent.phase = AgentPhase::gone;
  depart(c, slot, c.stamp.wall);
  agent.reason = "marked gone by an operator";
  for (const Kind kind : {Kind::agent_silence, Kind::agent_gone, Kind::agent_clearing,
                          Kind::agent_heartbeat, Kind::agent_settling}) {
    c.disarm(kind, slot);
  }
  end_all_of(c, slot,
             {TaskState::gone_by_operator, OperationState::gone_by_operator,
              StatusReason::agent_removed_by_operator,
              "Agent " + agent.facet->hostname + " was marked gone"});
  end_session(c, agent);
  leave_agent(c, slot);
  touch_agent(c, slot);
  publish_agent(c, agent);
  c.note(Note::Level::warning, "agent.gone",
         {{"agent_id", agent.id.raw()}, {"hostname", agent.facet->hostname}});
  answer_waiting_for(c, agent.id, take_waiting(agent));
  if (was_away) answer_waiting_kills(c);
  c.state.frameworks.for_each([&](FrameworkSlot, Framework& framework) {
    send_to_framework(c, framework, event::Failure{agent.id, {}, {}});
  });
  c.answer(write.request, {});
}

void on_gone_rejected(Context& c, const pending::Gone& write, const std::string& reason) {
  Agent& agent = c.state.agents.at(write.agent);
  agent.going.reset();
  if (write.request.empty()) {
    c.arm(Kind::agent_settling, write.agent, c.stamp.now + c.config.removal_retry);
  }
  clear_mark(c, write.agent);  // it may have waited for this
  c.answer(write.request, Error{ErrorCode::full, "agent_id: '" + agent.id.raw() +
                                                     "' was not marked gone: " + reason});
}

}  // namespace bourse::master
