// MasterState: everything a master core knows, as a plain value: it can be copied, compared by
// fingerprint and forked. Tables are slot maps with an index from name to slot; an index is only
// looked up, never walked, so that no output depends on hashing. One owner, one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/deadline_queue.hpp"
#include "base/kept_hash.hpp"
#include "base/number_map.hpp"
#include "base/slot_map.hpp"
#include "base/time.hpp"
#include "master/core/allocation_state.hpp"
#include "master/core/ledger.hpp"
#include "model/agent_link.hpp"
#include "model/change.hpp"
#include "model/disruption_budget.hpp"
#include "model/facets.hpp"
#include "model/ids.hpp"
#include "model/link_session.hpp"
#include "model/maintenance_schedule.hpp"
#include "model/offer_constraints.hpp"
#include "model/registry_command.hpp"
#include "model/resource_operation.hpp"
#include "model/scheduler_call.hpp"
#include "model/task_status.hpp"

namespace bourse::master {

struct Agent;
struct Framework;
struct Offer;
struct Task;
using AgentSlot = Slot<Agent>;
using FrameworkSlot = Slot<Framework>;
using OfferSlot = Slot<Offer>;
using TaskSlot = Slot<Task>;

using TaskKey = std::pair<FrameworkId, TaskId>;
using ExecutorKey = std::pair<FrameworkId, ExecutorId>;

// The master's end of a link session (model/link_session.hpp).
struct Session {
  PeerId peer;               // empty: none
  std::uint64_t number = 0;  // 0 on HTTP: not sequenced
  LinkReceiver receiver;
  LinkSender sender;
  Instant last_heard;
};

// One offer: resources of one agent, on the table for one framework in one role. Its end (accepted,
// declined, expired, rescinded) gives back to the ledger exactly what it took.
struct Offer {
  std::uint64_t number = 0;  // its id is "<id prefix>-O<number>"
  AgentSlot agent;
  FrameworkSlot framework;
  std::uint32_t role = 0;  // index into Framework::roles
  Resources resources;
  Instant expires;
  std::uint32_t position_in_agent = 0;
  std::uint32_t position_in_framework = 0;
  std::vector<std::uint32_t> meets;  // of each shape that its framework wants in the role
  OfferSlot older;  // all offers live equally long: a list in order of age is their deadline queue
  OfferSlot newer;
};

// What a task's row stands for. Only a `live` one is its framework's.
enum class TaskStanding : std::uint8_t {
  live = 1,
  // Its framework is gone, or was told for certain that it is lost. It may run on until its agent
  // has killed it; till then it holds resources, and the master acknowledges its updates itself.
  zombie,
};

struct Task {
  FrameworkSlot framework;  // empty for a zombie
  AgentSlot agent;
  FrameworkId framework_id;
  TaskFacetPtr facet;
  ExecutorFacetPtr executor;  // null for a command task
  LaunchId launch_id;
  TaskStanding standing = TaskStanding::live;
  TaskState state = TaskState::staging;  // newest known to the agent
  // The newest status that was forwarded, or none yet. What the framework knows and what
  // reconciliation answers: never ahead of updates that are still under way.
  SharedStatus told;
  bool acknowledged = true;  // `told` has a uuid and waits for its acknowledgement: false
  bool answered = false;     // the agent spoke of it: its launch arrived
  bool released = false;     // its resources are free already
  bool charged = false;      // counted in the share of its framework's role
  bool group = false;        // launched all or none with the others of its launch id
  std::uint32_t role = 0;    // index into Framework::roles
  std::optional<Duration> kill_grace;
  bool kill_requested = false;
  KillCause kill_cause = KillCause::asked;  // of the first: it is repeated with a kill
  bool ending = false;   // its agent says that it was told to kill it, perhaps by an earlier master
  bool counted = false;  // in its framework's `running`
  std::uint32_t position_in_agent = 0;
  std::uint32_t position_in_framework = 0;
  std::uint64_t seen_at = 0;  // number of the last registration that listed it
};

// An executor holds its own row from its first launch until its container is gone.
struct Executor {
  ExecutorFacetPtr facet;
  FrameworkSlot framework;  // empty: a zombie's
  std::uint32_t role = 0;
  bool charged = false;
  bool told_to_end = false;  // its agent is draining and its last task has ended
  std::uint64_t seen_at = 0;
};

// "Do not offer me this again before": does not hold when the agent has more than was refused.
struct Filter {
  FrameworkSlot framework;
  allocator::ClaimId claim;
  allocator::RowId row;  // what was refused, in Allocation::refusals
  Instant ends;
};

// An operation on an agent's resources, from its order until its outcome is acknowledged: pending,
// or finished and its framework has yet to say that it knows.
struct Operation {
  std::shared_ptr<const OperationOrder> order;
  Conversion conversion;
  OperationState state = OperationState::pending;
  std::optional<Uuid> status_uuid;
  std::string message;
  RequestId request;  // of an operator, who is answered when it is stored
};
struct OperationPlace {
  AgentSlot agent;
  std::uint64_t number = 0;
};
// One that ended and is settled: for who asks.
struct CompletedOperation {
  OperationState state = OperationState::finished;
  std::string message;
  AgentId agent_id;
};

// What a framework was asked about leaving an agent, and what it said. Stays as long as the agent
// is planned to be unavailable.
struct InverseAsk {
  std::uint64_t number = 0;  // of the inverse offer that is out: its id is "<id prefix>-I<number>"
  change::InverseOfferPut::Answer answer = change::InverseOfferPut::Answer::none;
  WallTime at;
  Instant again;  // not asked before
};
struct InversePlace {
  AgentSlot agent;
  FrameworkSlot framework;
};

// A registration that waits for the registry: the agent is new, changed or was given up.
struct PendingRegistration {
  PersistId persist;
  PeerId peer;
  std::uint64_t session = 0;
  std::uint64_t promised = 0;  // the session whose Registered leaves with the write
  std::shared_ptr<const to_master::Register> message;
};

struct Agent {
  // What every round of offers reads stands first, and together.
  static constexpr std::size_t kHotBytes = 320;
  AgentId id;
  AgentFacetPtr facet;
  AgentPhase phase = AgentPhase::admitting;
  bool touched = false;  // in MasterState::touched_agents
  // What the registry says or will say once what was issued is stored.
  registry::AgentStanding standing = registry::AgentStanding::admitted;
  Ledger ledger;
  std::vector<OfferSlot> offers;
  std::vector<TaskSlot> tasks;
  std::map<ExecutorKey, Executor> executors;
  AllocationRoom room;

