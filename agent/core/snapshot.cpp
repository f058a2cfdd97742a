// The fewest records that rebuild this state: what compaction of the checkpoint writes. It covers
// every write issued so far, stored or still on its way, because it replaces them in its turn.
#include "agent/core/agent_core.hpp"

#include "agent/core/context.hpp"

namespace bourse::agent {

std::vector<CheckpointRecord> AgentCore::snapshot() const {
  std::vector<CheckpointRecord> out;
  if (state_.identity && !state_.identity->id.empty()) out.push_back(identity_record(state_));
  out.push_back(checkpoint::LifeBegun{state_.incarnation, state_.boot_id});
  NetConversion net = state_.net;
  std::map<std::uint64_t, const Operation*> operations;
  for (const auto& [uuid, row] : state_.operations) {
    const bool written = row.phase == OperationPhase::storing ||
                         row.phase == OperationPhase::finished || row.refused;
    if (written) operations.emplace(row.number, &row);
  }
  for (const auto& [number, row] : operations) {
    if (row->phase == OperationPhase::storing && !row->refused) net.add(row->conversion);
  }
  if (!net.empty()) out.push_back(checkpoint::ResourcesConverted{std::move(net)});
  for (const auto& [number, row] : operations) {
    if (row->refused) {
      out.push_back(checkpoint::OperationFailed{row->order, *row->status_uuid, row->message});
      continue;
    }
    out.push_back(checkpoint::OperationApplied{row->order, row->status_uuid, true});
  }
  for (const auto& [id, framework] : state_.frameworks) {
    out.push_back(checkpoint::FrameworkSeen{*framework.facet});
  }
  for (const auto& [key, executor] : state_.executors) {
    out.push_back(checkpoint::ExecutorLaunched{key.first, *executor.facet, executor.command_task,
                                               executor.container_id, executor.token,
                                               executor.role});
    if (executor.leaked || executor.phase == ExecutorPhase::ending) {
      out.push_back(checkpoint::ContainerLeaked{key.first, key.second, executor.container_id,
                                                executor.withheld});
    }
  }
  for (const auto& [key, task] : state_.tasks) {
    out.push_back(checkpoint::TaskLaunched{key.first, task.executor_id, *task.facet, task.launch_id,
                                           task.group, task.launched_at, task.role});
    for (const Uuid& uuid : task.acknowledged) {
      out.push_back(checkpoint::UpdateAcknowledged{key.first, key.second, uuid});
    }
    // The newest state even if its update was acknowledged and forgotten.
    if (task.pending.empty() && task.latest && task.latest->uuid) {
      out.push_back(checkpoint::UpdateStored{key.first, *task.latest});
      out.push_back(checkpoint::UpdateAcknowledged{key.first, key.second, *task.latest->uuid});
    }
    for (const PendingUpdate& pending : task.pending) {
      out.push_back(checkpoint::UpdateStored{key.first, pending.status});
    }
    if (task.kill_requested) {
      out.push_back(checkpoint::KillRequested{key.first, key.second, task.kill_cause});
    }
  }
  return out;
}

}  // namespace bourse::agent
