#include "base/assert.hpp"
#include "proto/codec/demand_form.hpp"
#include "proto/codec/facet_write.hpp"
#include "proto/codec/offer_constraints_form.hpp"
#include "proto/codec/operation_form.hpp"
#include "proto/codec/quantity.hpp"
#include "proto/codec/scheduler_form.hpp"
#include "proto/codec/status_form.hpp"
#include "proto/v1/scheduler_call.pb.h"

namespace bourse::codec {

namespace v1 = mesos::v1;
using v1::scheduler::Call;

namespace {

void write_filters(const Filters& filters, v1::Filters& out) {
  out.set_refuse_seconds(seconds_from_duration(filters.refuse));
}

void write_operation(const OfferOperation& in, v1::Offer::Operation& out) {
  if (!in.id.empty()) out.mutable_id()->set_value(in.id.raw());
  if (const auto* launch = std::get_if<LaunchOperation>(&in.body)) {
    out.set_type(v1::Offer::Operation::LAUNCH);
    out.mutable_launch();
    for (const TaskFacet& task : launch->tasks) {
      write_task(task, *out.mutable_launch()->add_task_infos());
    }
  } else if (const auto* group = std::get_if<LaunchGroupOperation>(&in.body)) {
    out.set_type(v1::Offer::Operation::LAUNCH_GROUP);
    v1::Offer::Operation::LaunchGroup& made = *out.mutable_launch_group();
    write_executor(group->executor, *made.mutable_executor());
    made.mutable_task_group();
    for (const TaskFacet& task : group->tasks) {
      write_task(task, *made.mutable_task_group()->add_tasks());
    }
  } else if (const auto* change = std::get_if<ResourceOperation>(&in.body)) {
    write_resource_operation(*change, {}, out);
  } else if (const auto* other = std::get_if<UnsupportedOperation>(&in.body)) {
    v1::Offer::Operation::Type type = v1::Offer::Operation::UNKNOWN;
    if (v1::Offer::Operation::Type_Parse(other->type, &type)) out.set_type(type);
  }
}

// One overload per kind of call.
struct CallWriter {
  Call& out;

