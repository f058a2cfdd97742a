// Operations on this agent's resources: those of one message are stored together, and only then is
// anybody told. What they made of the resources is kept as the difference to what is configured, so
// that the next life makes the same of what it finds.
#include <algorithm>

#include "agent/core/context.hpp"
#include "base/assert.hpp"
#include "base/probe.hpp"
#include "model/limits.hpp"

namespace bourse::agent {

namespace {

using Kind = DeadlineKey::Kind;
using Outcome = to_master::OperationOutcomes::Outcome;

Outcome outcome_of(const Operation& row) {
  return {row.order.uuid, row.phase == OperationPhase::finished, row.status_uuid, row.message};
}

void arm_retry(Context& c) {
  const bool waits =
      std::any_of(c.state.operations.begin(), c.state.operations.end(), [](const auto& entry) {
        return entry.second.phase == OperationPhase::finished ||
               entry.second.phase == OperationPhase::failed;
      });
  if (!waits) {
    c.state.operation_resends = 0;
    c.disarm(Kind::operation_retry);
    return;
  }
  Duration wait = c.config.update_retry;
  for (std::uint32_t i = 0; i < c.state.operation_resends && wait < c.config.update_retry_max;
       ++i) {
    wait = wait * 2;
  }
  c.arm(Kind::operation_retry, std::min(wait, c.config.update_retry_max));
}

void tell(Context& c, std::vector<Outcome> outcomes) {
  if (!outcomes.empty()) send_to_master(c, to_master::OperationOutcomes{std::move(outcomes)});
  arm_retry(c);
}

// What this operation consumes must be there and not in use. nullopt: it can be done.
std::optional<std::string> obstacle(const Context& c, const Resources& used,
                                    const Conversion& conversion) {
  if (c.state.cleanup != CleanupPhase::none) return "this agent is being cleaned up";
  if (c.state.operations.size() >= limits::kMaxOperationsPerAgent) {
    return "this agent keeps " + std::to_string(limits::kMaxOperationsPerAgent) +
           " operations without acknowledgement, its limit";
  }
  Resources free = c.state.issued;
  free.subtract_up_to(used);
  for (const Resource& resource : conversion.consumed.list()) {
    if (resource.is_shared() && used.contains(resource)) return "a task uses the volume";
  }
  if (free.contains(conversion.consumed)) return std::nullopt;
  return free.to_text() + " does not contain " + conversion.consumed.to_text();
}

// Accepted: nullopt. Else why not.
std::optional<std::string> begin(Context& c, const Resources& used, Operation& row) {
  auto conversion = conversion_of(row.order.operation);
  if (!conversion.ok()) return conversion.error().message;
  row.conversion = std::move(conversion).value();
  if (auto why = obstacle(c, used, row.conversion)) return why;
  if (const Status done = convert(c.state.issued, row.conversion); !done.ok()) {
    return done.error().message;
  }
  if (!row.order.id.empty()) row.status_uuid = c.new_uuid();
  return std::nullopt;
}

std::vector<Effect> removals_of(const OperationOrder& order) {
  std::vector<Effect> out;
  if (order.operation.type != ResourceOperation::Type::destroy) return out;
  for (const Resource& volume : order.operation.resources.list()) {
    out.push_back(Effect{RemoveVolume{volume}});
  }
  return out;
}

}  // namespace

namespace {

bool is_unsettled(const Operation& row) {
  return row.phase == OperationPhase::waiting || row.phase == OperationPhase::storing;
}

std::map<std::uint64_t, Operation*> in_order(AgentState& state, OperationPhase phase) {
  std::map<std::uint64_t, Operation*> out;
  for (auto& [uuid, row] : state.operations) {
    if (row.phase == phase) out.emplace(row.number, &row);
  }
  return out;
}

// All that came while the last ones were being written go into the next write together.
void store_waiting(Context& c) {
  if (c.state.operations_storing) return;
  std::vector<CheckpointRecord> records;
  std::vector<Effect> after;
  OperationsPending pending;
  for (auto& [number, row] : in_order(c.state, OperationPhase::waiting)) {
    row->phase = OperationPhase::storing;
    pending.uuids.push_back(row->order.uuid);
    if (row->refused) {
      records.push_back(checkpoint::OperationFailed{row->order, *row->status_uuid, row->message});
      continue;
    }
    records.push_back(checkpoint::OperationApplied{row->order, row->status_uuid, false});
    for (Effect& effect : removals_of(row->order)) after.push_back(std::move(effect));
  }
  if (records.empty()) return;
  if (!c.state.identity_stored && !c.state.identity->id.empty()) {
    records.insert(records.begin(), identity_record(c.state));
  }
  c.state.operations_storing = true;
  c.checkpoint(std::move(records), std::move(pending), std::move(after));
}

// Nothing changed. A framework that gave it an id hears so until it acknowledges that, in later
// lives too: what is told is written first.
void fail(Context& c, Operation& row, std::string why, std::vector<Outcome>& outcomes) {
  row.message = std::move(why);
  if (!row.order.id.empty()) {
    row.phase = OperationPhase::waiting;
    row.refused = true;
    if (!row.status_uuid) row.status_uuid = c.new_uuid();
    return;
  }
  row.phase = OperationPhase::failed;
  outcomes.push_back(outcome_of(row));
}

void settled(Context& c, std::vector<Outcome> outcomes) {
  c.state.operations_storing = false;
  c.state.operation_resends = 0;
  tell(c, std::move(outcomes));
  store_waiting(c);
  release_held(c);
}

}  // namespace

void on_apply_operations(Context& c, const to_agent::ApplyOperations& message) {
  std::vector<Outcome> outcomes;
  const Resources used = used_resources(c.state);
  for (const OperationOrder& order : message.orders) {
    if (const auto known = c.state.operations.find(order.uuid); known != c.state.operations.end()) {
      PROBE("agent.repeated_operation");
      if (!is_unsettled(known->second)) outcomes.push_back(outcome_of(known->second));
      continue;
    }
    Operation row;
    row.order = order;
    row.number = ++c.state.operations_seen;
    if (auto why = begin(c, used, row)) {
      PROBE("agent.refuses_operation");
      if (c.state.operations.size() >= limits::kMaxOperationsPerAgent) {
        outcomes.push_back({order.uuid, false, std::nullopt, std::move(*why)});
        continue;
      }
      fail(c, row, std::move(*why), outcomes);
    }
    c.state.operations.emplace(order.uuid, std::move(row));
  }
  store_waiting(c);
  tell(c, std::move(outcomes));
}

void on_operations_stored(Context& c, const OperationsPending& write) {
  std::vector<Outcome> outcomes;
  for (const Uuid& uuid : write.uuids) {
    Operation& row = c.state.operations.at(uuid);
    row.phase = row.refused ? OperationPhase::failed : OperationPhase::finished;
    if (row.refused) {
      outcomes.push_back(outcome_of(row));
      continue;
    }
    // Each was tried on what the ones before it make, and they are stored together.
    const Status done = convert(c.state.total, row.conversion);
    ASSERT(done.ok());
    c.state.net.add(row.conversion);
    outcomes.push_back(outcome_of(row));
  }
  settled(c, std::move(outcomes));
}

void on_operations_rejected(Context& c, const OperationsPending& write, const std::string& reason) {
  PROBE("agent.operations_not_stored");
  std::vector<Outcome> outcomes;
  for (const Uuid& uuid : write.uuids) {
    Operation& row = c.state.operations.at(uuid);
    if (!row.refused) {
      fail(c, row, "the agent could not store it: " + reason, outcomes);
      continue;
    }
    // A disk that takes not even this: it is told while this life lasts.
    PROBE("agent.failure_not_stored");
    row.phase = OperationPhase::failed;
    outcomes.push_back(outcome_of(row));
  }
  // What counted on them has its turn, or cannot be any more.
  c.state.issued = c.state.total;
  for (auto& [number, row] : in_order(c.state, OperationPhase::waiting)) {
    if (row->refused) continue;
    const Status done = convert(c.state.issued, row->conversion);
    if (!done.ok()) fail(c, *row, done.error().message, outcomes);
  }
  settled(c, std::move(outcomes));
}

bool waits_for_operations(const AgentState& state, const MasterToAgent& message) {
  const auto* launch = std::get_if<to_agent::Launch>(&message.body);
  if (launch == nullptr) return false;
  const bool unsettled = std::any_of(
      state.operations.begin(), state.operations.end(),
      [](const auto& entry) { return is_unsettled(entry.second) && !entry.second.refused; });
  if (!unsettled) return false;
  const auto there = [&](const Resources& resources) {
    return state.total.contains(resources.non_revocable());
  };
  if (launch->executor && !there(launch->executor->resources)) return true;
  return !std::all_of(launch->tasks.begin(), launch->tasks.end(),
                      [&](const TaskFacetPtr& task) { return there(task->resources); });
}

void on_acknowledge_operations(Context& c, const to_agent::AcknowledgeOperations& message) {
  std::vector<CheckpointRecord> records;
  for (const Uuid& uuid : message.uuids) {
    const auto it = c.state.operations.find(uuid);
    if (it == c.state.operations.end() || is_unsettled(it->second)) continue;
    if (it->second.phase == OperationPhase::finished || it->second.refused) {
      records.push_back(checkpoint::OperationForgotten{uuid});
    }
    c.state.operations.erase(it);
  }
  if (!records.empty()) c.checkpoint(std::move(records), SettledPending{});
  arm_retry(c);
}

void resend_operations(Context& c) {
  PROBE("agent.resends_operations");
  ++c.state.operation_resends;
  std::map<std::uint64_t, Outcome> by_number;
  for (const auto& [uuid, row] : c.state.operations) {
    if (!is_unsettled(row)) by_number.emplace(row.number, outcome_of(row));
  }
  std::vector<Outcome> outcomes;
  for (auto& [number, outcome] : by_number) outcomes.push_back(std::move(outcome));
  tell(c, std::move(outcomes));
}

std::vector<to_master::KnownOperation> known_operations(const AgentState& state) {
  std::map<std::uint64_t, to_master::KnownOperation> by_number;
  for (const auto& [uuid, row] : state.operations) {
    to_master::KnownOperation known{row.order, OperationState::pending, std::nullopt, row.message};
    if (row.phase == OperationPhase::failed) known.state = OperationState::failed;
    if (row.phase == OperationPhase::finished) known.state = OperationState::finished;
    if (!is_unsettled(row)) known.status_uuid = row.status_uuid;
    by_number.emplace(row.number, std::move(known));
  }
  std::vector<to_master::KnownOperation> out;
  for (auto& [number, known] : by_number) out.push_back(std::move(known));
  return out;
}

}  // namespace bourse::agent
