#include "proto/codec/task_row.hpp"

#include "proto/codec/facet_write.hpp"
#include "proto/v1/task.pb.h"

namespace bourse::codec {

namespace v1 = mesos::v1;

void write_task_row(const TaskRowParts& parts, v1::Task& out) {
  v1::TaskInfo info;
  write_task(parts.task, info);
  out.set_name(parts.task.name);
  out.mutable_task_id()->set_value(parts.task.id.raw());
  out.mutable_framework_id()->set_value(parts.framework_id.raw());
  if (parts.executor_id != nullptr) out.mutable_executor_id()->set_value(parts.executor_id->raw());
  out.mutable_agent_id()->set_value(parts.task.agent_id.raw());
  out.set_state(static_cast<v1::TaskState>(parts.state));
  // As they are where a framework that knows everything would read them.
  write_resources(parts.task.resources, {true, parts.role, false}, *out.mutable_resources());
  for (const TaskStatus* status : parts.statuses) write_status(*status, *out.add_statuses());
  if (!parts.statuses.empty()) {
    const TaskStatus& newest = *parts.statuses.back();
    out.set_status_update_state(static_cast<v1::TaskState>(newest.state));
    if (newest.uuid) {
      out.set_status_update_uuid(newest.uuid->bytes.data(), newest.uuid->bytes.size());
    }
  }
  if (info.has_labels()) *out.mutable_labels() = info.labels();
  if (info.has_discovery()) *out.mutable_discovery() = info.discovery();
  if (info.has_container()) *out.mutable_container() = info.container();
  if (info.has_health_check()) *out.mutable_health_check() = info.health_check();
  if (info.has_kill_policy()) *out.mutable_kill_policy() = info.kill_policy();
  if (!parts.task.user.empty()) out.set_user(parts.task.user);
}

}  // namespace bourse::codec
