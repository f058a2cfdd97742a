// Frameworks' own executors on their connections.
#include <algorithm>

#include "agent/core/context.hpp"
#include "base/probe.hpp"
#include "model/limits.hpp"

namespace bourse::agent {

namespace {

using Kind = DeadlineKey::Kind;

void acknowledge(Context& c, PeerId peer, const TaskStatus& status) {
  if (status.uuid) {
    c.emit(SendToExecutor{peer, executor_event::Acknowledged{status.task_id, *status.uuid}});
  }
}

void on_update(Context& c, const ExecutorKey& key, PeerId peer, TaskStatus status) {
  const TaskKey task_key{key.first, status.task_id};
  const auto it = c.state.tasks.find(task_key);
  if (it == c.state.tasks.end() || it->second.executor_id != key.second) {
    // Ended and acknowledged long ago, or never its own: it must not repeat it for ever.
    PROBE("agent.update_of_unknown_task");
    ++c.state.counts.invalid_updates;
    acknowledge(c, peer, status);
    return;
  }
  Task& task = it->second;
  for (const PendingUpdate& pending : task.pending) {
    if (!status.uuid || pending.status.uuid != status.uuid) continue;
    PROBE("agent.repeated_executor_update");
    if (pending.stored) acknowledge(c, peer, status);
    return;
  }
  // Nothing of it waits any more: its framework acknowledged it. The executor, whose connection
  // broke, did not hear that it was stored; the framework does not hear it again.
  const auto& known = task.acknowledged;
  const bool newest = status.uuid && task.latest && task.latest->uuid == status.uuid;
  const bool older =
      status.uuid && std::find(known.begin(), known.end(), *status.uuid) != known.end();
  if (newest || older) {
    PROBE("agent.repeats_what_was_acknowledged");
    if (!newest) PROBE("agent.repeats_older_updates");
    acknowledge(c, peer, status);
    return;
  }
  if (classify(task.state, status.state) == Transition::impossible) {
    ++c.state.counts.invalid_updates;
    c.note(Note::Level::warning, "task.impossible_update",
           {{"task_id", status.task_id.raw()},
            {"from", std::string(name_of(task.state))},
            {"to", std::string(name_of(status.state))}});
    acknowledge(c, peer, status);
    return;
  }
  if (task.pending.size() + 1 >= limits::kMaxPendingUpdatesPerTask && !is_terminal(status.state)) {
    // Not acknowledged: the executor keeps it and offers it again. One place stays for the end.
    PROBE("agent.update_queue_full");
    return;
  }
  const Executor& executor = c.state.executors.at(key);
  if (!status.uuid) status.uuid = c.new_uuid();
  if (status.timestamp == WallTime{}) status.timestamp = c.stamp.wall;
  status.source = StatusSource::executor;
  status.agent_id = name_for(c.state, task);
  status.executor_id = key.second;
  status.container_id = executor.container_id;
  status.executor_pid = executor.pid;
  std::vector<Effect> after;
  after.push_back(
      Effect{SendToExecutor{peer, executor_event::Acknowledged{status.task_id, *status.uuid}}});
  const bool ends = is_terminal(status.state);
  const ContainerId container = executor.container_id;
  store_update(c, task_key, std::move(status), std::move(after));
  if (ends && c.state.executors.contains(key)) {
    c.emit(ResizeContainer{container, resources_of(c.state, key)});
  }
}

// Which of the tasks that were never reported on the executor already has: it says so itself.
void settle_delivery(Context& c, const ExecutorKey& key, const executor_call::Subscribe& call) {
  std::set<TaskId> has;
  for (const TaskFacet& task : call.unacknowledged_tasks) has.insert(task.id);
  for (const TaskStatus& update : call.unacknowledged_updates) has.insert(update.task_id);
  for (const TaskId& id : c.state.executors.at(key).tasks) {
    Task& task = c.state.tasks.at({key.first, id});
    if (task.phase != TaskPhase::delivered || task.state != TaskState::staging) continue;
    if (!has.contains(id)) {
      PROBE("agent.redelivers_task");
      task.phase = TaskPhase::queued;
    }
  }
}

void on_subscribe(Context& c, const ExecutorKey& key, const FromExecutor& event,
                  const executor_call::Subscribe& call) {
  Executor& executor = c.state.executors.at(key);
  const PeerId peer = event.peer;
  if (!executor.peer.empty() && executor.peer != peer) {
    PROBE("agent.executor_resubscribes");
    c.state.by_peer.erase(executor.peer);
    c.emit(CloseExecutor{executor.peer, "the executor subscribed on another connection"});
  }
  executor.peer = peer;
  executor.over_http = !event.request.empty();
  executor.phase = ExecutorPhase::running;
  c.state.by_peer[peer] = key;
  c.disarm(Kind::executor_subscribe, key.first.raw(), key.second.raw());
  c.disarm(Kind::executor_heartbeat, key.first.raw(), key.second.raw());
  if (executor.over_http) {
    c.arm(Kind::executor_heartbeat, c.config.executor_heartbeat, key.first.raw(), key.second.raw());
    c.emit(AnswerExecutor{event.request, {}});
  }
  c.emit(SendToExecutor{
      peer, executor_event::Subscribed{executor.facet, c.state.frameworks.at(key.first).facet,
                                       c.state.identity, executor.container_id, executor.role}});
  for (const TaskStatus& update : call.unacknowledged_updates) on_update(c, key, peer, update);
  settle_delivery(c, key, call);
  if (executor.shutting_down) {
    shutdown_executor(c, key);
    return;
  }
  const std::set<TaskId> tasks = executor.tasks;
  for (const TaskId& id : tasks) {
    const auto task = c.state.tasks.find({key.first, id});
    if (task == c.state.tasks.end() || !task->second.kill_requested) continue;
    kill_task(c, task->first, task->second.kill_grace);
  }
  if (c.state.executors.contains(key)) deliver_queued(c, key);
}

// The token proves who calls. Over HTTP, executors written for Mesos may not know of one: their
// ids do where they may, unless an executor has shown its token before.
bool proves_itself(const Context& c, const Executor& executor, const FromExecutor& event) {
  if (equal_secrets(executor.token, event.call.token)) return true;
  return !event.request.empty() && event.from_here && !c.config.authenticate_executors &&
         !executor.proven;
}

// Why the call is not taken, in the order of Mesos' v1 API.
Status judge(Context& c, const FromExecutor& event) {
  const ExecutorCall& call = event.call;
  if (!c.state.frameworks.contains(call.framework_id)) {
    return Error{ErrorCode::not_found, "framework_id: '" + call.framework_id.raw() +
                                           "' has no executor on this agent: the framework "
                                           "cannot be found"};
  }
  const auto it = c.state.executors.find({call.framework_id, call.executor_id});
  if (it == c.state.executors.end() || it->second.command_task ||
      it->second.phase == ExecutorPhase::storing || is_over(it->second.phase)) {
    return Error{ErrorCode::not_found,
                 "executor_id: '" + call.executor_id.raw() + "' is not an executor of this agent"};
  }
  Executor& executor = it->second;
  if (!proves_itself(c, executor, event)) {
    PROBE("agent.wrong_token");
    c.note(Note::Level::warning, "executor.denied", {{"executor_id", call.executor_id.raw()}});
    return Error{ErrorCode::denied, "token: not the one given to this executor's container"};
  }
  executor.proven |= equal_secrets(executor.token, call.token);
  if (std::holds_alternative<executor_call::Subscribe>(call.body)) return {};
  const bool subscribed = event.request.empty() ? executor.peer == event.peer : executor.over_http;
  if (executor.peer.empty() || !subscribed) {
    return Error{ErrorCode::conflict, event.request.empty()
                                          ? "the executor has not subscribed on this connection"
                                          : "the executor is not subscribed: call SUBSCRIBE first"};
  }
  return {};
}

}  // namespace

void on_executor_call(Context& c, const FromExecutor& event) {
  const ExecutorCall& call = event.call;
  const bool over_http = !event.request.empty();
  if (over_http && std::holds_alternative<executor_call::Heartbeat>(call.body)) {
    c.emit(AnswerExecutor{event.request, {}});  // whoever it is, as on Mesos
    return;
  }
  const Status good = judge(c, event);
  if (!good.ok() && over_http) {
    c.emit(AnswerExecutor{event.request, good});
    return;
  }
  if (!good.ok()) {
    c.emit(CloseExecutor{event.peer, good.error().message});
    return;
  }
  const ExecutorKey key{call.framework_id, call.executor_id};
  if (const auto* subscribe = std::get_if<executor_call::Subscribe>(&call.body)) {
    on_subscribe(c, key, event, *subscribe);
    return;
  }
  const PeerId peer = c.state.executors.at(key).peer;
  if (const auto* update = std::get_if<executor_call::Update>(&call.body)) {
    on_update(c, key, peer, update->status);
  } else if (const auto* message = std::get_if<executor_call::Message>(&call.body)) {
    // At most once: without a master it is lost.
    if (c.state.link.registered) {
      send_to_master(c, to_master::ExecutorMessage{key.first, key.second, message->data});
    }
  }
  if (over_http) c.emit(AnswerExecutor{event.request, {}});
}

void on_executor_gone(Context& c, PeerId peer) {
  const auto it = c.state.by_peer.find(peer);
  if (it == c.state.by_peer.end()) return;
  const ExecutorKey key = it->second;
  c.state.by_peer.erase(it);
  Executor& executor = c.state.executors.at(key);
  executor.peer = PeerId();
  c.disarm(Kind::executor_heartbeat, key.first.raw(), key.second.raw());
  if (executor.phase != ExecutorPhase::running) return;
  // It may be reconnecting, or its container is about to be reported as ended.
  executor.phase = ExecutorPhase::subscribing;
  c.arm(Kind::executor_subscribe, c.config.executor_register_timeout, key.first.raw(),
        key.second.raw());
}

void send_executor_heartbeat(Context& c, const ExecutorKey& key) {
  const auto it = c.state.executors.find(key);
  if (it == c.state.executors.end() || it->second.peer.empty() || !it->second.over_http) return;
  c.emit(SendToExecutor{it->second.peer, executor_event::Heartbeat{}});
  c.arm(Kind::executor_heartbeat, c.config.executor_heartbeat, key.first.raw(), key.second.raw());
}

void on_subscribe_timeout(Context& c, const ExecutorKey& key) {
  const auto it = c.state.executors.find(key);
  if (it == c.state.executors.end() || is_over(it->second.phase)) return;
  PROBE("agent.executor_never_subscribed");
  it->second.late = true;
  c.note(Note::Level::warning, "executor.late", {{"executor_id", key.second.raw()}});
  c.emit(KillContainer{it->second.container_id, Duration{}});
}

}  // namespace bourse::agent
