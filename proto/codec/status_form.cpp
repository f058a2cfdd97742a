#include "proto/codec/status_form.hpp"

#include <cstring>

#include "model/limits.hpp"
#include "proto/codec/canonical.hpp"
#include "proto/codec/facet_read.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/internal/status.pb.h"
#include "proto/v1/task.pb.h"

namespace bourse::codec {

namespace v1 = mesos::v1;

namespace {

// Ids in a status: an id that is there must be one.
Status check_optional_id(std::string_view id, const FieldPath& at) {
  return id.empty() ? Status() : check_id(id, at);
}

Status check_ids(const TaskStatus& status, const FieldPath& at) {
  if (Status ok = check_id(status.task_id.raw(), at.at("task_id")); !ok) return ok;
  if (Status ok = check_optional_id(status.agent_id.raw(), at.at("agent_id")); !ok) return ok;
  if (Status ok = check_optional_id(status.executor_id.raw(), at.at("executor_id")); !ok) return ok;
  if (status.data.size() > limits::kMaxFrameworkMessageBytes) {
    return Error{ErrorCode::too_large, "'" + at.at("data").text() + "' has " +
                                           std::to_string(status.data.size()) +
                                           " bytes: at most 1048576"};
  }
  return check_text(status.message, limits::kMaxFrameworkMessageBytes, at.at("message"));
}

}  // namespace

Result<Uuid> read_uuid(std::string_view bytes, const FieldPath& at) {
  Uuid out;
  if (bytes.size() != out.bytes.size()) {
    return invalid("'" + at.text() + "' has " + std::to_string(bytes.size()) +
                   " bytes: a uuid has 16");
  }
  std::memcpy(out.bytes.data(), bytes.data(), bytes.size());
  return out;
}

std::string_view bytes_of(const Uuid& uuid) {
  return {reinterpret_cast<const char*>(uuid.bytes.data()), uuid.bytes.size()};
}

Result<TaskState> read_state(std::uint32_t number, const FieldPath& at) {
  if (number >= kTaskStates) {
    return invalid("'" + at.text() + "' is " + std::to_string(number) + ": no such task state");
  }
  return static_cast<TaskState>(number);
}

Result<TaskStatus> read_status(v1::TaskStatus& message, const FieldPath& at) {
  TaskStatus out;
  out.task_id = TaskId(std::move(*message.mutable_task_id()->mutable_value()));
  out.state = static_cast<TaskState>(message.state());
  if (message.has_source()) out.source = static_cast<StatusSource>(message.source());
  if (message.has_reason()) out.reason = static_cast<StatusReason>(message.reason());
  if (message.has_message()) out.message = std::move(*message.mutable_message());
  if (message.has_data()) out.data = std::move(*message.mutable_data());
  if (message.has_agent_id()) {
    out.agent_id = AgentId(std::move(*message.mutable_agent_id()->mutable_value()));
  }
  if (message.has_executor_id()) {
    out.executor_id = ExecutorId(std::move(*message.mutable_executor_id()->mutable_value()));
  }
  if (message.has_healthy()) out.healthy = message.healthy();
  if (message.has_uuid()) {
    Result<Uuid> uuid = read_uuid(message.uuid(), at.at("uuid"));
    if (!uuid) return uuid.error();
    out.uuid = *uuid;
  }
  out.timestamp = wall_from_seconds(message.timestamp());
  if (message.has_unreachable_time()) {
    out.unreachable_time = WallTime{message.unreachable_time().nanoseconds()};
  }
  if (message.has_container_status()) {
    v1::ContainerStatus& container = *message.mutable_container_status();
    if (container.has_container_id()) {
      const v1::ContainerID& id = container.container_id();
      if (Status ok = check_optional_id(id.value(), at.at("container_status")); !ok) {
        return ok.error();
      }
      out.container_id = ContainerId(id.value());
      // A nested container's parents have no field of their own.
      if (!id.has_parent()) container.clear_container_id();
    }
    if (container.has_executor_pid()) {
      out.executor_pid = container.executor_pid();
      container.clear_executor_pid();
    }
    if (container.ByteSizeLong() == 0) message.clear_container_status();
  }
  if (Status ok = check_ids(out, at); !ok) return ok.error();

  message.clear_task_id();
  message.clear_state();
  message.clear_source();
  message.clear_reason();
  message.clear_message();
  message.clear_data();
  message.clear_agent_id();
  message.clear_executor_id();
  message.clear_healthy();
  message.clear_uuid();
  message.clear_timestamp();
  message.clear_unreachable_time();
  if (message.ByteSizeLong() != 0) out.extra = canonical_blob(message);
  return out;
}

void write_status(const TaskStatus& status, v1::TaskStatus& out) {
  if (!status.extra.empty()) (void)parse_bounded(status.extra.bytes(), out);
  out.mutable_task_id()->set_value(status.task_id.raw());
  out.set_state(static_cast<v1::TaskState>(status.state));
  out.set_source(static_cast<v1::TaskStatus::Source>(status.source));
  if (status.reason) out.set_reason(static_cast<v1::TaskStatus::Reason>(*status.reason));
  if (!status.message.empty()) out.set_message(status.message);
  if (!status.data.empty()) out.set_data(status.data);
  if (!status.agent_id.empty()) out.mutable_agent_id()->set_value(status.agent_id.raw());
  if (!status.executor_id.empty()) out.mutable_executor_id()->set_value(status.executor_id.raw());
  if (!status.container_id.empty()) {
    out.mutable_container_status()->mutable_container_id()->set_value(status.container_id.raw());
  }
  if (status.executor_pid) out.mutable_container_status()->set_executor_pid(*status.executor_pid);
  if (status.healthy) out.set_healthy(*status.healthy);
  if (status.uuid) out.set_uuid(std::string(bytes_of(*status.uuid)));
  if (status.timestamp.ns != 0) out.set_timestamp(seconds_from_wall(status.timestamp));
  if (status.unreachable_time) {
    out.mutable_unreachable_time()->set_nanoseconds(status.unreachable_time->ns);
  }
}

Result<TaskStatus> read_record(const internal::StatusRecord& record, const FieldPath& at) {
  TaskStatus out;
  out.task_id = TaskId(record.task_id());
  Result<TaskState> state = read_state(record.state(), at.at("state"));
  if (!state) return state.error();
  out.state = *state;
  if (record.source() > 2) {
    return invalid("'" + at.at("source").text() + "' is " + std::to_string(record.source()) +
                   ": no such source");
  }
  out.source = static_cast<StatusSource>(record.source());
  if (record.has_reason()) {
    if (!v1::TaskStatus::Reason_IsValid(static_cast<int>(record.reason()))) {
      return invalid("'" + at.at("reason").text() + "' is " + std::to_string(record.reason()) +
                     ": no such reason");
    }
    out.reason = static_cast<StatusReason>(record.reason());
  }
  out.message = record.message();
  out.data = record.data();
  out.agent_id = AgentId(record.agent_id());
  out.executor_id = ExecutorId(record.executor_id());
  if (Status ok = check_optional_id(record.container_id(), at.at("container_id")); !ok) {
    return ok.error();
  }
  out.container_id = ContainerId(record.container_id());
  if (record.has_executor_pid()) out.executor_pid = record.executor_pid();
  if (record.has_healthy()) out.healthy = record.healthy();
  if (record.has_uuid()) {
    Result<Uuid> uuid = read_uuid(record.uuid(), at.at("uuid"));
    if (!uuid) return uuid.error();
    out.uuid = *uuid;
  }
  out.timestamp = WallTime{record.timestamp_ns()};
  if (record.has_unreachable_ns()) out.unreachable_time = WallTime{record.unreachable_ns()};
  if (record.has_extra()) {
    v1::TaskStatus extra;
    if (!parse_bounded(record.extra(), extra)) {
      return Error{ErrorCode::corrupt, "'" + at.at("extra").text() + "' is no mesos.v1.TaskStatus"};
    }
    out.extra = Blob(record.extra());
  }
  if (Status ok = check_ids(out, at); !ok) return ok.error();
  return out;
}

void write_record(const TaskStatus& status, internal::StatusRecord& out) {
  out.set_task_id(status.task_id.raw());
  out.set_state(static_cast<std::uint32_t>(status.state));
  out.set_source(static_cast<std::uint32_t>(status.source));
  if (status.reason) out.set_reason(static_cast<std::uint32_t>(*status.reason));
  if (!status.message.empty()) out.set_message(status.message);
  if (!status.data.empty()) out.set_data(status.data);
  if (!status.agent_id.empty()) out.set_agent_id(status.agent_id.raw());
  if (!status.executor_id.empty()) out.set_executor_id(status.executor_id.raw());
  if (!status.container_id.empty()) out.set_container_id(status.container_id.raw());
  if (status.executor_pid) out.set_executor_pid(*status.executor_pid);
  if (status.healthy) out.set_healthy(*status.healthy);
  if (status.uuid) out.set_uuid(bytes_of(*status.uuid).data(), bytes_of(*status.uuid).size());
  out.set_timestamp_ns(status.timestamp.ns);
  if (status.unreachable_time) out.set_unreachable_ns(status.unreachable_time->ns);
  if (!status.extra.empty()) {
    out.set_extra(status.extra.bytes().data(), status.extra.bytes().size());
  }
}

}  // namespace bourse::codec
