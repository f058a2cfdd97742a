// Sessions of agents: registering, heartbeats, leaving.
//
// Who wins: of two processes that claim one id, the newer incarnation; of two sessions of one
// process, the higher number. Frames of any other session are dropped.
#include <algorithm>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

using to_master::Register;

void refuse(Context& c, const FromAgent& event, to_agent::Refused refused) {
  c.note(Note::Level::warning, "agent.refused", {{"reason", refused.reason}});
  send_to_peer(c, event.peer, event.message.header.session, std::move(refused));
}

void refuse(Context& c, const FromAgent& event, std::string reason, Duration retry_after,
            bool forget_identity = false) {
  refuse(c, event, to_agent::Refused{std::move(reason), retry_after, forget_identity});
}

Effect registered(const Context& c, const AgentId& id, PeerId peer, std::uint64_t session) {
  to_agent::Registered body{id, c.state.cluster_id, c.config.agent_heartbeat,
                            c.config.agent_silence};
  return {SendToAgent{peer, {LinkHeader{session, 0, c.state.epoch}, std::move(body)}}};
}

bool same_description(const AgentFacet& a, const AgentFacet& b) {
  return a.total == b.total && a.hostname == b.hostname && a.http == b.http &&
         a.attributes == b.attributes && a.domain == b.domain && a.version == b.version &&
         a.description == b.description;
}

PendingRegistration pending_of(const FromAgent& event, const Register& message, PersistId id) {
  const std::uint64_t session = event.message.header.session;
  return {id, event.peer, session, session, std::make_shared<const Register>(message)};
}

// The connection speaks for this agent now; if it spoke for another, that one is silent.
void take_peer(Context& c, PeerId peer, AgentSlot slot) {
  const auto it = c.state.agent_of_peer.find(peer);
  const AgentSlot before = it == c.state.agent_of_peer.end() ? AgentSlot{} : it->second;
  if (Agent* other = c.state.agents.find(before); other && before != slot) {
    PROBE("master.connection_changes_agent");
    if (other->pending && other->pending->peer == peer) other->pending->peer = PeerId();
    if (other->session.peer == peer) {
      become_silent(c, before, "its connection registered as another agent");
    }
  }
  c.state.agent_of_peer.insert_or_assign(peer, slot);
}

// A process that was never here: its admission is written before it hears its name.
void admit(Context& c, const FromAgent& event, const Register& message) {
  if (auto down = down_for_maintenance(c.state, *message.agent)) {
    refuse(c, event, std::move(*down), c.config.agent_retry);
    return;
  }
  if (c.state.agents.size() >= limits::kMaxAgents) {
    refuse(c, event,
           "the cluster has " + std::to_string(limits::kMaxAgents) +
               " agents, its limit; those that are gone or unreachable are forgotten after "
               "--registry-max-agent-age, or when they are more than --registry-max-agent-count",
           c.config.agent_retry);
    return;
  }
  if (c.state.agents_admitting >= limits::kMaxRegisteringAgents) {
    PROBE("master.too_many_admissions");
    refuse(c, event, "too many agents are being admitted; try again later", c.config.agent_retry);
    return;
  }
  Agent agent;
  agent.id = AgentId(c.state.id_prefix + "-S" + std::to_string(c.state.next_agent++));
  agent.facet = with_id(message.agent, agent.id);
  agent.reason = "its admission is being written";
  agent.incarnation = message.incarnation;
  agent.registered_at = c.stamp.wall;
  const AgentId id = agent.id;
  const AgentFacetPtr facet = agent.facet;
  const AgentSlot slot = c.state.agents.insert(std::move(agent));
  c.state.agent_of.emplace(id, slot);
  name_newcomer(c.state, slot, message);
  ++c.state.agents_admitting;
  const PersistId persisted =
      persist(c, registry::AdmitAgent{*facet, c.stamp.wall}, pending::Admission{slot},
              {registered(c, id, event.peer, event.message.header.session)});
  Agent& row = c.state.agents.at(slot);
  row.pending = pending_of(event, message, persisted);
  take_peer(c, event.peer, slot);
  publish_agent(c, row);
}

// Its older self is cut off: whatever of it is still under way is dropped from here on.
void take_over_peer(Context& c, AgentSlot slot, PeerId peer, bool newer_process) {
  Agent& agent = c.state.agents.at(slot);
  for (const PeerId old : {agent.session.peer, agent.pending ? agent.pending->peer : PeerId()}) {
    if (old.empty() || old == peer) continue;
    c.state.agent_of_peer.erase(old);
    if (newer_process) {
      PROBE("master.older_incarnation_cut_off");
      send_to_peer(c, old, agent.session.number,
                   to_agent::Refused{"a newer incarnation of this agent registered", {}, false});
    }
    c.emit({ClosePeer{old, "the agent registered over another connection"}});
  }
  agent.session.peer = PeerId();
  take_peer(c, peer, slot);
}

