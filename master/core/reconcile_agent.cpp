// What an agent says it has against what we think it has, task by task, at each registration.
//
// A Register is a snapshot that the agent took when it left its last session; frames of that
// session can no longer take effect there. So:
//   both know it         the agent's state counts; a kill that it may have missed is repeated
//   only the agent       adopted (we are a newer master), or killed if its framework is gone or was
//                        told that it ended
//   only we, unanswered  its Launch was lost, or is being stored right now: the same Launch, with
//                        the same launch id, is sent again; the agent starts each launch id and
//                        task id once, so there are never two
//   only we, answered    the agent had it and lost it with its disk: GONE, which is certain
#include <algorithm>
#include <set>
#include <utility>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"

namespace bourse::master {

namespace {

using to_master::KnownTask;

struct Reconciler {
  Context& c;
  AgentSlot slot;
  Agent& agent;
  bool was_given_up;
  std::set<FrameworkId> to_shut_down;
  std::vector<TaskSlot> to_kill;

  FrameworkSlot framework_of(const FrameworkId& id) const {
    const auto it = c.state.framework_of.find(id);
    return it == c.state.framework_of.end() ? FrameworkSlot{} : it->second;
  }

  // A framework that is not in the registry was removed: it was stored before its first launch.
  FrameworkSlot framework_or_shut_down(const FrameworkId& id) {
    const FrameworkSlot found = framework_of(id);
    if (found.empty()) {
      PROBE("master.agent_has_removed_framework");
      to_shut_down.insert(id);
    }
    return found;
  }

  void executor(const to_master::KnownExecutor& known) {
    const ExecutorKey key(known.framework_id, known.executor->id);
    const FrameworkSlot framework = framework_or_shut_down(known.framework_id);
    const auto it = agent.executors.find(key);
    if (it != agent.executors.end()) {
      it->second.seen_at = agent.registrations;
      return;
    }
    const std::uint32_t role = framework.empty() ? 0 : held_role(c, framework, known.role);
    add_executor(c, agent, framework, role, known.executor, true).seen_at = agent.registrations;
  }

  void task(const KnownTask& known, const std::map<TaskKey, TaskSlot>& zombies) {
    const TaskKey key(known.framework_id, known.task->id);
    const auto lost = agent.told_lost.find(key);
    const bool was_told_lost = lost != agent.told_lost.end() && lost->second == known.launch_id;
    if (const auto zombie = zombies.find(key); zombie != zombies.end()) {
      Task& row = c.state.tasks.at(zombie->second);
      row.seen_at = agent.registrations;
      const FrameworkSlot framework = framework_or_shut_down(known.framework_id);
      if (!framework.empty()) to_kill.push_back(zombie->second);
      return;
    }
    const FrameworkSlot framework_slot = framework_or_shut_down(known.framework_id);
    if (framework_slot.empty() || was_told_lost) {
      if (was_told_lost) PROBE("master.lost_task_returned");
      unwanted(known, framework_slot);
      return;
    }
    Framework& framework = c.state.frameworks.at(framework_slot);
    const auto it = framework.task_of.find(key.second);
    if (it == framework.task_of.end()) {
      unknown(known, framework_slot, framework);
    } else if (c.state.tasks.at(it->second).agent != slot) {
      PROBE("master.task_on_two_agents");
      c.note(Note::Level::error, "task.on_two_agents",
             {{"framework_id", key.first.raw()},
              {"task_id", key.second.raw()},
              {"killed_on", agent.id.raw()}});
      unwanted(known, framework_slot);
    } else {
      known_to_both(known, it->second, framework);
    }
  }

  // It runs though nobody wants it: it holds until the agent has ended it.
  void unwanted(const KnownTask& known, FrameworkSlot framework) {
    Task row = row_of(known);
    row.standing = TaskStanding::zombie;
    const TaskSlot added = add_task(c, std::move(row));
    if (!framework.empty()) to_kill.push_back(added);
  }

  Task row_of(const KnownTask& known) const {
    Task row;
    row.agent = slot;
    row.framework_id = known.framework_id;
    row.facet = known.task;
    row.launch_id = known.launch_id;
    row.state = known.state;
    row.answered = true;
    row.ending = known.ending;
    row.released = is_terminal(known.state);
    row.seen_at = agent.registrations;
    row.told = told_of(known);
    if (!known.command_task) {
      const auto it = agent.executors.find({known.framework_id, known.executor_id});
      if (it != agent.executors.end()) row.executor = it->second.facet;
    }
    return row;
  }