  Session session;
  std::string reason;        // of the phase, for people
  std::string newcomer_key;  // in MasterState::newcomers, until it registers by its id
  std::uint64_t incarnation = 0;
  WallTime registered_at;
  WallTime reregistered_at;
  std::optional<WallTime> unreachable_at;
  std::uint64_t registrations = 0;
  std::optional<PersistId> marking;   // being marked unreachable
  std::optional<PersistId> clearing;  // back, and the mark is being taken away
  std::optional<PersistId> going;     // being marked gone
  std::uint64_t removal_ticket = 0;   // in MasterState::removals_waiting; 0: it does not wait
  bool forgetting = false;            // it is being written that it is no agent any more
  WallTime left_at;                   // in MasterState::departed, while unreachable or gone
  Maintenance maintenance;            // as stored
  Maintenance wanted;                 // once what was issued is stored
  std::optional<PendingRegistration> pending;

  std::map<ExecutorKey, Resources> leaks;  // in ledger.held()
  // Tasks whose frameworks were told LOST when it became unreachable: killed when it returns.
  std::map<TaskKey, LaunchId> told_lost;
  // Asked for while it was not back after the master's restart; answered when it is, or given up.
  std::map<TaskKey, std::optional<Duration>> kills_waiting;
  std::set<TaskKey> accepts_waiting;

  std::vector<Filter> filters;
  Instant filters_due = Instant::max();

  std::map<std::uint64_t, Operation> operations;  // in the order in which they were sent
  std::size_t operations_pending = 0;
  Resources confirmed;  // what it said that it has in all, with the operations that it has done
  Resources oversubscribed;  // what it said that it lends besides: in the ledger's total too

