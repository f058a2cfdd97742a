// Agents that are to be given up, one at a time: when a switch dies, thousands go silent at once,
// and most are back before frameworks replace what runs there. Whose turn has not come may return
// and loses nothing.
#include "base/probe.hpp"
#include "master/core/handlers.hpp"

namespace bourse::master {

namespace {

using Kind = DeadlineKey::Kind;

bool limited(const Context& c) {
  return c.config.agent_removal_interval > Duration{};
}

// Something about it is being written: what becomes of that decides first.
bool is_being_marked(const Agent& agent) {
  return agent.pending || agent.marking || agent.clearing || agent.going;
}

void give_up(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  agent.standing = registry::AgentStanding::unreachable;
  agent.marking = persist(c, registry::MarkAgent{agent.id, agent.standing, c.stamp.wall},
                          pending::Unreachable{slot});
  if (limited(c)) c.state.next_removal = c.stamp.now + c.config.agent_removal_interval;
}

void wait_for_turn(Context& c, AgentSlot slot) {
  PROBE("master.removal_waits");
  Agent& agent = c.state.agents.at(slot);
  agent.removal_ticket = ++c.state.last_removal_ticket;
  c.state.removals_waiting.emplace(agent.removal_ticket, slot);
  if (c.state.removals_waiting.size() == 1)
    c.arm(Kind::agent_removal, AgentSlot(), c.state.next_removal);
  touch_agent(c, slot);
  publish_agent(c, agent);
}

}  // namespace

void on_agent_gone_due(Context& c, AgentSlot slot) {
  const Agent& agent = c.state.agents.at(slot);
  if (agent.phase != AgentPhase::silent && agent.phase != AgentPhase::recovered) return;
  if (agent.removal_ticket != 0) return;
  if (is_being_marked(agent)) {
    c.arm(Kind::agent_gone, slot, c.stamp.now + c.config.removal_retry);
  } else if (limited(c) &&
             (c.stamp.now < c.state.next_removal || !c.state.removals_waiting.empty())) {
    wait_for_turn(c, slot);
  } else {
    give_up(c, slot);
  }
}

void give_up_now(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  if (is_being_marked(agent) || agent.standing != registry::AgentStanding::admitted) return;
  call_off_removal(c, agent);
  give_up(c, slot);
}

void call_off_removal(Context& c, Agent& agent) {
  if (agent.removal_ticket == 0) return;
  PROBE("master.removal_called_off");
  c.state.removals_waiting.erase(agent.removal_ticket);
  agent.removal_ticket = 0;
  if (c.state.removals_waiting.empty()) c.disarm(Kind::agent_removal, AgentSlot());
}

void on_removal_turn(Context& c) {
  auto& waiting = c.state.removals_waiting;
  while (!waiting.empty()) {
    const AgentSlot slot = waiting.begin()->second;
    waiting.erase(waiting.begin());
    Agent& agent = c.state.agents.at(slot);
    agent.removal_ticket = 0;
    if (!is_being_marked(agent)) {
      give_up(c, slot);
      break;
    }
    c.arm(Kind::agent_gone, slot, c.stamp.now + c.config.removal_retry);
  }
  if (!waiting.empty()) c.arm(Kind::agent_removal, AgentSlot(), c.state.next_removal);
}

}  // namespace bourse::master