  // What its framework can have heard from the master before this one.
  SharedStatus told_of(const KnownTask& known) const {
    if (known.latest) {
      // Without its uuid: if the agent sends this update, nobody here has forwarded it yet.
      TaskStatus told = *known.latest;
      told.uuid.reset();
      return told;
    }
    if (known.state == TaskState::staging) return {};
    TaskStatus status;
    status.task_id = known.task->id;
    status.state = known.state;
    status.source = StatusSource::agent;
    status.agent_id = agent.id;
    status.executor_id = known.executor_id;
    status.timestamp = c.stamp.wall;
    return status;
  }

  void unknown(const KnownTask& known, FrameworkSlot framework_slot, Framework& framework) {
    const TaskId& id = known.task->id;
    // An earlier master gave the agent up and said LOST, as this one did to whoever asked.
    if (was_given_up && !framework.facet->capabilities.has(Capabilities::partition_aware)) {
      PROBE("master.lost_task_returned_to_new_master");
      remember_completed(framework, id, {TaskState::lost, {}, agent.id});
      unwanted(known, framework_slot);
      return;
    }
    if (const auto it = framework.completed.find(id); it != framework.completed.end()) {
      const bool settled = known.terminal_unacknowledged && known.latest && known.latest->uuid &&
                           *known.latest->uuid == it->second.uuid;
      if (settled) {
        PROBE("master.acknowledgement_repeated");
        send_to_agent(c, agent, to_agent::Acknowledge{known.framework_id, id, it->second.uuid});
        return;
      }
      // Told without a uuid: by a master, LOST or GONE. What the agent says of it comes too late,
      // unless it is what was told, and nobody acknowledged.
      const bool by_master = it->second.uuid == Uuid{} && !it->second.unacknowledged;
      if (!is_terminal(known.state) || by_master) {
        // Its framework was told that it ended.
        unwanted(known, framework_slot);
        return;
      }
    }
    Task row = row_of(known);
    row.framework = framework_slot;
    row.role = held_role(c, framework_slot, known.role);
    const ExecutorFacetPtr executor = row.executor;
    const SharedStatus told = row.told;
    const SharedValue<std::string> held_in = framework.roles[row.role].shared_name;
    const TaskSlot added = add_task(c, std::move(row));
    c.publish(change::TaskAdded{known.framework_id, known.task, executor, known.state, c.stamp.wall,
                                held_in});
    if (told) c.publish(change::TaskUpdated{known.framework_id, told, known.state});
    std::optional<std::optional<Duration>> kill;
    if (const auto it = agent.kills_waiting.find({framework.id, id});
        it != agent.kills_waiting.end()) {
      kill = it->second;
    }
    if (const auto it = framework.kills_waiting.find(id); it != framework.kills_waiting.end()) {
      kill = it->second;
      framework.kills_waiting.erase(it);
    }
    if (!kill || is_terminal(known.state)) return;
    PROBE("master.kill_replayed");
    Task& adopted = c.state.tasks.at(added);
    adopted.kill_requested = true;
    adopted.kill_grace = *kill;
    count_task(c, adopted);
    to_kill.push_back(added);
  }

  void known_to_both(const KnownTask& known, TaskSlot task_slot, Framework& framework) {
    Task& row = c.state.tasks.at(task_slot);
    row.seen_at = agent.registrations;
    row.answered = true;
    row.ending = row.ending || known.ending;
    if (is_terminal(row.state)) {
      if (!is_terminal(known.state)) {
        PROBE("master.ended_task_returned");
        remember_completed(framework, known.task->id, {row.state, {}, agent.id});
        c.publish(change::TaskRemoved{known.framework_id, known.task->id});
        row.released = false;
        make_zombie(c, task_slot);
        to_kill.push_back(task_slot);
      }
      return;
    }
    const bool was_unreachable = row.state == TaskState::unreachable;
    if (classify(row.state, known.state) == Transition::legal ||
        (was_unreachable && known.state == TaskState::staging)) {
      row.state = known.state;
      if (is_terminal(known.state)) release_task(c, row);
      if (was_unreachable && !is_terminal(known.state)) returned(known, row, framework);
    }
    count_task(c, row);
    if (row.kill_requested && !is_terminal(row.state)) to_kill.push_back(task_slot);
  }

