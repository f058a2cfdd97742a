// Rows of tasks and executors, and what they hold: in their agent's ledger and in the share of
// their framework's role.
#include "base/assert.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

// Swap with the last and shrink; the moved one learns its new place.
void detach_from_agent(MasterState& state, Agent& agent, const Task& task) {
  const TaskSlot last = agent.tasks.back();
  agent.tasks[task.position_in_agent] = last;
  state.tasks.at(last).position_in_agent = task.position_in_agent;
  agent.tasks.pop_back();
}

void detach_from_framework(MasterState& state, Framework& framework, const Task& task) {
  const TaskSlot last = framework.tasks.back();
  framework.tasks[task.position_in_framework] = last;
  state.tasks.at(last).position_in_framework = task.position_in_framework;
  framework.tasks.pop_back();
  framework.task_of.erase(task.facet->id);
}

void uncharge_task(Context& c, Task& task) {
  if (!task.charged) return;
  task.charged = false;
  const Framework& framework = c.state.frameworks.at(task.framework);
  uncharge(c, framework.roles[task.role], task.facet->resources);
}

}  // namespace

TaskSlot add_task(Context& c, Task task) {
  Agent& agent = c.state.agents.at(task.agent);
  task.position_in_agent = static_cast<std::uint32_t>(agent.tasks.size());
  const FrameworkSlot framework_slot = task.framework;
  const AgentSlot agent_slot = task.agent;
  const TaskFacetPtr facet = task.facet;
  Framework* framework = nullptr;
  if (task.standing == TaskStanding::live) {
    framework = &c.state.frameworks.at(framework_slot);
    task.position_in_framework = static_cast<std::uint32_t>(framework->tasks.size());
    if (!task.released) {
      charge(c, framework->roles[task.role], facet->resources);
      task.charged = true;
    }
    touch_framework(c, framework_slot);
  }
  const TaskSlot slot = c.state.tasks.insert(std::move(task));
  agent.tasks.push_back(slot);
  if (framework != nullptr) {
    framework->tasks.push_back(slot);
    framework->task_of.emplace(facet->id, slot);
    count_task(c, c.state.tasks.at(slot));
  }
  touch_agent(c, agent_slot);
  return slot;
}

void release_task(Context& c, Task& task) {
  uncharge_task(c, task);
  if (task.released) return;
  task.released = true;
  c.state.agents.at(task.agent).ledger.release(task.facet->resources);
  touch_agent(c, task.agent);
  touch_room(c, task.agent);
}

void erase_task(Context& c, TaskSlot slot) {
  Task& task = c.state.tasks.at(slot);
  release_task(c, task);
  touch_agent(c, task.agent);
  detach_from_agent(c.state, c.state.agents.at(task.agent), task);
  if (task.standing == TaskStanding::live) {
    touch_framework(c, task.framework);
    uncount_task(c, task);
    detach_from_framework(c.state, c.state.frameworks.at(task.framework), task);
  }
  c.state.tasks.erase(slot);
}

void make_zombie(Context& c, TaskSlot slot) {
  Task& task = c.state.tasks.at(slot);
  ASSERT(task.standing == TaskStanding::live);
  uncharge_task(c, task);
  uncount_task(c, task);
  detach_from_framework(c.state, c.state.frameworks.at(task.framework), task);
  touch_framework(c, task.framework);
  task.standing = TaskStanding::zombie;
  task.framework = FrameworkSlot{};
}

Executor& add_executor(Context& c, Agent& agent, FrameworkSlot framework, std::uint32_t role,
                       ExecutorFacetPtr facet, bool anyway) {
  Executor executor;
  executor.facet = std::move(facet);
  executor.framework = framework;
  executor.role = role;
  if (anyway) {
    agent.ledger.use_anyway(executor.facet->resources);
  } else {
    agent.ledger.use(executor.facet->resources);
  }
  SharedValue<std::string> held_in;
  if (const Framework* row = c.state.frameworks.find(framework)) {
    charge(c, row->roles[role], executor.facet->resources);
    executor.charged = true;
    held_in = row->roles[role].shared_name;
  }
  const ExecutorKey key(executor.facet->framework_id, executor.facet->id);
  c.publish(change::ExecutorAdded{key.first, agent.id, executor.facet, std::move(held_in)});
  return agent.executors.insert_or_assign(key, std::move(executor)).first->second;
}

void erase_executor(Context& c, Agent& agent, const ExecutorKey& key) {
  const auto it = agent.executors.find(key);
  if (it == agent.executors.end()) return;
  Executor& executor = it->second;
  if (executor.charged) {
    const Framework& framework = c.state.frameworks.at(executor.framework);
    uncharge(c, framework.roles[executor.role], executor.facet->resources);
  }
  agent.ledger.release(executor.facet->resources);
  c.publish(change::ExecutorRemoved{key.first, agent.id, key.second});
  agent.executors.erase(it);
  const AgentSlot slot = c.state.agent_of.at(agent.id);
  touch_agent(c, slot);
  touch_room(c, slot);
}

void remember_completed(Framework& framework, const TaskId& task_id, CompletedTask completed) {
  const auto [it, inserted] = framework.completed.insert_or_assign(task_id, std::move(completed));
  if (!inserted) return;
  framework.completed_order.push_back(task_id);
  if (framework.completed_order.size() > limits::kMaxCompletedTasksPerFramework) {
    framework.completed.erase(framework.completed_order.front());
    framework.completed_order.pop_front();
  }
}

TaskStatus master_status(const Context& c, const TaskId& task_id, const AgentId& agent_id,
                         TaskState state, StatusReason reason, std::string message) {
  TaskStatus status;
  status.task_id = task_id;
  status.state = state;
  status.source = StatusSource::master;
  status.reason = reason;
  status.message = std::move(message);
  status.agent_id = agent_id;
  status.timestamp = c.stamp.wall;
  return status;
}

}  // namespace bourse::master
