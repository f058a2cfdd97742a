// Kills and shutdowns. A kill is remembered until the task has ended, across restarts.
#include <algorithm>

#include "agent/core/context.hpp"
#include "base/probe.hpp"
#include "model/limits.hpp"

namespace bourse::agent {

namespace {

using Kind = DeadlineKey::Kind;

bool has_live_tasks(const AgentState& state, const ExecutorKey& key) {
  for (const TaskId& id : state.executors.at(key).tasks) {
    if (state.tasks.at({key.first, id}).phase != TaskPhase::ended) return true;
  }
  return false;
}

}  // namespace

bool has_ended(const AgentState& state, const TaskKey& key) {
  const Task& task = state.tasks.at(key);
  return task.phase == TaskPhase::ended ||
         is_over(state.executors.at({key.first, task.executor_id}).phase);
}

Duration grace_of(const Context& c, const Task& task, std::optional<Duration> asked) {
  const Duration grace =
      asked.value_or(task.facet->kill_grace.value_or(c.config.default_kill_grace));
  return std::min(grace, limits::kMaxKillGrace);
}

void on_kill(Context& c, const to_agent::Kill& message) {
  const TaskKey key{message.framework_id, message.task_id};
  const auto it = c.state.tasks.find(key);
  if (it == c.state.tasks.end()) {
    PROBE("agent.kill_of_unknown_task");
    TaskStatus status;
    status.task_id = message.task_id;
    status.state = TaskState::dropped;
    status.source = StatusSource::agent;
    status.reason = StatusReason::executor_terminated;
    status.message = "this agent has no such task";
    status.agent_id = c.state.identity->id;
    status.timestamp = c.stamp.wall;
    send_plain_status(c, message.framework_id, std::move(status));
    return;
  }
  if (has_ended(c.state, key)) return;  // its end is on its way already
  if (!it->second.kill_requested) {
    it->second.kill_cause = message.cause;
    c.checkpoint({checkpoint::KillRequested{message.framework_id, message.task_id, message.cause}},
                 SettledPending{});
  }
  kill_task(c, key, message.grace);
}

void kill_task(Context& c, const TaskKey& key, std::optional<Duration> grace) {
  Task& task = c.state.tasks.at(key);
  task.kill_requested = true;
  task.kill_grace = grace;
  const ExecutorKey executor_key{key.first, task.executor_id};
  const Executor& executor = c.state.executors.at(executor_key);
  switch (task.phase) {
    case TaskPhase::storing:
      return;  // decided when it is stored
    case TaskPhase::ended:
      return;
    case TaskPhase::queued:
      PROBE("agent.kills_queued_task");
      store_update(c, key,
                   status_for(c, key, TaskState::killed, "killed before its executor had it",
                              StatusReason::task_killed_during_launch, StatusSource::agent));
      if (!c.state.executors.contains(executor_key)) return;
      c.emit(ResizeContainer{executor.container_id, resources_of(c.state, executor_key)});
      if (!has_live_tasks(c.state, executor_key)) shutdown_executor(c, executor_key);
      return;
    case TaskPhase::delivered:
      break;
  }
  if (!executor.command_task) {
    if (!executor.peer.empty()) {
      c.emit(SendToExecutor{executor.peer, executor_event::Kill{key.second, grace}});
    }
    return;  // not connected: told when it subscribes again
  }
  const Framework& framework = c.state.frameworks.at(key.first);
  const ContainerId container = executor.container_id;
  const Duration patience = grace_of(c, task, grace);
  if (framework.facet->capabilities.has(Capabilities::task_killing_state) &&
      (task.state == TaskState::running || task.state == TaskState::starting)) {
    store_update(c, key,
                 status_for(c, key, TaskState::killing, "", std::nullopt, StatusSource::executor));
  }
  c.emit(KillContainer{container, patience});
}

void shutdown_executor(Context& c, const ExecutorKey& key) {
  const auto it = c.state.executors.find(key);
  if (it == c.state.executors.end()) return;
  Executor& executor = it->second;
  executor.shutting_down = true;
  switch (executor.phase) {
    case ExecutorPhase::storing:
    case ExecutorPhase::ending:
    case ExecutorPhase::exited:
      return;
    case ExecutorPhase::starting:
    case ExecutorPhase::subscribing: {
      c.emit(KillContainer{executor.container_id, executor.facet->shutdown_grace});
      return;
    }
    case ExecutorPhase::running:
      break;
  }
  if (!executor.command_task && !executor.peer.empty()) {
    c.emit(SendToExecutor{executor.peer, executor_event::Shutdown{}});
    c.arm(Kind::executor_shutdown, executor.facet->shutdown_grace, key.first.raw(),
          key.second.raw());
    return;
  }
  Duration grace = executor.facet->shutdown_grace;
  if (executor.command_task && !executor.tasks.empty()) {
    grace = grace_of(c, c.state.tasks.at({key.first, *executor.tasks.begin()}), std::nullopt);
  }
  c.emit(KillContainer{executor.container_id, grace});
}

void shutdown_framework(Context& c, const FrameworkId& framework_id) {
  const auto framework = c.state.frameworks.find(framework_id);
  if (framework == c.state.frameworks.end()) return;
  framework->second.shutting_down = true;
  std::vector<ExecutorKey> executors;
  for (auto it = c.state.executors.lower_bound({framework_id, ExecutorId()});
       it != c.state.executors.end() && it->first.first == framework_id; ++it) {
    executors.push_back(it->first);
  }
  for (const ExecutorKey& key : executors) {
    shutdown_executor(c, key);
    const std::set<TaskId> tasks = c.state.executors.at(key).tasks;
    for (const TaskId& id : tasks) {
      // Nobody will acknowledge what has ended already.
      const Task& task = c.state.tasks.at({framework_id, id});
      if (task.phase != TaskPhase::ended) continue;
      // The master may hold its resources until it hears of the end.
      TaskStatus last = task.pending.back().status;
      last.uuid.reset();
      send_plain_status(c, framework_id, std::move(last));
      forget_task(c, {framework_id, id});
    }
  }
}

void end_all(Context& c) {
  std::vector<ExecutorKey> executors;
  for (const auto& [key, executor] : c.state.executors) {
    if (!is_over(executor.phase) && !executor.shutting_down) executors.push_back(key);
  }
  for (const ExecutorKey& key : executors) {
    for (const TaskId& id : std::set<TaskId>(c.state.executors.at(key).tasks)) {
      Task& task = c.state.tasks.at({key.first, id});
      if (task.phase == TaskPhase::ended || task.kill_requested) continue;
      // Stored, so that a crash amid this does not turn the kill into a failure of the task.
      task.kill_requested = true;
      c.checkpoint({checkpoint::KillRequested{key.first, id, task.kill_cause}}, SettledPending{});
    }
    shutdown_executor(c, key);
  }
}

}  // namespace bourse::agent
