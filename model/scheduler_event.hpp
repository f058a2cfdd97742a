// SchedulerEvent: what a master tells a framework (mesos.v1.scheduler.Event). Capability-dependent
// shaping (allocation_info, old or new reservation format, TASK_LOST for the newer states) is done
// by the codec from the capabilities it is given with the event. Value.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/shared_value.hpp"
#include "base/time.hpp"
#include "model/facets.hpp"
#include "model/ids.hpp"
#include "model/maintenance_schedule.hpp"
#include "model/operation_status.hpp"
#include "model/task_status.hpp"

namespace bourse {

// One offer as the framework sees it.
struct OfferFacet {
  OfferId id;
  SharedValue<std::string> role;  // the role it is allocated to
  AgentFacetPtr agent;
  Resources resources;
  std::vector<ExecutorId> executor_ids;        // the framework's executors already on that agent
  UnavailabilityPtr unavailability = nullptr;  // planned for that agent

  bool operator==(const OfferFacet&) const = default;
};

// A wish that a framework leave an agent before it becomes unavailable.
struct InverseOfferFacet {
  OfferId id;
  AgentFacetPtr agent;
  UnavailabilityPtr unavailability;  // always one
};

namespace event {

struct Subscribed {
  FrameworkId framework_id;
  Duration heartbeat_interval;
};
struct Offers {
  FrameworkId framework_id;
  std::vector<OfferFacet> offers;
};
struct Rescind {
  OfferId offer_id;
};
struct Update {
  SharedStatus status;  // always one
};
struct Message {
  AgentId agent_id;
  ExecutorId executor_id;
  std::string data;
};
struct Failure {
  AgentId agent_id;                // the agent lost, or the agent of the executor
  ExecutorId executor_id;          // empty: the agent itself
  std::optional<int> wait_status;  // of the executor
};
struct Error {
  std::string message;
};
struct Heartbeat {};
struct UpdateOperation {
  OperationStatus status;
};
struct InverseOffers {
  FrameworkId framework_id;
  std::vector<InverseOfferFacet> offers;
};
struct RescindInverse {
  OfferId offer_id;
};

}  // namespace event

using SchedulerEvent =
    std::variant<event::Subscribed, event::Offers, event::Rescind, event::Update, event::Message,
                 event::Failure, event::Error, event::Heartbeat, event::UpdateOperation,
                 event::InverseOffers, event::RescindInverse>;

}  // namespace bourse
