// What becomes of the operations of a valid accept: each task is launched or told why not.
#include <algorithm>
#include <map>
#include <set>

#include "base/probe.hpp"
#include "master/core/change_resources.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

struct Refusal {
  TaskState state = TaskState::error;
  StatusReason reason = StatusReason::task_invalid;
  std::string message;
};

// Tasks of one accept that share an executor travel in one Launch; command tasks in another.
struct Batch {
  ExecutorFacetPtr executor;
  std::vector<TaskFacetPtr> tasks;
  bool group = false;
};

struct Launcher {
  Context& c;
  FrameworkSlot slot;
  AgentSlot agent_slot;
  std::uint32_t role;
  const Principal& principal;
  Resources& left;
  ResourceChange change;
  std::size_t launched = 0;

  Framework& framework() const { return c.state.frameworks.at(slot); }
  Agent& agent() const { return c.state.agents.at(agent_slot); }

  std::optional<Refusal> invalid_task(const TaskFacet& task) const {
    const auto refusal = [](std::string message) {
      return Refusal{TaskState::error, StatusReason::task_invalid, std::move(message)};
    };
    if (task.id.empty()) return refusal("Task has no ID");
    if (task.agent_id != agent().id) {
      return refusal("Task uses invalid agent " + task.agent_id.raw() + " while agent " +
                     agent().id.raw() + " is expected");
    }
    if (framework().task_of.contains(task.id)) {
      return refusal("Task has duplicate ID: " + task.id.raw());
    }
    if (framework().tasks.size() >= limits::kMaxTasksPerFramework) {
      return refusal("The framework has " + std::to_string(limits::kMaxTasksPerFramework) +
                     " tasks, its limit");
    }
    if (agent().tasks.size() >= limits::kMaxTasksPerAgent) {
      return refusal("Agent " + agent().id.raw() + " has " +
                     std::to_string(limits::kMaxTasksPerAgent) + " tasks, its limit");
    }
    if (task.resources.empty()) return refusal("Task uses no resources");
    const std::string& user = task.user.empty() ? framework().facet->user : task.user;
    if (const Status allowed = authorize(principal, Action::run_task, user); !allowed.ok()) {
      return Refusal{TaskState::error, StatusReason::task_unauthorized, allowed.error().message};
    }
    return std::nullopt;
  }

  std::optional<std::string> invalid_executor(const ExecutorFacet& executor) const {
    if (executor.id.empty()) return "Executor has no ID";
    if (!executor.framework_id.empty() && executor.framework_id != framework().id) {
      return "ExecutorInfo has an invalid FrameworkID (Actual: " + executor.framework_id.raw() +
             " vs Expected: " + framework().id.raw() + ")";
    }
    const auto known = agent().executors.find({framework().id, executor.id});
    if (known != agent().executors.end() && !same_executor(*known->second.facet, executor)) {
      return "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID "
             "'" +
             executor.id.raw() + "'";
    }
    return std::nullopt;
  }

  static bool same_executor(const ExecutorFacet& a, const ExecutorFacet& b) {
    return a.description == b.description && a.resources == b.resources && a.type == b.type;
  }

  // What of the offer it takes: its own resources, and its executor's when that is new here.
  Resources needed(const TaskFacet& task, const ExecutorFacet* executor) const {
    Resources out = task.resources;
    if (executor && !agent().executors.contains({framework().id, executor->id})) {
      out.add(executor->resources);
    }
    return out;
  }

  // They share a container, which the kernel favours as a whole or not at all.
  static std::optional<Refusal> mixed(const Resources& of_container) {
    const auto name = mixed_name(of_container);
    if (!name) return std::nullopt;
    PROBE("master.mixed_task_refused");
    return Refusal{TaskState::error, StatusReason::task_invalid,
                   "Task and executor together use '" + *name +
                       "' both revocable and not: take one kind of it"};
  }

