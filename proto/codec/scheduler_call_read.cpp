#include <cmath>

#include "model/limits.hpp"
#include "proto/codec/demand_form.hpp"
#include "proto/codec/facet_read.hpp"
#include "proto/codec/offer_constraints_form.hpp"
#include "proto/codec/operation_form.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/codec/scheduler_form.hpp"
#include "proto/codec/status_form.hpp"
#include "proto/codec/text_check.hpp"
#include "proto/v1/scheduler_call.pb.h"

namespace bourse::codec {

namespace v1 = mesos::v1;
using v1::scheduler::Call;

namespace {

Error lacks(const char* field) {
  return invalid(std::string("Failed to validate scheduler::Call: Expecting '") + field +
                 "' to be present");
}

Error too_many(const FieldPath& at, int count, std::size_t most) {
  return {ErrorCode::too_large, "'" + at.text() + "' has " + std::to_string(count) +
                                    " entries: at most " + std::to_string(most)};
}

Result<Filters> read_filters(const v1::Filters& message, const FieldPath& at) {
  Filters out;
  // Like Mesos, a negative wish is taken as none.
  if (message.refuse_seconds() < 0) return out;
  Result<Duration> refuse =
      duration_from_seconds(message.refuse_seconds(), limits::kMaxRefuse, at.at("refuse_seconds"));
  if (!refuse) return refuse.error();
  out.refuse = *refuse;
  return out;
}

Result<std::vector<OfferId>> read_offer_ids(
    const google::protobuf::RepeatedPtrField<v1::OfferID>& list, const FieldPath& at,
    const char* name = "offer_ids") {
  if (static_cast<std::size_t>(list.size()) > limits::kMaxOffersPerAccept) {
    return too_many(at, list.size(), limits::kMaxOffersPerAccept);
  }
  std::vector<OfferId> out;
  out.reserve(static_cast<std::size_t>(list.size()));
  for (int i = 0; i < list.size(); ++i) {
    if (Status ok = check_id(list.Get(i).value(), at.at(name, i)); !ok) return ok.error();
    out.emplace_back(list.Get(i).value());
  }
  return out;
}

Result<std::vector<std::string>> read_role_list(
    const google::protobuf::RepeatedPtrField<std::string>& list, const FieldPath& at) {
  if (static_cast<std::size_t>(list.size()) > limits::kMaxRolesPerFramework) {
    return too_many(at, list.size(), limits::kMaxRolesPerFramework);
  }
  for (int i = 0; i < list.size(); ++i) {
    if (Status ok = check_role(list.Get(i), at.at("roles", i)); !ok) return ok.error();
  }
  return std::vector<std::string>(list.begin(), list.end());
}

// Agent ids that a sender may leave out or leave empty.
Result<AgentId> read_agent_id(const v1::AgentID& message, const FieldPath& at) {
  if (message.value().empty()) return AgentId();
  if (Status ok = check_id(message.value(), at); !ok) return ok.error();
  return AgentId(message.value());
}

Result<std::vector<TaskFacet>> read_tasks(google::protobuf::RepeatedPtrField<v1::TaskInfo>& list,
                                          const FrameworkId& framework_id, const FieldPath& at,
                                          const char* name) {
  if (static_cast<std::size_t>(list.size()) > limits::kMaxTasksPerAccept) {
    return too_many(at, list.size(), limits::kMaxTasksPerAccept);
  }
  std::vector<TaskFacet> out;
  out.reserve(static_cast<std::size_t>(list.size()));
  for (int i = 0; i < list.size(); ++i) {
    Result<TaskFacet> task = read_task(*list.Mutable(i), framework_id, at.at(name, i));
    if (!task) return task.error();
    out.push_back(std::move(*task));
  }
  return out;
}

Result<OfferOperation> read_operation(v1::Offer::Operation& message,
                                      const FrameworkId& framework_id, const FieldPath& at) {
  OfferOperation out;
  if (message.has_id()) {
    if (Status ok = check_id(message.id().value(), at.at("id")); !ok) return ok.error();
    out.id = OperationId(message.id().value());
  }
  if (resource_operation_type(message)) {
    Result<ResourceOperation> read = read_resource_operation(message, at);
    if (!read) return read.error();
    out.body = std::move(*read);
    return out;
  }
  switch (message.type()) {
    case v1::Offer::Operation::LAUNCH: {
      Result<std::vector<TaskFacet>> tasks =
          read_tasks(*message.mutable_launch()->mutable_task_infos(), framework_id, at.at("launch"),
                     "task_infos");
      if (!tasks) return tasks.error();
      out.body = LaunchOperation{std::move(*tasks)};
      return out;
    }
    case v1::Offer::Operation::LAUNCH_GROUP: {
      const FieldPath here = at.at("launch_group");
      v1::Offer::Operation::LaunchGroup& group = *message.mutable_launch_group();
      Result<ExecutorFacet> executor =
          read_executor(*group.mutable_executor(), framework_id, here.at("executor"));
      if (!executor) return executor.error();
      Result<std::vector<TaskFacet>> tasks =
          read_tasks(*group.mutable_task_group()->mutable_tasks(), framework_id,
                     here.at("task_group"), "tasks");
      if (!tasks) return tasks.error();
      out.body = LaunchGroupOperation{std::move(*executor), std::move(*tasks)};
      return out;
    }
    case v1::Offer::Operation::UNKNOWN:
      return invalid("'" + at.at("type").text() +
                     "' is missing or unknown: it must be LAUNCH, LAUNCH_GROUP, RESERVE, "
                     "UNRESERVE, CREATE, DESTROY, "
                     "GROW_VOLUME or SHRINK_VOLUME");
    default:
      out.body = UnsupportedOperation{v1::Offer::Operation::Type_Name(message.type())};
      return out;
  }
}

Result<call::Accept> read_accept(Call::Accept& message, const FrameworkId& framework_id) {
  const FieldPath at = "accept";
  call::Accept out;
  Result<std::vector<OfferId>> ids = read_offer_ids(message.offer_ids(), at);
  if (!ids) return ids.error();
  out.offer_ids = std::move(*ids);
  if (static_cast<std::size_t>(message.operations_size()) > limits::kMaxTasksPerAccept) {
    return too_many(at.at("operations"), message.operations_size(), limits::kMaxTasksPerAccept);
  }
  out.operations.reserve(static_cast<std::size_t>(message.operations_size()));
  std::size_t tasks = 0;
  for (int i = 0; i < message.operations_size(); ++i) {
    tasks += static_cast<std::size_t>(message.operations(i).launch().task_infos_size());
    tasks +=
        static_cast<std::size_t>(message.operations(i).launch_group().task_group().tasks_size());
    if (tasks > limits::kMaxTasksPerAccept) {
      return Error{ErrorCode::too_large, "'accept.operations' launch more than 10000 tasks"};
    }
    Result<OfferOperation> one =
        read_operation(*message.mutable_operations(i), framework_id, at.at("operations", i));
    if (!one) return one.error();
    out.operations.push_back(std::move(*one));
  }
  Result<Filters> filters = read_filters(message.filters(), at.at("filters"));
  if (!filters) return filters.error();
  out.filters = *filters;
  return out;
}

Result<call::Decline> read_decline(const Call::Decline& message) {
  const FieldPath at = "decline";
  Result<std::vector<OfferId>> ids = read_offer_ids(message.offer_ids(), at);
  if (!ids) return ids.error();
  Result<Filters> filters = read_filters(message.filters(), at.at("filters"));
  if (!filters) return filters.error();
  return call::Decline{std::move(*ids), *filters};
}

template <typename Message>
Result<call::AnswerInverseOffers> read_inverse_answer(const Message& message, const FieldPath& at,
                                                      bool accept) {
  Result<std::vector<OfferId>> ids =
      read_offer_ids(message.inverse_offer_ids(), at, "inverse_offer_ids");
  if (!ids) return ids.error();
  Result<Filters> filters = read_filters(message.filters(), at.at("filters"));
  if (!filters) return filters.error();
  return call::AnswerInverseOffers{accept, std::move(*ids), *filters};
}

Result<call::Kill> read_kill(const Call::Kill& message) {
  const FieldPath at = "kill";
  call::Kill out;
  if (Status ok = check_id(message.task_id().value(), at.at("task_id")); !ok) return ok.error();
  out.task_id = TaskId(message.task_id().value());
  Result<AgentId> agent = read_agent_id(message.agent_id(), at.at("agent_id"));
  if (!agent) return agent.error();
  out.agent_id = *agent;
  if (message.kill_policy().has_grace_period()) {
    Result<Duration> grace = duration_from_ns(message.kill_policy().grace_period().nanoseconds(),
                                              limits::kMaxKillGrace, at.at("kill_policy"));
    if (!grace) return grace.error();
    out.grace = *grace;
  }
  return out;
}

Result<call::Acknowledge> read_acknowledge(const Call::Acknowledge& message) {
  const FieldPath at = "acknowledge";
  if (Status ok = check_id(message.agent_id().value(), at.at("agent_id")); !ok) return ok.error();
  if (Status ok = check_id(message.task_id().value(), at.at("task_id")); !ok) return ok.error();
  Result<Uuid> uuid = read_uuid(message.uuid(), at.at("uuid"));
  if (!uuid) return uuid.error();
  return call::Acknowledge{AgentId(message.agent_id().value()), TaskId(message.task_id().value()),
                           *uuid};
}

Result<call::Reconcile> read_reconcile(const Call::Reconcile& message) {
  const FieldPath at = "reconcile";
  if (static_cast<std::size_t>(message.tasks_size()) > limits::kMaxReconcilePerCall) {
    return too_many(at.at("tasks"), message.tasks_size(), limits::kMaxReconcilePerCall);
  }
  call::Reconcile out;
  out.tasks.reserve(static_cast<std::size_t>(message.tasks_size()));
  for (int i = 0; i < message.tasks_size(); ++i) {
    const FieldPath here = at.at("tasks", i);
    const Call::Reconcile::Task& task = message.tasks(i);
    if (Status ok = check_id(task.task_id().value(), here.at("task_id")); !ok) return ok.error();
    Result<AgentId> agent = read_agent_id(task.agent_id(), here.at("agent_id"));
    if (!agent) return agent.error();
    out.tasks.push_back({TaskId(task.task_id().value()), std::move(*agent)});
  }
  return out;
}

Result<call::AcknowledgeOperation> read_operation_acknowledge(
    const Call::AcknowledgeOperationStatus& message) {
  const FieldPath at = "acknowledge_operation_status";
  call::AcknowledgeOperation out;
  const std::string& id = message.operation_id().value();
  if (Status ok = check_id(id, at.at("operation_id")); !ok) return ok.error();
  out.operation_id = OperationId(id);
  Result<AgentId> agent = read_agent_id(message.agent_id(), at.at("agent_id"));
  if (!agent) return agent.error();
  out.agent_id = std::move(*agent);
  Result<Uuid> uuid = read_uuid(message.uuid(), at.at("uuid"));
  if (!uuid) return uuid.error();
  out.uuid = *uuid;
  return out;
}

Result<call::ReconcileOperations> read_reconcile_operations(
    const Call::ReconcileOperations& message) {
  const FieldPath at = "reconcile_operations";
  if (static_cast<std::size_t>(message.operations_size()) > limits::kMaxReconcilePerCall) {
    return too_many(at.at("operations"), message.operations_size(), limits::kMaxReconcilePerCall);
  }
  call::ReconcileOperations out;
  out.operations.reserve(static_cast<std::size_t>(message.operations_size()));
  for (int i = 0; i < message.operations_size(); ++i) {
    const FieldPath here = at.at("operations", i);
    const std::string& id = message.operations(i).operation_id().value();
    if (Status ok = check_id(id, here.at("operation_id")); !ok) return ok.error();
    Result<AgentId> agent = read_agent_id(message.operations(i).agent_id(), here.at("agent_id"));
    if (!agent) return agent.error();
    out.operations.push_back({OperationId(id), std::move(*agent)});
  }
  return out;
}

Result<call::Message> read_message(Call::Message& message) {
  const FieldPath at = "message";
  if (Status ok = check_id(message.agent_id().value(), at.at("agent_id")); !ok) return ok.error();
  if (Status ok = check_id(message.executor_id().value(), at.at("executor_id")); !ok) {
    return ok.error();
  }
  if (message.data().size() > limits::kMaxFrameworkMessageBytes) {
    return Error{
        ErrorCode::too_large,
        "'message.data' has " + std::to_string(message.data().size()) + " bytes: at most 1048576"};
  }
  return call::Message{AgentId(message.agent_id().value()),
                       ExecutorId(message.executor_id().value()),
                       std::move(*message.mutable_data())};
}

Result<call::Shutdown> read_shutdown(const Call::Shutdown& message) {
  const FieldPath at = "shutdown";
  if (Status ok = check_id(message.executor_id().value(), at.at("executor_id")); !ok) {
    return ok.error();
  }
  if (Status ok = check_id(message.agent_id().value(), at.at("agent_id")); !ok) return ok.error();
  return call::Shutdown{ExecutorId(message.executor_id().value()),
                        AgentId(message.agent_id().value())};
}

// SUBSCRIBE and UPDATE_FRAMEWORK say who they are twice.
template <typename Body, typename Message>
Status read_subscription(Message& message, const char* name, SchedulerCall& out) {
  const FieldPath at = name;
  Result<FrameworkFacet> framework =
      read_framework(*message.mutable_framework_info(), at.at("framework_info"));
  if (!framework) {
    Error wrong = framework.error();
    // Who may subscribe as what is told on the stream, as Mesos does; all else is a bad request.
    const bool judged = std::is_same_v<Body, call::Subscribe> && wrong.code == ErrorCode::invalid;
    if (judged) wrong.code = ErrorCode::denied;
    return wrong;
  }
  if (out.framework_id.empty()) out.framework_id = framework->id;
  if (!framework->id.empty() && framework->id != out.framework_id) {
    return invalid(
        std::string("Failed to validate scheduler::Call: 'framework_id' differs from '") + name +
        ".framework_info.id'");
  }
  framework->id = out.framework_id;
  Result<std::vector<std::string>> suppressed =
      read_role_list(message.suppressed_roles(), at.at("suppressed_roles"));
  if (!suppressed) return suppressed.error();
  Result<OfferConstraintsPtr> constraints =
      read_offer_constraints(message.offer_constraints(), at.at("offer_constraints"));
  if (!constraints) {
    Error wrong = constraints.error();
    // What a framework asks of agents is judged like who it is.
    if (std::is_same_v<Body, call::Subscribe>) wrong.code = ErrorCode::denied;
    return wrong;
  }
  out.body = Body{std::move(*framework), std::move(*suppressed), std::move(*constraints)};
  return {};
}

template <typename T>
Status put(Result<T> body, SchedulerCall& out) {
  if (!body) return body.error();
  out.body = std::move(*body);
  return {};
}

template <typename Body>
Status put_roles(const google::protobuf::RepeatedPtrField<std::string>& roles, const char* name,
                 SchedulerCall& out) {
  Result<std::vector<std::string>> read = read_role_list(roles, name);
  if (!read) return read.error();
  out.body = Body{std::move(*read)};
  return {};
}

Status read_body(Call& message, SchedulerCall& out) {
  switch (message.type()) {
    case Call::SUBSCRIBE:
      if (!message.has_subscribe()) return lacks("subscribe");
      return read_subscription<call::Subscribe>(*message.mutable_subscribe(), "subscribe", out);
    case Call::UPDATE_FRAMEWORK:
      if (!message.has_update_framework()) return lacks("update_framework");
      return read_subscription<call::UpdateFramework>(*message.mutable_update_framework(),
                                                      "update_framework", out);
    case Call::TEARDOWN:
      out.body = call::Teardown{};
      return {};
    case Call::ACCEPT:
      if (!message.has_accept()) return lacks("accept");
      return put(read_accept(*message.mutable_accept(), out.framework_id), out);
    case Call::DECLINE:
      if (!message.has_decline()) return lacks("decline");
      return put(read_decline(message.decline()), out);
    case Call::REVIVE:
      return put_roles<call::Revive>(message.revive().roles(), "revive", out);
    case Call::SUPPRESS:
      return put_roles<call::Suppress>(message.suppress().roles(), "suppress", out);
    case Call::KILL:
      if (!message.has_kill()) return lacks("kill");
      return put(read_kill(message.kill()), out);
    case Call::SHUTDOWN:
      if (!message.has_shutdown()) return lacks("shutdown");
      return put(read_shutdown(message.shutdown()), out);
    case Call::ACKNOWLEDGE:
      if (!message.has_acknowledge()) return lacks("acknowledge");
      return put(read_acknowledge(message.acknowledge()), out);
    case Call::RECONCILE:
      if (!message.has_reconcile()) return lacks("reconcile");
      return put(read_reconcile(message.reconcile()), out);
    case Call::MESSAGE:
      if (!message.has_message()) return lacks("message");
      return put(read_message(*message.mutable_message()), out);
    case Call::REQUEST:
      if (!message.has_request()) return lacks("request");
      return put(read_requests(message.request().requests()), out);
    case Call::ACCEPT_INVERSE_OFFERS:
      if (!message.has_accept_inverse_offers()) return lacks("accept_inverse_offers");
      return put(
          read_inverse_answer(message.accept_inverse_offers(), "accept_inverse_offers", true), out);
    case Call::DECLINE_INVERSE_OFFERS:
      if (!message.has_decline_inverse_offers()) return lacks("decline_inverse_offers");
      return put(
          read_inverse_answer(message.decline_inverse_offers(), "decline_inverse_offers", false),
          out);
    case Call::ACKNOWLEDGE_OPERATION_STATUS:
      if (!message.has_acknowledge_operation_status()) {
        return lacks("acknowledge_operation_status");
      }
      return put(read_operation_acknowledge(message.acknowledge_operation_status()), out);
    case Call::RECONCILE_OPERATIONS:
      if (!message.has_reconcile_operations()) return lacks("reconcile_operations");
      return put(read_reconcile_operations(message.reconcile_operations()), out);
    default:
      out.body = call::Unsupported{Call::Type_Name(message.type())};
      return {};
  }
}

}  // namespace

Result<SchedulerCall> read_call(Call& message) {
  SchedulerCall out;
  if (!message.has_type()) return lacks("type");
  if (!message.framework_id().value().empty()) {
    if (Status ok = check_id(message.framework_id().value(), "framework_id"); !ok) {
      return ok.error();
    }
    out.framework_id = FrameworkId(message.framework_id().value());
  } else if (message.type() != Call::SUBSCRIBE) {
    return lacks("framework_id");
  }
  if (Status ok = read_body(message, out); !ok) return ok.error();
  return out;
}

}  // namespace bourse::codec