  UnavailabilityPtr unavailability;  // as its machine is planned to be
  bool machine_down = false;         // an operator took it down: it may not register
  std::map<FrameworkSlot, InverseAsk> asks;
  std::vector<change::DrainWait> waits;  // of its drain, as published
  Instant wait_ends = Instant::max();    // of its drain, for budgets
};

// A framework in one of its roles: what the allocator calls a claim.
struct Role {
  std::string name;
  SharedValue<std::string> shared_name;  // for the many offers that carry it
  bool subscribed = false;  // false: it left the role but tasks still hold resources in it
  bool suppressed = false;
  AllocationClaim claim;
};

// Named half-states of a framework.
enum class FrameworkPhase : std::uint8_t {
  admitting = 1,  // its first subscription is being written
  subscribed,     // connected
  disconnected,   // its failover_timeout runs
  recovered,      // in the registry, not seen since this master leads
  removing,       // its removal is being written; no calls, no offers
};

// A subscription that waits for the registry: the framework is new or changed.
struct PendingSubscription {
  PersistId persist;
  PeerId stream;
  std::uint64_t session = 0;
  std::uint64_t promised = 0;  // the session whose SUBSCRIBED leaves with the write
  RequestId request;
  FrameworkFacetPtr facet;
  std::vector<std::string> suppressed_roles;
  bool update_only = false;  // UPDATE_FRAMEWORK: the stream stays
  OfferConstraintsPtr constraints = nullptr;
};

// A task that ended and was acknowledged: so that a late repeat of anything about it is known.
struct CompletedTask {
  TaskState state = TaskState::finished;
  Uuid uuid;
  AgentId agent_id;
  bool unacknowledged = false;  // its agent was given up for good first: told again if it is back
};

struct Framework {
  // What every offer made to it touches stands first, and together.
  static constexpr std::size_t kHotBytes = 128;
  FrameworkId id;
  FrameworkFacetPtr facet;
  FrameworkPhase phase = FrameworkPhase::admitting;
  FrameworkPhase phase_before = FrameworkPhase::admitting;  // when a removal is refused
  bool http = false;
  bool touched = false;  // in MasterState::touched_frameworks
  std::vector<Role> roles;
  std::vector<OfferSlot> offers;
  Session session;
  WallTime registered_at;
  WallTime reregistered_at;
  std::optional<PendingSubscription> pending;
  bool pending_moved = false;  // `pending` is another connection's than its SUBSCRIBED is for
  std::vector<RequestId> removal_requests;  // answered when the removal is stored
  bool removed_by_operator = false;
  // While it is away: how long earlier leaders have counted it so, and since when this one does.
  Duration away_before;
  Instant away_from;
  bool away_noted = false;  // the registry says, or may say, that it is away

  std::unordered_map<TaskId, TaskSlot, KeptHash<TaskId>> task_of;
  std::vector<TaskSlot> tasks;
  std::size_t filters = 0;
  std::unordered_map<TaskId, CompletedTask, KeptHash<TaskId>> completed;
  std::deque<TaskId> completed_order;
  std::map<TaskId, std::optional<Duration>> kills_waiting;  // no agent named, not all are back
  std::map<std::string, std::size_t> published;             // name and size
  std::map<OperationId, Uuid> operation_of;                 // those with an id
  std::map<OperationId, CompletedOperation> completed_operations;
  std::deque<OperationId> completed_operations_order;
  OfferConstraintsPtr constraints;  // as it subscribed last: not written down, as in Mesos
  DemandPtr demand;                 // as it said since it subscribed; null: nothing
  std::optional<DisruptionBudget> budget;
  std::uint64_t running = 0;           // tasks that run and that nobody told to end
  std::set<AgentSlot> drains_waiting;  // agents where a drain waits for its budget

  bool connected() const { return phase == FrameworkPhase::subscribed; }
};

// What a deadline is for. Ordered so that ties fire alike everywhere.
struct DeadlineKey {
  enum class Kind : std::uint8_t {
    agent_silence,
    agent_gone,      // silent or recovered for too long
    agent_clearing,  // the registry refused to take its mark away
    agent_heartbeat,
    framework_silence,
    framework_removal,
    framework_heartbeat,
    agent_filters,
    agent_settling,   // the registry refused to write that it is drained, or gone
    agent_removal,    // the next of those that wait to be given up; of no agent
    agent_asking,     // a framework there is to be asked again whether it leaves
    agent_waited,     // its drain has waited for budgets as long as it may
    framework_away,   // how long it is away by now is to be written down
    agents_departed,  // those that are away for good are looked through; of no agent
  };
  Kind kind = Kind::agent_silence;
  std::uint32_t index = 0;
  std::uint32_t generation = 0;

