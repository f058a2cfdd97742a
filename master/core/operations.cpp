// Rows of operations on agents' resources: from their order to their agent until their outcome is
// acknowledged. The agent's word counts: `confirmed` is the total that it has stored, and the
// ledger's total is that with every order under way done as well. While one is under way nothing
// more of the agent is offered, so what it makes is nobody else's before it is stored.
#include <algorithm>
#include <set>
#include <utility>

#include "base/assert.hpp"
#include "base/probe.hpp"
#include "master/core/handlers.hpp"
#include "model/limits.hpp"

namespace bourse::master {

namespace {

using Outcome = to_master::OperationOutcomes::Outcome;

Framework* framework_of(MasterState& state, const Operation& row) {
  const auto it = state.framework_of.find(row.order->framework_id);
  return it == state.framework_of.end() ? nullptr : &state.frameworks.at(it->second);
}

// Somebody waits for its feedback.
bool has_reader(MasterState& state, const Operation& row) {
  return !row.order->id.empty() && framework_of(state, row) != nullptr;
}

OperationStatus status_of(const Agent& agent, const Operation& row) {
  OperationStatus status;
  status.id = row.order->id;
  status.state = row.state;
  status.message = row.message;
  status.uuid = row.status_uuid;
  status.agent_id = agent.id;
  return status;
}

void tell(Context& c, const Agent& agent, const Operation& row) {
  if (!has_reader(c.state, row)) return;
  send_to_framework(c, *framework_of(c.state, row), event::UpdateOperation{status_of(agent, row)});
}

void publish_operation(Context& c, const Agent& agent, const Operation& row) {
  c.publish(change::OperationPut{agent.id, row.order, status_of(agent, row)});
}

void remember(Framework& framework, const OperationId& id, CompletedOperation completed) {
  const auto [it, fresh] = framework.completed_operations.insert_or_assign(id, completed);
  if (!fresh) return;
  framework.completed_operations_order.push_back(id);
  if (framework.completed_operations_order.size() <= limits::kMaxCompletedOperationsPerFramework) {
    return;
  }
  framework.completed_operations.erase(framework.completed_operations_order.front());
  framework.completed_operations_order.pop_front();
}

void answer_operator(Context& c, Operation& row, Status status) {
  c.answer(std::exchange(row.request, RequestId()), std::move(status));
}

// The row goes; its framework may still ask what became of it.
void erase_operation(Context& c, Agent& agent, std::uint64_t number) {
  const auto it = agent.operations.find(number);
  const Operation& row = it->second;
  if (has_reader(c.state, row)) {
    Framework& framework = *framework_of(c.state, row);
    framework.operation_of.erase(row.order->id);
    remember(framework, row.order->id, {row.state, row.message, agent.id});
  }
  if (row.state == OperationState::pending) --agent.operations_pending;
  c.publish(change::OperationRemoved{row.order->uuid});
  c.state.operation_of.erase(row.order->uuid);
  agent.operations.erase(it);
}

// The agent's stored total with all that is under way: what cannot be any more will fail there.
Resources expected_total(Agent& agent) {
  Resources total = agent.confirmed;
  for (auto& [number, row] : agent.operations) {
    if (row.state == OperationState::pending) (void)convert(total, row.conversion);
  }
  total.add(agent.oversubscribed);
  return total;
}

void follow_agent(Context& c, AgentSlot slot) {
  Agent& agent = c.state.agents.at(slot);
  Resources total = expected_total(agent);
  if (total == agent.ledger.total()) return;
  PROBE("master.operation_undone");
  rescind_offers_of(c, agent);
  agent.ledger.set_total(std::move(total));
}

// Its framework is told, and acknowledges what has a uuid. What nobody waits for is settled.
void settle(Context& c, Agent& agent, std::uint64_t number, const Outcome& outcome,
            std::vector<Uuid>& acknowledged) {
  Operation& row = agent.operations.at(number);
  --agent.operations_pending;
  if (has_reader(c.state, row) && outcome.status_uuid) {
    row.status_uuid = outcome.status_uuid;
    tell(c, agent, row);
    publish_operation(c, agent, row);
    return;
  }
  tell(c, agent, row);
  acknowledged.push_back(row.order->uuid);
  erase_operation(c, agent, number);
}

void on_finished(Context& c, Agent& agent, std::uint64_t number, const Outcome& outcome,
                 std::vector<Uuid>& acknowledged) {
  Operation& row = agent.operations.at(number);
  row.state = OperationState::finished;
  answer_operator(c, row, {});
  settle(c, agent, number, outcome, acknowledged);
}

void on_failed(Context& c, Agent& agent, std::uint64_t number, const Outcome& outcome,
               std::vector<Uuid>& acknowledged) {
  PROBE("master.operation_failed");
  Operation& row = agent.operations.at(number);
  c.note(Note::Level::warning, "operation.failed",
         {{"agent_id", agent.id.raw()},
          {"type", std::string(name_of(row.order->operation.type))},
          {"reason", outcome.message}});
  row.state = OperationState::failed;
  row.message = outcome.message;
  answer_operator(c, row,
                  Error{ErrorCode::conflict, "the agent did not do it: " + outcome.message});
  settle(c, agent, number, outcome, acknowledged);
}

void acknowledge(Context& c, Agent& agent, std::vector<Uuid> uuids) {
  if (uuids.empty()) return;
  send_to_agent(c, agent, to_agent::AcknowledgeOperations{std::move(uuids)});
}

}  // namespace

void add_operation(Context& c, AgentSlot slot, Operation row) {
  Agent& agent = c.state.agents.at(slot);
  const std::uint64_t number = ++c.state.next_operation;
  c.state.operation_of.emplace(row.order->uuid, OperationPlace{slot, number});
  if (has_reader(c.state, row)) {
    framework_of(c.state, row)->operation_of.emplace(row.order->id, row.order->uuid);
  }
  if (row.state == OperationState::pending) ++agent.operations_pending;
  const Operation& added = agent.operations.emplace(number, std::move(row)).first->second;
  publish_operation(c, agent, added);
}

Uuid new_operation_uuid(Context& c) {
  return make_uuid(c.config.seed + c.state.epoch, ++c.state.operations_named);
}

std::optional<OperationPlace> find_operation(const MasterState& state, const Uuid& uuid) {
  const auto it = state.operation_of.find(uuid);
  if (it == state.operation_of.end()) return std::nullopt;
  return it->second;
}

void on_operation_outcomes(Context& c, AgentSlot slot,
                           const to_master::OperationOutcomes& message) {
  Agent& agent = c.state.agents.at(slot);
  std::vector<Uuid> acknowledged;
  bool changed = false;
  for (const Outcome& outcome : message.outcomes) {
    const auto place = find_operation(c.state, outcome.uuid);
    if (!place || place->agent != slot) {
      PROBE("master.outcome_of_unknown_operation");
      acknowledged.push_back(outcome.uuid);
      continue;
    }
    const Operation& row = agent.operations.at(place->number);
    if (row.state != OperationState::pending) {
      PROBE("master.outcome_repeated");
      tell(c, agent, row);
      continue;
    }
    changed = true;
    if (!outcome.finished) {
      on_failed(c, agent, place->number, outcome, acknowledged);
      continue;
    }
    if (!convert(agent.confirmed, row.conversion).ok()) {
      // It has stored what cannot be by what is known here: it registers with what is true.
      PROBE("master.outcome_contradicts");
      end_agent_session(c, slot, "an operation that it did cannot be by what it told before");
      return;
    }
    on_finished(c, agent, place->number, outcome, acknowledged);
  }
  acknowledge(c, agent, std::move(acknowledged));
  touch_agent(c, slot);
  if (!changed) return;
  follow_agent(c, slot);
  publish_agent(c, agent);
  if (agent.operations_pending == 0) touch_room(c, slot);
}

void forward_outcomes(Context& c, Framework& framework) {
  for (const auto& [id, uuid] : framework.operation_of) {
    const OperationPlace place = *find_operation(c.state, uuid);
    const Agent& agent = c.state.agents.at(place.agent);
    const Operation& row = agent.operations.at(place.number);
    if (row.state != OperationState::pending) tell(c, agent, row);
  }
}

void on_acknowledge_operation(Context& c, FrameworkSlot slot,
                              const call::AcknowledgeOperation& call) {
  const Framework& framework = c.state.frameworks.at(slot);
  const auto known = framework.operation_of.find(call.operation_id);
  const auto place =
      known == framework.operation_of.end() ? std::nullopt : find_operation(c.state, known->second);
  // The agent says it again until it is acknowledged: what is not known now will be.
  if (!place) return;
  Agent& agent = c.state.agents.at(place->agent);
  const Operation& row = agent.operations.at(place->number);
  if (row.status_uuid != call.uuid) {
    PROBE("master.operation_acknowledged_by_another_uuid");
    return;
  }
  acknowledge(c, agent, {row.order->uuid});
  erase_operation(c, agent, place->number);
  touch_agent(c, place->agent);
}

namespace {

// Of an operation that this master has no row for.
CompletedOperation judge(const MasterState& state, const AgentId& agent_id) {
  if (agent_id.empty()) {
    return {state.agents_recovering > 0 ? OperationState::recovering : OperationState::unknown,
            "Reconciliation: Operation is unknown",
            {}};
  }
  const auto it = state.agent_of.find(agent_id);
  const AgentPhase phase =
      it == state.agent_of.end() ? AgentPhase::active : state.agents.at(it->second).phase;
  switch (phase) {
    case AgentPhase::recovered:
      return {OperationState::recovering, "Reconciliation: Agent is recovering", agent_id};
    case AgentPhase::unreachable:
      return {OperationState::unreachable, "Reconciliation: Agent is unreachable", agent_id};
    case AgentPhase::gone:
      return {OperationState::gone_by_operator, "Reconciliation: Agent is gone", agent_id};
    default:
      return {OperationState::unknown, "Reconciliation: Operation is unknown", agent_id};
  }
}

void reconcile_one(Context& c, Framework& framework,
                   const call::ReconcileOperations::Operation& asked) {
  OperationStatus status;
  if (const auto known = framework.operation_of.find(asked.operation_id);
      known != framework.operation_of.end()) {
    const OperationPlace place = *find_operation(c.state, known->second);
    const Agent& agent = c.state.agents.at(place.agent);
    status = status_of(agent, agent.operations.at(place.number));
    if (agent.phase == AgentPhase::unreachable) status.state = OperationState::unreachable;
    status.uuid.reset();
    if (status.message.empty()) status.message = "Reconciliation: Latest operation state";
  } else {
    const auto ended = framework.completed_operations.find(asked.operation_id);
    const CompletedOperation told = ended == framework.completed_operations.end()
                                        ? judge(c.state, asked.agent_id)
                                        : ended->second;
    status = {asked.operation_id, told.state, told.message, std::nullopt, told.agent_id};
  }
  send_to_framework(c, framework, event::UpdateOperation{std::move(status)});
}

}  // namespace

void on_reconcile_operations(Context& c, FrameworkSlot slot,
                             const call::ReconcileOperations& call) {
  Framework& framework = c.state.frameworks.at(slot);
  if (!call.operations.empty()) {
    for (const auto& asked : call.operations) reconcile_one(c, framework, asked);
    return;
  }
  for (const auto& [id, uuid] : framework.operation_of) {
    reconcile_one(c, framework, {id, {}});
  }
}

void tell_operation_refused(Context& c, Framework& framework, const OperationId& id,
                            const AgentId& agent, OperationState state, std::string message) {
  if (id.empty()) return;
  if (state == OperationState::dropped && framework.operation_of.contains(id)) {
    PROBE("master.operation_accept_repeated");
    reconcile_one(c, framework, {id, agent});
    return;
  }
  send_to_framework(c, framework,
                    event::UpdateOperation{{id, state, std::move(message), std::nullopt, agent}});
}

// -- the agent registers, is lost, or its framework is

namespace {

struct OperationReconciler {
  Context& c;
  AgentSlot slot;
  Agent& agent;
  std::vector<Uuid> acknowledged;
  std::set<std::uint64_t> listed;

