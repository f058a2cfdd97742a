#include "model/limits.hpp"
#include "proto/codec/description_form.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/operation_form.hpp"
#include "proto/codec/record_form.hpp"
#include "proto/codec/records.hpp"
#include "proto/codec/status_form.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/internal/checkpoint.pb.h"

namespace bourse::codec {

namespace {

namespace message = internal::checkpoint;

constexpr const char* kWhat = "checkpoint record";

// One overload per kind of record.
struct Sealer {
  std::size_t kind;

  std::string operator()(const checkpoint::Identity& in) const {
    message::Identity out;
    write_agent_description(in.agent, *out.mutable_agent());
    out.set_cluster_id(in.cluster_id);
    out.set_epoch(in.epoch);
    out.set_boot_id(in.boot_id);
    return seal_record(kind, out);
  }
  std::string operator()(const checkpoint::FrameworkSeen& in) const {
    message::FrameworkSeen out;
    write_framework_description(in.framework, *out.mutable_framework());
    return seal_record(kind, out);
  }
  std::string operator()(const checkpoint::ExecutorLaunched& in) const {
    message::ExecutorLaunched out;
    out.set_framework_id(in.framework_id.raw());
    out.mutable_executor()->assign(description_of(in.executor).bytes());
    if (in.command_task) out.set_command_task(true);
    out.set_container_id(in.container_id.raw());
    out.set_token(in.token);
    if (!in.role.empty()) out.set_role(in.role);
    return seal_record(kind, out);
  }
  std::string operator()(const checkpoint::TaskLaunched& in) const {
    message::TaskLaunched out;
    out.set_framework_id(in.framework_id.raw());
    out.set_executor_id(in.executor_id.raw());
    out.mutable_task()->assign(description_of(in.task).bytes());
    write_launch_number(in.launch_id, *out.mutable_launch());
    if (in.group) out.set_group(true);
    if (in.launched_at.ns != 0) out.set_launched_at_ns(in.launched_at.ns);
    if (!in.role.empty()) out.set_role(in.role);
    return seal_record(kind, out);
  }
  std::string operator()(const checkpoint::UpdateStored& in) const {
    message::UpdateStored out;
    out.set_framework_id(in.framework_id.raw());
    write_record(in.status, *out.mutable_status());
    return seal_record(kind, out);
  }
  std::string operator()(const checkpoint::UpdateAcknowledged& in) const {
    message::TaskMark out = task_mark(in.framework_id, in.task_id);
    out.set_uuid(std::string(bytes_of(in.uuid)));
    return seal_record(kind, out);
  }
  std::string operator()(const checkpoint::TaskForgotten& in) const {
    return seal_record(kind, task_mark(in.framework_id, in.task_id));
  }
  std::string operator()(const checkpoint::ExecutorForgotten& in) const {
    message::ExecutorMark out;
    out.set_framework_id(in.framework_id.raw());
    out.set_executor_id(in.executor_id.raw());
    return seal_record(kind, out);
  }
  std::string operator()(const checkpoint::KillRequested& in) const {
    message::TaskMark out = task_mark(in.framework_id, in.task_id);
    if (in.cause != KillCause::unsaid) out.set_cause(static_cast<std::uint32_t>(in.cause));
    return seal_record(kind, out);
  }
  std::string operator()(const checkpoint::LifeBegun& in) const {
    message::LifeBegun out;
    out.set_incarnation(in.incarnation);
    out.set_boot_id(in.boot_id);
    return seal_record(kind, out);
  }
  std::string operator()(const checkpoint::OperationApplied& in) const {
    message::OperationApplied out;
    write_operation_order(in.order, *out.mutable_order());
    if (in.status_uuid) out.set_status_uuid(std::string(bytes_of(*in.status_uuid)));
    if (in.counted) out.set_counted(true);
    return seal_record(kind, out);
  }
  std::string operator()(const checkpoint::OperationForgotten& in) const {
    message::OperationForgotten out;
    out.set_uuid(std::string(bytes_of(in.uuid)));
    return seal_record(kind, out);
  }
  std::string operator()(const checkpoint::ResourcesConverted& in) const {
    message::ResourcesConverted out;
    out.set_taken(resources_bytes(in.net.taken));
    out.set_made(resources_bytes(in.net.made));
    return seal_record(kind, out);
  }
  std::string operator()(const checkpoint::ContainerLeaked& in) const {
    message::ContainerLeaked out;
    out.set_framework_id(in.framework_id.raw());
    out.set_executor_id(in.executor_id.raw());
    out.set_container_id(in.container_id.raw());
    out.set_withheld(resources_bytes(in.withheld));
    return seal_record(kind, out);
  }
  std::string operator()(const checkpoint::OperationFailed& in) const {
    message::OperationFailed out;
    write_operation_order(in.order, *out.mutable_order());
    out.set_status_uuid(std::string(bytes_of(in.status_uuid)));
    out.set_message(in.message);
    return seal_record(kind, out);
  }

