// What the container runtime reports, and what it means for tasks.
#include "agent/core/context.hpp"
#include "base/probe.hpp"

namespace bourse::agent {

namespace {

using Kind = DeadlineKey::Kind;

std::string signal_name(int signal) {
  switch (signal) {
    case 1:
      return "Hangup";
    case 2:
      return "Interrupt";
    case 3:
      return "Quit";
    case 4:
      return "Illegal instruction";
    case 6:
      return "Aborted";
    case 7:
      return "Bus error";
    case 8:
      return "Floating point exception";
    case 9:
      return "Killed";
    case 11:
      return "Segmentation fault";
    case 13:
      return "Broken pipe";
    case 14:
      return "Alarm clock";
    case 15:
      return "Terminated";
    default:
      return "number " + std::to_string(signal);
  }
}

struct Ending {
  TaskState state = TaskState::failed;
  std::string message;
  std::optional<StatusReason> reason;
  std::optional<bool> healthy = std::nullopt;
};

// How a command task ended, from its wait status.
Ending ending_of(const Task& task, const ContainerExited& event) {
  const int signal = event.wait_status & 0x7f;
  const int code = (event.wait_status >> 8) & 0xff;
  Ending ending;
  if (!event.status_known) {
    ending.message = "the exit status was lost with its supervisor";
    ending.reason = StatusReason::executor_terminated;
  } else if (signal == 0) {
    ending.message = "Command exited with status " + std::to_string(code);
  } else {
    ending.message = "Command terminated with signal " + signal_name(signal);
  }
  if (event.out_of_memory) {
    ending.message =
        "Memory limit of " + task.facet->resources.to_text() + " exceeded; " + ending.message;
    ending.reason = StatusReason::container_limitation_memory;
  } else if (task.completion_expired) {
    ending.message = "it ran longer than its max_completion_time; " + ending.message;
    ending.reason = StatusReason::max_completion_time_reached;
  } else if (event.unhealthy) {
    // Killed, as on Mesos: `healthy` says for what.
    ending.state = TaskState::killed;
    ending.message = "its health check failed too often in a row; " + ending.message;
    ending.healthy = false;
  } else if (task.kill_requested) {
    ending.state = TaskState::killed;
  } else if (event.status_known && event.wait_status == 0) {
    ending.state = TaskState::finished;
  }
  return ending;
}

// Preempted by the agent itself; what had ended well before it came to that stays so. GONE, as the
// end of a task that somebody else may run again is called; the master tells LOST to those who do
// not know the word.
std::optional<Ending> preempted_ending(const Executor& executor, const ContainerExited& event) {
  if (executor.preempted.empty() || event.out_of_memory) return std::nullopt;
  if (executor.command_task && event.status_known && event.wait_status == 0) return std::nullopt;
  return Ending{TaskState::gone, executor.preempted, StatusReason::container_preempted};
}

void end_tasks(Context& c, const ExecutorKey& key, const ContainerExited& event) {
  const Executor& executor = c.state.executors.at(key);
  const std::set<TaskId> tasks = executor.tasks;
  for (const TaskId& id : tasks) {
    const TaskKey task_key{key.first, id};
    const Task& task = c.state.tasks.at(task_key);
    if (task.phase == TaskPhase::ended) continue;
    Ending ending;
    const auto preempted = preempted_ending(executor, event);
    if (preempted) {
      ending = *preempted;
    } else if (executor.command_task) {
      ending = ending_of(task, event);
    } else if (event.out_of_memory) {
      ending = {TaskState::failed, "its executor exceeded its memory limit",
                StatusReason::container_limitation_memory};
    } else if (executor.late) {
      ending = {TaskState::failed, "its executor did not subscribe in time",
                executor.recovered ? StatusReason::executor_reregistration_timeout
                                   : StatusReason::executor_registration_timeout};
    } else {
      ending = {task.kill_requested ? TaskState::killed : TaskState::failed,
                "its executor terminated", StatusReason::executor_terminated};
    }
    const StatusSource source = executor.command_task && !event.out_of_memory && !preempted
                                    ? StatusSource::executor
                                    : StatusSource::agent;
    TaskStatus status =
        status_for(c, task_key, ending.state, ending.message, ending.reason, source);
    status.healthy = ending.healthy;
    store_update(c, task_key, std::move(status));
  }
}

ExecutorKey* find_container(Context& c, const ContainerId& id) {
  const auto it = c.state.by_container.find(id);
  return it == c.state.by_container.end() ? nullptr : &it->second;
}

// Nobody talks to it any more, and it is waited for no longer.
void leave_executor(Context& c, const ExecutorKey& key) {
  Executor& executor = c.state.executors.at(key);
  if (!executor.peer.empty()) {
    c.state.by_peer.erase(executor.peer);
    c.emit(CloseExecutor{executor.peer, "its container ended"});
    executor.peer = PeerId();
  }
  c.disarm(Kind::executor_subscribe, key.first.raw(), key.second.raw());
  c.disarm(Kind::executor_shutdown, key.first.raw(), key.second.raw());
  c.disarm(Kind::executor_heartbeat, key.first.raw(), key.second.raw());
}

// What its rest holds must be known after a restart as well, or the next container is given it. So
// the end is told, and frees what it frees, once the checkpoint has the leak.
void store_leak(Context& c, const ExecutorKey& key) {
  const Executor& executor = c.state.executors.at(key);
  c.checkpoint({checkpoint::ContainerLeaked{key.first, key.second, executor.container_id,
                                            executor.withheld}},
               LeakPending{executor.container_id});
}

void finish(Context& c, const ExecutorKey& key, const ContainerExited& event) {
  Executor& executor = c.state.executors.at(key);
  executor.phase = ExecutorPhase::exited;
  executor.end.reset();
  executor.leaked = event.leaked;
  if (event.leaked) {
    PROBE("agent.container_leaked");
    c.note(Note::Level::error, "container.leaked",
           {{"container_id", event.container_id.raw()}, {"withheld", executor.withheld.to_text()}});
    send_to_master(c, to_master::ContainerLeaked{key.first, key.second, executor.withheld, false});
  }
  const bool custom = !executor.command_task;
  end_tasks(c, key, event);
  if (custom) {
    send_to_master(c, to_master::ExecutorExited{key.first, key.second, event.wait_status});
  }
  forget_executor_if_done(c, key);
}

// The executor of this container while the record of its leak is on its way.
const ExecutorKey* ending(Context& c, const ContainerId& id) {
  const ExecutorKey* key = find_container(c, id);
  if (key == nullptr) return nullptr;
  return c.state.executors.at(*key).phase == ExecutorPhase::ending ? key : nullptr;
}

}  // namespace

void on_container_started(Context& c, const ContainerStarted& event) {
  const ExecutorKey* found = find_container(c, event.container_id);
  if (found == nullptr) return;
  const ExecutorKey key = *found;
  Executor& executor = c.state.executors.at(key);
  if (is_over(executor.phase)) return;
  executor.pid = event.pid;
  if (!executor.command_task) {
    if (executor.phase == ExecutorPhase::starting) {
      executor.phase = ExecutorPhase::subscribing;
      c.arm(Kind::executor_subscribe, c.config.executor_register_timeout, key.first.raw(),
            key.second.raw());
    }
    return;
  }
  executor.phase = ExecutorPhase::running;
  const TaskKey task{key.first, *executor.tasks.begin()};
  // Both in one write: the second leaves as soon as the first is acknowledged.
  for (const TaskState state : {TaskState::starting, TaskState::running}) {
    if (c.state.tasks.at(task).state == TaskState::running) break;
    if (classify(c.state.tasks.at(task).state, state) != Transition::legal) continue;
    store_update(c, task, status_for(c, task, state, "", std::nullopt, StatusSource::executor));
  }
}

void on_container_exited(Context& c, const ContainerExited& event) {
  const ExecutorKey* found = find_container(c, event.container_id);
  if (found == nullptr) {
    // Settled before a restart, and only now at its end.
    if (!event.leaked) c.emit(ReleaseContainer{event.container_id});
    return;
  }
  const ExecutorKey key = *found;
  Executor& executor = c.state.executors.at(key);
  if (is_over(executor.phase)) {
    // Of one whose leak was remembered from an earlier life, the runtime tells the end as well.
    if (!event.leaked) on_container_cleaned(c, {event.container_id});
    return;
  }
  leave_executor(c, key);
  if (!event.leaked) return finish(c, key, event);
  executor.phase = ExecutorPhase::ending;
  executor.withheld = resources_of(c.state, key);
  executor.end = event;
  store_leak(c, key);
}

void on_leak_stored(Context& c, const LeakPending& write) {
  const ExecutorKey* found = ending(c, write.container_id);
  if (found == nullptr) return;
  const ExecutorKey key = *found;
  const ContainerExited end = *c.state.executors.at(key).end;
  finish(c, key, end);
}

void on_leak_rejected(Context& c, const LeakPending& write) {
  PROBE("agent.leak_not_stored");
  c.arm(Kind::leak_retry, c.config.checkpoint_retry, write.container_id.raw());
}

void retry_leak(Context& c, const ContainerId& id) {
  const ExecutorKey* found = ending(c, id);
  if (found == nullptr) return;
  const ExecutorKey key = *found;
  const ContainerExited end = *c.state.executors.at(key).end;
  end.leaked ? store_leak(c, key) : finish(c, key, end);  // empty by now: nothing to remember
}

void remember_leak(Context& c, const ExecutorKey& key, const Started::FoundContainer& found) {
  PROBE("agent.remembers_leak");
  finish(c, key,
         {found.container_id, found.wait_status.value_or(9), found.wait_status.has_value(),
          found.out_of_memory, true});
}

void on_container_cleaned(Context& c, const ContainerCleaned& event) {
  const ExecutorKey* found = find_container(c, event.container_id);
  if (found == nullptr) {
    c.emit(ReleaseContainer{event.container_id});
    return;
  }
  const ExecutorKey key = *found;
  Executor& executor = c.state.executors.at(key);
  if (executor.end) executor.end->leaked = false;  // told as an end like others
  if (!executor.leaked) return;
  PROBE("agent.leak_resolved");
  executor.leaked = false;
  send_to_master(c, to_master::ContainerLeaked{key.first, key.second, {}, true});
  forget_executor_if_done(c, key);
}

void on_container_failed(Context& c, const ContainerFailed& event) {
  const ExecutorKey* found = find_container(c, event.container_id);
  if (found == nullptr) {
    c.emit(ReleaseContainer{event.container_id});
    return;
  }
  const ExecutorKey key = *found;
  Executor& executor = c.state.executors.at(key);
  if (is_over(executor.phase)) return;
  ++c.state.counts.launch_errors;
  executor.phase = ExecutorPhase::exited;
  const bool custom = !executor.command_task;
  const std::set<TaskId> tasks = executor.tasks;
  for (const TaskId& id : tasks) {
    const TaskKey task{key.first, id};
    if (c.state.tasks.at(task).phase == TaskPhase::ended) continue;
    if (!executor.preempted.empty()) {
      store_update(c, task,
                   status_for(c, task, TaskState::gone, executor.preempted,
                              StatusReason::container_preempted, StatusSource::agent));
      continue;
    }
    const bool killed = c.state.tasks.at(task).kill_requested;
    store_update(c, task,
                 status_for(c, task, killed ? TaskState::killed : TaskState::failed,
                            "the container could not be started: " + event.reason,
                            StatusReason::container_launch_failed, StatusSource::agent));
  }
  if (custom) send_to_master(c, to_master::ExecutorExited{key.first, key.second, 0});
  forget_executor_if_done(c, key);
}

}  // namespace bourse::agent