// It is known: back from silence, from a restart of its own or of the master's, or from being given
// up. What the registry must know first is written first.
void come_back(Context& c, AgentSlot slot, const FromAgent& event, const Register& message) {
  Agent& agent = c.state.agents.at(slot);
  const bool newer_process = message.incarnation > agent.incarnation;
  take_over_peer(c, slot, event.peer, newer_process);
  if (message.agent->id.empty()) name_newcomer(c.state, slot, message);
  if (agent.phase == AgentPhase::admitting) {
    // Each process counts its sessions anew.
    const std::uint64_t promised = newer_process ? 0 : agent.pending->promised;
    agent.incarnation = message.incarnation;
    agent.pending = pending_of(event, message, agent.pending->persist);
    agent.pending->promised = promised;
    return;
  }
  rescind_offers_of(c, agent);
  agent.incarnation = message.incarnation;
  const bool changed = !same_description(*agent.facet, *message.agent);
  // Being given up right now: nobody was told yet, so that it is back is simply written after it.
  const bool given_up = agent.marking && agent.standing == registry::AgentStanding::unreachable;
  if (!changed && !given_up && !agent.pending) {
    const std::uint64_t session = event.message.header.session;
    c.emit(registered(c, agent.id, event.peer, session));
    become_active(c, slot, {event.peer, session}, message);
    return;
  }
  if (agent.phase == AgentPhase::active) become_silent(c, slot, "it registers with a change");
  // Told once, by the last of what is written.
  const Effect told = registered(c, agent.id, event.peer, event.message.header.session);
  PersistId last;
  if (given_up) {
    agent.standing = registry::AgentStanding::admitted;
    last = persist(c, registry::MarkAgent{agent.id, agent.standing, c.stamp.wall},
                   pending::Return{slot}, changed ? std::vector<Effect>{} : std::vector{told});
  }
  if (changed || !given_up) {
    last = persist(c, registry::UpdateAgent{*with_id(message.agent, agent.id)},
                   pending::Return{slot}, {told});
  }
  agent.pending = pending_of(event, message, last);
}

// Whether this registration is older than what is known of its agent.
bool is_stale(const Agent& agent, const FromAgent& event, const Register& message) {
  if (message.incarnation != agent.incarnation) return false;
  const std::uint64_t session = event.message.header.session;
  const std::uint64_t known = agent.pending ? agent.pending->session : agent.session.number;
  return session <= known;
}

void on_register_known(Context& c, AgentSlot slot, const FromAgent& event,
                       const Register& message) {
  const Agent& agent = c.state.agents.at(slot);
  if (agent.phase == AgentPhase::gone) {
    refuse_gone(c, agent, event.peer, event.message.header.session);
    return;
  }
  // What it would write comes after the mark and would take it away.
  if (agent.going) {
    PROBE("master.agent_back_while_being_marked_gone");
    refuse(c, event, "agent_id: '" + agent.id.raw() + "' is being marked gone",
           c.config.agent_retry);
    return;
  }
  if (agent.forgetting) {
    PROBE("master.agent_back_while_being_forgotten");
    refuse(c, event, "agent_id: '" + agent.id.raw() + "' was away for too long and is forgotten",
           c.config.agent_retry);
    return;
  }
  if (auto down = down_for_maintenance(c.state, *message.agent)) {
    PROBE("master.agent_of_a_down_machine_refused");
    refuse(c, event, std::move(*down), c.config.agent_retry);
    return;
  }
  if (message.incarnation < agent.incarnation) {
    PROBE("master.older_incarnation_refused");
    to_agent::Refused refused{"agent_id: '" + agent.id.raw() +
                                  "' is used by a newer process; two agents share one work "
                                  "directory",
                              {},
                              false};
    refused.newest_incarnation = agent.incarnation;
    return refuse(c, event, std::move(refused));
  }
  if (is_stale(agent, event, message)) {
    PROBE("master.stale_registration");
    return;
  }
  come_back(c, slot, event, message);
}