  void known(const to_master::KnownOperation& told) {
    const auto place = find_operation(c.state, told.order.uuid);
    if (!place) return adopt(told);
    if (place->agent != slot) return;
    listed.insert(place->number);
    Operation& row = agent.operations.at(place->number);
    if (row.state != OperationState::pending) {
      tell(c, agent, row);
      return;
    }
    const Outcome outcome{told.order.uuid, told.state == OperationState::finished, told.status_uuid,
                          told.message};
    if (told.state == OperationState::finished) {
      on_finished(c, agent, place->number, outcome, acknowledged);
    } else if (told.state == OperationState::failed) {
      on_failed(c, agent, place->number, outcome, acknowledged);
    }
  }

  // An earlier master ordered it.
  void adopt(const to_master::KnownOperation& told) {
    const auto conversion = conversion_of(told.order.operation);
    Operation row;
    row.order = std::make_shared<const OperationOrder>(told.order);
    if (conversion.ok()) row.conversion = conversion.value();
    row.state = told.state;
    row.status_uuid = told.status_uuid;
    row.message = told.message;
    const Framework* framework = framework_of(c.state, row);
    const bool again = framework && framework->operation_of.contains(row.order->id);
    const bool waits = told.state == OperationState::pending || told.status_uuid.has_value();
    const bool sound = conversion.ok() || told.state == OperationState::failed;
    if (!sound || again || !waits ||
        (told.state != OperationState::pending && !has_reader(c.state, row))) {
      if (told.state == OperationState::failed) tell(c, agent, row);
      acknowledged.push_back(told.order.uuid);
      return;
    }
    PROBE("master.operation_adopted");
    add_operation(c, slot, std::move(row));
    listed.insert(c.state.next_operation);
    tell(c, agent, agent.operations.at(c.state.next_operation));
  }

