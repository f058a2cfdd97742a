// What agents say of tasks and executors, and what frameworks acknowledge.
#include <optional>

#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

// The newest state that the agent knows; earlier updates may still be under way.
TaskState newest_of(const to_master::StatusUpdate& update) {
  return is_terminal(update.status->state) ? update.status->state : update.latest_state;
}

void acknowledge(Context& c, Agent& agent, const to_master::StatusUpdate& update) {
  if (!update.status->uuid) return;
  send_to_agent(
      c, agent,
      to_agent::Acknowledge{update.framework_id, update.status->task_id, *update.status->uuid});
}

TaskSlot find_zombie(const MasterState& state, const Agent& agent,
                     const to_master::StatusUpdate& update) {
  for (const TaskSlot slot : agent.tasks) {
    const Task& task = state.tasks.at(slot);
    if (task.standing == TaskStanding::zombie && task.facet->id == update.status->task_id &&
        task.framework_id == update.framework_id) {
      return slot;
    }
  }
  return {};
}

// Nobody's task: the master acknowledges for it, and its end frees what it holds.
bool settle_zombie(Context& c, AgentSlot agent_slot, const to_master::StatusUpdate& update) {
  Agent& agent = c.state.agents.at(agent_slot);
  const TaskSlot slot = find_zombie(c.state, agent, update);
  if (slot.empty()) return false;
  if (is_terminal(newest_of(update))) release_task(c, c.state.tasks.at(slot));
  acknowledge(c, agent, update);
  if (!is_terminal(update.status->state)) return true;
  erase_task(c, slot);
  clear_mark(c, agent_slot);
  return true;
}

void on_update_without_row(Context& c, AgentSlot slot, Framework& framework,
                           const to_master::StatusUpdate& update) {
  Agent& agent = c.state.agents.at(slot);
  const TaskStatus& status = *update.status;
  const auto completed = framework.completed.find(status.task_id);
  if (completed != framework.completed.end()) {
    // It was told and acknowledged; or it was told that it ended, and this is what is left of it.
    PROBE("master.update_of_completed_task");
    acknowledge(c, agent, update);
    return;
  }
  if (!is_terminal(newest_of(update))) {
    PROBE("master.update_of_unknown_task");
    c.note(Note::Level::error, "task.unknown",
           {{"agent_id", agent.id.raw()},
            {"framework_id", framework.id.raw()},
            {"task_id", status.task_id.raw()}});
    end_agent_session(c, slot, "it has a task that it did not list");
    return;
  }
  send_to_framework(c, framework, event::Update{update.status});
}

void remove_ended(Context& c, TaskSlot slot) {
  const Task& task = c.state.tasks.at(slot);
  Framework& framework = c.state.frameworks.at(task.framework);
  const AgentId& agent_id = c.state.agents.at(task.agent).id;
  remember_completed(framework, task.facet->id,
                     {task.told->state, task.told->uuid.value_or(Uuid{}), agent_id});
  c.publish(change::TaskRemoved{task.framework_id, task.facet->id});
  erase_task(c, slot);
}

bool is_repeat(const Task& task, const TaskStatus& status) {
  return task.told && status.uuid && task.told->uuid == status.uuid;
}

// An agent speaks of its own tasks only, whatever stands in its message.
SharedStatus as_from(const SharedStatus& status, const AgentId& agent) {
  if (status->agent_id == agent) return status;
  TaskStatus mended = *status;
  mended.agent_id = agent;
  return mended;
}

void on_update_of_task(Context& c, Agent& agent, Framework& framework, TaskSlot slot,
                       const to_master::StatusUpdate& update) {
  Task& task = c.state.tasks.at(slot);
  if (is_repeat(task, update.status)) {
    PROBE("master.update_repeated");
    if (task.acknowledged) {
      acknowledge(c, agent, update);
    } else {
      send_to_framework(c, framework, event::Update{task.told});
    }
    return;
  }
  const TaskState newest = newest_of(update);
  // An end that nobody was told: an agent that forgot it, and says another, is the only one to ask.
  const bool told = task.told && is_terminal(task.told->state);
  const bool another_end = !told && is_terminal(task.state) && is_terminal(newest);
  if (!another_end && classify(task.state, newest) == Transition::impossible) {
    PROBE("master.impossible_update");
    c.note(Note::Level::error, "task.impossible_update",
           {{"framework_id", framework.id.raw()},
            {"task_id", task.facet->id.raw()},
            {"from", std::string(name_of(task.state))},
            {"to", std::string(name_of(newest))}});
    acknowledge(c, agent, update);
    return;
  }
  task.state = newest;
  task.answered = true;
  count_task(c, task);
  if (is_terminal(newest)) release_task(c, task);
  task.told = as_from(update.status, agent.id);
  task.acknowledged = !task.told->uuid.has_value();
  c.publish(change::TaskUpdated{task.framework_id, task.told, task.state});
  send_to_framework(c, framework, event::Update{task.told});
  if (task.acknowledged && is_terminal(task.told->state)) remove_ended(c, slot);
}

