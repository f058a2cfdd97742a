// SchedulerCall: what a framework asks of a master (mesos.v1.scheduler.Call), over HTTP or the
// SDK's link alike. The codec has checked shape, sizes and names; whether it is allowed and
// possible is for the master core. Value.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "model/demand.hpp"
#include "model/facets.hpp"
#include "model/ids.hpp"
#include "model/offer_constraints.hpp"
#include "model/resource_operation.hpp"

namespace bourse {

// Beside an answer to offers: do not offer what was left before this long has passed.
struct Filters {
  Duration refuse = Duration::seconds(5);

  bool operator==(const Filters&) const = default;
};

struct LaunchOperation {
  std::vector<TaskFacet> tasks;
};
struct LaunchGroupOperation {
  ExecutorFacet executor;
  std::vector<TaskFacet> tasks;
};
// An operation this build knows by name only: refused with a reason that names it.
struct UnsupportedOperation {
  std::string type;
};
struct OfferOperation {
  OperationId id;  // empty: no feedback wanted
  std::variant<LaunchOperation, LaunchGroupOperation, UnsupportedOperation, ResourceOperation> body;
};

namespace call {

struct Subscribe {
  FrameworkFacet framework;
  std::vector<std::string> suppressed_roles;
  OfferConstraintsPtr offer_constraints = nullptr;
};
struct Teardown {};
struct Accept {
  std::vector<OfferId> offer_ids;
  std::vector<OfferOperation> operations;
  Filters filters;
};
struct Decline {
  std::vector<OfferId> offer_ids;
  Filters filters;
};
struct Revive {
  std::vector<std::string> roles;  // empty: all
};
struct Suppress {
  std::vector<std::string> roles;  // empty: all
};
struct Kill {
  TaskId task_id;
  AgentId agent_id;  // empty: not given
  std::optional<Duration> grace;
};
struct Shutdown {
  ExecutorId executor_id;
  AgentId agent_id;
};
struct Acknowledge {
  AgentId agent_id;
  TaskId task_id;
  Uuid uuid;
};
struct Reconcile {
  struct Task {
    TaskId task_id;
    AgentId agent_id;  // empty: not given
  };
  std::vector<Task> tasks;  // empty: implicit, all of the framework's
};
struct Message {
  AgentId agent_id;
  ExecutorId executor_id;
  std::string data;
};
struct UpdateFramework {
  FrameworkFacet framework;
  std::vector<std::string> suppressed_roles;
  OfferConstraintsPtr offer_constraints = nullptr;
};
// Beyond Mesos: a small document about itself that the framework wants shown
// (docs/operator-extensions.md); replaces the one of that name; bounded by kMaxPublishedBytes.
struct Publish {
  std::string name;
  std::string content;
};
// Known by name only in this build: refused, naming it.
struct Unsupported {
  std::string type;
};
struct AcknowledgeOperation {
  AgentId agent_id;  // empty: not given
  OperationId operation_id;
  Uuid uuid;
};
struct ReconcileOperations {
  struct Operation {
    OperationId operation_id;
    AgentId agent_id;  // empty: not given
  };
  std::vector<Operation> operations;  // empty: implicit, all of the framework's
};
// How many of which shapes it wants: instead of what it said before. Empty: it says nothing any
// more. Equal ones are one with its count.
struct Request {
  struct Wanted {
    std::string role;  // empty: the only one it has
    DemandShape shape;

    bool operator==(const Wanted&) const = default;
  };
  std::vector<Wanted> wanted;
};
// ACCEPT_INVERSE_OFFERS and DECLINE_INVERSE_OFFERS: whether it will leave those agents in time.
struct AnswerInverseOffers {
  bool accept = false;
  std::vector<OfferId> offer_ids;
  Filters filters;
};

}  // namespace call

struct SchedulerCall {
  FrameworkId framework_id;  // empty only in a first Subscribe
  std::variant<call::Subscribe, call::Teardown, call::Accept, call::Decline, call::Revive,
               call::Suppress, call::Kill, call::Shutdown, call::Acknowledge, call::Reconcile,
               call::Message, call::UpdateFramework, call::Publish, call::Unsupported,
               call::AcknowledgeOperation, call::ReconcileOperations, call::Request,
               call::AnswerInverseOffers>
      body;
};

}  // namespace bourse
