// The handlers of each message family and the operations they share: free functions over the state
// in a Context. Each is defined in the .cpp named above it.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "master/core/context.hpp"
#include "model/limits.hpp"

namespace bourse::master {

// -- handle_lead.cpp: the start of a leadership, and what became of writes
void on_lead(Context& c, const Registry& registry);
void on_stored(Context& c, PersistId id);
void on_rejected(Context& c, PersistId id, const std::string& reason);

// -- handle_agent.cpp: sessions of agents, registering, heartbeats, leaving
void on_agent_message(Context& c, const FromAgent& event);
void on_peer_gone(Context& c, PeerId peer);
void on_admitted(Context& c, AgentSlot slot);
void on_admission_rejected(Context& c, AgentSlot slot, const std::string& reason);
void on_return_stored(Context& c, AgentSlot slot, PersistId id);
void on_return_rejected(Context& c, AgentSlot slot, PersistId id, const std::string& reason);
// Ends the session and asks the agent to register again.
void end_agent_session(Context& c, AgentSlot slot, const std::string& reason);
void send_agent_heartbeat(Context& c, AgentSlot slot);

// -- newcomer.cpp: agents that came without an id, until they register by it
void name_newcomer(MasterState& state, AgentSlot slot, const to_master::Register& message);
void forget_newcomer(MasterState& state, AgentSlot slot);
// The one that this is again; none: it is new.
AgentSlot newcomer_of(const MasterState& state, const to_master::Register& message);

// -- agent_phase.cpp: silent, unreachable, active again
// The facet under the id that the master knows it by.
AgentFacetPtr with_id(const AgentFacetPtr& facet, const AgentId& id);
void become_silent(Context& c, AgentSlot slot, const std::string& reason);
// Over which connection, with what it said there. No peer: it broke meanwhile.
struct SessionBegun {
  PeerId peer;
  std::uint64_t session = 0;
};
void become_active(Context& c, AgentSlot slot, SessionBegun begun,
                   const to_master::Register& message);
void on_agent_silence_due(Context& c, AgentSlot slot);
void on_unreachable_stored(Context& c, AgentSlot slot, PersistId id);
void on_unreachable_rejected(Context& c, AgentSlot slot, PersistId id, const std::string& reason);
// It was unreachable and is back: takes its mark from the registry once nothing is left on it of
// what was told LOST. A master that leads before that kills the rest, as this one does. Till it is
// stored the agent is offered to nobody, so that such a master finds nothing newer there.
void clear_mark(Context& c, AgentSlot slot);
void on_mark_cleared(Context& c, AgentSlot slot);
void on_clearing_rejected(Context& c, AgentSlot slot, const std::string& reason);

// -- removal_rate.cpp: agents are given up one at a time; written down first, for frameworks act
void on_agent_gone_due(Context& c, AgentSlot slot);
void on_removal_turn(Context& c);
void call_off_removal(Context& c, Agent& agent);  // it is back, or gone for good
// An operator's word: not one at a time. REQUIRES silent or recovered.
void give_up_now(Context& c, AgentSlot slot);

// -- maintenance.cpp: what operators want with an agent
bool is_offered(const Agent& agent);  // nobody took it out of service
// The agent that an operator's call names, or why it cannot be meant.
Result<AgentSlot> maintained_agent(const Context& c, const FromOperator& event, const AgentId& id);
AgentPhase shown_phase(const Agent&);  // for readers: its maintenance, while it is here
void on_drain_agent(Context& c, const FromOperator& event, const operation::DrainAgent& call);
void on_deactivate_agent(Context& c, const FromOperator& event,
                         const operation::DeactivateAgent& call);
void on_reactivate_agent(Context& c, const FromOperator& event,
                         const operation::ReactivateAgent& call);
void on_upkeep_stored(Context& c, const pending::Upkeep& write);
void on_upkeep_rejected(Context& c, const pending::Upkeep& write, const std::string& reason);
// Kills what a draining agent runs and was not told to kill yet.
void continue_drain(Context& c, AgentSlot slot);
// Of the agents that this step touched: writes down those that are empty now.
void settle_drains(Context& c);
bool is_emptied(const Agent& agent);  // draining or drained
// What a draining agent reports of a kill, in the words of the drain.
void tell_as_drained(const Agent& agent, TaskStatus& status, TaskState& newest);
// A budget that it waits for may allow more.
void go_on_draining(Context& c, AgentSlot slot);

// -- budget.cpp: how many tasks of a framework must run on while agents are emptied
// Whether it counts as running may have changed.
void count_task(Context& c, Task& task);
void uncount_task(Context& c, Task& task);  // it is its framework's no more
// Whether a drain may tell it to end now; if not, it is asked again.
bool may_ask_away(Context& c, AgentSlot slot, const Task& task);
void set_budget(Framework& framework);
void settle_budgets(Context& c);
void publish_waits(Context& c, AgentSlot slot);
void begin_waiting(Context& c, AgentSlot slot);  // its maintenance is new, or this master is
void check_running(const MasterState& state);

// -- machines.cpp: what operators plan with machines, and those that are down
void on_update_schedule(Context& c, const FromOperator& event,
                        const operation::UpdateSchedule& call);
void on_start_maintenance(Context& c, const FromOperator& event,
                          const operation::StartMaintenance& call);
void on_stop_maintenance(Context& c, const FromOperator& event,
                         const operation::StopMaintenance& call);
void on_schedule_stored(Context& c, const pending::Schedule& write);
void on_schedule_rejected(Context& c, const pending::Schedule& write, const std::string& reason);
void plan_agent(Context& c, AgentSlot slot);  // what it says of itself is new
// Why it may not register, or nothing.
std::optional<std::string> down_for_maintenance(const MasterState& state, const AgentFacet& agent);
void settle_machines(Context& c);  // of the agents that this step touched

// -- inverse_offers.cpp: frameworks are asked to leave agents that are to be unavailable
void ask_frameworks(Context& c);  // on the agents that this step touched
void on_answer_inverse_offers(Context& c, FrameworkSlot slot,
                              const call::AnswerInverseOffers& call);
void drop_asks(Context& c, AgentSlot slot);          // what is planned for it is another thing now
void withdraw_asks(Context& c, FrameworkSlot slot);  // it is not connected any more
void forget_asks(Context& c, FrameworkSlot slot);    // it is removed
void touch_planned_agents_of(Context& c, FrameworkSlot slot);
void check_asks(const MasterState& state);

// -- gone.cpp: marked gone by an operator, for ever
void on_mark_agent_gone(Context& c, const FromOperator& event,
                        const operation::MarkAgentGone& call);
void begin_gone(Context& c, AgentSlot slot, RequestId request);
void on_gone_stored(Context& c, const pending::Gone& write);
void on_gone_rejected(Context& c, const pending::Gone& write, const std::string& reason);
void refuse_gone(Context& c, const Agent& agent, PeerId peer, std::uint64_t session);

// What an agent leaves behind that is not spoken with any more: its tasks and operations are told
// as these, its executors and leaks are no more.
struct Farewell {
  TaskState task;
  OperationState operation;
  StatusReason reason;
  std::string message;
};
void end_all_of(Context& c, AgentSlot slot, const Farewell& farewell);
// Kills and ACCEPTs that waited for it: there is nothing to wait for any more.
void answer_waiting_for(Context& c, const AgentId& id, std::set<TaskKey> asked);
std::set<TaskKey> take_waiting(Agent& agent);

// -- forget_agents.cpp: agents that were away for long enough are no agents any more
void depart(Context& c, AgentSlot slot, WallTime at);  // REQUIRES unreachable or gone
void call_off_departure(Context& c, AgentSlot slot);   // before its phase is another
void on_departed_due(Context& c);
void on_forgetting_stored(Context& c, const pending::Forgetting& write);
void on_forgetting_rejected(Context& c, const pending::Forgetting& write,
                            const std::string& reason);

// -- reconcile_agent.cpp: what is there against what we think, task by task
// `was_given_up`: it returns from unreachable.
void reconcile_agent(Context& c, AgentSlot slot, const to_master::Register& message,
                     bool was_given_up);

// -- subscribe.cpp: a framework comes, comes back, changes
void on_subscribe(Context& c, const FromFramework& event, const call::Subscribe& call);
void on_update_framework(Context& c, FrameworkSlot slot, const FromFramework& event,
                         const call::UpdateFramework& call);
void on_subscription_stored(Context& c, FrameworkSlot slot, PersistId id);
void on_subscription_rejected(Context& c, FrameworkSlot slot, PersistId id,
                              const std::string& reason);
void watch_session(Context& c, FrameworkSlot slot);  // heartbeats and silence
// -- validate_framework.cpp
// One sentence saying what is wrong with it, or nothing.
std::optional<std::string> validate_framework(const FrameworkFacet& facet,
                                              const std::vector<std::string>& suppressed_roles);
std::optional<std::string> validate_role(const std::string& role);

// -- handle_framework.cpp: calls of frameworks and their end
void on_framework_message(Context& c, const FromFramework& event);
void disconnect_framework(Context& c, FrameworkSlot slot, const std::string& reason);
void on_framework_silence_due(Context& c, FrameworkSlot slot);
// -- absence.cpp: a failover_timeout runs on, whoever leads
// `before`: what earlier leaders counted; `least`: how long it has in any case.
void begin_absence(Context& c, FrameworkSlot slot, Duration before, Duration least);
void await_return(Context& c, FrameworkSlot slot);  // it is disconnected, if that does not run yet
void end_absence(Context& c, FrameworkSlot slot);   // it is here, and the registry says so
void on_framework_away_due(Context& c, FrameworkSlot slot);
void on_absence_rejected(Context& c, FrameworkSlot slot, const std::string& reason);
// Its end: written first, done when stored.
void begin_removal(Context& c, FrameworkSlot slot, RequestId request, const std::string& reason);
void on_removal_stored(Context& c, FrameworkSlot slot);
void on_removal_rejected(Context& c, FrameworkSlot slot, const std::string& reason);

// -- handle_accept.cpp, launch.cpp
Status on_accept(Context& c, FrameworkSlot slot, const Principal& principal,
                 const call::Accept& call);
void on_decline(Context& c, FrameworkSlot slot, const call::Decline& call);
// Why these offers cannot be accepted, or nothing.
std::optional<std::string> validate_offers(const MasterState& state, FrameworkSlot slot,
                                           const std::vector<OfferId>& ids);
// The offers are closed already and their resources free: starts what is valid of the operations
// and says why not of the rest. Takes from `left` what they use and changes it as they do; returns
// the number of tasks and operations.
std::size_t launch_operations(Context& c, FrameworkSlot slot, AgentSlot agent_slot,
                              std::uint32_t role, const Principal& principal,
                              const std::vector<OfferOperation>& operations, Resources& left);

// -- handle_status.cpp
void on_status_update(Context& c, AgentSlot slot, const to_master::StatusUpdate& update);
void on_acknowledge(Context& c, FrameworkSlot slot, const call::Acknowledge& call);
void on_executor_exited(Context& c, AgentSlot slot, const to_master::ExecutorExited& message);
void on_container_leaked(Context& c, AgentSlot slot, const to_master::ContainerLeaked& message);
void on_executor_message(Context& c, AgentSlot slot, const to_master::ExecutorMessage& message);

// -- handle_kill.cpp
void on_kill(Context& c, FrameworkSlot slot, const call::Kill& call);
void on_shutdown(Context& c, FrameworkSlot slot, const call::Shutdown& call);
void on_framework_data(Context& c, FrameworkSlot slot, const call::Message& call);
void kill_task(Context& c, TaskSlot slot, std::optional<Duration> grace, KillCause cause);
void answer_waiting_kills(Context& c);

// -- handle_reconcile.cpp
void on_reconcile(Context& c, FrameworkSlot slot, const call::Reconcile& call);
// Says what is known of a task that has a row.
void send_latest(Context& c, Framework& framework, const Task& task);
void send_about_unknown(Context& c, Framework& framework, const TaskId& task_id,
                        const AgentId& agent_id);

// -- operations.cpp: rows of operations on agents' resources
void add_operation(Context& c, AgentSlot slot, Operation row);
Uuid new_operation_uuid(Context& c);
std::optional<OperationPlace> find_operation(const MasterState& state, const Uuid& uuid);
void on_operation_outcomes(Context& c, AgentSlot slot, const to_master::OperationOutcomes& message);
// Those that it has not acknowledged.
void forward_outcomes(Context& c, Framework& framework);
void on_acknowledge_operation(Context& c, FrameworkSlot slot,
                              const call::AcknowledgeOperation& call);
void on_reconcile_operations(Context& c, FrameworkSlot slot, const call::ReconcileOperations& call);
// Of one with an id; dropped: unless it is known, for the ACCEPT may be a repeat.
void tell_operation_refused(Context& c, Framework& framework, const OperationId& id,
                            const AgentId& agent, OperationState state, std::string message);
// The agent registers: what it did is adopted, what it never got is sent again.
void reconcile_agent_operations(Context& c, AgentSlot slot, const to_master::Register& message);
Resources total_with_operations(Agent& agent);
// As unreachable they are kept, as anything else they end.
void lose_agent_operations(Context& c, AgentSlot slot, OperationState as);
void answer_operators_of(Context& c, Agent& agent);
void remove_framework_operations(Context& c, Framework& framework);
void check_operations(const MasterState& state, const Agent& agent);
// -- oversubscription.cpp: what agents lend
void on_oversubscribed(Context& c, AgentSlot slot, const to_master::Oversubscribed& message);
// Ends the newest offers of what is revocable until the others are in this total.
void rescind_unfounded(Context& c, Agent& agent, const Resources& total);
// Of one name what may be taken away or what may not, never both: the name that is mixed.
std::optional<std::string> mixed_name(const Resources& resources);
// -- change_resources.cpp
void on_change_resources(Context& c, const FromOperator& event,
                         const operation::ChangeResources& call);

// -- handle_operator.cpp
void on_operator(Context& c, const FromOperator& event);
void on_weight_stored(Context& c, const pending::Weight& weight);

// -- handle_quota.cpp: guarantees and limits of roles
void on_update_quota(Context& c, const FromOperator& event, const operation::UpdateQuota& call);
void on_quotas_stored(Context& c, const pending::Quotas& write);
void on_quotas_rejected(Context& c, const pending::Quotas& write, const std::string& reason);
void recover_quotas(Context& c, const std::map<std::string, Quota>& quotas);
// -- validate_quota.cpp
// Why this cannot be, or nothing. `next`: all quotas as they would be.
std::optional<Error> validate_quotas(const Context& c, const operation::UpdateQuota& call,
                                     const std::map<std::string, Quota>& next);
// -- quota_count.cpp: what quotas count, kept up to date once there was a first one
// Unreserved and not revocable.
QuantityRow counted_row(const Allocation& allocation, const Resources& resources);
void begin_counting(Context& c);
void count_reservations(Context& c, AgentSlot slot);  // its total is new
void forget_reservations(Context& c, Agent& agent);
void count_spare(Context& c, Agent& agent);  // its room is up to date
// A framework in this role holds so much, or holds it no more.
void consume_quota(Allocation& allocation, const Role& role, const Resources& resources);
void release_quota(Allocation& allocation, const Role& role, const Resources& resources);
void rescind_for_quotas(Context& c);
void check_quotas(const MasterState& state);

// -- tasks.cpp: rows of tasks and executors, and what they hold
TaskSlot add_task(Context& c, Task task);
// Frees what it holds, once.
void release_task(Context& c, Task& task);
void erase_task(Context& c, TaskSlot slot);
// Its framework is no longer to hear of it; it holds on until its agent says that it ended.
void make_zombie(Context& c, TaskSlot slot);
Executor& add_executor(Context& c, Agent& agent, FrameworkSlot framework, std::uint32_t role,
                       ExecutorFacetPtr facet, bool anyway);
void erase_executor(Context& c, Agent& agent, const ExecutorKey& key);
void remember_completed(Framework& framework, const TaskId& task_id, CompletedTask completed);
// A status in the master's own words, without uuid.
TaskStatus master_status(const Context& c, const TaskId& task_id, const AgentId& agent_id,
                         TaskState state, StatusReason reason, std::string message);

// -- offers.cpp
OfferSlot find_offer(const MasterState& state, const OfferId& id);  // live, or empty
// `row`: the resources as the allocator counts them. The caller checks the agent afterwards.
void open_offer(Context& c, FrameworkSlot framework, std::uint32_t role, AgentSlot agent,
                Resources resources, std::span<const std::int64_t> row, OfferFacet& facet);
// Gives back to the ledger what the offer took.
void close_offer(Context& c, OfferSlot slot, change::OfferRemoved::Why why);
// Closes it and tells the framework.
void rescind_offer(Context& c, OfferSlot slot, change::OfferRemoved::Why why);
void rescind_offers_of(Context& c, Agent& agent);
void expire_offers(Context& c);

// -- offer_round.cpp: the way to the allocator and back
void touch_room(Context& c, AgentSlot slot);  // what it can offer changed
void leave_room(Agent& agent);                // it is another's, or otherwise described
void touch_all_rooms(Context& c);             // somebody new wants something
bool can_offer(const Agent& agent);
void run_round(Context& c);
void on_idle_due(Context& c);  // claims that decline everything get their turn
// -- claims.cpp: agents, roles and frameworks as the allocator sees them
std::uint32_t dimension_of(const Allocation& allocation, const std::string& name);  // kNone
// Whether its name has a dimension.
bool add_to_row(const Allocation& allocation, const Resource& resource, std::int64_t* row);
QuantityRow row_of(const Allocation& allocation, const Resources& resources);
std::span<const std::int64_t> span_of(const Allocation& allocation, const QuantityRow& row);
allocator::NodeId role_node(Context& c, const std::string& role);  // made when it is not there
void learn_names(Context& c, const Resources& resources);          // before any of it is offered
void enter_agent(Context& c, AgentSlot slot);                      // its total counts from now on
void leave_agent(Context& c, AgentSlot slot);
void enter_role(Context& c, FrameworkSlot slot, std::uint32_t role);  // or changes
void update_role(Context& c, FrameworkSlot slot, std::uint32_t role);
void update_roles(Context& c, FrameworkSlot slot);  // all of them
// Of offers: its claims are out until one of them ends, or what it cannot have would be kept from
// the others.
inline bool is_full(const Framework& framework) {
  return framework.offers.size() >= limits::kMaxOffersPerFramework;
}
void renew_claim(Context& c, FrameworkSlot slot, std::uint32_t role);  // it wants something else
// What it holds is in a role of that name: which of its roles that is, also one that it has left.
// An agent that does not know the name (empty) is taken to mean the first.
std::uint32_t held_role(Context& c, FrameworkSlot slot, const std::string& name);
void leave_roles(Context& c, FrameworkSlot slot);  // nothing may be charged to it
void charge(Context& c, const Role& role, const Resources& resources);
void uncharge(Context& c, const Role& role, const Resources& resources);
void set_role_weight(Context& c, const std::string& role, std::int64_t weight_milli);
// What a round, or a question about one, works on.
allocator::Input allocation_input(const MasterState& state, const MasterConfig& config,
                                  std::span<const std::uint32_t> touched);
// Its node stays as long as it has a quota.
void set_role_quota(Context& c, const std::string& role, const Quota& quota);
// A claim showed that it uses what it gets.
void claim_is_active(Context& c, Role& role);
void claim_declined(Context& c, Role& role);

// -- explain.cpp
void on_explain(Context& c, const FromOperator& event, const operation::ExplainFramework& call);

// -- constraints.cpp: what the attributes of agents must be for a framework
// Compiles them, or says what is wrong with them.
Status compile_constraints(OfferConstraintsPtr& constraints, const FrameworkFacet& framework);
void constrain_role(Context& c, FrameworkSlot slot, std::uint32_t role);
void constrain_agent(Context& c, AgentSlot slot);

// -- demand.cpp: what a framework says it wants
Status on_request(Context& c, FrameworkSlot slot, const call::Request& call);
void forget_demand(Context& c, FrameworkSlot slot);  // a new subscription says it again
void narrow_demand(Context& c, FrameworkSlot slot);  // to the roles that it has now
// In that role; null: it says nothing of it.
const std::vector<DemandShape>* wanted_in(const DemandPtr& demand, const Role& role);
std::vector<std::int64_t> demand_rows(const Allocation& allocation,
                                      const std::vector<DemandShape>& shapes);
// Enters what it wants in the role, less what is on offer to it. REQUIRES a claim.
void want_role(Context& c, FrameworkSlot slot, std::uint32_t role);
void renew_demands(Context& c);
// Likewise for what frameworks say is the least that they can use.
void renew_minimums(Context& c);
// The newest offer of the framework meets so many of each shape; an offer that ends, none.
void note_meets(Context& c, FrameworkSlot slot, std::uint32_t role,
                std::span<const std::uint32_t> met);
void unmeet(Allocation& allocation, const Role& role, const Offer& offer);
// Whether what is reserved for `owner` may go to the claim.
bool is_open_to(const Allocation& allocation, const allocator::ShareTree::Claim& claim,
                allocator::NodeId owner);
// What is free on an agent that the claim may have.
QuantityRow usable_row(const Allocation& allocation, const allocator::ShareTree::Claim& claim,
                       std::uint32_t room);
// Looks at each `stride`-th agent.
std::vector<Explanation::Wanted> explain_wanted(const MasterState& state,
                                                const MasterConfig& config,
                                                const Framework& framework, const Role& role,
                                                std::size_t stride);
void check_demands(const MasterState& state, const Framework& framework);

// -- filters.cpp
void add_filter(Context& c, FrameworkSlot slot, std::uint32_t role, AgentSlot agent,
                const Resources& refused, Duration refuse);
void drop_filters(Context& c, FrameworkSlot slot, std::uint32_t role);  // it revived, or came back
void drop_filters_of(Context& c, AgentSlot slot);                       // the agent left
void on_filters_due(Context& c, AgentSlot slot);

// -- invariants.cpp
// Each ASSERTs. REQUIRES the end of a step.
void check_agent(const MasterState& state, AgentSlot slot);
void check_framework(const MasterState& state, FrameworkSlot slot);
void check_all(const MasterState& state);

// -- fingerprint.cpp
std::uint64_t fingerprint_of(const MasterState& state);

}  // namespace bourse::master
