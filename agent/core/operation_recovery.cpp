// What the checkpoint says of operations, folded into the state of the next life.
#include <algorithm>

#include "agent/core/context.hpp"
#include "base/probe.hpp"

namespace bourse::agent {

void fold_operation(AgentState& state, const checkpoint::OperationApplied& record) {
  if (state.operations.contains(record.order.uuid)) return;  // written again
  auto conversion = conversion_of(record.order.operation);
  if (!conversion.ok()) return;
  if (!record.counted) state.net.add(conversion.value());
  Operation row;
  row.order = record.order;
  row.conversion = std::move(conversion).value();
  row.status_uuid = record.status_uuid;
  row.phase = OperationPhase::finished;
  row.number = ++state.operations_seen;
  state.operations.emplace(record.order.uuid, std::move(row));
}

void fold_operation(AgentState& state, const checkpoint::OperationFailed& record) {
  Operation row;
  row.order = record.order;
  row.status_uuid = record.status_uuid;
  row.message = record.message;
  row.refused = true;
  row.phase = OperationPhase::failed;
  row.number = ++state.operations_seen;
  state.operations.emplace(record.order.uuid, std::move(row));
}

// A crash may have come between a DESTROY's record and the removal of what was in the volume.
void remove_destroyed_volumes(Context& c, const std::vector<CheckpointRecord>& records) {
  for (const CheckpointRecord& record : records) {
    const auto* applied = std::get_if<checkpoint::OperationApplied>(&record);
    if (applied == nullptr || applied->counted) continue;
    if (applied->order.operation.type != ResourceOperation::Type::destroy) continue;
    for (const Resource& volume : applied->order.operation.resources.list()) {
      const auto& made = c.state.net.made.list();
      const bool there = std::any_of(made.begin(), made.end(), [&](const Resource& have) {
        return is_volume(have) && have.role() == volume.role() &&
               have.meta->disk->persistence_id == volume.meta->disk->persistence_id;
      });
      if (there) continue;
      PROBE("agent.removes_destroyed_volume_again");
      c.emit(RemoveVolume{volume});
    }
  }
}

std::optional<std::string> adopt_operations(Context& c, const Resources& configured) {
  const auto total = c.state.net.over(configured);
  if (!total.ok()) return total.error().message;
  c.state.total = total.value();
  c.state.issued = total.value();
  return std::nullopt;
}

}  // namespace bourse::agent