  std::optional<Refusal> overdrawn(const Resources& wanted) const {
    if (left.contains(wanted)) return std::nullopt;
    return Refusal{TaskState::error, StatusReason::task_invalid,
                   "Total resources " + wanted.to_text() +
                       " required by task and its executor is more than available " +
                       left.to_text()};
  }

  void refuse(const TaskFacet& task, const Refusal& refusal) {
    send_to_framework(c, framework(),
                      event::Update{master_status(c, task.id, agent().id, refusal.state,
                                                  refusal.reason, refusal.message)});
  }

  // Shared resources stay on the table: any number of tasks of an accept may use one.
  void take(const Resources& used) {
    const auto& list = used.list();
    const bool shared =
        std::any_of(list.begin(), list.end(), [](const Resource& r) { return r.is_shared(); });
    left.subtract(shared ? used.non_shared() : used);
  }

  ExecutorFacetPtr start_executor(const ExecutorFacet& executor) {
    const auto known = agent().executors.find({framework().id, executor.id});
    if (known != agent().executors.end()) return known->second.facet;
    ExecutorFacet facet = executor;
    facet.framework_id = framework().id;
    take(facet.resources);
    return add_executor(c, agent(), slot, role,
                        std::make_shared<const ExecutorFacet>(std::move(facet)), false)
        .facet;
  }

  TaskFacetPtr start_task(const TaskFacet& task, const ExecutorFacetPtr& executor, LaunchId launch,
                          bool group) {
    auto facet = std::make_shared<const TaskFacet>(task);
    take(facet->resources);
    agent().ledger.use(facet->resources);
    Task row;
    row.framework = slot;
    row.agent = agent_slot;
    row.framework_id = framework().id;
    row.facet = facet;
    row.executor = executor;
    row.launch_id = launch;
    row.role = role;
    row.group = group;
    add_task(c, std::move(row));
    c.publish(change::TaskAdded{framework().id, facet, executor, TaskState::staging, c.stamp.wall,
                                framework().roles[role].shared_name});
    ++launched;
    return facet;
  }

  void launch(const LaunchOperation& operation) {
    std::vector<std::pair<LaunchId, Batch>> batches;
    std::map<ExecutorId, std::size_t> batch_of;  // command tasks: under the empty id
    for (const TaskFacet& task : operation.tasks) {
      const ExecutorFacet* executor = task.executor ? &*task.executor : nullptr;
      std::optional<Refusal> wrong = invalid_task(task);
      if (!wrong && task.has_command == (executor != nullptr)) {
        wrong = Refusal{TaskState::error, StatusReason::task_invalid,
                        "Task should have at least one (but not both) of CommandInfo or "
                        "ExecutorInfo present"};
      }
      if (!wrong && executor) {
        if (const auto reason = invalid_executor(*executor)) {
          wrong = Refusal{TaskState::error, StatusReason::task_invalid, *reason};
        }
      }
      if (!wrong) {
        Resources together = task.resources;
        if (executor) together.add(executor->resources);
        wrong = mixed(together);
      }
      if (!wrong) wrong = overdrawn(needed(task, executor));
      if (wrong) {
        refuse(task, *wrong);
        continue;
      }
      const ExecutorId key = executor ? executor->id : ExecutorId();
      const auto [it, first] = batch_of.try_emplace(key, batches.size());
      if (first) {
        batches.push_back({LaunchId{c.state.epoch, ++c.state.next_launch}, {}});
        if (executor) batches.back().second.executor = start_executor(*executor);
      }
      auto& [id, batch] = batches[it->second];
      batch.tasks.push_back(start_task(task, batch.executor, id, false));
    }
    for (auto& [id, batch] : batches) send(id, std::move(batch));
  }

