// From a Launch message to a container or a task queued for its executor.
#include <algorithm>
#include <utility>

#include "agent/core/context.hpp"
#include "base/assert.hpp"
#include "base/probe.hpp"
#include "model/limits.hpp"

namespace bourse::agent {

namespace {

using Kind = DeadlineKey::Kind;

void refuse_task(Context& c, const FrameworkId& framework_id, const TaskFacet& task,
                 const std::string& why) {
  TaskStatus status;
  status.task_id = task.id;
  status.state = TaskState::dropped;
  status.source = StatusSource::agent;
  status.reason = StatusReason::container_launch_failed;
  status.message = why;
  status.agent_id = c.state.identity->id;
  status.timestamp = c.stamp.wall;
  c.note(Note::Level::warning, "task.refused", {{"task_id", task.id.raw()}, {"reason", why}});
  send_plain_status(c, framework_id, std::move(status));
}

// For a command task the agent plays the executor: same id, no resources of its own.
ExecutorFacetPtr command_executor(const FrameworkFacet& framework, const TaskFacet& task) {
  ExecutorFacet facet;
  facet.id = ExecutorId(task.id.raw());
  facet.framework_id = framework.id;
  facet.type = ExecutorFacet::Type::unknown;
  facet.name = "Command Executor (Task: " + task.id.raw() + ")";
  facet.user = task.user.empty() ? framework.user : task.user;
  facet.container = task.container;
  return std::make_shared<const ExecutorFacet>(std::move(facet));
}

const Resource* first_volume(const std::vector<TaskFacetPtr>& tasks) {
  for (const TaskFacetPtr& task : tasks) {
    for (const Resource& resource : task->resources.list()) {
      if (is_volume(resource)) return &resource;
    }
  }
  return nullptr;
}

// Why these tasks cannot run here; empty: they can. Checked here as at the master, so that no fault
// up there can overload this machine.
std::string obstacle(const Context& c, const to_agent::Launch& message,
                     const std::vector<TaskFacetPtr>& tasks) {
  if (c.state.cleanup != CleanupPhase::none) {
    return "this agent is being cleaned up: it was started with --recover=cleanup";
  }
  if (c.state.executors.size() + tasks.size() > limits::kMaxExecutorsPerAgent) {
    return "this agent holds its limit of executors, " +
           std::to_string(limits::kMaxExecutorsPerAgent);
  }
  Resources wanted = used_resources(c.state);
  if (message.executor) {
    const auto it = c.state.executors.find({message.framework->id, message.executor->id});
    if (it == c.state.executors.end()) {
      wanted.add(message.executor->resources);
    } else if (is_over(it->second.phase) || it->second.shutting_down) {
      return "executor '" + message.executor->id.raw() + "' is shutting down on this agent";
    } else if (const Resource* volume = first_volume(tasks)) {
      return "executor '" + message.executor->id.raw() + "' runs already, and volume '" +
             volume->meta->disk->persistence_id + "' can only be given to one that starts";
    }
  }
  for (const TaskFacetPtr& task : tasks) wanted.add(task->resources);
  const Resources& total = c.state.issued;
  Resources missing = wanted.non_shared().non_revocable();
  if (!total.contains(missing)) {
    missing.subtract_up_to(total);
    return "this agent would need " + missing.to_text() + " more than it has";
  }
  // How much is lent may have changed while the launch was under way: then it runs, and is the
  // first to go. More than the machine is nobody's to lend.
  const Resources all_lent = wanted.revocable();
  for (const Resource& lent : all_lent.list()) {
    if (lent.scalar_milli <= total.scalar_milli(lent.name)) continue;
    return "this agent would lend " + milli_text(lent.scalar_milli) + " " + lent.name +
           " and has " + milli_text(total.scalar_milli(lent.name));
  }
  return {};
}

Executor& new_executor(Context& c, const ExecutorKey& key, ExecutorFacetPtr facet, bool command,
                       const std::string& role, std::vector<CheckpointRecord>& records) {
  Executor executor;
  executor.facet = std::move(facet);
  executor.command_task = command;
  executor.container_id = ContainerId(to_text(c.new_uuid()));
  executor.token = token_for(c.state.token_key, executor.container_id.raw());
  executor.role = role;
  records.push_back(checkpoint::ExecutorLaunched{key.first, *executor.facet, command,
                                                 executor.container_id, executor.token, role});
  c.state.by_container.emplace(executor.container_id, key);
  return c.state.executors.emplace(key, std::move(executor)).first->second;
}

StartContainer start_of(const Context& c, const ExecutorKey& key,
                        const TaskFacetPtr& command_task) {
  const Executor& executor = c.state.executors.at(key);
  const Framework& framework = c.state.frameworks.at(key.first);
  StartContainer start;
  start.container_id = executor.container_id;
  start.framework = framework.facet;
  start.executor = executor.facet;
  start.task = command_task;
  start.resources = resources_of(c.state, key);
  start.user = executor.facet->user.empty() ? framework.facet->user : executor.facet->user;
  start.token = executor.token;
  start.kill_grace = command_task ? command_task->kill_grace.value_or(c.config.default_kill_grace)
                                  : executor.facet->shutdown_grace;
  return start;
}

// One launch unit: one command task, or the tasks of one executor.
void launch_unit(Context& c, const to_agent::Launch& message, const ExecutorKey& key,
                 const std::vector<TaskFacetPtr>& tasks, std::vector<CheckpointRecord> records) {
  const bool command = message.executor == nullptr;
  std::vector<Effect> after;
  const bool fresh = !c.state.executors.contains(key);
  if (fresh) {
    new_executor(c, key,
                 command ? command_executor(*message.framework, *tasks.front()) : message.executor,
                 command, message.role, records);
  }
  LaunchPending pending{key.first, {}, fresh};
  for (const TaskFacetPtr& facet : tasks) {
    Task task;
    task.facet = facet;
    task.launch_id = message.launch_id;
    task.executor_id = key.second;
    task.group = message.group;
    task.launched_at = c.stamp.wall;
    task.role = message.role;
    records.push_back(checkpoint::TaskLaunched{key.first, key.second, *facet, message.launch_id,
                                               message.group, task.launched_at, task.role});
    c.state.executors.at(key).tasks.insert(facet->id);
    c.state.tasks.emplace(TaskKey{key.first, facet->id}, std::move(task));
    pending.tasks.push_back(facet->id);
  }
  if (fresh) after.push_back(Effect{start_of(c, key, command ? tasks.front() : nullptr)});
  c.checkpoint(std::move(records), std::move(pending), std::move(after));
}

}  // namespace

Resources used_resources(const AgentState& state) {
  Resources sum;
  for (const auto& [key, executor] : state.executors) {
    if (executor.leaked) {
      sum.add(executor.withheld);
    } else if (executor.phase != ExecutorPhase::exited) {
      sum.add(resources_of(state, key));
    }
  }
  return sum;
}

Resources resources_of(const AgentState& state, const ExecutorKey& key) {
  const Executor& executor = state.executors.at(key);
  Resources sum = executor.facet->resources;
  for (const TaskId& id : executor.tasks) {
    const Task& task = state.tasks.at({key.first, id});
    if (task.phase != TaskPhase::ended) sum.add(task.facet->resources);
  }
  return sum;
}

// From its launch on, over restarts. A wall clock that was set back only makes it later.
void arm_max_completion(Context& c, const TaskKey& key) {
  const Task& task = c.state.tasks.at(key);
  if (!task.facet->max_completion) return;
  const Duration limit = *task.facet->max_completion;
  const bool told = task.launched_at != WallTime{} && task.launched_at < c.stamp.wall;
  const Duration passed{told ? c.stamp.wall.ns - task.launched_at.ns : 0};
  c.arm(Kind::max_completion, std::max(limit - passed, Duration{}), key.first.raw(),
        key.second.raw());
}

void on_launch(Context& c, const to_agent::Launch& message) {
  const FrameworkId& framework_id = message.framework->id;
  std::vector<TaskFacetPtr> tasks;
  for (const TaskFacetPtr& task : message.tasks) {
    if (c.state.tasks.contains({framework_id, task->id})) {
      // The same launch again, or a task that lives: either way it is not started twice.
      PROBE("agent.repeated_launch");
      send_front(c, {framework_id, task->id});
      continue;
    }
    tasks.push_back(task);
  }
  if (tasks.empty()) return;

  const auto known = c.state.frameworks.find(framework_id);
  std::string why;
  if (known != c.state.frameworks.end() && known->second.shutting_down) {
    why = "its framework is shutting down on this agent";
  } else {
    why = obstacle(c, message, tasks);
  }
  if (!why.empty()) {
    PROBE("agent.refuses_launch");
    for (const TaskFacetPtr& task : tasks) refuse_task(c, framework_id, *task, why);
    const auto executor = message.executor
                              ? c.state.executors.find({framework_id, message.executor->id})
                              : c.state.executors.end();
    const bool lives =
        executor != c.state.executors.end() && executor->second.phase != ExecutorPhase::exited;
    if (message.executor && !lives) {
      // The master holds a row for it since it decided to launch.
      send_to_master(c, to_master::ExecutorExited{framework_id, message.executor->id, 0});
    }
    return;
  }

  c.state.frameworks.try_emplace(framework_id, Framework{message.framework, false, false});
  // Until it is stored, in each launch: any of them may be the first that is.
  std::vector<CheckpointRecord> records;
  if (!c.state.life_stored) {
    // Else what this launch starts would be taken for something of an earlier boot.
    PROBE("agent.launches_before_its_life_is_stored");
    records.push_back(checkpoint::LifeBegun{c.state.incarnation, c.state.boot_id});
  }
  if (!c.state.identity_stored) {
    records.push_back(identity_record(c.state));
  }
  if (!c.state.frameworks.at(framework_id).stored) {
    records.push_back(checkpoint::FrameworkSeen{*message.framework});
  }
  if (message.executor) {
    launch_unit(c, message, {framework_id, message.executor->id}, tasks, std::move(records));
    return;
  }
  for (const TaskFacetPtr& task : tasks) {
    const ExecutorKey key{framework_id, ExecutorId(task->id.raw())};
    if (c.state.executors.contains(key)) {
      refuse_task(c, framework_id, *task, "an executor of that name is still on this agent");
      continue;
    }
    launch_unit(c, message, key, {task}, records);
  }
}

// These tasks are stored and their executor is not: its own launch was refused. It is tried again
// with them, behind whatever is on its way.
void store_with_executor(Context& c, const LaunchPending& write, const ExecutorKey& key) {
  PROBE("agent.stores_executor_again");
  Executor& executor = c.state.executors.at(key);
  std::vector<CheckpointRecord> records;
  std::vector<Effect> after;
  LaunchPending again{write.framework_id, write.tasks, executor.refused};
  if (executor.refused) {
    records.push_back(checkpoint::FrameworkSeen{*c.state.frameworks.at(key.first).facet});
    records.push_back(checkpoint::ExecutorLaunched{
        key.first, *executor.facet, false, executor.container_id, executor.token, executor.role});
    after.push_back(Effect{start_of(c, key, nullptr)});
    executor.refused = false;
  }
  for (const TaskId& id : write.tasks) {
    const Task& task = c.state.tasks.at({key.first, id});
    records.push_back(checkpoint::TaskLaunched{key.first, key.second, *task.facet, task.launch_id,
                                               task.group, task.launched_at, task.role});
  }
  c.checkpoint(std::move(records), std::move(again), std::move(after));
}

// Those of the write that nothing ended meanwhile (their executor's end, their framework's).
LaunchPending still_storing(const Context& c, const LaunchPending& write) {
  LaunchPending out{write.framework_id, {}, write.starts};
  for (const TaskId& id : write.tasks) {
    const auto it = c.state.tasks.find({write.framework_id, id});
    if (it != c.state.tasks.end() && it->second.phase == TaskPhase::storing) {
      out.tasks.push_back(id);
    }
  }
  return out;
}

void on_launch_stored(Context& c, const LaunchPending& whole) {
  const auto framework = c.state.frameworks.find(whole.framework_id);
  if (framework != c.state.frameworks.end()) framework->second.stored = true;
  const LaunchPending write = still_storing(c, whole);
  if (write.tasks.empty()) return;
  const ExecutorKey launched{
      write.framework_id, c.state.tasks.at({write.framework_id, write.tasks.front()}).executor_id};
  if (!write.starts && c.state.executors.at(launched).phase == ExecutorPhase::storing) {
    store_with_executor(c, write, launched);
    return;
  }
  for (const TaskId& id : write.tasks) {
    const TaskKey key{write.framework_id, id};
    Task& task = c.state.tasks.at(key);
    const ExecutorKey executor_key{write.framework_id, task.executor_id};
    Executor& executor = c.state.executors.at(executor_key);
    if (executor.phase == ExecutorPhase::storing) executor.phase = ExecutorPhase::starting;
    if (std::exchange(executor.shrunk, false)) {
      PROBE("agent.starts_with_less");
      c.emit(ResizeContainer{executor.container_id, resources_of(c.state, executor_key)});
    }
    task.phase = executor.command_task ? TaskPhase::delivered : TaskPhase::queued;
    arm_max_completion(c, key);
    if (executor.shutting_down) {
      c.emit(KillContainer{executor.container_id, Duration{}});
    } else if (task.kill_requested) {
      PROBE("agent.killed_while_storing");
      kill_task(c, key, task.kill_grace);
    }
  }
  const TaskKey first{write.framework_id, write.tasks.front()};
  const auto it = c.state.tasks.find(first);
  if (it != c.state.tasks.end()) deliver_queued(c, {write.framework_id, it->second.executor_id});
}

void on_launch_rejected(Context& c, const LaunchPending& whole, const std::string& reason) {
  PROBE("agent.launch_not_stored");
  const LaunchPending write = still_storing(c, whole);
  for (const TaskId& id : write.tasks) {
    const TaskKey key{write.framework_id, id};
    const Task task = c.state.tasks.at(key);
    const ExecutorKey executor_key{write.framework_id, task.executor_id};
    c.state.tasks.erase(key);
    Executor& executor = c.state.executors.at(executor_key);
    executor.tasks.erase(id);
    if (executor.phase == ExecutorPhase::storing) executor.refused |= write.starts;
    if (executor.phase == ExecutorPhase::storing && executor.tasks.empty()) {
      // Nothing of it was ever stored or started: it never was.
      const bool custom = !executor.command_task;
      c.state.by_container.erase(executor.container_id);
      c.state.executors.erase(executor_key);
      if (custom) {
        send_to_master(c, to_master::ExecutorExited{write.framework_id, executor_key.second, 0});
      }
    } else if (executor.phase == ExecutorPhase::storing) {
      executor.shrunk = true;
    } else {
      c.emit(ResizeContainer{executor.container_id, resources_of(c.state, executor_key)});
    }
    refuse_task(c, write.framework_id, *task.facet, "the agent could not store it: " + reason);
  }
  const auto framework = c.state.frameworks.find(write.framework_id);
  const auto holds = c.state.executors.lower_bound({write.framework_id, ExecutorId()});
  const bool used_still =
      holds != c.state.executors.end() && holds->first.first == write.framework_id;
  if (framework != c.state.frameworks.end() && !used_still) c.state.frameworks.erase(framework);
}

void deliver_queued(Context& c, const ExecutorKey& key) {
  Executor& executor = c.state.executors.at(key);
  if (executor.command_task || executor.peer.empty() || executor.phase != ExecutorPhase::running) {
    return;
  }
  std::map<LaunchId, executor_event::LaunchGroup> groups;
  bool any = false;
  for (const TaskId& id : executor.tasks) {
    const TaskKey task_key{key.first, id};
    if (std::as_const(c.state.tasks).at(task_key).phase != TaskPhase::queued) continue;
    Task& task = c.state.tasks.at(task_key);
    task.phase = TaskPhase::delivered;
    any = true;
    if (task.group) {
      executor_event::LaunchGroup& group = groups[task.launch_id];
      group.tasks.push_back(task.facet);
      group.role = task.role;
    } else {
      c.emit(SendToExecutor{executor.peer, executor_event::Launch{task.facet, task.role}});
    }
  }
  for (auto& [launch, group] : groups) {
    c.emit(SendToExecutor{executor.peer, std::move(group)});
  }
  if (any) c.emit(ResizeContainer{executor.container_id, resources_of(c.state, key)});
}

}  // namespace bourse::agent