 private:
  static message::TaskMark task_mark(const FrameworkId& framework_id, const TaskId& task_id) {
    message::TaskMark out;
    out.set_framework_id(framework_id.raw());
    out.set_task_id(task_id.raw());
    return out;
  }
};

Result<CheckpointRecord> read_identity(std::string_view payload) {
  message::Identity in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  Result<AgentFacet> agent = read_agent_description(in.agent());
  if (!agent) return agent.error();
  return CheckpointRecord(
      checkpoint::Identity{std::move(*agent), in.cluster_id(), in.epoch(), in.boot_id()});
}

Result<CheckpointRecord> read_framework_seen(std::string_view payload) {
  message::FrameworkSeen in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  Result<FrameworkFacet> framework = read_framework_description(in.framework());
  if (!framework) return framework.error();
  return CheckpointRecord(checkpoint::FrameworkSeen{std::move(*framework)});
}

Result<CheckpointRecord> read_executor_launched(std::string_view payload) {
  message::ExecutorLaunched in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  if (Status ok =
          require_ids({{"framework_id", &in.framework_id()}, {"container_id", &in.container_id()}});
      !ok) {
    return ok.error();
  }
  Result<ExecutorFacet> executor = read_executor_bytes(in.executor());
  if (!executor) return executor.error();
  if (Status ok = check_held_role(in.role(), "role"); !ok) return ok.error();
  return CheckpointRecord(checkpoint::ExecutorLaunched{
      FrameworkId(in.framework_id()), std::move(*executor), in.command_task(),
      ContainerId(in.container_id()), in.token(), in.role()});
}

Result<CheckpointRecord> read_task_launched(std::string_view payload) {
  message::TaskLaunched in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  if (Status ok =
          require_ids({{"framework_id", &in.framework_id()}, {"executor_id", &in.executor_id()}});
      !ok) {
    return ok.error();
  }
  Result<TaskFacet> task = read_task_bytes(in.task());
  if (!task) return task.error();
  if (Status ok = check_held_role(in.role(), "role"); !ok) return ok.error();
  return CheckpointRecord(checkpoint::TaskLaunched{
      FrameworkId(in.framework_id()), ExecutorId(in.executor_id()), std::move(*task),
      read_launch_number(in.launch()), in.group(), WallTime{in.launched_at_ns()}, in.role()});
}

Result<CheckpointRecord> read_update(std::string_view payload) {
  message::UpdateStored in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  if (Status ok = require_ids({{"framework_id", &in.framework_id()}}); !ok) return ok.error();
  Result<TaskStatus> status = read_record(in.status(), "status");
  if (!status) return status.error();
  return CheckpointRecord(
      checkpoint::UpdateStored{FrameworkId(in.framework_id()), std::move(*status)});
}

Result<CheckpointRecord> read_task_mark(std::string_view payload, std::uint8_t kind) {
  message::TaskMark in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  if (Status ok = require_ids({{"framework_id", &in.framework_id()}, {"task_id", &in.task_id()}});
      !ok) {
    return ok.error();
  }
  const FrameworkId framework_id(in.framework_id());
  const TaskId task_id(in.task_id());
  if (kind == 7) return CheckpointRecord(checkpoint::TaskForgotten{framework_id, task_id});
  if (kind == 9) {
    return CheckpointRecord(
        checkpoint::KillRequested{framework_id, task_id, kill_cause_from(in.cause())});
  }
  Result<Uuid> uuid = read_uuid(in.uuid(), "uuid");
  if (!uuid) return uuid.error();
  return CheckpointRecord(checkpoint::UpdateAcknowledged{framework_id, task_id, *uuid});
}

Result<CheckpointRecord> read_executor_mark(std::string_view payload) {
  message::ExecutorMark in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  if (Status ok =
          require_ids({{"framework_id", &in.framework_id()}, {"executor_id", &in.executor_id()}});
      !ok) {
    return ok.error();
  }
  return CheckpointRecord(
      checkpoint::ExecutorForgotten{FrameworkId(in.framework_id()), ExecutorId(in.executor_id())});
}

Result<CheckpointRecord> read_life(std::string_view payload) {
  message::LifeBegun in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  return CheckpointRecord(checkpoint::LifeBegun{in.incarnation(), in.boot_id()});
}

Result<CheckpointRecord> read_operation_applied(std::string_view payload) {
  message::OperationApplied in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  Result<OperationOrder> order = read_operation_order(in.order(), "order");
  if (!order) return order.error();
  checkpoint::OperationApplied out{std::move(*order), std::nullopt, in.counted()};
  if (!in.has_status_uuid()) return CheckpointRecord(std::move(out));
  Result<Uuid> uuid = read_uuid(in.status_uuid(), "status_uuid");
  if (!uuid) return uuid.error();
  out.status_uuid = *uuid;
  return CheckpointRecord(std::move(out));
}

Result<CheckpointRecord> read_operation_forgotten(std::string_view payload) {
  message::OperationForgotten in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  Result<Uuid> uuid = read_uuid(in.uuid(), "uuid");
  if (!uuid) return uuid.error();
  return CheckpointRecord(checkpoint::OperationForgotten{*uuid});
}

Result<CheckpointRecord> read_converted(std::string_view payload) {
  message::ResourcesConverted in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  Result<Resources> taken = resources_from_bytes(in.taken(), "taken");
  if (!taken) return taken.error();
  Result<Resources> made = resources_from_bytes(in.made(), "made");
  if (!made) return made.error();
  return CheckpointRecord(checkpoint::ResourcesConverted{{std::move(*taken), std::move(*made)}});
}

Result<CheckpointRecord> read_leaked(std::string_view payload) {
  message::ContainerLeaked in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  if (Status ok = require_ids({{"framework_id", &in.framework_id()},
                               {"executor_id", &in.executor_id()},
                               {"container_id", &in.container_id()}});
      !ok) {
    return ok.error();
  }
  Result<Resources> withheld = resources_from_bytes(in.withheld(), "withheld");
  if (!withheld) return withheld.error();
  return CheckpointRecord(
      checkpoint::ContainerLeaked{FrameworkId(in.framework_id()), ExecutorId(in.executor_id()),
                                  ContainerId(in.container_id()), std::move(*withheld)});
}

Result<CheckpointRecord> read_operation_failed(std::string_view payload) {
  message::OperationFailed in;
  if (Status ok = parse_payload(payload, in); !ok) return ok.error();
  Result<OperationOrder> order = read_operation_order(in.order(), "order");
  if (!order) return order.error();
  Result<Uuid> uuid = read_uuid(in.status_uuid(), "status_uuid");
  if (!uuid) return uuid.error();
  return CheckpointRecord(checkpoint::OperationFailed{std::move(*order), *uuid, in.message()});
}

}  // namespace

std::string encode_checkpoint_record(const CheckpointRecord& record) {
  return std::visit(Sealer{record.index() + 1}, record);
}

Result<CheckpointRecord> decode_checkpoint_record(std::string_view record) {
  Result<RecordBody> body = open_record(record, kWhat);
  if (!body) return body.error();
  switch (body->kind) {
    case 1:
      return read_identity(body->payload);
    case 2:
      return read_framework_seen(body->payload);
    case 3:
      return read_executor_launched(body->payload);
    case 4:
      return read_task_launched(body->payload);
    case 5:
      return read_update(body->payload);
    case 6:
    case 7:
    case 9:
      return read_task_mark(body->payload, body->kind);
    case 8:
      return read_executor_mark(body->payload);
    case 10:
      return read_life(body->payload);
    case 11:
      return read_operation_applied(body->payload);
    case 12:
      return read_operation_forgotten(body->payload);
    case 13:
      return read_converted(body->payload);
    case 14:
      return read_leaked(body->payload);
    case 15:
      return read_operation_failed(body->payload);
    default:
      return unknown_kind(body->kind, kWhat);
  }
}

}  // namespace bourse::codec
