// Agents that are away for good: those that are unreachable or gone for long enough are forgotten,
// and of more than so many those that are so longest. Otherwise a cluster whose machines come and
// go would end with a table full of agents that nobody will see again. One that comes back after
// that is asked to end what it runs and to register as a new agent: whether it was gone for ever or
// only unreachable, nobody knows any more.
//
// How old a mark is, a wall clock says: it is weeks old where a leader changes more often. It is
// the only thing here that one decides.
#include <algorithm>

#include "base/assert.hpp"
#include "base/probe.hpp"
#include "master/core/handlers.hpp"

namespace bourse::master {

namespace {

using Kind = DeadlineKey::Kind;

// Forgotten in one step; and the pause before the next ones, if there are more.
constexpr std::size_t kAtOnce = 100;
constexpr Duration kPause = Duration::milliseconds(100);

bool is_departed(const Agent& agent) {
  return agent.phase == AgentPhase::unreachable || agent.phase == AgentPhase::gone;
}

Departed::Ordered& kind_of(MasterState& state, const Agent& agent) {
  return agent.phase == AgentPhase::gone ? state.departed.gone : state.departed.unreachable;
}

// Something about it is being written: what becomes of that decides first.
bool is_busy(const Agent& agent) {
  return agent.pending || agent.marking || agent.clearing || agent.going || agent.forgetting ||
         agent.wanted != agent.maintenance;
}

void look_through(const Context& c, const Departed::Ordered& departed, std::vector<AgentSlot>& to) {
  const auto most = static_cast<std::size_t>(c.config.registry_max_agent_count);
  std::size_t over = departed.size() > most ? departed.size() - most : 0;
  for (const auto& [at, slot] : departed) {
    const bool old = at + c.config.registry_max_agent_age <= c.stamp.wall;
    if (to.size() >= kAtOnce || (over == 0 && !old)) return;
    if (over > 0) --over;
    if (is_busy(c.state.agents.at(slot))) continue;
    if (old) PROBE("master.agent_forgotten_by_age");
    if (!old) PROBE("master.agent_forgotten_by_count");
    to.push_back(slot);
  }
}

void forget(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  ASSERT(is_departed(agent));
  agent.forgetting = true;
  ++c.state.agents_forgetting;
  persist(c, registry::RemoveAgent{agent.id}, pending::Forgetting{slot});
}

void forget_drains(Context& c, AgentSlot slot) {
  c.state.frameworks.for_each(
      [&](FrameworkSlot, Framework& framework) { framework.drains_waiting.erase(slot); });
}

void disarm_all(Context& c, AgentSlot slot) {
  for (const Kind kind :
       {Kind::agent_silence, Kind::agent_gone, Kind::agent_clearing, Kind::agent_heartbeat,
        Kind::agent_filters, Kind::agent_settling, Kind::agent_asking, Kind::agent_waited}) {
    c.disarm(kind, slot);
  }
}

}  // namespace

void depart(Context& c, AgentSlot slot, WallTime at) {
  Agent& agent = c.state.agents.at(slot);
  ASSERT(is_departed(agent));
  agent.left_at = at;
  kind_of(c.state, agent).emplace(at, slot);
  const std::size_t all = c.state.departed.unreachable.size() + c.state.departed.gone.size();
  if (all > 1) return;
  c.arm(Kind::agents_departed, AgentSlot(), c.stamp.now + c.config.registry_gc_interval);
}

void call_off_departure(Context& c, AgentSlot slot) {
  const Agent& agent = c.state.agents.at(slot);
  if (is_departed(agent)) kind_of(c.state, agent).erase({agent.left_at, slot});
}

void on_departed_due(Context& c) {
  if (c.state.departed.unreachable.empty() && c.state.departed.gone.empty()) return;
  if (c.state.agents_forgetting > 0) {
    c.arm(Kind::agents_departed, AgentSlot(), c.stamp.now + kPause);
    return;
  }
  std::vector<AgentSlot> slots;
  look_through(c, c.state.departed.gone, slots);
  look_through(c, c.state.departed.unreachable, slots);
  // Not by age: that would be the order of two writes by wall clocks.
  std::sort(slots.begin(), slots.end());
  for (const AgentSlot slot : slots) forget(c, slot);
  const bool more = slots.size() >= kAtOnce;
  c.arm(Kind::agents_departed, AgentSlot(),
        c.stamp.now + (more ? kPause : c.config.registry_gc_interval));
}

void on_forgetting_stored(Context& c, const pending::Forgetting& write) {
  const AgentSlot slot = write.agent;
  --c.state.agents_forgetting;
  Agent& agent = c.state.agents.at(slot);
  const AgentId id = agent.id;
  const bool was_unreachable = agent.phase == AgentPhase::unreachable;
  call_off_departure(c, slot);
  end_all_of(c, slot,
             {TaskState::unknown, OperationState::unknown, StatusReason::agent_removed,
              "Agent " + agent.facet->hostname + " was away for too long and is forgotten"});
  std::set<TaskKey> asked = take_waiting(agent);
  drop_asks(c, slot);
  if (agent.maintenance.duty == AgentDuty::draining) forget_drains(c, slot);
  leave_agent(c, slot);
  disarm_all(c, slot);
  forget_newcomer(c.state, slot);
  c.note(Note::Level::info, "agent.forgotten",
         {{"agent_id", id.raw()},
          {"hostname", agent.facet->hostname},
          {"was", std::string(name_of(agent.phase))}});
  c.state.agent_of.erase(id);
  c.state.agents.erase(slot);
  c.publish(change::AgentRemoved{id});
  answer_waiting_for(c, id, std::move(asked));
  if (was_unreachable) answer_waiting_kills(c);
}

void on_forgetting_rejected(Context& c, const pending::Forgetting& write,
                            const std::string& reason) {
  --c.state.agents_forgetting;
  Agent& agent = c.state.agents.at(write.agent);
  agent.forgetting = false;
  PROBE("master.forgetting_rejected");
  c.note(Note::Level::warning, "agent.not_forgotten",
         {{"agent_id", agent.id.raw()}, {"reason", reason}});
  c.arm(Kind::agents_departed, AgentSlot(), c.stamp.now + c.config.removal_retry);
}

}  // namespace bourse::master
