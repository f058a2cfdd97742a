#include "proto/codec/description_form.hpp"
#include "proto/codec/facet_read.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/link_frame.hpp"
#include "proto/codec/links.hpp"
#include "proto/codec/operation_form.hpp"
#include "proto/codec/status_form.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/internal/link.pb.h"

namespace bourse::codec {

namespace {

void write_bytes(const Blob& blob, std::string& out) {
  out.assign(blob.bytes());
}

void write_leaked(const to_master::ContainerLeaked& in, internal::ContainerLeaked& out) {
  out.set_framework_id(in.framework_id.raw());
  out.set_executor_id(in.executor_id.raw());
  out.set_resources(resources_bytes(in.resources));
  out.set_resolved(in.resolved);
}

void write_register(const to_master::Register& in, internal::Register& out) {
  write_agent_description(*in.agent, *out.mutable_agent());
  out.set_incarnation(in.incarnation);
  out.set_cluster_id(in.cluster_id);
  out.set_epoch_seen(in.epoch_seen);
  for (const to_master::KnownFramework& known : in.frameworks) {
    write_framework_description(*known.framework, *out.add_frameworks());
  }
  for (const to_master::KnownExecutor& known : in.executors) {
    internal::Register::Executor& made = *out.add_executors();
    made.set_framework_id(known.framework_id.raw());
    write_bytes(description_of(*known.executor), *made.mutable_executor());
    made.set_container_id(known.container_id.raw());
    if (!known.role.empty()) made.set_role(known.role);
  }
  for (const to_master::KnownTask& known : in.tasks) {
    internal::Register::Task& made = *out.add_tasks();
    made.set_framework_id(known.framework_id.raw());
    write_bytes(description_of(*known.task), *made.mutable_task());
    write_launch_number(known.launch_id, *made.mutable_launch());
    made.set_executor_id(known.executor_id.raw());
    if (known.command_task) made.set_command_task(true);
    made.set_state(static_cast<std::uint32_t>(known.state));
    if (known.latest) write_record(*known.latest, *made.mutable_latest());
    if (known.terminal_unacknowledged) made.set_terminal_unacknowledged(true);
    if (!known.role.empty()) made.set_role(known.role);
    if (known.ending) made.set_ending(true);
    if (known.end_settled) made.set_end_settled(true);
  }
  if (in.total) out.set_total(resources_bytes(*in.total));
  for (const to_master::KnownOperation& known : in.operations) {
    internal::Register::Operation& made = *out.add_operations();
    write_operation_order(known.order, *made.mutable_order());
    made.set_state(static_cast<std::uint32_t>(known.state));
    if (known.status_uuid) made.set_status_uuid(std::string(bytes_of(*known.status_uuid)));
    if (!known.message.empty()) made.set_message(known.message);
  }
  if (!in.oversubscribed.empty()) out.set_oversubscribed(resources_bytes(in.oversubscribed));
  for (const to_master::ContainerLeaked& leak : in.leaks) write_leaked(leak, *out.add_leaks());
}

// One overload per kind of message.
struct ToMasterWriter {
  internal::AgentToMaster& out;

