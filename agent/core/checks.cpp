// What checks say of a command task: told to its framework when it changes, in the stream of its
// updates. A task that is ended for its health is ended by its own supervisor, which asks nobody.
#include "agent/core/context.hpp"

namespace bourse::agent {

namespace {

// More than these are not queued behind an update that nobody acknowledges: what is known then is
// told when there is room, and what it was in between is of no use any more.
constexpr std::size_t kMostUntold = 4;

}  // namespace

void tell_checks(Context& c, const TaskKey& key) {
  const Task& task = c.state.tasks.at(key);
  if (task.state != TaskState::running || !task.latest) return;
  if (task.pending.size() >= kMostUntold) return;
  const bool other_health = task.healthy && task.latest->healthy != task.healthy;
  const bool other_value = !task.checked.empty() && task.latest->extra != task.checked;
  if (!other_health && !other_value) return;
  TaskStatus status = status_for(c, key, TaskState::running, other_health ? task.health_note : "",
                                 other_health ? StatusReason::task_health_check_status_updated
                                              : StatusReason::task_check_status_updated,
                                 StatusSource::executor);
  store_update(c, key, std::move(status));
}

void on_task_checked(Context& c, const TaskChecked& event) {
  const auto found = c.state.by_container.find(event.container_id);
  if (found == c.state.by_container.end()) return;
  const Executor& executor = c.state.executors.at(found->second);
  if (!executor.command_task || executor.tasks.empty()) return;
  const TaskKey key{found->second.first, *executor.tasks.begin()};
  Task& task = c.state.tasks.at(key);
  if (task.phase == TaskPhase::ended) return;
  task.checked = event.extra;
  if (event.healthy) task.healthy = event.healthy;
  task.health_note =
      event.healthy == false
          ? "its health check failed" +
                (event.failures > 1 ? " " + std::to_string(event.failures) + " times in a row"
                                    : std::string())
          : "";
  tell_checks(c, key);
  const Framework& framework = c.state.frameworks.at(key.first);
  if (!event.ends || task.state != TaskState::running) return;
  if (!framework.facet->capabilities.has(Capabilities::task_killing_state)) return;
  TaskStatus status = status_for(c, key, TaskState::killing, task.health_note, std::nullopt,
                                 StatusSource::executor);
  status.healthy = false;
  store_update(c, key, std::move(status));
}

}  // namespace bourse::agent
