#include "agent/shell/operator_reads.hpp"

#include "proto/codec/facet_write.hpp"
#include "proto/codec/operation_form.hpp"
#include "proto/codec/task_row.hpp"
#include "proto/v1/agent_call.pb.h"
#include "proto/v1/agent_response.pb.h"

namespace bourse::agent {

namespace {

using mesos::v1::agent::Call;
using mesos::v1::agent::Response;

mesos::v1::Task& list_for(const Task& task, Response::GetTasks& out) {
  switch (task.phase) {
    case TaskPhase::storing:
      return *out.add_pending_tasks();
    case TaskPhase::queued:
      return *out.add_queued_tasks();
    case TaskPhase::delivered:
      return *out.add_launched_tasks();
    case TaskPhase::ended:
      break;
  }
  return *out.add_terminated_tasks();
}

void fill_tasks(const AgentState& state, Response::GetTasks& out) {
  for (const auto& [key, task] : state.tasks) {
    codec::TaskRowParts parts{*task.facet, key.first, nullptr, task.role, task.state, {}};
    const auto executor = state.executors.find({key.first, task.executor_id});
    const bool own = executor != state.executors.end() && !executor->second.command_task;
    if (own) parts.executor_id = &task.executor_id;
    if (task.latest) parts.statuses.push_back(&*task.latest);
    codec::write_task_row(parts, list_for(task, out));
  }
}

void fill_executors(const AgentState& state, Response::GetExecutors& out) {
  for (const auto& [key, executor] : state.executors) {
    const bool over = executor.phase == ExecutorPhase::exited;
    auto& row = over ? *out.add_completed_executors() : *out.add_executors();
    auto& info = *row.mutable_executor_info();
    codec::write_executor(*executor.facet, info);
    info.mutable_framework_id()->set_value(key.first.raw());
    codec::hold_in(executor.role, *info.mutable_resources());
  }
}

void fill_frameworks(const AgentState& state, Response::GetFrameworks& out) {
  for (const auto& [id, framework] : state.frameworks) {
    auto& row = framework.shutting_down ? *out.add_completed_frameworks() : *out.add_frameworks();
    codec::write_framework(*framework.facet, *row.mutable_framework_info());
  }
}

OperationState state_of(const Operation& operation) {
  if (operation.phase == OperationPhase::finished) return OperationState::finished;
  if (operation.phase == OperationPhase::failed) return OperationState::failed;
  return OperationState::pending;
}

void fill_operations(const AgentState& state, Response::GetOperations& out) {
  for (const auto& [uuid, operation] : state.operations) {
    auto& row = *out.add_operations();
    const OperationOrder& order = operation.order;
    if (!order.framework_id.empty()) {
      row.mutable_framework_id()->set_value(order.framework_id.raw());
    }
    row.mutable_agent_id()->set_value(state.identity->id.raw());
    codec::write_operation_info(order, *row.mutable_info());
    const OperationStatus status{order.id, state_of(operation), operation.message,
                                 operation.status_uuid, state.identity->id};
    codec::write_operation_status(status, *row.mutable_latest_status());
    *row.add_statuses() = row.latest_status();
    row.mutable_uuid()->set_value(uuid.bytes.data(), uuid.bytes.size());
  }
}

}  // namespace

bool answer_read(const AgentState& state, const Call& call, Response& out) {
  switch (call.type()) {
    case Call::GET_STATE:
      fill_tasks(state, *out.mutable_get_state()->mutable_get_tasks());
      fill_executors(state, *out.mutable_get_state()->mutable_get_executors());
      fill_frameworks(state, *out.mutable_get_state()->mutable_get_frameworks());
      break;
    case Call::GET_TASKS:
      fill_tasks(state, *out.mutable_get_tasks());
      break;
    case Call::GET_EXECUTORS:
      fill_executors(state, *out.mutable_get_executors());
      break;
    case Call::GET_FRAMEWORKS:
      fill_frameworks(state, *out.mutable_get_frameworks());
      break;
    case Call::GET_OPERATIONS:
      fill_operations(state, *out.mutable_get_operations());
      break;
    case Call::GET_AGENT:
      codec::write_agent(*state.identity, *out.mutable_get_agent()->mutable_agent_info());
      break;
    case Call::GET_RESOURCE_PROVIDERS:  // there are none
      out.mutable_get_resource_providers();
      break;
    default:
      return false;
  }
  // Calls and answers of one name have one number.
  Response::Type type = Response::UNKNOWN;
  Response::Type_Parse(Call::Type_Name(call.type()), &type);
  out.set_type(type);
  return true;
}

}  // namespace bourse::agent
