// The reliable stream of status updates: stored, sent one at a time, resent until acknowledged.
#include <algorithm>

#include "agent/core/context.hpp"
#include "base/assert.hpp"
#include "base/probe.hpp"
#include "model/limits.hpp"

namespace bourse::agent {

namespace {

using Kind = DeadlineKey::Kind;

Duration resend_after(const Context& c, std::uint32_t resends) {
  Duration wait = c.config.update_retry;
  for (std::uint32_t i = 0; i < resends && wait < c.config.update_retry_max; ++i) wait = wait * 2;
  return std::min(wait, c.config.update_retry_max);
}

void write_update(Context& c, const TaskKey& key, const TaskStatus& status,
                  std::vector<Effect> after) {
  c.checkpoint({checkpoint::UpdateStored{key.first, status}}, UpdatePending{key, {*status.uuid}},
               std::move(after));
}

// A task that a drain killed is told so, whoever makes the end: its executor knows of no drain. One
// that its health check ended stays that.
void say_what_killed(const Task& task, TaskStatus& status) {
  if (status.state != TaskState::killed || !task.kill_requested) return;
  if (status.healthy && !*status.healthy) return;
  const bool to_gone = task.kill_cause == KillCause::drain_to_gone;
  if (!to_gone && task.kill_cause != KillCause::drain) return;
  PROBE("agent.tells_of_drain");
  status.reason = StatusReason::agent_draining;
  if (to_gone) status.state = TaskState::gone_by_operator;
}

}  // namespace

TaskStatus status_for(Context& c, const TaskKey& key, TaskState state, std::string message,
                      std::optional<StatusReason> reason, StatusSource source) {
  const Task& task = c.state.tasks.at(key);
  const Executor& executor = c.state.executors.at({key.first, task.executor_id});
  TaskStatus status;
  status.task_id = key.second;
  status.state = state;
  status.source = source;
  status.reason = reason;
  status.message = std::move(message);
  status.agent_id = name_for(c.state, task);
  status.executor_id = task.executor_id;
  status.container_id = executor.container_id;
  status.executor_pid = executor.pid;
  status.uuid = c.new_uuid();
  status.timestamp = c.stamp.wall;
  status.extra = task.checked.empty() ? c.state.status_extra : task.checked;
  if (state == TaskState::running) status.healthy = task.healthy;
  return status;
}

void store_update(Context& c, const TaskKey& key, TaskStatus status, std::vector<Effect> after) {
  Task& task = c.state.tasks.at(key);
  say_what_killed(task, status);
  ASSERT(classify(task.state, status.state) != Transition::impossible);
  ++c.state.counts.valid_updates;
  const bool ends = is_terminal(status.state);
  task.state = status.state;
  task.latest = status;
  if (ends) {
    task.phase = TaskPhase::ended;
    c.disarm(Kind::max_completion, key.first.raw(), key.second.raw());
  }
  if (c.state.frameworks.at(key.first).shutting_down) {
    // Nobody will acknowledge: say it once, without a uuid, and be done.
    for (Effect& effect : after) c.effects.list.push_back(std::move(effect));
    status.uuid.reset();
    const bool forget = ends;
    task.pending.clear();
    send_plain_status(c, key.first, status);
    if (forget) {
      task.pending.push_back({status, true});
      forget_task(c, key);
    }
    return;
  }
  task.pending.push_back({status, false});
  write_update(c, key, status, std::move(after));
}

void on_update_stored(Context& c, const UpdatePending& write) {
  const auto it = c.state.tasks.find(write.task);
  if (it == c.state.tasks.end()) return;
  Task& task = it->second;
  const bool waited = !task.pending.empty() && !task.pending.front().stored;
  for (PendingUpdate& update : task.pending) {
    const auto& uuids = write.uuids;
    if (std::find(uuids.begin(), uuids.end(), *update.status.uuid) != uuids.end()) {
      update.stored = true;
    }
  }
  for (const PendingUpdate& update : task.pending) {
    if (!update.stored) break;
    task.stored_state = update.status.state;
  }
  if (waited && task.pending.front().stored) send_front(c, write.task);
}

void retry_store(Context& c, const TaskKey& key) {
  const auto it = c.state.tasks.find(key);
  if (it == c.state.tasks.end()) return;
  const auto under_way = [&](const Uuid& uuid) {
    return std::any_of(c.state.writes.begin(), c.state.writes.end(), [&](const auto& write) {
      const auto* update = std::get_if<UpdatePending>(&write.second);
      if (update == nullptr || update->task != key) return false;
      return std::find(update->uuids.begin(), update->uuids.end(), uuid) != update->uuids.end();
    });
  };
  // With all that follow it, stored or not, and in one write: recovery reads them in the order of
  // the records, and must not find the second without the third.
  std::vector<CheckpointRecord> records;
  UpdatePending write{key, {}};
  for (const PendingUpdate& pending : it->second.pending) {
    const bool refused = !pending.stored && !under_way(*pending.status.uuid);
    if (records.empty() && !refused) continue;
    records.push_back(checkpoint::UpdateStored{key.first, pending.status});
    write.uuids.push_back(*pending.status.uuid);
  }
  if (!records.empty()) c.checkpoint(std::move(records), std::move(write));
}

void send_front(Context& c, const TaskKey& key) {
  const auto it = c.state.tasks.find(key);
  if (it == c.state.tasks.end() || it->second.pending.empty()) return;
  const Task& task = it->second;
  if (!task.pending.front().stored || !c.state.link.registered) return;
  send_to_master(c, to_master::StatusUpdate{key.first, task.pending.front().status,
                                            task.stored_state, end_settled(task)});
  c.arm(Kind::update_retry, resend_after(c, task.resends), key.first.raw(), key.second.raw());
}

// By the newest alone an executor whose connection broke amid several would have the older ones
// told again, behind what came after them.
void remember_acknowledged(Task& task, const Uuid& uuid) {
  if (!task.acknowledged.empty() && task.acknowledged.back() == uuid) return;
  task.acknowledged.push_back(uuid);
  if (task.acknowledged.size() > limits::kMaxAcknowledgedUpdatesPerTask) {
    task.acknowledged.pop_front();
  }
}

void on_acknowledge(Context& c, const to_agent::Acknowledge& message) {
  const TaskKey key{message.framework_id, message.task_id};
  const auto it = c.state.tasks.find(key);
  if (it == c.state.tasks.end()) return;
  Task& task = it->second;
  if (task.pending.empty() || task.pending.front().status.uuid != message.uuid ||
      !task.pending.front().stored) {
    PROBE("agent.stale_acknowledgement");
    return;
  }
  const bool ended = is_terminal(task.pending.front().status.state);
  // Written in the next group; nothing waits for it: a repeat of the update is permitted.
  c.checkpoint(
      {checkpoint::UpdateAcknowledged{message.framework_id, message.task_id, message.uuid}},
      SettledPending{});
  c.disarm(Kind::update_retry, key.first.raw(), key.second.raw());
  task.resends = 0;
  if (ended) {
    forget_task(c, key);
    return;
  }
  // Of a command task the agent makes the updates itself, and repeats none.
  if (!c.state.executors.at({key.first, task.executor_id}).command_task) {
    remember_acknowledged(task, message.uuid);
  }
  task.pending.pop_front();
  send_front(c, key);
  tell_checks(c, key);
}

void forget_task(Context& c, const TaskKey& key) {
  const auto it = c.state.tasks.find(key);
  ASSERT(it != c.state.tasks.end());
  const ExecutorKey executor_key{key.first, it->second.executor_id};
  c.disarm(Kind::update_retry, key.first.raw(), key.second.raw());
  c.disarm(Kind::max_completion, key.first.raw(), key.second.raw());
  c.disarm(Kind::checkpoint_retry, key.first.raw(), key.second.raw());
  c.state.executors.at(executor_key).tasks.erase(key.second);
  c.state.tasks.erase(it);
  c.checkpoint({checkpoint::TaskForgotten{key.first, key.second}}, SettledPending{});
  forget_executor_if_done(c, executor_key);
}

void forget_executor_if_done(Context& c, const ExecutorKey& key) {
  const auto it = c.state.executors.find(key);
  if (it == c.state.executors.end()) return;
  const Executor& executor = it->second;
  if (executor.phase != ExecutorPhase::exited || executor.leaked || !executor.tasks.empty()) return;
  c.checkpoint({checkpoint::ExecutorForgotten{key.first, key.second}}, SettledPending{});
  c.emit(ReleaseContainer{executor.container_id});
  c.state.by_container.erase(executor.container_id);
  c.state.executors.erase(it);
  const auto next = c.state.executors.lower_bound({key.first, ExecutorId()});
  if (next == c.state.executors.end() || next->first.first != key.first) {
    c.state.frameworks.erase(key.first);
  }
}

void send_plain_status(Context& c, const FrameworkId& framework_id, TaskStatus status) {
  const TaskState state = status.state;
  send_to_master(c, to_master::StatusUpdate{framework_id, std::move(status), state, true});
}

}  // namespace bourse::agent