  void returned(const KnownTask& known, Task& row, Framework& framework) {
    TaskStatus status = known.latest ? *known.latest : TaskStatus{};
    status.task_id = known.task->id;
    status.agent_id = agent.id;
    status.state = known.state;
    status.source = StatusSource::master;
    status.reason = StatusReason::agent_reregistered;
    status.message = "Agent " + agent.facet->hostname + " is back";
    status.uuid.reset();
    status.timestamp = c.stamp.wall;
    row.told = std::move(status);
    c.publish(change::TaskUpdated{known.framework_id, row.told, row.state});
    send_to_framework(c, framework, event::Update{row.told});
  }

  // Rows that the agent did not list.
  void missing() {
    std::vector<TaskSlot> relaunch;
    for (const TaskSlot task_slot : std::vector<TaskSlot>(agent.tasks)) {
      Task& row = c.state.tasks.at(task_slot);
      if (row.seen_at == agent.registrations) continue;
      if (row.standing == TaskStanding::zombie) {
        erase_task(c, task_slot);
      } else if (is_terminal(row.state) && row.told && is_terminal(row.told->state)) {
        c.publish(change::TaskRemoved{row.framework_id, row.facet->id});
        erase_task(c, task_slot);
      } else if (!row.answered) {
        relaunch.push_back(task_slot);
      } else {
        gone(task_slot, row);
      }
    }
    launch_again(relaunch);
    for (auto it = agent.executors.begin(); it != agent.executors.end();) {
      const ExecutorKey key = it->first;
      const Executor& executor = it->second;
      ++it;
      const bool needed = std::any_of(relaunch.begin(), relaunch.end(), [&](TaskSlot task_slot) {
        return c.state.tasks.at(task_slot).executor == executor.facet;
      });
      if (executor.seen_at != agent.registrations && !needed) erase_executor(c, agent, key);
    }
  }

  void gone(TaskSlot task_slot, Task& row) {
    PROBE("master.task_gone");
    Framework& framework = c.state.frameworks.at(row.framework);
    const SharedStatus status = master_status(
        c, row.facet->id, agent.id, TaskState::gone, StatusReason::reconciliation,
        "Agent " + agent.facet->hostname + " registered again and does not have the task any more");
    c.publish(change::TaskUpdated{row.framework_id, status, TaskState::gone});
    c.publish(change::TaskRemoved{row.framework_id, row.facet->id});
    remember_completed(framework, row.facet->id, {TaskState::gone, {}, agent.id});
    send_to_framework(c, framework, event::Update{status});
    erase_task(c, task_slot);
  }

  // The same launches as before: by launch id, in their order.
  void launch_again(const std::vector<TaskSlot>& slots) {
    std::map<LaunchId, to_agent::Launch> launches;
    for (const TaskSlot task_slot : slots) {
      PROBE("master.launch_repeated");
      Task& row = c.state.tasks.at(task_slot);
      const Framework& framework = c.state.frameworks.at(row.framework);
      to_agent::Launch& launch = launches[row.launch_id];
      launch.launch_id = row.launch_id;
      launch.framework = framework.facet;
      launch.role = framework.roles[row.role].name;
      launch.executor = row.executor;
      launch.group = row.group;
      launch.tasks.push_back(row.facet);
      if (row.state == TaskState::unreachable) row.state = TaskState::staging;
      count_task(c, row);
      if (row.kill_requested) to_kill.push_back(task_slot);
    }
    for (auto& [id, launch] : launches) {
      std::sort(launch.tasks.begin(), launch.tasks.end(),
                [](const TaskFacetPtr& a, const TaskFacetPtr& b) { return a->id < b->id; });
      send_to_agent(c, agent, std::move(launch));
    }
  }