  // What it did not list: never came there, or is settled.
  void missing() {
    to_agent::ApplyOperations again;
    std::vector<std::uint64_t> settled;
    for (const auto& [number, row] : agent.operations) {
      if (listed.contains(number)) continue;
      if (row.state == OperationState::pending) {
        PROBE("master.operation_sent_again");
        again.orders.push_back(*row.order);
      } else {
        settled.push_back(number);
      }
    }
    for (const std::uint64_t number : settled) erase_operation(c, agent, number);
    acknowledge(c, agent, std::move(acknowledged));
    if (!again.orders.empty()) send_to_agent(c, agent, std::move(again));
  }
};

}  // namespace

void reconcile_agent_operations(Context& c, AgentSlot slot, const to_master::Register& message) {
  Agent& agent = c.state.agents.at(slot);
  agent.confirmed = message.total ? *message.total : agent.facet->total;
  agent.oversubscribed = message.oversubscribed;
  OperationReconciler reconciler{c, slot, agent, {}, {}};
  for (const to_master::KnownOperation& told : message.operations) reconciler.known(told);
  reconciler.missing();
}

Resources total_with_operations(Agent& agent) {
  return expected_total(agent);
}

void lose_agent_operations(Context& c, AgentSlot slot, OperationState as) {
  Agent& agent = c.state.agents.at(slot);
  std::vector<std::uint64_t> numbers;
  for (auto& [number, row] : agent.operations) {
    answer_operator(c, row,
                    Error{ErrorCode::unavailable,
                          "agent '" + agent.id.raw() + "' was lost before it answered"});
    OperationStatus status = status_of(agent, row);
    status.uuid.reset();
    status.state = as;
    if (row.state == OperationState::pending && has_reader(c.state, row)) {
      send_to_framework(c, *framework_of(c.state, row), event::UpdateOperation{std::move(status)});
    }
    numbers.push_back(number);
  }
  if (as == OperationState::unreachable) return;
  for (const std::uint64_t number : numbers) {
    Operation& row = agent.operations.at(number);
    if (row.state == OperationState::pending) {
      row.state = as;
      --agent.operations_pending;
    }
    erase_operation(c, agent, number);
  }
}

void answer_operators_of(Context& c, Agent& agent) {
  for (auto& [number, row] : agent.operations) {
    answer_operator(c, row,
                    Error{ErrorCode::unavailable,
                          "agent '" + agent.id.raw() +
                              "' was lost before it answered; when it is back it may do it still"});
  }
}

void remove_framework_operations(Context& c, Framework& framework) {
  const auto ids = std::move(framework.operation_of);
  framework.operation_of.clear();
  for (const auto& [id, uuid] : ids) {
    const OperationPlace place = *find_operation(c.state, uuid);
    Agent& agent = c.state.agents.at(place.agent);
    const Operation& row = agent.operations.at(place.number);
    if (row.state == OperationState::pending) continue;  // the agent's word settles it
    acknowledge(c, agent, {uuid});
    c.publish(change::OperationRemoved{uuid});
    c.state.operation_of.erase(uuid);
    agent.operations.erase(place.number);
  }
}

void check_operations(const MasterState& state, const Agent& agent) {
  std::size_t pending = 0;
  for (const auto& [number, row] : agent.operations) {
    const auto place = state.operation_of.find(row.order->uuid);
    ASSERT(place != state.operation_of.end() && place->second.number == number);
    if (row.state == OperationState::pending) {
      ++pending;
      continue;
    }
    ASSERT(row.state == OperationState::finished || row.state == OperationState::failed);
    ASSERT(row.status_uuid);
  }
  ASSERT(pending == agent.operations_pending);
}

}  // namespace bourse::master
