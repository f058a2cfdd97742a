// The life of a task as a table that master, agent and SDK share. Numbers are the wire's.
// "No such task" is a row of the table, not an exception. Pure, constexpr.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bourse {

enum class TaskState : std::uint8_t {
  starting = 0,
  running = 1,
  finished = 2,
  failed = 3,
  killed = 4,
  lost = 5,  // to frameworks that are not partition aware, for the five states below unreachable
  staging = 6,
  error = 7,
  killing = 8,
  dropped = 9,
  unreachable = 10,
  gone = 11,
  gone_by_operator = 12,
  unknown = 13,
};
inline constexpr std::size_t kTaskStates = 14;

// Wire name ("TASK_RUNNING") and back.
std::string_view name_of(TaskState state);
std::optional<TaskState> task_state_from(std::string_view name);

// A task in such a state never runs again and holds no resources. unreachable is not terminal: the
// agent may return with it. unknown is only ever said by a master, of what it has forgotten.
constexpr bool is_terminal(TaskState state) {
  switch (state) {
    case TaskState::finished:
    case TaskState::failed:
    case TaskState::killed:
    case TaskState::lost:
    case TaskState::error:
    case TaskState::dropped:
    case TaskState::gone:
    case TaskState::gone_by_operator:
      return true;
    default:
      return false;
  }
}

enum class Transition : std::uint8_t {
  legal,       // apply it
  repeat,      // same state again: keep the newer details (health, message), nothing else changes
  impossible,  // a bug or a liar: refuse, change nothing
};

// What an update to `to` means for a task in `from` (nullopt: no such task).
constexpr Transition classify(std::optional<TaskState> from, TaskState to) {
  if (!from) return to == TaskState::staging ? Transition::legal : Transition::impossible;
  if (to == TaskState::unknown) return Transition::impossible;
  if (*from == to) return Transition::repeat;
  if (is_terminal(*from)) return Transition::impossible;  // terminal is final
  if (is_terminal(to)) return Transition::legal;
  if (to == TaskState::unreachable) return Transition::legal;
  if (*from == TaskState::unreachable) return Transition::legal;  // it came back as whatever it is
  switch (to) {
    case TaskState::staging:
      return Transition::impossible;
    case TaskState::starting:
      return *from == TaskState::staging ? Transition::legal : Transition::impossible;
    case TaskState::running:
      return *from == TaskState::killing ? Transition::impossible : Transition::legal;
    case TaskState::killing:
      return Transition::legal;
    default:
      return Transition::impossible;
  }
}

// Who said it and why: numbers of the wire.
enum class StatusSource : std::uint8_t { master = 0, agent = 1, executor = 2 };
enum class StatusReason : std::uint8_t {
  command_executor_failed = 0,
  executor_terminated = 1,
  executor_unregistered = 2,
  framework_removed = 3,
  gc_error = 4,
  invalid_frameworkid = 5,
  invalid_offers = 6,
  master_disconnected = 7,
  container_limitation_memory = 8,
  reconciliation = 9,
  agent_disconnected = 10,
  agent_removed = 11,
  agent_restarted = 12,
  agent_unknown = 13,
  task_invalid = 14,
  task_unauthorized = 15,
  task_unknown = 16,
  container_preempted = 17,
  resources_unknown = 18,
  container_limitation = 19,
  container_limitation_disk = 20,
  container_launch_failed = 21,
  container_update_failed = 22,
  executor_registration_timeout = 23,
  executor_reregistration_timeout = 24,
  task_group_invalid = 25,
  task_group_unauthorized = 26,
  io_switchboard_exited = 27,
  task_check_status_updated = 28,
  task_health_check_status_updated = 29,
  task_killed_during_launch = 30,
  agent_removed_by_operator = 31,
  agent_reregistered = 32,
  max_completion_time_reached = 33,
  agent_draining = 34,
};

// Wire name ("REASON_TASK_INVALID").
std::string_view name_of(StatusReason reason);
std::string_view name_of(StatusSource source);

}  // namespace bourse