  void answer_waiting() {
    const auto accepts = std::move(agent.accepts_waiting);
    agent.accepts_waiting.clear();
    for (const auto& [framework_id, task_id] : accepts) {
      const FrameworkSlot framework_slot = framework_of(framework_id);
      if (framework_slot.empty()) continue;
      Framework& framework = c.state.frameworks.at(framework_slot);
      if (const auto it = framework.task_of.find(task_id); it != framework.task_of.end()) {
        send_latest(c, framework, c.state.tasks.at(it->second));
        continue;
      }
      PROBE("master.old_accept_answered");
      send_to_framework(c, framework,
                        event::Update{master_status(
                            c, task_id, agent.id, TaskState::dropped, StatusReason::invalid_offers,
                            "Task launched with invalid offers: they were an earlier "
                            "master's, and the agent never got the task")});
    }
    const auto kills = std::move(agent.kills_waiting);
    agent.kills_waiting.clear();
    for (const auto& [key, grace] : kills) {
      const FrameworkSlot framework_slot = framework_of(key.first);
      if (framework_slot.empty()) continue;
      Framework& framework = c.state.frameworks.at(framework_slot);
      if (framework.task_of.contains(key.second)) continue;
      send_about_unknown(c, framework, key.second, agent.id);
    }
  }

  // Those that it has still: what it held is not free in between. An agent of an older build
  // lists none here and tells each once it is registered.
  void leaks(const std::vector<to_master::ContainerLeaked>& listed) {
    const std::map<ExecutorKey, Resources> known = std::exchange(agent.leaks, {});
    for (const to_master::ContainerLeaked& leak : listed) {
      const ExecutorKey key(leak.framework_id, leak.executor_id);
      if (!agent.leaks.emplace(key, leak.resources).second || known.contains(key)) continue;
      PROBE("master.agent_comes_with_leak");
      c.note(Note::Level::warning, "container.leaked",
             {{"agent_id", agent.id.raw()},
              {"executor_id", leak.executor_id.raw()},
              {"resources", leak.resources.to_text()}});
    }
  }

  void rebuild_ledger() {
    Ledger ledger(total_with_operations(agent));
    for (const TaskSlot task_slot : agent.tasks) {
      const Task& row = c.state.tasks.at(task_slot);
      if (!row.released) ledger.use_anyway(row.facet->resources);
    }
    for (const auto& [key, executor] : agent.executors) {
      ledger.use_anyway(executor.facet->resources);
    }
    for (const auto& [key, leaked] : agent.leaks) ledger.hold(leaked);
    agent.ledger = std::move(ledger);
  }
};

}  // namespace

void reconcile_agent(Context& c, AgentSlot slot, const to_master::Register& message,
                     bool was_given_up) {
  Agent& agent = c.state.agents.at(slot);
  ++agent.registrations;
  Reconciler reconciler{c, slot, agent, was_given_up, {}, {}};
  std::map<TaskKey, TaskSlot> zombies;
  for (const TaskSlot task_slot : agent.tasks) {
    const Task& row = c.state.tasks.at(task_slot);
    if (row.standing == TaskStanding::zombie) {
      zombies.emplace(TaskKey(row.framework_id, row.facet->id), task_slot);
    }
  }
  for (const auto& known : message.executors) reconciler.executor(known);
  for (const KnownTask& known : message.tasks) {
    if (!is_emptied(agent) || known.end_settled) {
      reconciler.task(known, zombies);
      continue;
    }
    KnownTask told = known;
    TaskStatus none;
    tell_as_drained(agent, told.latest ? *told.latest : none, told.state);
    reconciler.task(told, zombies);
  }
  for (const auto& known : message.frameworks) {
    (void)reconciler.framework_or_shut_down(known.framework->id);
  }
  agent.told_lost.clear();
  reconciler.leaks(message.leaks);
  // Before the tasks that are launched again: they may use what an operation makes.
  reconcile_agent_operations(c, slot, message);
  reconciler.missing();
  reconciler.rebuild_ledger();
  for (const FrameworkId& id : reconciler.to_shut_down) {
    send_to_agent(c, agent, to_agent::ShutdownFramework{id});
  }
  for (const TaskSlot task_slot : reconciler.to_kill) {
    const Task& row = c.state.tasks.at(task_slot);
    send_to_agent(c, agent,
                  to_agent::Kill{row.framework_id, row.facet->id, row.kill_grace, row.kill_cause});
  }
  reconciler.answer_waiting();
}

}  // namespace bourse::master