  std::optional<Refusal> invalid_group(const LaunchGroupOperation& operation) const {
    const auto refusal = [](std::string message) {
      return Refusal{TaskState::error, StatusReason::task_group_invalid, std::move(message)};
    };
    if (const auto reason = invalid_executor(operation.executor)) return refusal(*reason);
    const std::string named = "Executor '" + operation.executor.id.raw() + "'";
    if (!agent().executors.contains({framework().id, operation.executor.id})) {
      for (const char* name : {"cpus", "mem", "disk"}) {
        if (operation.executor.resources.scalar_milli(name) <= 0) {
          return refusal(named + " uses no " + name);
        }
      }
    }
    Resources wanted;
    std::set<TaskId> ids;
    if (!agent().executors.contains({framework().id, operation.executor.id})) {
      wanted.add(operation.executor.resources);
    }
    for (const TaskFacet& task : operation.tasks) {
      if (auto wrong = invalid_task(task)) {
        const bool unauthorized = wrong->reason == StatusReason::task_unauthorized;
        wrong->reason =
            unauthorized ? StatusReason::task_group_unauthorized : StatusReason::task_group_invalid;
        return wrong;
      }
      if (!ids.insert(task.id).second) {
        return refusal("Task has duplicate ID: " + task.id.raw());
      }
      wanted.add(task.resources);
    }
    Resources together = wanted;
    together.add(operation.executor.resources);
    auto wrong = mixed(together);
    if (!wrong) wrong = overdrawn(wanted);
    if (wrong) {
      wrong->reason = StatusReason::task_group_invalid;
      return wrong;
    }
    return std::nullopt;
  }

  void launch(const LaunchGroupOperation& operation) {
    if (operation.tasks.empty()) return;
    if (const auto wrong = invalid_group(operation)) {
      PROBE("master.group_refused");
      for (const TaskFacet& task : operation.tasks) {
        if (!framework().task_of.contains(task.id)) refuse(task, *wrong);
      }
      return;
    }
    const LaunchId id{c.state.epoch, ++c.state.next_launch};
    Batch batch;
    batch.group = true;
    batch.executor = start_executor(operation.executor);
    for (const TaskFacet& task : operation.tasks) {
      batch.tasks.push_back(start_task(task, batch.executor, id, true));
    }
    send(id, std::move(batch));
  }

  void change_resources(const OfferOperation& operation, const ResourceOperation& what) {
    const FrameworkFacet& facet = *framework().facet;
    const OperationScope scope{facet.principal, framework().roles[role].name,
                               facet.capabilities.has(Capabilities::shared_resources)};
    OperationOrder order{{}, framework().id, operation.id, scope.role, what};
    Status begun = authorize(principal, Action::change_resources, scope.role);
    if (begun.ok()) begun = change.begin(std::move(order), scope, left);
    if (begun.ok()) return;
    PROBE("master.operation_refused");
    c.note(Note::Level::warning, "operation.refused",
           {{"framework_id", framework().id.raw()},
            {"type", std::string(name_of(what.type))},
            {"reason", begun.error().message}});
    tell_operation_refused(c, framework(), operation.id, agent().id, OperationState::error,
                           begun.error().message);
  }

  void send(LaunchId id, Batch batch) {
    send_to_agent(
        c, agent(),
        to_agent::Launch{id, framework().facet, std::move(batch.executor), std::move(batch.tasks),
                         batch.group, framework().roles[role].name});
  }
};

}  // namespace

std::size_t launch_operations(Context& c, FrameworkSlot slot, AgentSlot agent_slot,
                              std::uint32_t role, const Principal& principal,
                              const std::vector<OfferOperation>& operations, Resources& left) {
  Launcher launcher{c, slot, agent_slot, role, principal, left, ResourceChange(c, agent_slot)};
  for (const OfferOperation& operation : operations) {
    if (const auto* what = std::get_if<ResourceOperation>(&operation.body)) {
      launcher.change_resources(operation, *what);
      continue;
    }
    launcher.change.flush();
    if (const auto* launch = std::get_if<LaunchOperation>(&operation.body)) {
      launcher.launch(*launch);
    } else if (const auto* group = std::get_if<LaunchGroupOperation>(&operation.body)) {
      launcher.launch(*group);
    }
  }
  launcher.change.flush();
  touch_agent(c, agent_slot);
  return launcher.launched + launcher.change.begun();
}

}  // namespace bourse::master