void take_update(Context& c, AgentSlot slot, const to_master::StatusUpdate& update) {
  Agent& agent = c.state.agents.at(slot);
  const auto it = c.state.framework_of.find(update.framework_id);
  if (it == c.state.framework_of.end()) {
    if (settle_zombie(c, slot, update)) return;
    PROBE("master.update_of_removed_framework");
    acknowledge(c, agent, update);
    send_to_agent(c, agent, to_agent::ShutdownFramework{update.framework_id});
    return;
  }
  Framework& framework = c.state.frameworks.at(it->second);
  const auto row = framework.task_of.find(update.status->task_id);
  if (row != framework.task_of.end() && c.state.tasks.at(row->second).agent == slot) {
    touch_framework(c, it->second);
    on_update_of_task(c, agent, framework, row->second, update);
    return;
  }
  if (settle_zombie(c, slot, update)) return;
  on_update_without_row(c, slot, framework, update);
}

bool ends_by_drain(TaskState state) {
  return state == TaskState::killed || state == TaskState::gone_by_operator;
}

// Its agent does not know why it killed (an older build, or told to by one). How the end is told
// was settled here when it was first heard of, perhaps under another drain than the present one:
// what its framework may have been told stays true, as far as this master remembers it.
std::optional<TaskState> known_end(const Context& c, AgentSlot slot,
                                   const to_master::StatusUpdate& update) {
  const auto framework = c.state.framework_of.find(update.framework_id);
  if (framework == c.state.framework_of.end()) return std::nullopt;
  const auto& task_of = c.state.frameworks.at(framework->second).task_of;
  const auto row = task_of.find(update.status->task_id);
  if (row == task_of.end()) return std::nullopt;
  const Task& task = c.state.tasks.at(row->second);
  if (task.agent != slot || !ends_by_drain(task.state)) return std::nullopt;
  return task.state;
}

}  // namespace

void on_status_update(Context& c, AgentSlot slot, const to_master::StatusUpdate& update) {
  const Agent& agent = c.state.agents.at(slot);
  if (!is_emptied(agent) || update.end_settled) return take_update(c, slot, update);
  TaskStatus status = *update.status;
  TaskState newest = update.latest_state;
  tell_as_drained(agent, status, newest);
  if (const auto known = known_end(c, slot, update)) {
    if (ends_by_drain(newest)) newest = *known;
    if (ends_by_drain(status.state)) status.state = *known;
  }
  take_update(c, slot, {update.framework_id, std::move(status), newest});
}

void on_acknowledge(Context& c, FrameworkSlot slot, const call::Acknowledge& call) {
  Framework& framework = c.state.frameworks.at(slot);
  const auto known = c.state.agent_of.find(call.agent_id);
  if (known == c.state.agent_of.end()) return;
  // Always passed on: the agent ignores what it does not wait for, and it may wait for one that an
  // earlier master forwarded.
  send_to_agent(c, c.state.agents.at(known->second),
                to_agent::Acknowledge{framework.id, call.task_id, call.uuid});
  const auto row = framework.task_of.find(call.task_id);
  if (row == framework.task_of.end()) return;
  Task& task = c.state.tasks.at(row->second);
  if (task.agent != known->second || !task.told || task.told->uuid != call.uuid) {
    PROBE("master.acknowledgement_of_older_update");
    return;
  }
  task.acknowledged = true;
  if (is_terminal(task.told->state)) remove_ended(c, row->second);
}

void on_executor_exited(Context& c, AgentSlot slot, const to_master::ExecutorExited& message) {
  Agent& agent = c.state.agents.at(slot);
  const ExecutorKey key(message.framework_id, message.executor_id);
  if (!agent.executors.contains(key)) return;
  erase_executor(c, agent, key);
  const auto it = c.state.framework_of.find(message.framework_id);
  if (it == c.state.framework_of.end()) return;
  send_to_framework(c, c.state.frameworks.at(it->second),
                    event::Failure{agent.id, message.executor_id, message.wait_status});
}

void on_container_leaked(Context& c, AgentSlot slot, const to_master::ContainerLeaked& message) {
  Agent& agent = c.state.agents.at(slot);
  const ExecutorKey key(message.framework_id, message.executor_id);
  const auto held = agent.leaks.find(key);
  if (message.resolved == (held == agent.leaks.end())) return;  // known already
  if (message.resolved) {
    agent.ledger.unhold(held->second);
    agent.leaks.erase(held);
  } else {
    if (agent.leaks.size() >= limits::kMaxExecutorsPerAgent) return;
    PROBE("master.container_leaked");
    agent.leaks.emplace(key, message.resources);
    agent.ledger.hold(message.resources);
    if (!agent.ledger.offerable()) rescind_offers_of(c, agent);
    rescind_unfounded(c, agent, agent.ledger.total());
  }
  c.note(Note::Level::warning, message.resolved ? "container.leak_resolved" : "container.leaked",
         {{"agent_id", agent.id.raw()},
          {"executor_id", message.executor_id.raw()},
          {"resources", message.resources.to_text()}});
  touch_agent(c, slot);
  touch_room(c, slot);
  publish_agent(c, agent);
}

void on_executor_message(Context& c, AgentSlot slot, const to_master::ExecutorMessage& message) {
  const auto it = c.state.framework_of.find(message.framework_id);
  if (it == c.state.framework_of.end()) return;
  if (message.data.size() > limits::kMaxFrameworkMessageBytes) {
    c.note(Note::Level::warning, "executor.message_too_large",
           {{"executor_id", message.executor_id.raw()}});
    return;
  }
  send_to_framework(c, c.state.frameworks.at(it->second),
                    event::Message{c.state.agents.at(slot).id, message.executor_id, message.data});
}

}  // namespace bourse::master