  void operator()(const to_master::Register& in) { write_register(in, *out.mutable_register_()); }
  void operator()(const to_master::StatusUpdate& in) {
    internal::StatusUpdate& made = *out.mutable_status_update();
    made.set_framework_id(in.framework_id.raw());
    write_record(in.status, *made.mutable_status());
    made.set_latest_state(static_cast<std::uint32_t>(in.latest_state));
    if (in.end_settled) made.set_end_settled(true);
  }
  void operator()(const to_master::ExecutorExited& in) {
    internal::ExecutorExited& made = *out.mutable_executor_exited();
    made.set_framework_id(in.framework_id.raw());
    made.set_executor_id(in.executor_id.raw());
    made.set_wait_status(in.wait_status);
  }
  void operator()(const to_master::ContainerLeaked& in) {
    write_leaked(in, *out.mutable_container_leaked());
  }
  void operator()(const to_master::ExecutorMessage& in) {
    internal::ExecutorData& made = *out.mutable_executor_message();
    made.set_framework_id(in.framework_id.raw());
    made.set_executor_id(in.executor_id.raw());
    made.set_data(in.data);
  }
  void operator()(const to_master::Heartbeat& in) {
    out.mutable_heartbeat()->set_last_sent(in.last_sent);
  }
  void operator()(const to_master::Leaving&) { out.mutable_leaving(); }
  void operator()(const to_master::OperationOutcomes& in) {
    // An empty list is a body too.
    internal::OperationOutcomes& list = *out.mutable_operation_outcomes();
    for (const to_master::OperationOutcomes::Outcome& one : in.outcomes) {
      internal::OperationOutcome& made = *list.add_outcomes();
      made.set_uuid(std::string(bytes_of(one.uuid)));
      if (one.finished) made.set_finished(true);
      if (one.status_uuid) made.set_status_uuid(std::string(bytes_of(*one.status_uuid)));
      if (!one.message.empty()) made.set_message(one.message);
    }
  }
  void operator()(const to_master::Oversubscribed& in) {
    out.mutable_oversubscribed()->set_total(resources_bytes(in.total));
  }
};

Result<to_master::KnownTask> read_known_task(const internal::Register::Task& message,
                                             const FieldPath& at) {
  to_master::KnownTask out;
  if (Status ok = require_ids({{"register.tasks.framework_id", &message.framework_id()},
                               {"register.tasks.executor_id", &message.executor_id()}});
      !ok) {
    return ok.error();
  }
  out.framework_id = FrameworkId(message.framework_id());
  Result<TaskFacet> task = read_task_bytes(message.task());
  if (!task) return task.error();
  out.task = std::make_shared<const TaskFacet>(std::move(*task));
  out.launch_id = read_launch_number(message.launch());
  out.executor_id = ExecutorId(message.executor_id());
  out.command_task = message.command_task();
  Result<TaskState> state = read_state(message.state(), at.at("state"));
  if (!state) return state.error();
  out.state = *state;
  if (message.has_latest()) {
    Result<TaskStatus> latest = read_record(message.latest(), at.at("latest"));
    if (!latest) return latest.error();
    out.latest = std::move(*latest);
  }
  out.terminal_unacknowledged = message.terminal_unacknowledged();
  if (Status ok = check_held_role(message.role(), at.at("role")); !ok) return ok.error();
  out.role = message.role();
  out.ending = message.ending();
  out.end_settled = message.end_settled();
  return out;
}

Result<std::optional<Uuid>> read_status_uuid(bool there, const std::string& bytes,
                                             const FieldPath& at) {
  if (!there) return std::optional<Uuid>();
  Result<Uuid> uuid = read_uuid(bytes, at);
  if (!uuid) return uuid.error();
  return std::optional<Uuid>(*uuid);
}

Result<to_master::KnownOperation> read_known_operation(const internal::Register::Operation& message,
                                                       const FieldPath& at) {
  to_master::KnownOperation out;
  Result<OperationOrder> order = read_operation_order(message.order(), at.at("order"));
  if (!order) return order.error();
  out.order = std::move(*order);
  if (message.state() < 1 || message.state() > 3) {
    return invalid("'" + at.at("state").text() + "' is " + std::to_string(message.state()) +
                   ": must be 1 (pending), 2 (finished) or 3 (failed)");
  }
  out.state = static_cast<OperationState>(message.state());
  auto uuid =
      read_status_uuid(message.has_status_uuid(), message.status_uuid(), at.at("status_uuid"));
  if (!uuid) return uuid.error();
  out.status_uuid = *uuid;
  out.message = message.message();
  return out;
}

Result<to_master::OperationOutcomes> read_outcomes(const internal::OperationOutcomes& message) {
  const FieldPath at = "operation_outcomes";
  to_master::OperationOutcomes out;
  for (int i = 0; i < message.outcomes_size(); ++i) {
    const internal::OperationOutcome& in = message.outcomes(i);
    const FieldPath here = at.at("outcomes", i);
    Result<Uuid> uuid = read_uuid(in.uuid(), here.at("uuid"));
    if (!uuid) return uuid.error();
    auto status = read_status_uuid(in.has_status_uuid(), in.status_uuid(), here.at("status_uuid"));
    if (!status) return status.error();
    out.outcomes.push_back({*uuid, in.finished(), *status, in.message()});
  }
  return out;
}

Status read_operations(const internal::Register& message, const FieldPath& at,
                       to_master::Register& out) {
  if (message.has_total()) {
    Result<Resources> total = resources_from_bytes(message.total(), at.at("total"));
    if (!total) return total.error();
    out.total = std::move(*total);
  }
  for (int i = 0; i < message.operations_size(); ++i) {
    auto known = read_known_operation(message.operations(i), at.at("operations", i));
    if (!known) return known.error();
    out.operations.push_back(std::move(*known));
  }
  return {};
}

// Plain amounts that may be taken back: nothing else can be lent.
Result<Resources> read_oversubscribed(const std::string& bytes, const FieldPath& at) {
  Result<Resources> resources = resources_from_bytes(bytes, at);
  if (!resources) return resources;
  for (const Resource& resource : resources->list()) {
    const bool plain = resource.kind == Resource::Kind::scalar && !resource.is_reserved() &&
                       !resource.is_shared() && resource.meta && !resource.meta->disk;
    if (plain && resource.is_revocable()) continue;
    return invalid("'" + at.text() + "': " + resource.name +
                   " must be a revocable scalar that is not reserved and no disk");
  }
  return resources;
}

Result<to_master::ContainerLeaked> read_leaked(const internal::ContainerLeaked& message,
                                               const FieldPath& at) {
  to_master::ContainerLeaked out;
  const std::string framework = at.at("framework_id").text();
  const std::string executor = at.at("executor_id").text();
  if (Status ok = require_ids({{framework.c_str(), &message.framework_id()},
                               {executor.c_str(), &message.executor_id()}});
      !ok) {
    return ok.error();
  }
  out.framework_id = FrameworkId(message.framework_id());
  out.executor_id = ExecutorId(message.executor_id());
  Result<Resources> resources = resources_from_bytes(message.resources(), at.at("resources"));
  if (!resources) return resources.error();
  out.resources = std::move(*resources);
  out.resolved = message.resolved();
  return out;
}

Status read_leaks(const internal::Register& message, const FieldPath& at,
                  to_master::Register& out) {
  if (static_cast<std::size_t>(message.leaks_size()) > limits::kMaxExecutorsPerAgent) {
    return Error{ErrorCode::too_large,
                 "'" + at.at("leaks").text() + "' has " + std::to_string(message.leaks_size()) +
                     " entries: at most " + std::to_string(limits::kMaxExecutorsPerAgent)};
  }
  for (int i = 0; i < message.leaks_size(); ++i) {
    const FieldPath here = at.at("leaks", i);
    Result<to_master::ContainerLeaked> leak = read_leaked(message.leaks(i), here);
    if (!leak) return leak.error();
    if (leak->resolved) {
      return invalid("'" + here.at("resolved").text() + "' is true: only what leaks is listed");
    }
    out.leaks.push_back(std::move(*leak));
  }
  return {};
}

Result<to_master::Register> read_register(const internal::Register& message) {
  const FieldPath at = "register";
  to_master::Register out;
  Result<AgentFacet> agent = read_agent_description(message.agent());
  if (!agent) return agent.error();
  out.agent = std::make_shared<const AgentFacet>(std::move(*agent));
  if (message.incarnation() > limits::kMaxIncarnation) {
    return invalid("register.incarnation: " + std::to_string(message.incarnation()) + ": at most " +
                   std::to_string(limits::kMaxIncarnation));
  }
  out.incarnation = message.incarnation();
  if (Status ok = check_text(message.cluster_id(), limits::kMaxIdBytes, at.at("cluster_id")); !ok) {
    return ok.error();
  }
  out.cluster_id = message.cluster_id();
  out.epoch_seen = message.epoch_seen();
  for (const internal::Description& one : message.frameworks()) {
    Result<FrameworkFacet> framework = read_framework_description(one);
    if (!framework) return framework.error();
    out.frameworks.push_back({std::make_shared<const FrameworkFacet>(std::move(*framework))});
  }
  for (const internal::Register::Executor& one : message.executors()) {
    if (Status ok = require_ids({{"register.executors.framework_id", &one.framework_id()}}); !ok) {
      return ok.error();
    }
    Result<ExecutorFacet> executor = read_executor_bytes(one.executor());
    if (!executor) return executor.error();
    if (Status ok = check_held_role(one.role(), "register.executors.role"); !ok) return ok.error();
    out.executors.push_back({FrameworkId(one.framework_id()),
                             std::make_shared<const ExecutorFacet>(std::move(*executor)),
                             ContainerId(one.container_id()), one.role()});
  }
  out.tasks.reserve(static_cast<std::size_t>(message.tasks_size()));
  for (int i = 0; i < message.tasks_size(); ++i) {
    Result<to_master::KnownTask> task = read_known_task(message.tasks(i), at.at("tasks", i));
    if (!task) return task.error();
    out.tasks.push_back(std::move(*task));
  }
  if (Status ok = read_operations(message, at, out); !ok) return ok.error();
  if (message.has_oversubscribed()) {
    auto lent = read_oversubscribed(message.oversubscribed(), at.at("oversubscribed"));
    if (!lent) return lent.error();
    out.oversubscribed = std::move(*lent);
  }
  if (Status ok = read_leaks(message, at, out); !ok) return ok.error();
  return out;
}

Result<to_master::StatusUpdate> read_update(const internal::StatusUpdate& message) {
  to_master::StatusUpdate out;
  if (Status ok = require_ids({{"status_update.framework_id", &message.framework_id()}}); !ok) {
    return ok.error();
  }
  out.framework_id = FrameworkId(message.framework_id());
  Result<TaskStatus> status = read_record(message.status(), "status_update.status");
  if (!status) return status.error();
  out.status = std::move(*status);
  Result<TaskState> latest = read_state(message.latest_state(), "status_update.latest_state");
  if (!latest) return latest.error();
  out.latest_state = *latest;
  out.end_settled = message.end_settled();
  return out;
}

Result<to_master::Oversubscribed> read_lent(const internal::Oversubscribed& message) {
  Result<Resources> total = read_oversubscribed(message.total(), "oversubscribed.total");
  if (!total) return total.error();
  return to_master::Oversubscribed{std::move(*total)};
}

template <typename T>
Status put(Result<T> body, AgentToMaster& out) {
  if (!body) return body.error();
  out.body = std::move(*body);
  return {};
}

Status read_message(internal::AgentToMaster& message, AgentToMaster& out) {
  switch (message.body_case()) {
    case internal::AgentToMaster::kRegister:
      return put(read_register(message.register_()), out);
    case internal::AgentToMaster::kStatusUpdate:
      return put(read_update(message.status_update()), out);
    case internal::AgentToMaster::kExecutorExited: {
      const internal::ExecutorExited& in = message.executor_exited();
      if (Status ok = require_ids({{"executor_exited.framework_id", &in.framework_id()},
                                   {"executor_exited.executor_id", &in.executor_id()}});
          !ok) {
        return ok;
      }
      out.body = to_master::ExecutorExited{FrameworkId(in.framework_id()),
                                           ExecutorId(in.executor_id()), in.wait_status()};
      return {};
    }
    case internal::AgentToMaster::kContainerLeaked:
      return put(read_leaked(message.container_leaked(), "container_leaked"), out);
    case internal::AgentToMaster::kExecutorMessage: {
      internal::ExecutorData& in = *message.mutable_executor_message();
      if (Status ok = require_ids({{"executor_message.framework_id", &in.framework_id()},
                                   {"executor_message.executor_id", &in.executor_id()}});
          !ok) {
        return ok;
      }
      if (in.data().size() > limits::kMaxFrameworkMessageBytes) {
        return Error{ErrorCode::too_large, "'executor_message.data' has " +
                                               std::to_string(in.data().size()) +
                                               " bytes: at most 1048576"};
      }
      out.body =
          to_master::ExecutorMessage{FrameworkId(in.framework_id()), ExecutorId(in.executor_id()),
                                     std::move(*in.mutable_data())};
      return {};
    }
    case internal::AgentToMaster::kHeartbeat:
      out.body = to_master::Heartbeat{message.heartbeat().last_sent()};
      return {};
    case internal::AgentToMaster::kLeaving:
      out.body = to_master::Leaving{};
      return {};
    case internal::AgentToMaster::kOperationOutcomes:
      return put(read_outcomes(message.operation_outcomes()), out);
    case internal::AgentToMaster::kOversubscribed:
      return put(read_lent(message.oversubscribed()), out);
    case internal::AgentToMaster::BODY_NOT_SET:
      break;
  }
  return invalid("message from an agent of a kind that this build does not know");
}

}  // namespace

std::size_t append_agent_to_master(const AgentToMaster& message, std::string& batch) {
  thread_local internal::AgentToMaster out;
  write_header(message.header, out);
  std::visit(ToMasterWriter{out}, message.body);
  const std::size_t bytes = append_message(out, batch);
  recycle(out, bytes);
  return bytes;
}

Result<AgentToMaster> decode_agent_to_master(std::string_view frame) {
  thread_local internal::AgentToMaster message;
  AgentToMaster out;
  if (Status ok = parse_frame(frame, message, "message from an agent"); !ok) return ok.error();
  out.header = read_header(message);
  if (Status ok = read_message(message, out); !ok) return ok.error();
  return out;
}

}  // namespace bourse::codec