  void operator()(const call::Subscribe& in) {
    out.set_type(Call::SUBSCRIBE);
    write_subscription(in, *out.mutable_subscribe());
  }
  void operator()(const call::UpdateFramework& in) {
    out.set_type(Call::UPDATE_FRAMEWORK);
    write_subscription(in, *out.mutable_update_framework());
  }
  void operator()(const call::Teardown&) { out.set_type(Call::TEARDOWN); }
  void operator()(const call::Accept& in) {
    out.set_type(Call::ACCEPT);
    Call::Accept& accept = *out.mutable_accept();
    for (const OfferId& id : in.offer_ids) accept.add_offer_ids()->set_value(id.raw());
    for (const OfferOperation& one : in.operations) write_operation(one, *accept.add_operations());
    write_filters(in.filters, *accept.mutable_filters());
  }
  void operator()(const call::Decline& in) {
    out.set_type(Call::DECLINE);
    Call::Decline& decline = *out.mutable_decline();
    for (const OfferId& id : in.offer_ids) decline.add_offer_ids()->set_value(id.raw());
    write_filters(in.filters, *decline.mutable_filters());
  }
  void operator()(const call::Revive& in) {
    out.set_type(Call::REVIVE);
    for (const std::string& role : in.roles) out.mutable_revive()->add_roles(role);
  }
  void operator()(const call::Suppress& in) {
    out.set_type(Call::SUPPRESS);
    for (const std::string& role : in.roles) out.mutable_suppress()->add_roles(role);
  }
  void operator()(const call::Kill& in) {
    out.set_type(Call::KILL);
    out.mutable_kill()->mutable_task_id()->set_value(in.task_id.raw());
    if (!in.agent_id.empty()) out.mutable_kill()->mutable_agent_id()->set_value(in.agent_id.raw());
    if (in.grace) {
      out.mutable_kill()->mutable_kill_policy()->mutable_grace_period()->set_nanoseconds(
          in.grace->ns);
    }
  }
  void operator()(const call::Shutdown& in) {
    out.set_type(Call::SHUTDOWN);
    out.mutable_shutdown()->mutable_executor_id()->set_value(in.executor_id.raw());
    out.mutable_shutdown()->mutable_agent_id()->set_value(in.agent_id.raw());
  }
  void operator()(const call::Acknowledge& in) {
    out.set_type(Call::ACKNOWLEDGE);
    out.mutable_acknowledge()->mutable_agent_id()->set_value(in.agent_id.raw());
    out.mutable_acknowledge()->mutable_task_id()->set_value(in.task_id.raw());
    out.mutable_acknowledge()->set_uuid(std::string(bytes_of(in.uuid)));
  }
  void operator()(const call::Reconcile& in) {
    out.set_type(Call::RECONCILE);
    out.mutable_reconcile();
    for (const call::Reconcile::Task& task : in.tasks) {
      Call::Reconcile::Task& made = *out.mutable_reconcile()->add_tasks();
      made.mutable_task_id()->set_value(task.task_id.raw());
      if (!task.agent_id.empty()) made.mutable_agent_id()->set_value(task.agent_id.raw());
    }
  }
  void operator()(const call::Message& in) {
    out.set_type(Call::MESSAGE);
    out.mutable_message()->mutable_agent_id()->set_value(in.agent_id.raw());
    out.mutable_message()->mutable_executor_id()->set_value(in.executor_id.raw());
    out.mutable_message()->set_data(in.data);
  }
  void operator()(const call::Publish&) { ASSERT(false && "call::Publish has a form of its own"); }
  void operator()(const call::AnswerInverseOffers& in) {
    if (in.accept) {
      out.set_type(Call::ACCEPT_INVERSE_OFFERS);
      write_inverse_answer(in, *out.mutable_accept_inverse_offers());
    } else {
      out.set_type(Call::DECLINE_INVERSE_OFFERS);
      write_inverse_answer(in, *out.mutable_decline_inverse_offers());
    }
  }
  void operator()(const call::Request& in) {
    out.set_type(Call::REQUEST);
    write_requests(in, *out.mutable_request()->mutable_requests());
  }
  void operator()(const call::AcknowledgeOperation& in) {
    out.set_type(Call::ACKNOWLEDGE_OPERATION_STATUS);
    Call::AcknowledgeOperationStatus& made = *out.mutable_acknowledge_operation_status();
    if (!in.agent_id.empty()) made.mutable_agent_id()->set_value(in.agent_id.raw());
    made.mutable_operation_id()->set_value(in.operation_id.raw());
    made.set_uuid(std::string(bytes_of(in.uuid)));
  }
  void operator()(const call::ReconcileOperations& in) {
    out.set_type(Call::RECONCILE_OPERATIONS);
    out.mutable_reconcile_operations();
    for (const call::ReconcileOperations::Operation& one : in.operations) {
      auto& made = *out.mutable_reconcile_operations()->add_operations();
      made.mutable_operation_id()->set_value(one.operation_id.raw());
      if (!one.agent_id.empty()) made.mutable_agent_id()->set_value(one.agent_id.raw());
    }
  }
  void operator()(const call::Unsupported& in) {
    Call::Type type = Call::UNKNOWN;
    if (Call::Type_Parse(in.type, &type)) out.set_type(type);
  }

 private:
  template <typename Out>
  void write_inverse_answer(const call::AnswerInverseOffers& in, Out& made) {
    for (const OfferId& id : in.offer_ids) made.add_inverse_offer_ids()->set_value(id.raw());
    write_filters(in.filters, *made.mutable_filters());
  }
  template <typename In, typename Out>
  void write_subscription(const In& in, Out& made) {
    write_framework(in.framework, *made.mutable_framework_info());
    if (!out.has_framework_id() && !in.framework.id.empty()) {
      out.mutable_framework_id()->set_value(in.framework.id.raw());
    }
    for (const std::string& role : in.suppressed_roles) made.add_suppressed_roles(role);
    if (in.offer_constraints == nullptr) return;
    write_offer_constraints(*in.offer_constraints, *made.mutable_offer_constraints());
  }
};

}  // namespace

void write_call(const SchedulerCall& call, Call& out) {
  if (!call.framework_id.empty()) out.mutable_framework_id()->set_value(call.framework_id.raw());
  std::visit(CallWriter{out}, call.body);
}

}  // namespace bourse::codec