  auto operator<=>(const DeadlineKey&) const = default;
};

// What a Persist on its way will do once it is stored or refused.
namespace pending {
struct Leadership {};
struct Admission {
  AgentSlot agent;
};
struct Return {  // of an agent with a changed description, or that was being given up
  AgentSlot agent;
};
struct Unreachable {
  AgentSlot agent;
};
struct Cleared {  // it was unreachable, is back, and nothing is left of what was told LOST
  AgentSlot agent;
};
struct Subscription {
  FrameworkSlot framework;
};
struct Removal {
  FrameworkSlot framework;
};
struct Absence {  // how long a framework is away
  FrameworkSlot framework;
};
struct Forgetting {
  AgentSlot agent;
};
struct Weight {
  RequestId request;
  std::vector<RoleWeight> weights;
};
struct Quotas {
  RequestId request;
  std::vector<RoleQuota> quotas;
};
struct Upkeep {  // what an operator wants with an agent; without a request: it is drained
  AgentSlot agent;
  RequestId request;
  Maintenance maintenance;
};
struct Gone {
  AgentSlot agent;
  RequestId request;
};
struct Schedule {
  RequestId request;
  MaintenanceSchedule schedule;
};
}  // namespace pending
using PendingWrite =
    std::variant<pending::Leadership, pending::Admission, pending::Return, pending::Unreachable,
                 pending::Cleared, pending::Subscription, pending::Removal, pending::Weight,
                 pending::Upkeep, pending::Gone, pending::Quotas, pending::Schedule,
                 pending::Absence, pending::Forgetting>;

// Agents that are unreachable and those that are gone, each by when they became so.
struct Departed {
  using Ordered = std::set<std::pair<WallTime, AgentSlot>>;
  Ordered unreachable;
  Ordered gone;
};

// Explanations asked for since then, within a second.
struct Explaining {
  Instant since;
  std::uint32_t answered = 0;
  std::uint64_t looks = 0;  // at agents, of each role once
};

struct MasterState {
  bool leading = false;  // the epoch is stored: what we say from now on is fenced
  std::string cluster_id;
  Epoch epoch = 0;
  std::string id_prefix;  // "<cluster id>-<epoch>"

  SlotMap<Agent, Agent> agents;
  SlotMap<Framework, Framework> frameworks;
  SlotMap<Offer, Offer> offers;
  SlotMap<Task, Task> tasks;
  std::unordered_map<AgentId, AgentSlot, KeptHash<AgentId>> agent_of;
  std::unordered_map<FrameworkId, FrameworkSlot> framework_of;
  NumberMap<OfferSlot> offer_of;  // by number, counted from one
  std::unordered_map<PeerId, AgentSlot> agent_of_peer;
  std::unordered_map<PeerId, FrameworkSlot> framework_of_stream;
  // Agents that came without an id in this leadership, by (host, port, incarnation): a repeated
  // first registration finds its row again, and so does a later life with the same tasks.
  std::map<std::string, AgentSlot> newcomers;
  std::map<FrameworkId, WallTime> removed_frameworks;
  std::map<std::string, std::int64_t> weights_milli;
  std::map<std::string, Quota> quotas;         // as stored
  std::map<std::string, Quota> quotas_wanted;  // once what was issued is stored

  MaintenanceSchedule schedule;         // as stored
  MaintenanceSchedule schedule_wanted;  // once what was issued is stored

  // Silent for too long, but only so many are given up in a time: by ticket.
  std::map<std::uint64_t, AgentSlot> removals_waiting;
  std::uint64_t last_removal_ticket = 0;
  Instant next_removal;

  Departed departed;
  std::size_t agents_forgetting = 0;

  OfferSlot oldest_offer;
  OfferSlot newest_offer;
  DeadlineQueue<DeadlineKey> deadlines;
  Allocation allocation;
  Explaining explaining;

  std::deque<std::pair<PersistId, PendingWrite>> writes;  // in order of issue

  std::uint64_t agents_admitting = 0;
  std::uint64_t agents_recovering = 0;  // phase recovered: what runs there is not known yet
  std::uint64_t next_agent = 0;
  std::uint64_t next_framework = 0;
  std::uint64_t next_offer = 0;
  std::uint64_t next_launch = 0;
  std::uint64_t next_persist = 0;
  std::map<Uuid, OperationPlace> operation_of;
  std::uint64_t next_operation = 0;
  std::uint64_t operations_named = 0;
  std::map<std::uint64_t, InversePlace> inverse_offer_of;  // those that are out
  std::uint64_t next_inverse_offer = 1;
  std::uint64_t sequence = 0;  // of the last Change

  // Rows that this step changed, each once: checked at its end.
  std::vector<AgentSlot> touched_agents;
  std::vector<FrameworkSlot> touched_frameworks;
};

}  // namespace bourse::master