// An agent of another cluster. Forgetting who it is ends its tasks: not because somebody mistyped
// an address.
void refuse_stranger(Context& c, const FromAgent& event, const Register& message) {
  const auto running =
      std::count_if(message.tasks.begin(), message.tasks.end(),
                    [](const to_master::KnownTask& task) { return !is_terminal(task.state); });
  std::string reason = "cluster_id: '" + message.cluster_id + "' is another cluster's; this is '" +
                       c.state.cluster_id + "'";
  if (running == 0) return refuse(c, event, std::move(reason), Duration::seconds(1), true);
  PROBE("master.keeps_a_strangers_tasks");
  reason += "; it runs " + std::to_string(running) +
            " tasks of its own cluster: give it a master of that, or end them with "
            "--recover=cleanup";
  refuse(c, event, std::move(reason), c.config.agent_retry);
}

void on_register(Context& c, const FromAgent& event, const Register& message) {
  if (!c.state.leading) {
    send_to_peer(c, event.peer, event.message.header.session,
                 to_agent::Refused{"this master does not lead yet", Duration::seconds(1), false});
    return;
  }
  if (const Status allowed =
          authorize(event.principal, Action::register_agent, message.agent->hostname);
      !allowed.ok()) {
    refuse(c, event, allowed.error().message, c.config.agent_retry);
    return;
  }
  if (message.epoch_seen > c.state.epoch && message.cluster_id == c.state.cluster_id) {
    PROBE("master.agent_saw_a_newer_epoch");
    refuse(c, event,
           "epoch_seen: " + std::to_string(message.epoch_seen) + " is above this master's " +
               std::to_string(c.state.epoch) + "; another master leads",
           c.config.agent_retry);
    return;
  }
  if (!message.cluster_id.empty() && message.cluster_id != c.state.cluster_id) {
    refuse_stranger(c, event, message);
    return;
  }
  if (message.total && !same_amounts(*message.total, message.agent->total)) {
    PROBE("master.total_is_not_what_it_was_made_of");
    refuse(c, event,
           "total: " + message.total->to_text() + " is not as much as the agent's resources, " +
               message.agent->total.to_text(),
           c.config.agent_retry);
    return;
  }
  if (message.agent->id.empty()) {
    if (const AgentSlot known = newcomer_of(c.state, message); !known.empty()) {
      on_register_known(c, known, event, message);
    } else {
      admit(c, event, message);
    }
    return;
  }
  const auto known = c.state.agent_of.find(message.agent->id);
  if (known == c.state.agent_of.end()) {
    PROBE("master.forgotten_agent_is_back");
    refuse(c, event, "agent_id: '" + message.agent->id.raw() + "' is not in the registry",
           Duration::seconds(1), true);
    return;
  }
  // It knows its name: its first registration cannot be repeated any more.
  forget_newcomer(c.state, known->second);
  on_register_known(c, known->second, event, message);
}

// It believes in a session that is over or that this master never knew: it learns so. What is
// merely late (a session that it has left itself) is dropped.
void on_frame_without_session(Context& c, const FromAgent& event, const Agent* agent) {
  const std::uint64_t session = event.message.header.session;
  if (agent != nullptr) {
    if (agent->pending && session <= agent->pending->session) return;
    if (!agent->session.peer.empty() && session < agent->session.number) return;
  }
  PROBE("master.frame_of_unknown_session");
  send_to_peer(c, event.peer, session,
               to_agent::Reregister{"this master knows no such session of this agent"});
}

struct InSession {
  Context& c;
  AgentSlot slot;

  void operator()(const Register&) const {}
  void operator()(const to_master::StatusUpdate& m) const { on_status_update(c, slot, m); }
  void operator()(const to_master::ExecutorExited& m) const { on_executor_exited(c, slot, m); }
  void operator()(const to_master::ContainerLeaked& m) const { on_container_leaked(c, slot, m); }
  void operator()(const to_master::ExecutorMessage& m) const { on_executor_message(c, slot, m); }
  void operator()(const to_master::Heartbeat& m) const {
    if (!c.state.agents.at(slot).session.receiver.complete(m.last_sent)) {
      PROBE("master.agent_frame_lost");
      end_agent_session(c, slot, "a frame was lost");
    }
  }
  void operator()(const to_master::Leaving&) const {
    become_silent(c, slot, "it stopped as planned; its tasks run on");
  }
  void operator()(const to_master::OperationOutcomes& m) const {
    on_operation_outcomes(c, slot, m);
  }
  void operator()(const to_master::Oversubscribed& m) const { on_oversubscribed(c, slot, m); }
};

