#include "agent/core/agent_core.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/context.hpp"
#include "base/assert.hpp"
#include "base/fingerprint.hpp"
#include "base/overloaded.hpp"
#include "base/probe.hpp"
#include "model/limits.hpp"

namespace bourse::agent {

namespace {

void on_master_body(Context& c, const MasterToAgent& message) {
  std::visit(
      Overloaded{
          [&](const to_agent::Registered& m) { on_registered(c, m, message.header.epoch); },
          [&](const to_agent::Refused& m) { on_refused(c, m); },
          [&](const to_agent::Launch& m) { on_launch(c, m); },
          [&](const to_agent::Kill& m) { on_kill(c, m); },
          [&](const to_agent::ShutdownExecutor& m) {
            shutdown_executor(c, {m.framework_id, m.executor_id});
          },
          [&](const to_agent::ShutdownFramework& m) { shutdown_framework(c, m.framework_id); },
          [&](const to_agent::Acknowledge& m) { on_acknowledge(c, m); },
          [&](const to_agent::FrameworkMessage& m) {
            const auto it = c.state.executors.find({m.framework_id, m.executor_id});
            if (it == c.state.executors.end() || it->second.peer.empty()) return;  // at most once
            c.emit(SendToExecutor{it->second.peer, executor_event::Message{m.data}});
          },
          [&](const to_agent::UpdateFramework& m) {
            const auto it = c.state.frameworks.find(m.framework->id);
            if (it == c.state.frameworks.end()) return;
            it->second.facet = m.framework;
            c.checkpoint({checkpoint::FrameworkSeen{*m.framework}}, SettledPending{});
          },
          [&](const to_agent::Heartbeat& m) {
            if (!c.state.link.receiver.complete(m.last_sent)) {
              PROBE("agent.heartbeat_reveals_gap");
              begin_again(c);
            } else {
              c.state.link.broken = 0;
            }
          },
          [&](const to_agent::Reregister&) { begin_again(c); },
          [&](const to_agent::ApplyOperations& m) { on_apply_operations(c, m); },
          [&](const to_agent::AcknowledgeOperations& m) { on_acknowledge_operations(c, m); },
      },
      message.body);
}

void on_master_message(Context& c, const MasterToAgent& message) {
  Link& link = c.state.link;
  if (message.header.session != link.session) {
    PROBE("agent.drops_old_session");
    return;
  }
  const auto* registered = std::get_if<to_agent::Registered>(&message.body);
  const bool same_cluster = registered == nullptr || c.state.cluster_id.empty() ||
                            registered->cluster_id == c.state.cluster_id;
  if (same_cluster && message.header.epoch < c.state.epoch) {
    PROBE("agent.refuses_old_epoch");
    c.note(
        Note::Level::warning, "master.stale_epoch",
        {{"epoch", std::to_string(message.header.epoch)}, {"seen", std::to_string(c.state.epoch)}});
    return;
  }
  const bool opening =
      registered != nullptr || std::holds_alternative<to_agent::Refused>(message.body);
  // Only an answer may open a session; what overtook it is missed as a gap by what follows.
  if (!opening && !link.registered) return;
  switch (link.receiver.arrive(message.header.sequence)) {
    case Arrival::repeat:
      PROBE("agent.drops_repeat");
      return;
    case Arrival::gap:
      PROBE("agent.sees_gap");
      begin_again(c);
      return;
    case Arrival::fresh:
      break;
  }
  c.arm(DeadlineKey::Kind::master_silent, link.silence_timeout);
  const bool about_the_link = opening ||
                              std::holds_alternative<to_agent::Heartbeat>(message.body) ||
                              std::holds_alternative<to_agent::Reregister>(message.body);
  const bool waits = !c.state.held.empty() || waits_for_operations(c.state, message);
  if (about_the_link || !waits) return on_master_body(c, message);
  PROBE("agent.launch_waits_for_operation");
  if (c.state.held.size() < limits::kMaxTasksPerAgent) {
    c.state.held.push_back(message);
  } else {
    begin_again(c);  // what is held will be sent again
  }
}

void on_stored(Context& c, PersistId id) {
  const auto it = c.state.writes.find(id);
  ASSERT(it != c.state.writes.end());
  const PendingWrite write = std::move(it->second);
  c.state.writes.erase(it);
  std::visit(Overloaded{
                 [&](const LaunchPending& w) { on_launch_stored(c, w); },
                 [&](const UpdatePending& w) { on_update_stored(c, w); },
                 [&](const IdentityPending&) { c.state.identity_stored = true; },
                 [&](const LifePending&) { on_life_settled(c, true); },
                 [](const SettledPending&) {},
                 [&](const OperationsPending& w) { on_operations_stored(c, w); },
                 [&](const LeakPending& w) { on_leak_stored(c, w); },
             },
             write);
}

void on_rejected(Context& c, const Rejected& event) {
  const auto it = c.state.writes.find(event.id);
  ASSERT(it != c.state.writes.end());
  const PendingWrite write = std::move(it->second);
  c.state.writes.erase(it);
  c.note(Note::Level::error, "checkpoint.refused", {{"reason", event.reason}});
  std::visit(Overloaded{
                 [&](const LaunchPending& w) { on_launch_rejected(c, w, event.reason); },
                 [&](const UpdatePending& w) {
                   PROBE("agent.update_not_stored");
                   c.arm(DeadlineKey::Kind::checkpoint_retry, c.config.checkpoint_retry,
                         w.task.first.raw(), w.task.second.raw());
                 },
                 [&](const IdentityPending&) {
                   c.arm(DeadlineKey::Kind::identity_retry, c.config.checkpoint_retry);
                 },
                 // The wall clock makes the next life count higher all the same, unless it is set
                 // back: no reason to keep what runs from its master.
                 [&](const LifePending&) { on_life_settled(c, false); },
                 [](const SettledPending&) {},
                 [&](const OperationsPending& w) { on_operations_rejected(c, w, event.reason); },
                 [&](const LeakPending& w) { on_leak_rejected(c, w); },
             },
             write);
}

void on_deadline(Context& c, const DeadlineKey& key) {
  using Kind = DeadlineKey::Kind;
  const TaskKey task{FrameworkId(key.a), TaskId(key.b)};
  const ExecutorKey executor{FrameworkId(key.a), ExecutorId(key.b)};
  switch (key.kind) {
    case Kind::register_again:
      if (c.state.link.connected) begin_session(c);
      return;
    case Kind::heartbeat:
      send_heartbeat(c);
      return;
    case Kind::master_silent:
      PROBE("agent.master_silent");
      end_session(c, "the master was silent for too long", true);
      return;
    case Kind::update_retry: {
      PROBE("agent.resends_update");
      const auto it = c.state.tasks.find(task);
      if (it == c.state.tasks.end()) return;
      ++it->second.resends;
      send_front(c, task);
      return;
    }
    case Kind::executor_subscribe:
      on_subscribe_timeout(c, executor);
      return;
    case Kind::executor_shutdown: {
      const auto it = c.state.executors.find(executor);
      if (it == c.state.executors.end() || is_over(it->second.phase)) return;
      c.emit(KillContainer{it->second.container_id, Duration{}});
      return;
    }
    case Kind::max_completion: {
      const auto it = c.state.tasks.find(task);
      if (it == c.state.tasks.end() || has_ended(c.state, task)) return;
      it->second.completion_expired = true;
      kill_task(c, task, std::nullopt);
      return;
    }
    case Kind::checkpoint_retry:
      retry_store(c, task);
      return;
    case Kind::life_retry:
      store_life(c);
      return;
    case Kind::identity_retry:
      store_identity(c);
      return;
    case Kind::executor_heartbeat:
      send_executor_heartbeat(c, executor);
      return;
    case Kind::cleanup_over:
      on_cleanup_over(c);
      return;
    case Kind::operation_retry:
      resend_operations(c);
      return;
    case Kind::usage_sample:
      sample_usage(c);
      return;
    case Kind::lending_report:
      report_lending(c);
      return;
    case Kind::leak_retry:
      retry_leak(c, ContainerId(key.a));
      return;
  }
}

// Not its tasks, which may be many: each of them says that it has this executor.
void check_executor(const AgentState& state, const ExecutorKey& key, const Executor& executor) {
  ASSERT(state.frameworks.contains(key.first));
  const auto it = state.by_container.find(executor.container_id);
  ASSERT(it != state.by_container.end() && it->second == key);
  if (!executor.peer.empty()) ASSERT(state.by_peer.at(executor.peer) == key);
  ASSERT(executor.end.has_value() == (executor.phase == ExecutorPhase::ending));
}

void check_task(const AgentState& state, const TaskKey& key, const Task& task) {
  const auto executor = state.executors.find({key.first, task.executor_id});
  ASSERT(executor != state.executors.end());
  ASSERT(executor->second.tasks.contains(key.second));
  ASSERT(task.pending.size() <= limits::kMaxPendingUpdatesPerTask);
  ASSERT(task.acknowledged.size() <= limits::kMaxAcknowledgedUpdatesPerTask);
  for (std::size_t i = 0; i + 1 < task.pending.size(); ++i) {
    ASSERT(!is_terminal(task.pending[i].status.state));
  }
  if (task.phase == TaskPhase::ended) {
    ASSERT(!task.pending.empty());
    ASSERT(is_terminal(task.state));
  }
}

}  // namespace

void release_held(Context& c) {
  while (!c.state.held.empty() && !waits_for_operations(c.state, c.state.held.front())) {
    const MasterToAgent message = std::move(c.state.held.front());
    c.state.held.pop_front();
    on_master_body(c, message);
  }
}

AgentCore::AgentCore(AgentConfig config) : config_(config) {}
AgentCore::AgentCore(const AgentCore&) = default;
AgentCore::AgentCore(AgentCore&&) noexcept = default;
AgentCore& AgentCore::operator=(const AgentCore&) = default;
AgentCore& AgentCore::operator=(AgentCore&&) noexcept = default;
AgentCore::~AgentCore() = default;

void Context::checkpoint(std::vector<CheckpointRecord> records, PendingWrite pending,
                         std::vector<Effect> after) {
  const PersistId id(++state.writes_issued);
  state.writes.emplace(id, std::move(pending));
  emit(Checkpoint{id, std::move(records), std::move(after)});
}

void AgentCore::step(const Event& event, Effects& effects) {
  Context c{config_, state_, event.stamp, effects};
  ASSERT(state_.started != std::holds_alternative<Started>(event.body));
  std::visit(Overloaded{
                 [&](const Started& e) { recover(c, e); },
                 [&](const FromMaster& e) { on_master_message(c, e.message); },
                 [&](const MasterConnected&) {
                   state_.link.connected = true;
                   if (state_.life_settled) begin_session(c);
                 },
                 [&](const MasterLost&) {
                   state_.link.connected = false;
                   end_session(c, "the connection to the master was lost", false);
                 },
                 [&](const FromExecutor& e) { on_executor_call(c, e); },
                 [&](const ExecutorGone& e) { on_executor_gone(c, e.peer); },
                 [&](const ContainerStarted& e) { on_container_started(c, e); },
                 [&](const ContainerExited& e) { on_container_exited(c, e); },
                 [&](const ContainerCleaned& e) { on_container_cleaned(c, e); },
                 [&](const ContainerFailed& e) { on_container_failed(c, e); },
                 [&](const Stored& e) { on_stored(c, e.id); },
                 [&](const Rejected& e) { on_rejected(c, e); },
                 [](const Tick&) {},
                 [&](const UsageSampled& e) { on_usage_sampled(c, e); },
                 [&](const TaskChecked& e) { on_task_checked(c, e); },
             },
             event.body);
  // Every event may find deadlines due: a Tick is only the event that brings nothing else.
  while (const auto due = state_.deadlines.pop_due(event.stamp.now)) on_deadline(c, *due);
  advance_cleanup(c);
  check_touched();
}

// An agent may have ten thousand tasks, and each of them is some ten events: a sweep over all in
// each step would be most of what it does.
void AgentCore::check_touched() {
  for (const ExecutorKey& key : state_.executors.take_touched()) {
    ++state_.rows_looked_at;
    const auto it = std::as_const(state_.executors).find(key);
    if (it != std::as_const(state_.executors).end()) check_executor(state_, key, it->second);
  }
  for (const TaskKey& key : state_.tasks.take_touched()) {
    ++state_.rows_looked_at;
    const auto it = std::as_const(state_.tasks).find(key);
    if (it != std::as_const(state_.tasks).end()) check_task(state_, key, it->second);
  }
  ASSERT(state_.by_container.size() == state_.executors.size());
}

void AgentCore::check_invariants() const {
  for (const auto& [key, executor] : state_.executors) {
    check_executor(state_, key, executor);
    for (const TaskId& task : executor.tasks) ASSERT(state_.tasks.contains({key.first, task}));
  }
  ASSERT(state_.by_container.size() == state_.executors.size());
  const bool storing =
      std::any_of(state_.operations.begin(), state_.operations.end(),
                  [](const auto& entry) { return entry.second.phase == OperationPhase::storing; });
  ASSERT(storing == state_.operations_storing);
  for (const auto& [key, task] : state_.tasks) check_task(state_, key, task);
}

std::uint64_t AgentCore::fingerprint() const {
  Fingerprint fp;
  fp.add(state_.identity ? state_.identity->id.raw() : std::string());
  fp.add(state_.cluster_id);
  fp.add(state_.epoch);
  fp.add(state_.names_made);
  fp.add(state_.writes_issued);
  fp.add(static_cast<std::uint32_t>(state_.cleanup));
  fp.add(state_.link.session);
  fp.add(state_.link.registered);
  fp.add(state_.link.sender.last());
  fp.add(state_.link.receiver.last());
  for (const auto& [id, framework] : state_.frameworks) {
    fp.add(id.raw());
    fp.add(framework.shutting_down);
  }
  for (const auto& [key, executor] : state_.executors) {
    fp.add(key.second.raw());
    fp.add(executor.container_id.raw());
    fp.add(static_cast<std::uint32_t>(executor.phase));
    fp.add(executor.leaked);
    fp.add(executor.peer.raw());
  }
  for (const auto& [key, task] : state_.tasks) {
    fp.add(key.second.raw());
    fp.add(static_cast<std::uint32_t>(task.phase));
    fp.add(static_cast<std::uint32_t>(task.state));
    fp.add(static_cast<std::uint64_t>(task.pending.size()));
    fp.add(task.kill_requested);
    fp.add(static_cast<std::uint32_t>(task.kill_cause));
  }
  for (const auto& [uuid, operation] : state_.operations) {
    fp.add(operation.number);
    fp.add(static_cast<std::uint32_t>(operation.phase));
  }
  state_.total.fingerprint(fp);
  state_.issued.fingerprint(fp);
  fp.add(static_cast<std::uint64_t>(state_.held.size()));
  fingerprint_oversubscription(state_.oversubscription, fp);
  fp.add(state_.deadlines.next().ns);
  return fp.value();
}

}  // namespace bourse::agent
