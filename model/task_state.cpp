#include "model/task_state.hpp"

namespace bourse {

namespace {
constexpr std::array<std::string_view, kTaskStates> kNames = {
    "TASK_STARTING",         "TASK_RUNNING", "TASK_FINISHED",    "TASK_FAILED",
    "TASK_KILLED",           "TASK_LOST",    "TASK_STAGING",     "TASK_ERROR",
    "TASK_KILLING",          "TASK_DROPPED", "TASK_UNREACHABLE", "TASK_GONE",
    "TASK_GONE_BY_OPERATOR", "TASK_UNKNOWN",
};
}  // namespace

std::string_view name_of(TaskState state) {
  return kNames[static_cast<std::size_t>(state)];
}

std::optional<TaskState> task_state_from(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<TaskState>(i);
  }
  return std::nullopt;
}

std::string_view name_of(StatusSource source) {
  switch (source) {
    case StatusSource::master:
      return "SOURCE_MASTER";
    case StatusSource::agent:
      return "SOURCE_AGENT";
    case StatusSource::executor:
      return "SOURCE_EXECUTOR";
  }
  return "SOURCE_MASTER";
}

std::string_view name_of(StatusReason reason) {
  switch (reason) {
    case StatusReason::command_executor_failed:
      return "REASON_COMMAND_EXECUTOR_FAILED";
    case StatusReason::executor_terminated:
      return "REASON_EXECUTOR_TERMINATED";
    case StatusReason::executor_unregistered:
      return "REASON_EXECUTOR_UNREGISTERED";
    case StatusReason::framework_removed:
      return "REASON_FRAMEWORK_REMOVED";
    case StatusReason::gc_error:
      return "REASON_GC_ERROR";
    case StatusReason::invalid_frameworkid:
      return "REASON_INVALID_FRAMEWORKID";
    case StatusReason::invalid_offers:
      return "REASON_INVALID_OFFERS";
    case StatusReason::master_disconnected:
      return "REASON_MASTER_DISCONNECTED";
    case StatusReason::container_limitation_memory:
      return "REASON_CONTAINER_LIMITATION_MEMORY";
    case StatusReason::reconciliation:
      return "REASON_RECONCILIATION";
    case StatusReason::agent_disconnected:
      return "REASON_AGENT_DISCONNECTED";
    case StatusReason::agent_removed:
      return "REASON_AGENT_REMOVED";
    case StatusReason::agent_restarted:
      return "REASON_AGENT_RESTARTED";
    case StatusReason::agent_unknown:
      return "REASON_AGENT_UNKNOWN";
    case StatusReason::task_invalid:
      return "REASON_TASK_INVALID";
    case StatusReason::task_unauthorized:
      return "REASON_TASK_UNAUTHORIZED";
    case StatusReason::task_unknown:
      return "REASON_TASK_UNKNOWN";
    case StatusReason::container_preempted:
      return "REASON_CONTAINER_PREEMPTED";
    case StatusReason::resources_unknown:
      return "REASON_RESOURCES_UNKNOWN";
    case StatusReason::container_limitation:
      return "REASON_CONTAINER_LIMITATION";
    case StatusReason::container_limitation_disk:
      return "REASON_CONTAINER_LIMITATION_DISK";
    case StatusReason::container_launch_failed:
      return "REASON_CONTAINER_LAUNCH_FAILED";
    case StatusReason::container_update_failed:
      return "REASON_CONTAINER_UPDATE_FAILED";
    case StatusReason::executor_registration_timeout:
      return "REASON_EXECUTOR_REGISTRATION_TIMEOUT";
    case StatusReason::executor_reregistration_timeout:
      return "REASON_EXECUTOR_REREGISTRATION_TIMEOUT";
    case StatusReason::task_group_invalid:
      return "REASON_TASK_GROUP_INVALID";
    case StatusReason::task_group_unauthorized:
      return "REASON_TASK_GROUP_UNAUTHORIZED";
    case StatusReason::io_switchboard_exited:
      return "REASON_IO_SWITCHBOARD_EXITED";
    case StatusReason::task_check_status_updated:
      return "REASON_TASK_CHECK_STATUS_UPDATED";
    case StatusReason::task_health_check_status_updated:
      return "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED";
    case StatusReason::task_killed_during_launch:
      return "REASON_TASK_KILLED_DURING_LAUNCH";
    case StatusReason::agent_removed_by_operator:
      return "REASON_AGENT_REMOVED_BY_OPERATOR";
    case StatusReason::agent_reregistered:
      return "REASON_AGENT_REREGISTERED";
    case StatusReason::max_completion_time_reached:
      return "REASON_MAX_COMPLETION_TIME_REACHED";
    case StatusReason::agent_draining:
      return "REASON_AGENT_DRAINING";
  }
  return "REASON_COMMAND_EXECUTOR_FAILED";
}

}  // namespace bourse