// The write is stored. If the agent registered once more meanwhile, it is that session that begins.
void complete(Context& c, AgentSlot slot, Agent& agent) {
  const PendingRegistration registration = std::move(*agent.pending);
  agent.pending.reset();
  if (registration.session != registration.promised && !registration.peer.empty()) {
    c.emit(registered(c, agent.id, registration.peer, registration.session));
  }
  become_active(c, slot, {registration.peer, registration.session}, *registration.message);
}

}  // namespace

void on_agent_message(Context& c, const FromAgent& event) {
  if (const auto* message = std::get_if<Register>(&event.message.body)) {
    on_register(c, event, *message);
    return;
  }
  const auto it = c.state.agent_of_peer.find(event.peer);
  const AgentSlot slot = it == c.state.agent_of_peer.end() ? AgentSlot{} : it->second;
  Agent* agent = c.state.agents.find(slot);
  const LinkHeader& header = event.message.header;
  if (agent == nullptr || agent->session.peer != event.peer ||
      agent->session.number != header.session) {
    on_frame_without_session(c, event, agent);
    return;
  }
  agent->session.last_heard = c.stamp.now;
  switch (agent->session.receiver.arrive(header.sequence)) {
    case Arrival::repeat:
      PROBE("master.agent_frame_repeated");
      return;
    case Arrival::gap:
      PROBE("master.agent_frame_lost");
      end_agent_session(c, slot, "a frame was lost");
      return;
    case Arrival::fresh:
      break;
  }
  std::visit(InSession{c, slot}, event.message.body);
}

void end_agent_session(Context& c, AgentSlot slot, const std::string& reason) {
  send_to_agent(c, c.state.agents.at(slot), to_agent::Reregister{reason}, false);
  become_silent(c, slot, reason);
}

void send_agent_heartbeat(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  if (agent.session.peer.empty()) return;
  send_to_agent(c, agent, to_agent::Heartbeat{agent.session.sender.last()}, false);
  c.arm(DeadlineKey::Kind::agent_heartbeat, slot, c.stamp.now + c.config.agent_heartbeat);
}

void on_peer_gone(Context& c, PeerId peer) {
  if (const auto it = c.state.agent_of_peer.find(peer); it != c.state.agent_of_peer.end()) {
    const AgentSlot slot = it->second;
    c.state.agent_of_peer.erase(it);
    Agent* agent = c.state.agents.find(slot);
    if (agent == nullptr) return;
    // A registration that is being written completes all the same; the agent is then silent.
    if (agent->pending && agent->pending->peer == peer) agent->pending->peer = PeerId();
    if (agent->session.peer == peer) become_silent(c, slot, "its connection broke");
  }
  if (const auto it = c.state.framework_of_stream.find(peer);
      it != c.state.framework_of_stream.end()) {
    const FrameworkSlot slot = it->second;
    c.state.framework_of_stream.erase(it);
    Framework* framework = c.state.frameworks.find(slot);
    if (framework && framework->pending && framework->pending->stream == peer) {
      framework->pending->stream = PeerId();
    }
    if (framework && framework->session.peer == peer) {
      disconnect_framework(c, slot, "its connection broke");
    }
  }
}

void on_admitted(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  --c.state.agents_admitting;
  complete(c, slot, agent);
}

void on_admission_rejected(Context& c, AgentSlot slot, const std::string& reason) {
  Agent& agent = c.state.agents.at(slot);
  --c.state.agents_admitting;
  send_to_peer(
      c, agent.pending->peer, agent.pending->session,
      to_agent::Refused{"the admission was not stored: " + reason, c.config.agent_retry, false});
  const AgentId id = agent.id;
  c.state.agent_of_peer.erase(agent.pending->peer);
  c.state.agent_of.erase(id);
  forget_newcomer(c.state, slot);
  c.state.agents.erase(slot);
  c.publish(change::AgentRemoved{id});
}

void on_return_stored(Context& c, AgentSlot slot, PersistId id) {
  Agent& agent = c.state.agents.at(slot);
  if (!agent.pending || agent.pending->persist != id) return;  // it came back once more meanwhile
  complete(c, slot, agent);
}

void on_return_rejected(Context& c, AgentSlot slot, PersistId id, const std::string& reason) {
  Agent& agent = c.state.agents.at(slot);
  // It may be the mark that was to go: then it goes before the agent is offered.
  agent.standing = registry::AgentStanding::unreachable;
  if (!agent.pending || agent.pending->persist != id) return;
  send_to_peer(
      c, agent.pending->peer, agent.pending->session,
      to_agent::Refused{"the registration was not stored: " + reason, c.config.agent_retry, false});
  agent.pending.reset();
  touch_agent(c, slot);
}

}  // namespace bourse::master
