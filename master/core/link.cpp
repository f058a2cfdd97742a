// Sending, writing and publishing: what every handler does.
#include <limits>

#include "master/core/handlers.hpp"

namespace bourse::master {

namespace {

MasterToFramework frame(const Context& c, Session& session, bool sequenced, SchedulerEvent event) {
  LinkHeader header;
  if (session.number != 0) {
    header = {session.number, sequenced ? session.sender.next() : 0, c.state.epoch};
  }
  return {header, std::move(event)};
}

}  // namespace

void send_to_framework(Context& c, Framework& framework, SchedulerEvent event) {
  if (!framework.connected()) return;
  c.emit({SendToFramework{framework.session.peer, framework.facet->capabilities,
                          frame(c, framework.session, true, std::move(event))}});
}

// A heartbeat is not numbered: in its header stands the last number that was sent.
void send_framework_heartbeat(Context& c, Framework& framework) {
  MasterToFramework message = frame(c, framework.session, false, event::Heartbeat{});
  if (framework.session.number != 0) message.header.sequence = framework.session.sender.last();
  c.emit(
      {SendToFramework{framework.session.peer, framework.facet->capabilities, std::move(message)}});
}

Duration heartbeat_interval(const Context& c, bool http) {
  return http ? c.config.framework_heartbeat : c.config.framework_link_heartbeat;
}

PersistId persist(Context& c, RegistryCommand command, PendingWrite what,
                  std::vector<Effect> after) {
  const PersistId id(++c.state.next_persist);
  c.state.writes.emplace_back(id, std::move(what));
  c.emit({Persist{id, std::move(command), std::move(after)}});
  return id;
}

void touch_agent(Context& c, AgentSlot slot) {
  Agent* agent = c.state.agents.find(slot);
  if (agent == nullptr || agent->touched) return;
  agent->touched = true;
  c.state.touched_agents.push_back(slot);
}

void touch_framework(Context& c, FrameworkSlot slot) {
  Framework* framework = c.state.frameworks.find(slot);
  if (framework == nullptr || framework->touched) return;
  framework->touched = true;
  c.state.touched_frameworks.push_back(slot);
}

namespace {

// Readers see what it has as operations have made it.
AgentFacetPtr shown_facet(const Agent& agent) {
  if (agent.confirmed.empty() || agent.confirmed == agent.facet->total) return agent.facet;
  AgentFacet shown = *agent.facet;
  shown.total = agent.confirmed;
  return std::make_shared<const AgentFacet>(std::move(shown));
}

}  // namespace

void publish_agent(Context& c, const Agent& agent) {
  c.publish(change::AgentPut{shown_facet(agent), shown_phase(agent), agent.reason,
                             agent.registered_at, agent.reregistered_at, agent.ledger.deficit(),
                             agent.incarnation, agent.maintenance, agent.removal_ticket != 0,
                             agent.unavailability, agent.waits, agent.oversubscribed});
}

void publish_framework(Context& c, const Framework& framework) {
  change::FrameworkPut put;
  put.framework = framework.facet;
  put.connected = framework.connected();
  put.active = framework.connected();
  put.recovered = framework.phase == FrameworkPhase::recovered;
  for (const Role& role : framework.roles) {
    if (role.subscribed && role.suppressed) put.suppressed_roles.push_back(role.name);
  }
  put.registered_at = framework.registered_at;
  put.reregistered_at = framework.reregistered_at;
  put.offer_constraints = framework.constraints;
  put.demand = framework.demand;
  c.publish(std::move(put));
}

}  // namespace bourse::master
