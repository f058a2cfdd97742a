// Change: one numbered step of the cluster's state, published by the master core and applied by
// every reader (master/view). Sequences have no gaps. A Change carries what changed, whole rows
// where they are small and shared descriptions by pointer; what can be summed up (used, offered,
// counts) the reader sums itself. Values; the pointees are immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/shared_value.hpp"
#include "base/time.hpp"
#include "model/demand.hpp"
#include "model/explanation.hpp"
#include "model/facets.hpp"
#include "model/ids.hpp"
#include "model/maintenance.hpp"
#include "model/maintenance_schedule.hpp"
#include "model/offer_constraints.hpp"
#include "model/operation_status.hpp"
#include "model/quota.hpp"
#include "model/resource_operation.hpp"
#include "model/task_status.hpp"

namespace bourse {

// Why an agent is as it is. Named half-states, never membership of sets.
enum class AgentPhase : std::uint8_t {
  admitting = 1,  // its admission is being written; not offered
  active,         // registered and heard from
  silent,         // its connection broke; its tasks are believed to run; not offered
  unreachable,    // silent for too long, written down; may return
  draining,       // being emptied
  drained,
  deactivated,  // by an operator; keeps its tasks, not offered
  gone,         // by an operator, for ever
  recovered,    // in the registry, not seen since this master leads
};
std::string_view name_of(AgentPhase phase);

namespace change {

struct ClusterStarted {  // first Change of a leadership
  std::string cluster_id;
  std::string cluster_name;
  std::string master_id;
  Epoch epoch = 0;
  WallTime started_at;
};
// What of a drain waits, and for whose budget.
struct DrainWait {
  FrameworkId framework_id;
  std::uint64_t tasks = 0;    // its tasks there that are not told to end yet
  std::uint64_t running = 0;  // in all, and not told to end; when this was published
  std::string why;            // in words

  bool operator==(const DrainWait&) const = default;
};
struct AgentPut {  // appeared or changed; tasks and offers are unaffected
  AgentFacetPtr agent;
  AgentPhase phase = AgentPhase::admitting;
  std::string reason;
  WallTime registered_at;
  WallTime reregistered_at;  // 0: never
  Resources deficit;
  std::uint64_t incarnation = 0;
  Maintenance maintenance = {};
  bool removal_waits = false;  // silent for too long; its turn to be given up has not come
  UnavailabilityPtr unavailability = nullptr;  // planned for its machine
  std::vector<DrainWait> waits = {};
  Resources oversubscribed = {};  // revocable: what it lends besides what it has
};
struct AgentRemoved {
  AgentId agent_id;
};
struct FrameworkPut {
  FrameworkFacetPtr framework;
  bool connected = false;
  bool active = false;  // receives offers
  bool recovered = false;
  std::vector<std::string> suppressed_roles;
  WallTime registered_at;
  WallTime reregistered_at;  // 0: never
  OfferConstraintsPtr offer_constraints = nullptr;
  DemandPtr demand = nullptr;
};
struct FrameworkRemoved {  // its tasks are removed by Changes of their own before this one
  FrameworkId framework_id;
  WallTime at;
};
struct TaskAdded {
  FrameworkId framework_id;
  TaskFacetPtr task;
  ExecutorFacetPtr executor;  // null for a command task
  TaskState state = TaskState::staging;
  WallTime at;
  SharedValue<std::string> role = {};  // what it holds is held in; empty: not known
};
struct TaskUpdated {
  FrameworkId framework_id;
  SharedStatus status;                   // as forwarded; always one
  TaskState state = TaskState::staging;  // newest known (the status may be an older one, resent)
};
struct TaskRemoved {  // terminal and settled: into history
  FrameworkId framework_id;
  TaskId task_id;
};
struct ExecutorAdded {
  FrameworkId framework_id;
  AgentId agent_id;
  ExecutorFacetPtr executor;
  SharedValue<std::string> role = {};  // likewise
};
struct ExecutorRemoved {
  FrameworkId framework_id;
  AgentId agent_id;
  ExecutorId executor_id;
};
struct OfferAdded {
  std::uint64_t number = 0;  // with the leadership's prefix its id
  FrameworkFacetPtr framework;
  AgentFacetPtr agent;
  SharedValue<std::string> role;
  Resources resources;
};
struct OfferRemoved {
  enum class Why : std::uint8_t { accepted, declined, expired, rescinded };
  std::uint64_t number = 0;
  Why why = Why::accepted;
};
struct WeightSet {
  std::string role;
  std::int64_t weight_milli = 1000;
};
struct QuotaSet {
  std::string role;
  Quota quota;  // empty: it has none any more
};
struct Published {  // call::Publish
  FrameworkId framework_id;
  std::string name;
  std::shared_ptr<const std::string> content;
};
struct OperationPut {  // appeared, or its agent has said what became of it
  AgentId agent_id;
  std::shared_ptr<const OperationOrder> order;
  OperationStatus status;
};
struct OperationRemoved {  // acknowledged, or nobody's any more
  Uuid uuid;
};
struct Explained {  // an operator asked why
  std::shared_ptr<const Explanation> explanation;
};
struct ScheduleSet {  // the whole of it
  MaintenanceSchedule schedule;
};
// What a framework was asked about an agent that is to be unavailable, and what it said.
struct InverseOfferPut {
  enum class Answer : std::uint8_t { none = 1, accepted, declined };  // as on the wire
  AgentId agent_id;
  FrameworkId framework_id;
  std::uint64_t number = 0;  // of the inverse offer that is out; 0: none is
  Answer answer = Answer::none;
  WallTime at;  // it was asked, or it answered
};
struct InverseOfferRemoved {  // nobody asks any more
  AgentId agent_id;
  FrameworkId framework_id;
};

}  // namespace change

struct Change {
  std::uint64_t sequence = 0;
  std::variant<change::ClusterStarted, change::AgentPut, change::AgentRemoved, change::FrameworkPut,
               change::FrameworkRemoved, change::TaskAdded, change::TaskUpdated,
               change::TaskRemoved, change::ExecutorAdded, change::ExecutorRemoved,
               change::OfferAdded, change::OfferRemoved, change::WeightSet, change::Published,
               change::OperationPut, change::OperationRemoved, change::Explained, change::QuotaSet,
               change::ScheduleSet, change::InverseOfferPut, change::InverseOfferRemoved>
      body;
};

}  // namespace bourse
