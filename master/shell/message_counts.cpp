#include "master/shell/message_counts.hpp"

#include <algorithm>
#include <optional>

namespace bourse::master {

namespace {

constexpr const char* kNames[] = {
    "register_framework",
    "reregister_framework",
    "unregister_framework",
    "decline_offers",
    "revive_offers",
    "suppress_offers",
    "launch_tasks",
    "kill_task",
    "status_update_acknowledgement",
    "operation_status_update_acknowledgement",
    "reconcile_tasks",
    "reconcile_operations",
    "framework_to_executor",
    "resource_request",
    "register_slave",
    "reregister_slave",
    "update_slave",
    "status_update",
    "operation_status_update",
    "executor_to_framework",
    "exited_executor",
};

bool launches(const call::Accept& accept) {
  return std::any_of(accept.operations.begin(), accept.operations.end(), [](const auto& operation) {
    return std::holds_alternative<LaunchOperation>(operation.body) ||
           std::holds_alternative<LaunchGroupOperation>(operation.body);
  });
}

}  // namespace

// What Mesos has no count for is nothing here.
struct MessageCounts::OfCall {
  bool known;  // the framework has an id already

  std::optional<Kind> operator()(const call::Subscribe&) const {
    return known ? reregister_framework : register_framework;
  }
  std::optional<Kind> operator()(const call::Teardown&) const { return unregister_framework; }
  std::optional<Kind> operator()(const call::Decline&) const { return decline_offers; }
  std::optional<Kind> operator()(const call::Revive&) const { return revive_offers; }
  std::optional<Kind> operator()(const call::Suppress&) const { return suppress_offers; }
  std::optional<Kind> operator()(const call::Accept& accept) const {
    return launches(accept) ? std::optional(launch_tasks) : std::nullopt;
  }
  std::optional<Kind> operator()(const call::Kill&) const { return kill_task; }
  std::optional<Kind> operator()(const call::Acknowledge&) const {
    return status_update_acknowledgement;
  }
  std::optional<Kind> operator()(const call::AcknowledgeOperation&) const {
    return operation_status_update_acknowledgement;
  }
  std::optional<Kind> operator()(const call::Reconcile&) const { return reconcile_tasks; }
  std::optional<Kind> operator()(const call::ReconcileOperations&) const {
    return reconcile_operations;
  }
  std::optional<Kind> operator()(const call::Message&) const { return framework_to_executor; }
  std::optional<Kind> operator()(const call::Request&) const { return resource_request; }
  template <typename Other>
  std::optional<Kind> operator()(const Other&) const {
    return std::nullopt;
  }
};

struct MessageCounts::OfAgent {
  std::optional<Kind> operator()(const to_master::Register& body) const {
    return body.agent && !body.agent->id.empty() ? reregister_slave : register_slave;
  }
  std::optional<Kind> operator()(const to_master::Oversubscribed&) const { return update_slave; }
  std::optional<Kind> operator()(const to_master::StatusUpdate&) const { return status_update; }
  std::optional<Kind> operator()(const to_master::OperationOutcomes&) const {
    return operation_status_update;
  }
  std::optional<Kind> operator()(const to_master::ExecutorMessage&) const {
    return executor_to_framework;
  }
  std::optional<Kind> operator()(const to_master::ExecutorExited&) const { return exited_executor; }
  template <typename Other>
  std::optional<Kind> operator()(const Other&) const {
    return std::nullopt;
  }
};

void MessageCounts::count(const FromFramework& event) {
  const auto* call = std::get_if<SchedulerCall>(&event.message.body);
  if (call == nullptr) return;
  if (const auto kind = std::visit(OfCall{!call->framework_id.empty()}, call->body)) add(*kind);
}

void MessageCounts::count(const FromAgent& event) {
  if (const auto kind = std::visit(OfAgent{}, event.message.body)) add(*kind);
}

void MessageCounts::read(Metrics& out) const {
  static_assert(std::size(kNames) == kKinds);
  for (std::size_t i = 0; i < kKinds; ++i) {
    out.emplace_back(std::string("master/messages_") + kNames[i],
                     static_cast<double>(counts_[i].load(std::memory_order_relaxed)));
  }
}

}  // namespace bourse::master
