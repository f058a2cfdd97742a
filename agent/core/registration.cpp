// The link to the master: sessions, registering, heartbeats, identity.
#include <algorithm>
#include <utility>

#include "agent/core/context.hpp"
#include "base/prng.hpp"
#include "base/probe.hpp"

namespace bourse::agent {

namespace {

using Kind = DeadlineKey::Kind;

// Between half and the whole of the exponential back-off, drawn from the seed, so that a thousand
// agents that lost one master do not come back in one instant. Not from the session, which begins
// with an incarnation: no wall clock says when an agent speaks.
Duration jittered_backoff(const Context& c, std::uint32_t attempts) {
  const Link& link = c.state.link;
  Duration backoff = c.config.register_retry;
  for (std::uint32_t i = 1; i < attempts && backoff < c.config.register_retry_max; ++i) {
    backoff = backoff * 2;
  }
  backoff = std::min(backoff, c.config.register_retry_max);
  std::uint64_t state = c.state.seed ^ link.sessions_begun;
  const auto half = static_cast<std::uint64_t>(backoff.ns / 2);
  return Duration{static_cast<std::int64_t>(half + splitmix64(state) % (half + 1))};
}

to_master::KnownTask known_task(const TaskKey& key, const Task& task, bool command_task) {
  to_master::KnownTask known;
  known.framework_id = key.first;
  known.task = task.facet;
  known.launch_id = task.launch_id;
  known.executor_id = task.executor_id;
  known.command_task = command_task;
  known.state = task.stored_state;
  // What is under way, if anything is: a master that asks must not be ahead of the updates.
  if (task.pending.empty()) {
    known.latest = task.latest;
  } else if (task.pending.front().stored) {
    known.latest = task.pending.front().status;
  }
  known.terminal_unacknowledged = is_terminal(task.stored_state);
  known.role = task.role;
  known.ending = task.kill_requested;
  known.end_settled = end_settled(task);
  return known;
}

to_master::Register registration(const AgentState& state) {
  to_master::Register out;
  out.agent = state.identity;
  out.incarnation = state.incarnation;
  out.cluster_id = state.cluster_id;
  out.epoch_seen = state.epoch;
  for (const auto& [id, framework] : state.frameworks) {
    if (!framework.shutting_down) out.frameworks.push_back({framework.facet});
  }
  for (const auto& [key, executor] : state.executors) {
    const bool holds = executor.phase != ExecutorPhase::exited;
    if (holds && !executor.command_task) {
      out.executors.push_back({key.first, executor.facet, executor.container_id, executor.role});
    }
    if (executor.leaked) out.leaks.push_back({key.first, key.second, executor.withheld, false});
  }
  for (const auto& [key, task] : state.tasks) {
    // Those being stored too: left out, they would be answered as dropped and start all the same.
    // If we die now or the write is refused, the next registration does not list them.
    const Executor& executor = state.executors.at({key.first, task.executor_id});
    out.tasks.push_back(known_task(key, task, executor.command_task));
  }
  if (!state.net.empty() && state.cleanup == CleanupPhase::none) out.total = state.total;
  out.operations = known_operations(state);
  out.oversubscribed = state.oversubscription.lent;
  return out;
}

bool runs_something(const AgentState& state) {
  return std::any_of(state.executors.begin(), state.executors.end(),
                     [](const auto& entry) { return entry.second.phase != ExecutorPhase::exited; });
}

// Its name was taken away, so what still runs was started under a name that is not its own any
// more: no task may change from one agent to another.
bool waits_for_old_tasks(const AgentState& state) {
  return state.identity->id.empty() && runs_something(state);
}

}  // namespace

void begin_session(Context& c) {
  Link& link = c.state.link;
  if (waits_for_old_tasks(c.state)) {
    PROBE("agent.waits_for_old_tasks");
    end_all(c);  // again, where a life that began without a name found it running
    c.arm(Kind::register_again, c.config.register_retry);
    return;
  }
  link.registered = false;
  c.state.held.clear();  // none of it is told below, so the master sends it again
  ++link.attempts;
  // Sessions grow within a life by the counter and across lives by the incarnation.
  link.session = (c.state.incarnation << 16) + (++link.sessions_begun);
  link.stale = false;
  link.sender = {};
  link.receiver = {};
  c.disarm(Kind::heartbeat);
  c.disarm(Kind::master_silent);
  LinkHeader header{link.session, 0, c.state.epoch};
  c.emit(SendToMaster{{header, registration(c.state)}});
  c.arm(Kind::register_again, jittered_backoff(c, link.attempts));
}

// A link that breaks each session at its first burst would carry nothing but registrations, and its
// master would serve nobody else.
void begin_again(Context& c) {
  Link& link = c.state.link;
  if (link.broken++ == 0) {
    begin_session(c);
    return;
  }
  PROBE("agent.backs_off");
  link.registered = false;
  c.disarm(Kind::heartbeat);
  c.disarm(Kind::master_silent);
  c.arm(Kind::register_again, jittered_backoff(c, link.broken));
}

void end_session(Context& c, const std::string& reason, bool reconnect) {
  Link& link = c.state.link;
  link.registered = false;
  c.disarm(Kind::heartbeat);
  c.disarm(Kind::master_silent);
  c.disarm(Kind::register_again);
  c.note(Note::Level::warning, "master.lost", {{"reason", reason}});
  if (reconnect) c.emit(ReconnectMaster{reason});
}

void store_identity(Context& c) {
  c.state.identity_stored = false;
  c.checkpoint({identity_record(c.state)}, IdentityPending{});
}

CheckpointRecord identity_record(const AgentState& state) {
  AgentFacet facet = *state.configured;
  facet.id = state.identity->id;
  return checkpoint::Identity{std::move(facet), state.cluster_id, state.epoch, state.boot_id};
}

void store_life(Context& c) {
  c.checkpoint({checkpoint::LifeBegun{c.state.incarnation, c.state.boot_id}}, LifePending{});
}

void on_life_settled(Context& c, bool stored) {
  c.state.life_stored = stored;
  if (!stored) c.arm(Kind::life_retry, c.config.checkpoint_retry);
  if (std::exchange(c.state.life_settled, true)) return;
  if (c.state.link.connected) begin_session(c);
}

void on_registered(Context& c, const to_agent::Registered& message, Epoch epoch) {
  Link& link = c.state.link;
  const bool changed = c.state.identity->id != message.agent_id ||
                       c.state.cluster_id != message.cluster_id || c.state.epoch != epoch;
  if (changed) {
    AgentFacet identity = *c.state.identity;
    identity.id = message.agent_id;
    c.state.identity = std::make_shared<const AgentFacet>(std::move(identity));
    c.state.cluster_id = message.cluster_id;
    c.state.epoch = epoch;
    // Writes complete in order, so whatever this master orders is stored after its epoch is.
    store_identity(c);
  }
  const bool first = !link.registered;
  link.registered = true;
  c.state.life_known = true;
  link.attempts = 0;
  link.heartbeat_interval = message.heartbeat_interval;
  link.silence_timeout = message.silence_timeout;
  c.disarm(Kind::register_again);
  c.arm(Kind::heartbeat, link.heartbeat_interval);
  c.arm(Kind::master_silent, link.silence_timeout);
  if (!first) return;
  if (link.stale) {
    PROBE("agent.registers_what_it_missed");
    begin_session(c);
    return;
  }
  c.note(Note::Level::info, "agent.registered", {{"agent_id", message.agent_id.raw()}});
  // A master of an older build did not read them in what registered us; to another it is no news.
  for (const auto& [key, executor] : c.state.executors) {
    if (!executor.leaked) continue;
    PROBE("agent.tells_leak_again");
    send_to_master(c, to_master::ContainerLeaked{key.first, key.second, executor.withheld, false});
  }
  for (const auto& [key, task] : c.state.tasks) {
    if (task.resends != 0) c.state.tasks.at(key).resends = 0;
    send_front(c, key);
  }
}

void on_refused(Context& c, const to_agent::Refused& message) {
  c.state.link.registered = false;
  c.note(Note::Level::error, "agent.refused", {{"reason", message.reason}});
  if (message.newest_incarnation != 0 && !c.state.life_known) {
    // The last life was not stored, on a full disk say, and the clock was set back since: this life
    // would be refused as older for as long as that is so. It holds the work directory's lock.
    PROBE("agent.takes_the_next_life");
    c.state.incarnation = message.newest_incarnation + 1;
    c.state.life_settled = false;
    store_life(c);
    return;
  }
  if (message.forget_identity) {
    PROBE("agent.forgets_identity");
    end_all(c);
    AgentFacet identity = *c.state.identity;
    identity.id = AgentId();
    c.state.identity = std::make_shared<const AgentFacet>(std::move(identity));
    c.state.cluster_id.clear();
    c.state.epoch = 0;
    store_identity(c);
  } else if (message.end_tasks && runs_something(c.state)) {
    // Asked again until nothing runs: a start in between finds the same answer.
    PROBE("agent.gone_ends_its_tasks");
    for (const auto& [id, framework] : std::map(c.state.frameworks)) {
      if (!framework.shutting_down) shutdown_framework(c, id);
    }
    c.arm(Kind::register_again, c.config.register_retry);
    return;
  } else if (message.retry_after == Duration{}) {
    c.emit(Stop{message.reason});
    return;
  }
  c.arm(Kind::register_again, message.retry_after);
}

void send_heartbeat(Context& c) {
  Link& link = c.state.link;
  if (!link.registered) return;
  LinkHeader header{link.session, 0, c.state.epoch};
  c.emit(SendToMaster{{header, to_master::Heartbeat{link.sender.last()}}});
  c.arm(Kind::heartbeat, link.heartbeat_interval);
}

}  // namespace bourse::agent
