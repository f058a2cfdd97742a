#include "model/limits.hpp"
#include "proto/codec/description_form.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/link_frame.hpp"
#include "proto/codec/links.hpp"
#include "proto/codec/operation_form.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/codec/status_form.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/internal/link.pb.h"

namespace bourse::codec {

namespace {

constexpr Duration kLeastInterval = Duration::milliseconds(1);
constexpr Duration kMostInterval = limits::kMaxRefuse;  // a year

// One overload per kind of message.
struct ToAgentWriter {
  internal::MasterToAgent& out;

  void operator()(const to_agent::Registered& in) {
    internal::Registered& made = *out.mutable_registered();
    made.set_agent_id(in.agent_id.raw());
    made.set_cluster_id(in.cluster_id);
    made.set_heartbeat_interval_ns(in.heartbeat_interval.ns);
    made.set_silence_timeout_ns(in.silence_timeout.ns);
  }
  void operator()(const to_agent::Refused& in) {
    out.mutable_refused()->set_reason(in.reason);
    out.mutable_refused()->set_retry_after_ns(in.retry_after.ns);
    if (in.forget_identity) out.mutable_refused()->set_forget_identity(true);
    if (in.end_tasks) out.mutable_refused()->set_end_tasks(true);
    if (in.newest_incarnation != 0) {
      out.mutable_refused()->set_newest_incarnation(in.newest_incarnation);
    }
  }
  void operator()(const to_agent::Launch& in) {
    internal::Launch& made = *out.mutable_launch();
    write_launch_number(in.launch_id, *made.mutable_launch());
    write_framework_description(*in.framework, *made.mutable_framework());
    if (in.executor) {
      made.mutable_executor()->assign(description_of(*in.executor).bytes());
    }
    for (const TaskFacetPtr& task : in.tasks) {
      made.add_tasks()->assign(description_of(*task).bytes());
    }
    if (in.group) made.set_group(true);
    if (!in.role.empty()) made.set_role(in.role);
  }
  void operator()(const to_agent::Kill& in) {
    out.mutable_kill()->set_framework_id(in.framework_id.raw());
    out.mutable_kill()->set_task_id(in.task_id.raw());
    if (in.grace) out.mutable_kill()->set_grace_ns(in.grace->ns);
    if (in.cause != KillCause::unsaid) {
      out.mutable_kill()->set_cause(static_cast<std::uint32_t>(in.cause));
    }
  }
  void operator()(const to_agent::ShutdownExecutor& in) {
    out.mutable_shutdown_executor()->set_framework_id(in.framework_id.raw());
    out.mutable_shutdown_executor()->set_executor_id(in.executor_id.raw());
  }
  void operator()(const to_agent::ShutdownFramework& in) {
    out.mutable_shutdown_framework()->set_framework_id(in.framework_id.raw());
  }
  void operator()(const to_agent::Acknowledge& in) {
    internal::Acknowledge& made = *out.mutable_acknowledge();
    made.set_framework_id(in.framework_id.raw());
    made.set_task_id(in.task_id.raw());
    made.set_uuid(bytes_of(in.uuid).data(), bytes_of(in.uuid).size());
  }
  void operator()(const to_agent::FrameworkMessage& in) {
    internal::ExecutorData& made = *out.mutable_framework_message();
    made.set_framework_id(in.framework_id.raw());
    made.set_executor_id(in.executor_id.raw());
    made.set_data(in.data);
  }
  void operator()(const to_agent::UpdateFramework& in) {
    write_framework_description(*in.framework, *out.mutable_update_framework());
  }
  void operator()(const to_agent::Heartbeat& in) {
    out.mutable_heartbeat()->set_last_sent(in.last_sent);
  }
  void operator()(const to_agent::Reregister& in) { out.set_reregister(in.reason); }
  void operator()(const to_agent::ApplyOperations& in) {
    // An empty list is a body too.
    auto& list = *out.mutable_apply_operations();
    for (const OperationOrder& order : in.orders) write_operation_order(order, *list.add_orders());
  }
  void operator()(const to_agent::AcknowledgeOperations& in) {
    auto& list = *out.mutable_acknowledge_operations();
    for (const Uuid& uuid : in.uuids) list.add_uuids(std::string(bytes_of(uuid)));
  }
};

Result<to_agent::Launch> read_launch(const internal::Launch& message) {
  to_agent::Launch out;
  out.launch_id = read_launch_number(message.launch());
  Result<FrameworkFacet> framework = read_framework_description(message.framework());
  if (!framework) return framework.error();
  out.framework = std::make_shared<const FrameworkFacet>(std::move(*framework));
  if (message.has_executor()) {
    Result<ExecutorFacet> executor = read_executor_bytes(message.executor());
    if (!executor) return executor.error();
    out.executor = std::make_shared<const ExecutorFacet>(std::move(*executor));
  }
  out.tasks.reserve(static_cast<std::size_t>(message.tasks_size()));
  for (const std::string& bytes : message.tasks()) {
    Result<TaskFacet> task = read_task_bytes(bytes);
    if (!task) return task.error();
    out.tasks.push_back(std::make_shared<const TaskFacet>(std::move(*task)));
  }
  out.group = message.group();
  if (Status ok = check_held_role(message.role(), "launch.role"); !ok) return ok.error();
  out.role = message.role();
  return out;
}

Result<to_agent::Acknowledge> read_acknowledge(const internal::Acknowledge& message) {
  if (Status ok = require_ids({{"acknowledge.framework_id", &message.framework_id()},
                               {"acknowledge.task_id", &message.task_id()}});
      !ok) {
    return ok.error();
  }
  Result<Uuid> uuid = read_uuid(message.uuid(), "acknowledge.uuid");
  if (!uuid) return uuid.error();
  return to_agent::Acknowledge{FrameworkId(message.framework_id()), TaskId(message.task_id()),
                               *uuid};
}

// An interval that would make the agent spin is refused.
Result<Duration> read_interval(std::int64_t ns, const char* field) {
  Result<Duration> interval = duration_from_ns(ns, kMostInterval, field);
  if (!interval || *interval >= kLeastInterval) return interval;
  return invalid("'" + std::string(field) + "' is " + std::to_string(ns) + ": at least " +
                 std::to_string(kLeastInterval.ns));
}

Result<to_agent::Kill> read_kill(const internal::Kill& message) {
  if (Status ok = require_ids(
          {{"kill.framework_id", &message.framework_id()}, {"kill.task_id", &message.task_id()}});
      !ok) {
    return ok.error();
  }
  to_agent::Kill out{FrameworkId(message.framework_id()), TaskId(message.task_id()), std::nullopt,
                     kill_cause_from(message.cause())};
  if (message.has_grace_ns()) {
    Result<Duration> grace =
        duration_from_ns(message.grace_ns(), limits::kMaxKillGrace, "kill.grace_ns");
    if (!grace) return grace.error();
    out.grace = *grace;
  }
  return out;
}

Result<to_agent::Registered> read_registered(const internal::Registered& in) {
  if (Status ok = require_ids({{"registered.agent_id", &in.agent_id()}}); !ok) return ok.error();
  Result<Duration> heartbeat =
      read_interval(in.heartbeat_interval_ns(), "registered.heartbeat_interval_ns");
  if (!heartbeat) return heartbeat.error();
  Result<Duration> silence =
      read_interval(in.silence_timeout_ns(), "registered.silence_timeout_ns");
  if (!silence) return silence.error();
  return to_agent::Registered{AgentId(in.agent_id()), in.cluster_id(), *heartbeat, *silence};
}

Result<to_agent::Refused> read_refused(const internal::Refused& in) {
  Result<Duration> retry =
      duration_from_ns(in.retry_after_ns(), kMostInterval, "refused.retry_after_ns");
  if (!retry) return retry.error();
  if (in.newest_incarnation() > limits::kMaxIncarnation) {
    return invalid("refused.newest_incarnation: " + std::to_string(in.newest_incarnation()) +
                   ": at most " + std::to_string(limits::kMaxIncarnation));
  }
  return to_agent::Refused{in.reason(), *retry, in.forget_identity(), in.end_tasks(),
                           in.newest_incarnation()};
}

Result<to_agent::UpdateFramework> read_update(const internal::Description& message) {
  Result<FrameworkFacet> framework = read_framework_description(message);
  if (!framework) return framework.error();
  return to_agent::UpdateFramework{std::make_shared<const FrameworkFacet>(std::move(*framework))};
}

Result<to_agent::ApplyOperations> read_orders(const internal::ApplyOperations& message) {
  const FieldPath at = "apply_operations";
  to_agent::ApplyOperations out;
  out.orders.reserve(static_cast<std::size_t>(message.orders_size()));
  for (int i = 0; i < message.orders_size(); ++i) {
    Result<OperationOrder> order = read_operation_order(message.orders(i), at.at("orders", i));
    if (!order) return order.error();
    out.orders.push_back(std::move(*order));
  }
  return out;
}

Result<to_agent::AcknowledgeOperations> read_acknowledged(
    const internal::AcknowledgeOperations& message) {
  to_agent::AcknowledgeOperations out;
  for (const std::string& bytes : message.uuids()) {
    Result<Uuid> uuid = read_uuid(bytes, "acknowledge_operations.uuids");
    if (!uuid) return uuid.error();
    out.uuids.push_back(*uuid);
  }
  return out;
}

template <typename T>
Status put(Result<T> body, MasterToAgent& out) {
  if (!body) return body.error();
  out.body = std::move(*body);
  return {};
}

Status read_message(internal::MasterToAgent& message, MasterToAgent& out) {
  switch (message.body_case()) {
    case internal::MasterToAgent::kRegistered:
      return put(read_registered(message.registered()), out);
    case internal::MasterToAgent::kRefused:
      return put(read_refused(message.refused()), out);
    case internal::MasterToAgent::kLaunch:
      return put(read_launch(message.launch()), out);
    case internal::MasterToAgent::kKill:
      return put(read_kill(message.kill()), out);
    case internal::MasterToAgent::kShutdownExecutor: {
      const internal::Shutdown& in = message.shutdown_executor();
      if (Status ok = require_ids({{"shutdown_executor.framework_id", &in.framework_id()},
                                   {"shutdown_executor.executor_id", &in.executor_id()}});
          !ok) {
        return ok;
      }
      out.body =
          to_agent::ShutdownExecutor{FrameworkId(in.framework_id()), ExecutorId(in.executor_id())};
      return {};
    }
    case internal::MasterToAgent::kShutdownFramework: {
      const internal::Shutdown& in = message.shutdown_framework();
      if (Status ok = require_ids({{"shutdown_framework.framework_id", &in.framework_id()}}); !ok) {
        return ok;
      }
      out.body = to_agent::ShutdownFramework{FrameworkId(in.framework_id())};
      return {};
    }
    case internal::MasterToAgent::kAcknowledge:
      return put(read_acknowledge(message.acknowledge()), out);
    case internal::MasterToAgent::kFrameworkMessage: {
      internal::ExecutorData& in = *message.mutable_framework_message();
      if (Status ok = require_ids({{"framework_message.framework_id", &in.framework_id()},
                                   {"framework_message.executor_id", &in.executor_id()}});
          !ok) {
        return ok;
      }
      out.body =
          to_agent::FrameworkMessage{FrameworkId(in.framework_id()), ExecutorId(in.executor_id()),
                                     std::move(*in.mutable_data())};
      return {};
    }
    case internal::MasterToAgent::kUpdateFramework:
      return put(read_update(message.update_framework()), out);
    case internal::MasterToAgent::kHeartbeat:
      out.body = to_agent::Heartbeat{message.heartbeat().last_sent()};
      return {};
    case internal::MasterToAgent::kReregister:
      out.body = to_agent::Reregister{message.reregister()};
      return {};
    case internal::MasterToAgent::kApplyOperations:
      return put(read_orders(message.apply_operations()), out);
    case internal::MasterToAgent::kAcknowledgeOperations:
      return put(read_acknowledged(message.acknowledge_operations()), out);
    case internal::MasterToAgent::BODY_NOT_SET:
      break;
  }
  return invalid("message from a master of a kind that this build does not know");
}

}  // namespace

std::size_t append_master_to_agent(const MasterToAgent& message, std::string& batch) {
  thread_local internal::MasterToAgent out;
  write_header(message.header, out);
  std::visit(ToAgentWriter{out}, message.body);
  const std::size_t bytes = append_message(out, batch);
  recycle(out, bytes);
  return bytes;
}

Result<MasterToAgent> decode_master_to_agent(std::string_view frame) {
  thread_local internal::MasterToAgent message;
  MasterToAgent out;
  if (Status ok = parse_frame(frame, message, "message from a master"); !ok) return ok.error();
  out.header = read_header(message);
  if (Status ok = read_message(message, out); !ok) return ok.error();
  return out;
}

}  // namespace bourse::codec
